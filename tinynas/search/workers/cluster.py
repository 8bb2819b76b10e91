"""A Dask cluster as a search sees it: which of its workers may run stages, and which of them have a board."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from tinynas.board import Board
from tinynas.config import Config
from tinynas.errors import BoardNotFound, ConfigError, HostError, TinynasError
from tinynas.search.workers.credentials import credentials, toolchain_version, why_refused

__all__ = ["Cluster", "Member", "SchedulerLost", "check_cluster"]

logger = logging.getLogger(__name__)

# Workers that are being started beside the search, or again after the death of the last one, get so long.
_JOIN_S = 60.0
# Where all that are there are refused, others may still be on their way.
_REFUSED_S = 10.0
_POLL_S = 0.5
_ANSWER_S = 10.0
_DASK = "start one by `dask scheduler`, and workers by `dask worker ADDRESS`; docs/scaling.md"


class SchedulerLost(Exception):
    """The scheduler does not answer."""


@dataclass
class Member:
    """A worker of the cluster.

    Attributes:
        threads: Tasks at a time.
        boards: Boards of the search's kind.
        toolchain: What builds their images; None: nothing, or there is no board.
        refused: Why it gets no stages; None: it does.
        error: What it has reported, where that is the reason.
    """

    threads: int
    boards: int
    toolchain: str | None = None
    refused: str | None = None
    error: TinynasError | None = None


class Cluster:
    """The connection to a scheduler, and the workers that were found fit.

    Args:
        address: Of the scheduler, such as "tcp://10.0.0.5:8786".
        config: Of the search.
        board: The board.
        toolchain: What built the images that were measured before; None: the first worker with a board decides.

    Raises:
        ConfigError: The extra `dask` is not installed.
        HostError: The scheduler does not answer.
    """

    def __init__(self, address: str, config: Config, board: Board, toolchain: str | None = None) -> None:
        self.address, self._config = address, config
        self.measures, self.resource = config.mode == "hil", f"board:{board.name}"
        self._toolchain = toolchain
        self.members: dict[str, Member] = {}
        self.client = self._connect()

    @property
    def trainers(self) -> dict[str, Member]:
        """Workers without a board; all, where each has one. A board that waits for a training measures nothing."""
        fit = {name: member for name, member in self.members.items() if member.refused is None}
        return {name: member for name, member in fit.items() if not member.boards} or fit

    @property
    def rigs(self) -> dict[str, Member]:
        """Workers with a board."""
        return {name: m for name, m in self.members.items() if m.refused is None and m.boards}

    @property
    def resources(self) -> dict[str, int]:
        """What a stage takes of a worker that has a board."""
        return {self.resource: 1}

    @contextmanager
    def reached(self) -> Iterator[Any]:
        """The client, for calls to the scheduler.

        Raises:
            SchedulerLost: It does not answer.
        """
        if self.client.status != "running":
            raise SchedulerLost(f"the scheduler at {self.address} was lost")
        try:
            yield self.client
        except _lost_errors() as error:
            raise SchedulerLost(f"the scheduler at {self.address} was lost: {error!r}") from error

    def look(self) -> None:
        """Find out who has come and who has gone.

        Raises:
            SchedulerLost: The scheduler does not answer.
        """
        with self.reached() as client:
            present: Mapping[str, int] = client.nthreads()
        for gone in set(self.members) - set(present):
            del self.members[gone]
        new = [address for address in present if address not in self.members]
        if not new:
            return
        with self.reached() as client:
            info = client.scheduler_info(n_workers=-1)["workers"]
            said = client.run(credentials, workers=new, on_error="return")
        for address in [one for one in new if one in info and one in said]:
            if isinstance(said[address], OSError):  # it has died meanwhile
                continue
            self._admit(address, info[address], said[address])

    def _admit(self, address: str, info: Mapping[str, Any], said: Any) -> None:
        boards = int(info["resources"].get(self.resource, 0)) if self.measures else 0
        member = Member(info["nthreads"], boards)
        if isinstance(said, Exception):
            member.refused = f"it has no such tinynas: {said}"
        else:
            member.refused = why_refused(said, credentials())
        if member.refused is None and boards:
            member.refused = self._check_toolchain(address, member)
        self.members[address] = member
        if member.refused is not None:
            logger.warning("the worker %s is refused: %s", address, member.refused)

    def _check_toolchain(self, address: str, member: Member) -> str | None:
        """Why a worker may not measure; sizes of images by two compilers do not compare."""
        with self.reached() as client:
            compiler = self._config.cost.compiler
            [member.toolchain] = client.run(toolchain_version, compiler, workers=[address], on_error="return").values()
        if not isinstance(member.toolchain, str):
            return f"it has a board, and no compiler {self._config.cost.compiler or ''}".rstrip()
        self._toolchain = self._toolchain or member.toolchain
        if member.toolchain != self._toolchain:
            return f"it builds images by {member.toolchain}, the search by {self._toolchain}"
        return None

    def set_aside(self, address: str, error: TinynasError) -> None:
        """Give a worker no more stages. One that is started anew is another worker."""
        if address in self.members:
            self.members[address].refused, self.members[address].error = str(error), error
            logger.warning("the worker %s is set aside: %s", address, error)

    def wait(self, measure: bool) -> None:
        """Wait for a worker.

        Args:
            measure: Whether it has to have a board.

        Raises:
            HostError: There is none, for a minute.
            BoardNotFound: There is none with such a board.
            TinynasError: What the last one has reported.
            SchedulerLost: The scheduler does not answer.
        """
        began = monotonic()
        while True:
            self.look()
            if self.rigs if measure else self.trainers:
                return
            failed = [m.error for m in self.members.values() if m.error and (m.boards or not measure)]
            if failed:
                raise failed[-1]
            refused = self.members and all(member.refused for member in self.members.values())
            if monotonic() - began > min(_JOIN_S, _REFUSED_S if refused else _JOIN_S):
                raise self._nobody(measure)
            sleep(_POLL_S)

    def require(self) -> None:
        """Wait for the first workers; raises what `wait` raises, and `HostError` for a scheduler that is lost."""
        try:
            self.wait(measure=False)
            if self.measures:
                self.wait(measure=True)
        except SchedulerLost as error:
            raise HostError(str(error), where=self.address, advice=_DASK) from error

    def _nobody(self, measure: bool) -> TinynasError:
        why = "; ".join(f"{name} is refused: {m.refused}" for name, m in self.members.items() if m.refused)
        why = f" ({why})" if why else ""
        if measure:
            advice = f"`dask worker {self.address} --nthreads 1 --resources {self.resource}=1` on the board's computer"
            return BoardNotFound(f"no worker has a {self.resource}{why}", where=self.address, advice=advice)
        return HostError(f"the scheduler has no worker{why}", where=self.address, advice=_DASK)

    def reconnect(self) -> bool:
        """Find the scheduler again, or another one at its address.

        Returns:
            Whether it was lost.

        Raises:
            HostError: It does not come back.
        """
        deadline = monotonic() + _JOIN_S
        while self.client.status == "connecting" and monotonic() < deadline:
            sleep(_POLL_S)
        lost = bool(self.client.status != "running")
        if lost:
            self.close()
            self.client = self._connect(deadline)
        return lost

    def close(self) -> None:
        """Leave the cluster, which goes on."""
        self.client.close(timeout=5)

    def _connect(self, deadline: float = 0.0) -> Any:
        try:
            import distributed  # noqa: F401
        except ImportError as error:
            raise ConfigError("dask is not installed", where="dask", advice="pip install 'tinynas[dask]'") from error
        while (client := self._attempt(monotonic() > deadline)) is None:
            sleep(_POLL_S)
        return client

    def _attempt(self, last: bool) -> Any:
        from distributed import Client

        try:
            return Client(self.address, set_as_default=False, timeout=_ANSWER_S)
        except ValueError as error:
            what = f"is no address of a scheduler: {error}"
            raise ConfigError(what, where=f"dask: {self.address}", advice="tcp://HOST:8786, or tls://") from error
        except (OSError, TypeError, RuntimeError) as error:  # TypeError: Dask's for missing certificates
            if last:
                raise HostError(f"no scheduler answers: {error}", where=self.address, advice=_DASK) from error
            return None


def _lost_errors() -> tuple[type[BaseException], ...]:
    """What Dask raises where the connection is gone. Before Python 3.11 there are two kinds of time-out."""
    from distributed.client import ClosedClientError

    return OSError, asyncio.TimeoutError, RuntimeError, ClosedClientError


def check_cluster(board: Board, config: Config) -> None:
    """Fail fast if the cluster of a configuration could not run its search.

    Args:
        board: The board.
        config: The search's configuration, with `dask`.

    Raises:
        ConfigError: The extra `dask` is not installed.
        HostError: The scheduler does not answer, or has no worker.
        BoardNotFound: It has no worker with the board.
    """
    assert config.dask is not None
    cluster = Cluster(config.dask, config, board)
    try:
        cluster.require()
    finally:
        cluster.close()
