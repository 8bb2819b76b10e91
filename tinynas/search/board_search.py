"""One board's part of a search: its trials, what its tuner suggests, and what goes on for its sake."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from tinynas.search.problem import Problem
from tinynas.search.schedule import Schedule, rank_best
from tinynas.search.suggestions import Suggestions
from tinynas.study import Study, Trial

__all__ = ["BoardSearch"]


@dataclass(eq=False)
class BoardSearch:
    """What a search does for one board.

    Attributes:
        study: Of the board.
        problem: The board, the data, the configuration.
        suggestions: Where new candidates come from.
        schedule: Which paused training goes on.
        trials: Those of the search by number, in the order of proposal; no final trainings.
    """

    study: Study
    problem: Problem
    suggestions: Suggestions
    schedule: Schedule = field(init=False)
    trials: dict[int, Trial] = field(default_factory=dict)

    def __post_init__(self) -> None:
        config = self.problem.config
        self.schedule = Schedule(config.fidelity, len(config.pauses), self.suggestions.expect)

    def learn(self, trial: Trial) -> None:
        """Take down a trial that has paused or ended."""
        if trial.final_of is None:
            self.trials[trial.id] = trial
            self.suggestions.tell(trial)

    def promotable(self, busy: Collection[int], *, late: bool) -> Iterator[Trial]:
        """Paused trials that deserve to go on, the most advanced first; see `Schedule`."""
        return self.schedule.promotable(list(self.trials.values()), busy, late=late)

    def best_paused(self, busy: Collection[int]) -> list[Trial]:
        """All paused trials, those first that should go on if there is time."""
        return self.schedule.best_paused(list(self.trials.values()), busy)

    @property
    def missing(self) -> int:
        """How many networks are still to be trained to the end, for there to be one, or enough for final trainings."""
        return max(1, self.problem.config.final.candidates) - len(rank_best(list(self.trials.values())))

    def finalists(self, busy: Collection[int]) -> tuple[list[Trial], list[Trial]]:
        """What final trainings would repeat now, and which paused trainings have to end before."""
        paused = self.best_paused(busy)[: max(0, self.missing)]
        final = self.problem.config.final
        return [*rank_best(list(self.trials.values())), *paused][: max(final.candidates, final.refit)], paused
