"""What a search asks of its workers, wherever they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Protocol

from tinynas.errors import TinynasError
from tinynas.search.workers.notebook import Step
from tinynas.study import Trial, WorkerNote

__all__ = ["Epoch", "StageLost", "Workers"]

#: Takes trial id, epoch and validation RMSE of a training.
Epoch = Callable[[int, int, float], None]


class StageLost(Exception):
    """A stage has no result, for no fault of its trial: its worker died, or failed.

    Args:
        message: What happened.
        tries: How many workers it has cost.
        worker: Who reported `error`; None: nothing was reported.
        error: What the worker reported.
    """

    def __init__(
        self, message: str, *, tries: int = 1, worker: str | None = None, error: TinynasError | None = None
    ) -> None:
        super().__init__(message)
        self.tries, self.worker, self.error = tries, worker, error


class Workers(Protocol):
    """Runs stages of trials."""

    @property
    def count(self) -> int:
        """How many stages run at a time. It may change during a search."""

    def rigs(self, board: int, /) -> int | None:
        """How many of them may use that board of the search at a time; None: as many as there are."""

    def submit(self, trial: Trial, files: Mapping[str, bytes], board: int = 0) -> Future[Sequence[Step]]:
        """Run the next stage of a trial; see `Worker.run`. The future raises `StageLost` where a worker was lost."""

    def listen(self) -> None:
        """Pass on what workers have told of their trainings."""

    def members(self) -> Sequence[WorkerNote]:
        """The workers that live, and what each does. May be asked by another thread at any moment."""

    def restart(self, stage: Future[Sequence[Step]], /) -> bool:
        """Give up a stage that was lost or hangs, with the workers that run it, and have fresh ones.

        Returns:
            Whether every other stage is lost with it.
        """

    def close(self) -> None:
        """End the stages, whatever they are doing."""
