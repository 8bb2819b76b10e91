"""Workers on this computer."""

from __future__ import annotations

import dataclasses
import logging
import logging.handlers
import os
import signal
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from tinynas.config import Config
from tinynas.deploy import load_tensorflow
from tinynas.scratch import scratch_folder
from tinynas.search.bench import count_boards
from tinynas.search.workers.interface import Epoch
from tinynas.search.workers.notebook import Step
from tinynas.search.workers.setup import Setup, Worker
from tinynas.study import Trial, WorkerNote, process_lives
from tinynas.tuner import SerialExecutor, processor_count

__all__ = ["ProcessWorkers", "SerialWorkers", "choose_workers"]

_LOGGER = logging.getLogger("tinynas")
# The number of threads of linear algebra in a process is read from these at its start.
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


@dataclass(frozen=True)
class _Turn:
    """What a process does from a moment on: the stage of a trial, or nothing."""

    pid: int
    trial: int | None = None
    since: float = field(default_factory=time.time)

    @property
    def note(self) -> WorkerNote:
        return WorkerNote(f"process {self.pid}", () if self.trial is None else (self.trial,), self.since)


class SerialWorkers:
    """The driver itself: a submitted stage runs at once, and its future comes back done.

    Args:
        setup: What the stages share.
        on_epoch: Called with trial id, epoch and validation RMSE during training.
    """

    count = 1

    def __init__(self, setup: Setup, on_epoch: Epoch) -> None:
        self._rigs = _count_rigs(setup)
        self._worker = Worker(setup, on_epoch)
        self._turn = _Turn(os.getpid())

    def rigs(self, board: int, /) -> int | None:
        """See `Workers`."""
        return self._rigs[board]

    def submit(self, trial: Trial, files: Mapping[str, bytes], board: int = 0) -> Future[Sequence[Step]]:
        """See `Workers`. An interrupt passes."""
        self._turn = _Turn(os.getpid(), trial.id)
        try:
            return SerialExecutor().submit(self._worker.run, trial, files, board)
        finally:
            self._turn = _Turn(os.getpid())

    def listen(self) -> None:
        """Nothing waits: the observer was told during the training."""

    def members(self) -> Sequence[WorkerNote]:
        """See `Workers`."""
        return [self._turn.note]

    def restart(self, _stage: Future[Sequence[Step]], /) -> bool:
        """Nothing runs."""
        return False

    def close(self) -> None:
        """Nothing is left behind."""


class ProcessWorkers:
    """Processes of `training.threads` threads each, started once; the data are written once and mapped into each.

    Args:
        count: How many, at least 1.
        setup: What the stages share.
        on_epoch: Called by `listen` with trial id, epoch and validation RMSE.
    """

    def __init__(self, count: int, setup: Setup, on_epoch: Epoch) -> None:
        import joblib

        self.count, self._rigs, self._on_epoch = count, _count_rigs(setup), on_epoch
        self._scratch = ExitStack()
        self._setup = self._scratch.enter_context(scratch_folder()) / "setup"
        joblib.dump(setup, self._setup)
        self._turns: dict[int, _Turn] = {}
        self._pool, self._news = self._start()

    def rigs(self, board: int, /) -> int | None:
        """See `Workers`."""
        return self._rigs[board]

    def submit(self, trial: Trial, files: Mapping[str, bytes], board: int = 0) -> Future[Sequence[Step]]:
        """See `Workers`."""
        try:
            future: Future[Sequence[Step]] = self._pool.submit(_run, trial, dict(files), board)
        except BrokenProcessPool as error:
            future = Future()
            future.set_exception(error)
        return future

    def listen(self) -> None:
        """See `Workers`."""
        while not self._news.empty():
            news = self._news.get()
            if isinstance(news, logging.LogRecord):
                logging.getLogger(news.name).handle(news)
            elif isinstance(news, _Turn):
                self._turns = {**self._turns, news.pid: news}  # another thread may be reading the old ones
            else:
                self._on_epoch(*news)

    def members(self) -> Sequence[WorkerNote]:
        """See `Workers`. A process is known once it has told that it is ready."""
        return [turn.note for turn in self._turns.values() if process_lives(turn.pid)]

    def restart(self, _stage: Future[Sequence[Step]], /) -> bool:
        """See `Workers`. A pool ends as a whole."""
        self._pool.shutdown(wait=True, kill_workers=True)
        self._pool, self._news = self._start()
        return True

    def close(self) -> None:
        """See `Workers`."""
        self._pool.shutdown(wait=True, kill_workers=True)
        with suppress(OSError):
            self._scratch.close()

    def _start(self) -> tuple[Any, Any]:
        """A pool and the queue of its news, which a worker that is killed as it tells some leaves locked for ever."""
        from loky import ProcessPoolExecutor
        from loky.backend import get_context

        # The pool replaces a worker whose memory has grown by 300 MB. That costs seconds and no result: no news.
        warnings.filterwarnings("ignore", message="A worker was restarted while some jobs", category=UserWarning)
        self._turns = {}
        # The default ends workers that were idle for a while, and TensorFlow takes seconds to load.
        news = get_context("loky").SimpleQueue()
        start = (str(self._setup), news, os.getpid(), _LOGGER.getEffectiveLevel())
        return ProcessPoolExecutor(self.count, timeout=None, initializer=_begin, initargs=start, env=_ONE_THREAD), news


def _count_rigs(setup: Setup) -> list[int | None]:
    """How many measurements of each board run at a time."""
    return [count_boards(board, setup.config) for board in setup.boards]


def choose_workers(config: Config) -> Config:
    """The configuration with the number of workers spelled out, for a study to keep.

    A resume on a computer with more cores then makes the same kind of search.

    Args:
        config: Where it names no number, there are as many as processors, or trials. A cluster has its own number.
    """
    if config.dask is not None:
        return config
    return dataclasses.replace(config, workers=config.workers or min(processor_count(), config.most_trials))


#: The worker of this process, and where it tells of itself; None in a process that is no worker.
_worker: Worker | None = None
_news: Any = None


class _ToDriver(logging.handlers.QueueHandler):
    """Sends a worker's log records to the driver, which has the handlers.

    Args:
        news: Queue to the driver; it knows `put` alone.
    """

    def __init__(self, news: Any) -> None:
        super().__init__(news)
        self._news = news

    def enqueue(self, record: logging.LogRecord) -> None:
        """Called by logging with a record that can be pickled."""
        self._news.put(record)


def _begin(setup: str, news: Any, driver: int, level: int) -> None:
    """Make this process a worker.

    Args:
        setup: File with what the stages share.
        news: Queue of epochs and log records, for `listen`.
        driver: The driver's process.
        level: Of the log records that the driver wants.
    """
    import joblib

    global _worker, _news
    _LOGGER.addHandler(_ToDriver(news))
    _LOGGER.setLevel(level)
    _LOGGER.propagate = False  # libraries give the root logger a handler of their own
    # Ctrl-C reaches every process of the terminal; the driver alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(driver,), daemon=True).start()
    shared: Setup = joblib.load(setup, mmap_mode="r")
    # Here, so that the pool does not take its memory for a leak of the first training.
    load_tensorflow(shared.config.training.threads)
    _worker, _news = Worker(shared, lambda *epoch: news.put(epoch)), news
    news.put(_Turn(os.getpid()))


def _end_with(driver: int) -> None:
    """End this process when its driver has gone, also by SIGKILL: nobody would take its answer."""
    pause = threading.Event()
    while os.getppid() == driver:
        pause.wait(1.0)
    os._exit(1)


def _run(trial: Trial, files: Mapping[str, bytes], board: int) -> Sequence[Step]:
    assert _worker is not None
    _news.put(_Turn(os.getpid(), trial.id))
    try:
        return _worker.run(trial, files, board)
    finally:
        _news.put(_Turn(os.getpid()))
