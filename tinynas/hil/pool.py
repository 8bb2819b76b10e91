"""A pool of boards of one type, which share the measurements of a search and of searches beside it.

Nothing of it lives in a process: who uses a board is a lock (`boards.BoardLock`), how it has done is a file
(`boards.Health`). So each worker of a search makes a pool of its own, and all see the same boards.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tinynas.board import Board
from tinynas.deploy import compile_model
from tinynas.errors import BoardError, BoardNotFound, ConfigError, TinynasError
from tinynas.hil.boards import (
    BoardState,
    FlashMethod,
    Health,
    Rig,
    SerialRig,
    look_at,
    read_health,
    rig_for,
    rigs_for,
    write_health,
)
from tinynas.hil.check import check_image, known_model
from tinynas.hil.dut import deadline_in
from tinynas.hil.flashers import RecoveryCommand
from tinynas.hil.image import Toolchain, build_image
from tinynas.scratch import scratch_folder

__all__ = ["BoardPool"]

_LOG = logging.getLogger(__name__)

#: A board that fails so often in a row is tested, and set aside where it does not pass.
_FAILURES = 2
#: A board that was set aside is tested again after so long.
_AGAIN_S = 300.0
#: A test that is younger need not be repeated.
_FRESH_S = 10.0
#: A board that was unplugged, or whose supply was turned off, may come back.
_APPEARS_S = 15.0
#: Longest wait for a board that others use.
_IN_USE_S = 3600.0
_POLL_S = 0.5


@dataclass(frozen=True)
class BoardPool:
    """The boards that a search may measure on.

    Attributes:
        board: Their description.
        link: "virtual": as many virtual boards as are asked for; "auto": all attached boards that fit; a serial port:
            the board at it alone.
        flasher: See `rig_for`.
        probe_id: Serial number of the probe, or its beginning: only boards whose probe's begins so.
        recover: A command that brings a board back which fails, as `RecoveryCommand` reads it; None: it is only tested.
        toolchain: Compiler of the self-test's image; None: the first that is found.
    """

    board: Board
    link: str = "auto"
    flasher: FlashMethod = "auto"
    probe_id: str | None = None
    recover: str | None = None
    toolchain: Toolchain | None = None

    def rigs(self) -> list[Rig]:
        """The boards that are there now, in use or not.

        Raises:
            BoardNotFound: There is none.
            BoardError: One cannot be reached or flashed.
            ConfigError: The options contradict each other or the board.
        """
        if self._is_virtual and self.recover is not None:
            raise ConfigError("a virtual board is not brought back", where="hil.recover", advice="leave it out")
        if self.link == "auto":
            return list(rigs_for(self.board, flasher=self.flasher, probe_id=self.probe_id))
        return [rig_for(self.board, self.link, flasher=self.flasher, probe_id=self.probe_id)]

    def look(self) -> list[BoardState]:
        """What the attached boards are now: free, in use by whom, or set aside with what reason. Virtual ones are none.

        Raises:
            As `rigs`, but for BoardNotFound.
        """
        if self._is_virtual:
            return []
        with suppress(BoardNotFound):
            return [look_at(rig.key) for rig in self.rigs() if isinstance(rig, SerialRig)]
        return []

    @contextmanager
    def take(self) -> Iterator[Rig]:
        """Use one of the boards; wait while others use all of them.

        An error of the disposition "retry" that leaves the block counts against the board. After two in a row the
        board is brought back by `recover` and tested; where it does not pass, it is set aside with its reason, and
        tested again later.

        Raises:
            BoardNotFound: No board is left: none is attached, or all are set aside. Reasons are named.
            BoardError: All are in use for an hour; by whom is named.
            ConfigError: The options contradict each other or the board.
        """
        if self._is_virtual:
            yield self.rigs()[0]
            return
        rig = self._take()
        try:
            yield rig
        except TinynasError as error:
            if error.disposition == "retry":
                self._note_failure(rig, str(error))
            raise
        else:
            if read_health(rig.key) != Health():
                write_health(rig.key, Health())
        finally:
            rig.lock.release()

    @property
    def _is_virtual(self) -> bool:
        return self.link == "virtual"

    def _take(self) -> SerialRig:
        """A board that is in order, with its lock taken."""
        deadline, told = deadline_in(_IN_USE_S), False
        while True:
            rigs = self._present()
            if (found := self._free(rigs)) is not None:
                return found
            if time.monotonic() > deadline:
                raise BoardError(f"all are in use for an hour: {_holders(rigs)}", where=self.board.name)
            if not told:
                _LOG.warning("waiting for %s: in use by %s", self.board.name, _holders(rigs))
                told = True
            time.sleep(_POLL_S)

    def _present(self) -> list[SerialRig]:
        """The boards that are attached; those that are on their way back are waited for."""
        deadline = deadline_in(_APPEARS_S)
        while time.monotonic() < deadline:
            with suppress(BoardNotFound):
                return [rig for rig in self.rigs() if isinstance(rig, SerialRig)]
            time.sleep(_POLL_S)
        return [rig for rig in self.rigs() if isinstance(rig, SerialRig)]

    def _free(self, rigs: list[SerialRig]) -> SerialRig | None:
        """One that nobody uses; None: others use them, or test those that were set aside.

        Raises:
            BoardNotFound: All are set aside, and nobody is about to test one.
        """
        in_use, reasons = False, dict[str, str]()
        # The one that has failed last comes last, those that were set aside behind them.
        for rig in sorted(rigs, key=lambda rig: read_health(rig.key).failures):
            if not rig.lock.take():
                in_use = True
                continue
            health = read_health(rig.key)
            due = health.age_s() >= (_AGAIN_S if in_use else _FRESH_S)
            if health.reason is None or (due and self._restored(rig)):
                return rig
            reasons[rig.key] = read_health(rig.key).reason or ""
            rig.lock.release()
        if in_use:
            return None
        listed = "; ".join(f"{key}: {reason}" for key, reason in reasons.items())
        raise BoardNotFound(
            f"no board is left: {listed}",
            where=self.board.name,
            advice="mend it and try again: `tinynas boards check` tests one",
        )

    def _note_failure(self, rig: SerialRig, reason: str) -> None:
        failures = read_health(rig.key).failures + 1
        write_health(rig.key, Health(failures))
        if failures >= _FAILURES:
            _LOG.warning("board %s fails %d times in a row: %s", rig.key, failures, reason)
            if self._restored(rig):
                _LOG.warning("board %s passes its self-test again", rig.key)

    def _restored(self, rig: SerialRig) -> bool:
        """Bring a board back and test it; whether it passes. Where it does not, it is set aside with its reason."""
        complaint = self._recovered(rig) or self._tested(rig)
        found = Health() if complaint is None else Health(_FAILURES, complaint, time.time())
        write_health(rig.key, found)
        if complaint is not None:
            _LOG.warning("board %s is set aside: %s", rig.key, complaint)
        return complaint is None

    def _recovered(self, rig: SerialRig) -> str | None:
        if self.recover is None:
            return None
        try:
            return RecoveryCommand(self.recover, port=rig.port, probe_id=rig.key).run({})
        except TinynasError as error:
            return str(error)

    def _tested(self, rig: SerialRig) -> str | None:
        try:
            with scratch_folder() as scratch:
                image = build_image(self.board, compile_model(known_model()), scratch, toolchain=self.toolchain)
                checks = check_image(rig, image, fault=False)
        except TinynasError as error:
            return str(error)
        failed = [f"{check.name}: {check.detail}" for check in checks if check.passed is False]
        return f"its self-test fails: {failed[0]}" if failed else None


def _holders(rigs: list[SerialRig]) -> str:
    return "; ".join(str(holder) for rig in rigs if (holder := rig.lock.holder())) or "other processes"
