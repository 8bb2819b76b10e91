"""What runs on the workers of a Dask cluster: stages, with data that each worker was sent once."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tinynas.deploy import load_tensorflow
from tinynas.errors import BoardError, HostError, TinynasError
from tinynas.hostfaults import host_faults_stop
from tinynas.search.workers.notebook import Step
from tinynas.search.workers.setup import Setup, Worker
from tinynas.study import Trial

if TYPE_CHECKING:
    from distributed.worker import Worker as DaskWorker

__all__ = ["Answer", "run_stage"]

# States of a task that the scheduler still wants the result of.
_WANTED = {"executing", "long-running"}


@dataclass(frozen=True)
class Answer:
    """What a worker makes of a stage.

    Attributes:
        worker: Its address.
        steps: What the stage learned.
        error: Why there are none: the worker, or its board, failed.
    """

    worker: str
    steps: Sequence[Step] = ()
    error: TinynasError | None = None


class Unwanted(Exception):
    """Nobody waits for the stage any longer."""


def run_stage(trial: Trial, files: Mapping[str, bytes], data: str, topic: str, board: int = 0) -> Answer:
    """Run the next stage of a trial, inside a Dask task.

    Args:
        trial: As the study has it.
        files: SHA-256 to content of the artefacts that the stage reads.
        data: Name of the file that holds the `Setup`, in the worker's folder.
        topic: Where the progress of trainings is told.
        board: Number of the board, of a search for several.

    Raises:
        TinynasError: What concerns the search as a whole.
        Unwanted: The driver has gone, or has given the stage up.
    """
    from distributed import get_worker

    dask = get_worker()
    _local.topic = topic
    try:
        return Answer(dask.address, _worker(dask, data).run(trial, files, board))
    except (HostError, BoardError) as error:
        return Answer(dask.address, error=error)


# The pipeline of each thread, which holds its training data as tensors.
_local = threading.local()
_setups: dict[Path, Setup] = {}
_loading = threading.Lock()


def _worker(dask: DaskWorker, data: str) -> Worker:
    """This thread's worker for a search."""
    setup = _setup(dask, data)
    found: Worker | None = getattr(_local, "worker", None)
    if found is None or found.setup is not setup:
        found = _local.worker = Worker(setup, _tell)
    return found


def _setup(dask: DaskWorker, data: str) -> Setup:
    """The data, mapped into the memory of this process when it first needs them."""
    import joblib

    path = Path(dask.local_directory) / data
    with _loading:
        if path not in _setups:
            for old in [old for old in _setups if old.name not in dask.plugins]:  # of searches that have ended
                del _setups[old]
                old.unlink(missing_ok=True)
            with host_faults_stop("read the data", where=str(path), then="resume the search"):
                loaded: Setup = joblib.load(path, mmap_mode="r")
            load_tensorflow(loaded.config.training.threads)
            _setups[path] = loaded
        return _setups[path]


def _tell(*epoch: float) -> None:
    """Tell the driver of an epoch. A thread cannot be ended from outside: what nobody waits for ends itself here."""
    from distributed import get_worker

    dask = get_worker()
    task = dask.state.tasks.get(dask.get_current_task())
    if task is None or task.state not in _WANTED:
        raise Unwanted
    dask.log_event(_local.topic, epoch)
