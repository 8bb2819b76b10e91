"""Workers of a Dask cluster. The driver places the stages; Dask carries them there and notices who dies."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import SimpleQueue
from time import monotonic, time
from typing import Any

from tinynas.errors import HostError
from tinynas.scratch import scratch_folder
from tinynas.search.workers.cluster import Cluster, SchedulerLost
from tinynas.search.workers.interface import Epoch, StageLost
from tinynas.search.workers.notebook import Step
from tinynas.search.workers.remote import Answer, run_stage
from tinynas.search.workers.setup import Setup
from tinynas.study import Trial, TrialState, WorkerNote

__all__ = ["DaskWorkers"]

# How often it is looked who has come and gone, in seconds.
_LOOK_S = 1.0
# How long a worker's nanny may take to start it again.
_RESTART_S = 30.0
_MEASURES = {TrialState.PROPOSED, TrialState.CONVERTED}


@dataclass(frozen=True)
class _Sent:
    """A stage that was sent: its trial, the name of its task, Dask's side of its future, and who may run it."""

    trial: int
    task: str
    inner: Future[Answer]
    workers: frozenset[str]


class DaskWorkers:
    """Stages on a cluster. Data go to each worker once; models go with the stages that read them.

    Args:
        address: Of the scheduler.
        setup: What the stages share.
        on_epoch: Called by `listen` with trial id, epoch and validation RMSE.
        toolchain: What built the images that were measured before.

    Raises:
        ConfigError: The extra `dask` is not installed.
        HostError: The scheduler does not answer, or has no worker.
        BoardNotFound: It has no worker with the board.
    """

    def __init__(self, address: str, setup: Setup, on_epoch: Epoch, toolchain: str | None = None) -> None:
        self._on_epoch, self._epochs = on_epoch, SimpleQueue[Sequence[Any]]()
        self._topic = f"tinynas-{uuid.uuid4().hex}"
        self._sent: dict[Future[Sequence[Step]], _Sent] = {}
        self._looked = 0.0
        self._members: dict[str, WorkerNote] = {}
        self._data, self._plugin = _packed(setup)
        self._cluster = Cluster(address, setup.config, setup.board, toolchain)
        try:
            self._cluster.require()
            self._equip()
        except BaseException:
            self._cluster.close()
            raise

    @property
    def count(self) -> int:
        """See `Workers`: the threads of the workers."""
        both = {**self._cluster.trainers, **self._cluster.rigs}
        return max(1, sum(member.threads for member in both.values()))

    def rigs(self, _board: int, /) -> int | None:
        """See `Workers`. Where a worker has fewer threads than boards, its threads count."""
        if not self._cluster.measures:
            return None
        return max(1, sum(min(member.boards, member.threads) for member in self._cluster.rigs.values()))

    def submit(self, trial: Trial, files: Mapping[str, bytes], board: int = 0) -> Future[Sequence[Step]]:
        """See `Workers`.

        Raises:
            HostError: The cluster has no worker any longer.
            BoardError: It has none with a board any longer.
        """
        outer: Future[Sequence[Step]] = Future()
        task = f"trial-{trial.id}-{trial.state}-{uuid.uuid4().hex}"
        stage = (trial, dict(files), self._data, self._topic, board)
        measure = self._cluster.measures and trial.state in _MEASURES
        try:
            workers = self._allowed(measure)
            with self._cluster.reached() as client:
                resources = self._cluster.resources if measure else None
                executor = client.get_executor(pure=False, workers=sorted(workers), resources=resources)
                inner = executor.submit(run_stage, *stage, key=task)
        except SchedulerLost as error:
            outer.set_exception(StageLost(str(error)))
            return outer
        self._sent[outer] = _Sent(trial.id, task, inner, workers)
        inner.add_done_callback(lambda done: _settle(outer, done))
        return outer

    def _allowed(self, measure: bool) -> frozenset[str]:
        """Who may run a stage; the wait for somebody who may."""
        cluster = self._cluster
        if not (cluster.rigs if measure else cluster.trainers):
            cluster.wait(measure)
        return frozenset(cluster.rigs if measure else cluster.trainers)

    def listen(self) -> None:
        """See `Workers`."""
        while not self._epochs.empty():
            self._on_epoch(*self._epochs.get())
        if monotonic() - self._looked < _LOOK_S:
            return
        self._looked = monotonic()
        with suppress(SchedulerLost):  # stages notice it by themselves
            self._cluster.look()
            self._members = self._see_members()
        for outer, sent in list(self._sent.items()):
            if outer.done():
                del self._sent[outer]
            elif not sent.workers & set(self._cluster.members):
                sent.inner.cancel()  # Dask would wait until a worker of this address is back

    def members(self) -> Sequence[WorkerNote]:
        """See `Workers`. As of the last look at the cluster."""
        return list(self._members.values())

    def _see_members(self) -> dict[str, WorkerNote]:
        """The workers of the cluster, each with the trials whose stages it has."""
        with self._cluster.reached() as client:
            tasks: Mapping[str, Sequence[str]] = client.processing()
        trial_of, found = {sent.task: sent.trial for sent in self._sent.values()}, {}
        for address, member in self._cluster.members.items():
            trials = tuple(sorted({trial_of[task] for task in tasks.get(address, ()) if task in trial_of}))
            now = WorkerNote(address, trials, time(), member.refused, member.boards)
            before = self._members.get(address)
            found[address] = before if before is not None and replace(before, since=now.since) == now else now
        return found

    def restart(self, stage: Future[Sequence[Step]], /) -> bool:
        """See `Workers`."""
        sent = self._sent.pop(stage, None)
        failed = stage.exception() if stage.done() else None
        if isinstance(failed, StageLost) and failed.worker and failed.error:
            self._cluster.set_aside(failed.worker, failed.error)
            return False
        lost = self._cluster.reconnect()
        if failed is not None:
            with suppress(SchedulerLost):  # it will be noticed again
                self._equip()  # perhaps the client has found another scheduler before anybody noticed
        elif sent is not None and not lost:
            self._end(sent)
        return lost

    def close(self) -> None:
        """See `Workers`. The cluster goes on."""
        for sent in self._sent.values():
            sent.inner.cancel()
        # Another scheduler may have taken the first one's place, and knows nothing of the data.
        with suppress(SchedulerLost, ValueError), self._cluster.reached() as client:
            client.unregister_worker_plugin(self._data)
        self._cluster.close()

    def _equip(self) -> None:
        """Have the scheduler give the data to every worker, also to those that come later."""
        with self._cluster.reached() as client:
            client.register_plugin(self._plugin, name=self._data)
            client.subscribe_topic(self._topic, lambda event: self._epochs.put(event[1]))

    def _end(self, sent: _Sent) -> None:
        """Give up a stage that hangs: its worker is started again."""
        busy: list[str] = []
        try:
            with self._cluster.reached() as client:
                busy = [address for address, tasks in client.processing().items() if sent.task in tasks]
                sent.inner.cancel()  # the scheduler forgets who runs it
                client.restart_workers(busy, timeout=_RESTART_S, raise_for_error=False)
        except SchedulerLost:
            pass  # noticed by the next stage
        except ValueError:  # nobody can start a worker again that has no nanny
            for address in busy:
                self._cluster.set_aside(address, HostError("it hangs, and runs without a nanny", where=address))


def _packed(setup: Setup) -> tuple[str, Any]:
    """The data as a plugin that leaves a file in the folder of each worker, and the name of that file."""
    import joblib
    from distributed.diagnostics.plugin import UploadFile

    with scratch_folder() as folder:
        file = folder / "setup"
        joblib.dump(setup, file)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        named = file.rename(folder / f"tinynas-{digest[:32]}")
        plugin = UploadFile(str(named), load=False)
        plugin.idempotent = True  # a resume finds its data there
        return named.name, plugin


def _settle(outer: Future[Sequence[Step]], inner: Future[Answer]) -> None:
    """Pass on what has become of a stage."""
    from distributed.scheduler import KilledWorker

    try:
        answer = inner.result()
    except CancelledError:
        outer.set_exception(StageLost("a worker or the scheduler was lost"))
    except KilledWorker as error:
        tries = error.allowed_failures + 1
        outer.set_exception(StageLost(f"{tries} workers died, {error.last_worker.address} last", tries=tries))
    except Exception as error:
        outer.set_exception(error)
    else:
        if answer.error is None:
            outer.set_result(answer.steps)
        else:
            lost = StageLost(f"the worker {answer.worker} failed", worker=answer.worker, error=answer.error)
            outer.set_exception(lost)
