"""Which paused training goes on: asynchronous successive halving (Li et al. 2020).

A network goes on if it is among the best at its rung; or if the surrogate, which has seen how others of its kind ended,
expects it to be among the best when it is trained to the end. And every so manieth candidate goes on whatever its rank,
so that there is something to expect from: a kind of networks that begins slowly shows itself there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from tinynas.config import Fidelity
from tinynas.study import Trial, TrialState

__all__ = ["Schedule", "rank_best"]

# Trainings to the end, before which the surrogate knows nothing of how trainings end.
_ENOUGH = 4

Expectation = Callable[[Sequence[Trial]], "list[float] | None"]


@dataclass(frozen=True)
class Schedule:
    """Decides what goes on, from the trials alone: a search that was killed decides alike.

    Attributes:
        options: How many go on.
        rungs: Number of rungs.
        expect: What the surrogate expects of trials at the end of their training; see `Suggestions.expect`.
    """

    options: Fidelity
    rungs: int
    expect: Expectation

    def promotable(self, trials: Sequence[Trial], busy: Collection[int], *, late: bool = False) -> Iterator[Trial]:
        """Paused trials that deserve to go on, the most advanced first.

        Args:
            trials: Of the search, in the order of proposal; no final trainings.
            busy: Numbers of those at work.
            late: No more candidates come. Until then only so many have gone on from a rung as its share is, however
                often a better one arrives; now all of its best go on, whoever has gone before.
        """
        paused = [trial for trial in trials if _is_paused(trial, busy)]
        if not paused:
            return
        yield from (trial for trial in paused if self._is_control(trial))
        for level in range(self.rungs, 0, -1):
            arrived = [trial for trial in trials if len(trial.rungs) >= level and trial.duplicate_of is None]
            quota = len(arrived) // self.options.keep
            here = {trial.id for trial in paused if len(trial.rungs) == level}
            gone = sum(trial.id not in here and not self._is_control(trial) for trial in arrived)
            free = quota if late else quota - gone
            if here and free > 0:
                best = self._rank(arrived, level, trials)[:quota]
                yield from [trial for trial in best if trial.id in here][:free]

    def _is_control(self, trial: Trial) -> bool:
        return self.options.control > 0 and trial.id % self.options.control == 0

    def best_paused(self, trials: Sequence[Trial], busy: Collection[int]) -> list[Trial]:
        """All paused trials, those first that should go on if there is time: the most advanced, then the best."""
        paused = [trial for trial in trials if _is_paused(trial, busy)]
        found: list[Trial] = []
        for level in range(self.rungs, 0, -1):
            found += self._rank([trial for trial in paused if len(trial.rungs) == level], level, trials)
        return found

    def _rank(self, arrived: Sequence[Trial], level: int, trials: Sequence[Trial]) -> list[Trial]:
        """Trials by the better of two ranks: by what they reached at a rung, and by what is expected of them."""
        by_value = sorted(arrived, key=lambda trial: (trial.rungs[level - 1]["objective"], trial.id))
        ended = sum(trial.state is TrialState.DONE for trial in trials)
        expected = self.expect(by_value) if ended >= _ENOUGH else None
        if expected is None:
            return by_value
        order = sorted(range(len(by_value)), key=lambda index: (expected[index], index))
        other = {index: rank for rank, index in enumerate(order)}
        return [by_value[i] for i in sorted(range(len(by_value)), key=lambda i: (min(i, other[i]), i))]


def rank_best(trials: Sequence[Trial]) -> list[Trial]:
    """The networks that fit and are trained to the end, each once, best first; no final trainings."""
    ranked = [
        (trial.objective, trial.id, trial)
        for trial in trials
        if trial.state is TrialState.DONE
        and trial.feasible
        and trial.final_of is None
        and trial.duplicate_of is None
        and trial.objective is not None
    ]
    return [trial for _, _, trial in sorted(ranked, key=lambda one: one[:2])]


def _is_paused(trial: Trial, busy: Collection[int]) -> bool:
    return trial.state is TrialState.PAUSED and trial.id not in busy
