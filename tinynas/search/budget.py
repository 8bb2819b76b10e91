"""The time of a search: what is left of it, and what is kept for its end."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tinynas.config import Config
from tinynas.search.pace import Pace
from tinynas.study import Trial

__all__ = ["Budget"]

# Of the evaluation of the best network and the summary, beside what a measurement takes.
_CONCLUSION_S = 1.0


@dataclass
class Budget:
    """Knows how much time there is, and what a step may cost.

    Attributes:
        config: The search's configuration.
        pace: What steps cost.
        clock: Seconds, monotonic.
        began_s: What it said when this session began.
        earlier_s: What earlier sessions took.
        workers: How many trials are at work at a time.
        boards: For how many boards is searched.
    """

    config: Config
    pace: Pace
    clock: Callable[[], float]
    began_s: float
    earlier_s: float = 0.0
    workers: int = 1
    boards: int = 1

    @property
    def spent_s(self) -> float:
        """Time since the search began, earlier sessions included."""
        return self.earlier_s + self.clock() - self.began_s

    @property
    def left_s(self) -> float:
        """Time until the limit; infinite without one."""
        return math.inf if self.config.minutes is None else 60.0 * self.config.minutes - self.spent_s

    def allows(self, seconds: float, kept_s: float) -> bool:
        """Whether a step of so many seconds leaves what is kept for the end."""
        return seconds <= self.left_s - kept_s

    def reserve_s(self, finalists: Sequence[Trial], unfinished: Sequence[Trial]) -> float:
        """What the end of the search will take.

        Args:
            finalists: The networks that final trainings would repeat now; fewer than there will be where few are known.
            unfinished: Paused trials that have to be trained to the end before.
        """
        if self.config.minutes is None:
            return 0.0
        final, completions = self.config.final, [self.pace.predict_end(trial) for trial in unfinished]
        epochs = final.epochs or self.config.training.epochs
        trainings = [self.pace.predict_training(trial, epochs) for trial in finalists]
        # Of those that are not known yet, what the known ones take on average.
        each = sum(trainings) / len(trainings) if trainings else 0.0
        # Boards may choose alike: of each there are at least so many, and at most all that are named here. While few
        # are known, another candidate is worth more than many seeds of one.
        networks = max(min(final.candidates, len(finalists) + 1), len(finalists)) if final.candidates else 0
        whole = each * (math.ceil(networks * final.seeds / self.workers) + final.refit * self.boards)
        if trainings and whole + self.conclusion_s > self.left_s:
            # There will not be all of them: time is kept for one of the best network, or for none if that is too long.
            whole = trainings[0] if trainings[0] + self.conclusion_s <= self.left_s else 0.0
        return sum(completions) / min(self.workers, max(1, len(completions))) + whole + self.conclusion_s

    def allows_final(self, trial: Trial) -> bool:
        """Whether there is time for another final training of a network."""
        epochs = self.config.final.epochs or self.config.training.epochs
        seconds = self.pace.predict_training(trial, epochs)
        kept = seconds * self.boards if self.config.final.refit else 0.0
        return self.allows(seconds, self.conclusion_s + kept)

    @property
    def conclusion_s(self) -> float:
        """The evaluation of the best network on the test recordings, and what goes with it."""
        return self.boards * _CONCLUSION_S + self.pace.finishing_s
