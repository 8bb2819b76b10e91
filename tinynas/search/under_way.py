"""A search under way: the trials at work, and what comes next."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from tinynas.errors import StudyError
from tinynas.measurement import Measurement
from tinynas.search.board_search import BoardSearch
from tinynas.search.budget import Budget
from tinynas.search.final import merge, propose_finals, propose_refit
from tinynas.search.heritage import find_donor
from tinynas.search.observer import Observer
from tinynas.search.problem import Problem
from tinynas.search.running import RunningTrials
from tinynas.search.sharing import Sharing, propose_to_all
from tinynas.search.workers import Workers
from tinynas.study import Study, Trial, TrialState

__all__ = ["SearchUnderWay"]

# So many failures and nothing else: the search stops.
_HOPELESS = 3


class SearchUnderWay:
    """A search under way: the trials at work, and what comes next.

    Args:
        sides: Its parts, board by board.
        crew: Who runs the stages.
        budget: Its time.
        observers: What is told, board by board.
    """

    def __init__(
        self, sides: Sequence[BoardSearch], crew: Workers, budget: Budget, observers: Sequence[Observer]
    ) -> None:
        self.sides, self.crew, self.budget, self.observers = sides, crew, budget, observers
        self.config = sides[0].problem.config
        self.studies = [side.study for side in sides]
        self.sharing = Sharing(self.studies, [side.problem for side in sides]) if len(sides) > 1 else None
        self.running = RunningTrials(self.studies, crew, self._tell, self.sharing)
        if self.config.fidelity.inherit and self.config.pauses:
            self.running.find_donor = self._find_donor
        for board, side in enumerate(sides):
            for trial in side.study.trials():
                budget.pace.learn(trial, board)
                if trial.final_of is None:
                    side.trials[trial.id] = trial
                if not trial.at_rest or self._is_behind(board, trial):
                    self._begin(board, trial)

    def early(self, side: BoardSearch) -> str | None:
        """Why there were fewer trials than asked for; None: there were not."""
        why, most, count = side.suggestions.ended, self.config.most_trials, len(side.trials)
        if why is not None and count < most:
            of = f" of {most}" if self.config.trials or self.config.minutes is None else ""
            return f"{why} ({count}{of} trials)"
        if self.config.trials is not None and count < most:
            return f"the time was over ({count} of {most} trials)"
        return None

    def explore(self) -> None:
        """Evaluate candidates until their number or their time is used up."""
        while True:
            while len(self.running) < self._width and self._begin_next():
                pass
            if not len(self.running):
                return
            for board, trial in self._wait():
                self.sides[board].learn(trial)
                # All that an interrupted search has of a summary.
                self.studies[board].set_summary({"seconds": round(self.budget.spent_s, 3)})
                _require_progress(self.studies[board])

    def train_finally(self) -> None:
        """Train the best candidates once more."""
        affordable = None if self.config.minutes is None else self.budget.allows_final
        finals = propose_finals(self.studies, self.config, affordable)
        for proposals in (finals, propose_refit(self.studies, self.config)):
            while True:
                for trials in islice(proposals, max(0, self._width - len(self.running))):
                    self._begin_everywhere(trials)
                if not len(self.running):
                    break
                self._wait()

    def _wait(self) -> list[tuple[int, Trial]]:
        """The trials that come to rest next. What other boards can take over of them is begun there."""
        rested = [(one.board, one.trial) for one in self.running.finished()]
        for board, trial in rested:
            self.budget.pace.learn(trial, board)
        busy = self.running.ids
        for trial_id in {trial.id for _, trial in rested if self.sharing is not None} - busy:
            for board, study in enumerate(self.studies):
                trial = study.trial(trial_id)
                if self._is_behind(board, trial):
                    self._begin(board, trial)
        return rested

    def _find_donor(self, board: int, trial: Trial, cost: Measurement) -> Trial | None:
        side = self.sides[board]
        if trial.final_of is not None or not side.problem.limits.admits(cost):
            return None
        return find_donor(trial, side.trials.values())

    def _is_behind(self, board: int, trial: Trial) -> bool:
        return self.sharing is not None and self.sharing.is_behind(board, trial)

    def _tell(self, board: int, trial: Trial) -> None:
        self.observers[board].state(trial)

    def _begin(self, board: int, trial: Trial) -> None:
        self._tell(board, trial)
        self.running.add(trial, board)

    def _begin_everywhere(self, trials: Iterable[Trial]) -> None:
        for board, trial in enumerate(trials):
            self._begin(board, trial)

    @property
    def _width(self) -> int:
        """How many networks are at work: one more than workers where a board measures one while the others train."""
        return self.crew.count + (self.crew.count > 1 and self.config.mode == "hil")

    def _begin_next(self) -> bool:
        """Begin a paused training that deserves to go on, or a new candidate; False: nothing, for now."""
        busy = self.running.ids
        kept = self._reserve_s(busy)
        if self._promote(busy, kept, late=False) or self._begin_fresh(kept) or self._promote(busy, kept, late=True):
            return True
        return bool(self.config.pauses) and not busy and self._bring_home(kept)

    def _begin_fresh(self, kept_s: float) -> bool:
        """Begin a candidate that the next board's tuner suggests, or that of another board if it has none."""
        number, pace = len(self.sides[0].trials), self.budget.pace

        def affords(macs: float) -> bool:
            return self.budget.allows(pace.predict_unseen(macs), kept_s)

        limited = self.config.minutes is not None and pace.knows
        if number >= self.config.most_trials or not (limited or self.budget.allows(pace.predict_fresh(), kept_s)):
            return False
        for turn in range(len(self.sides)):
            side = self.sides[(number + turn) % len(self.sides)]
            params = side.suggestions.next(affords if limited else None)
            if params is not None:
                trials = _propose(self.studies, side.problem, params, number)
                for one, trial in zip(self.sides, trials, strict=True):
                    one.trials[trial.id] = trial
                self._begin_everywhere(trials)
                return True
        return False

    def _promote(self, busy: Collection[int], kept_s: float, *, late: bool) -> bool:
        if not self.config.pauses:
            return False
        return any(self._begin_first(board, side.promotable(busy, late=late), kept_s) for board, side in self._numbered)

    def _bring_home(self, kept_s: float) -> bool:
        """Go on with a paused training that has to: too few have ended, or there is time left."""
        for board, side in self._numbered:
            if side.missing > 0 and (paused := side.best_paused(())):
                self._begin(board, paused[0])
                return True
        if self.config.minutes is None:
            return False
        return any(self._begin_first(board, side.best_paused(()), kept_s) for board, side in self._numbered)

    def _begin_first(self, board: int, paused: Iterable[Trial], kept_s: float) -> bool:
        """Begin the first that there is time for."""
        for trial in paused:
            if self.budget.allows(self.budget.pace.predict_leg(trial), kept_s):
                self._begin(board, trial)
                return True
        return False

    @property
    def _numbered(self) -> list[tuple[int, BoardSearch]]:
        return list(enumerate(self.sides))

    def _reserve_s(self, busy: Collection[int]) -> float:
        """Seconds that the end of the search will take."""
        if self.config.minutes is None:
            return 0.0
        finalists, paused = zip(*(side.finalists(busy) for side in self.sides), strict=True)
        return self.budget.reserve_s(merge(finalists), merge(paused))


def _require_progress(study: Study) -> None:
    """End a search whose every candidate fails: that is no property of the candidates."""
    counts = study.counts()
    if counts[TrialState.FAILED] >= _HOPELESS and counts[TrialState.FAILED] == sum(counts.values()):
        raise StudyError(
            f"the first {counts[TrialState.FAILED]} candidates all failed; the last one: {study.trials()[-1].reason}",
            where=str(study.folder),
            advice="the reason concerns the set-up or the configuration rather than a network",
        )


def _propose(studies: Sequence[Study], problem: Problem, params: Mapping[str, Any], number: int) -> list[Trial]:
    architecture = problem.architecture(params)
    seed = int(np.random.SeedSequence([problem.config.seed, number]).generate_state(1)[0])
    key = problem.key(params)
    return propose_to_all(studies, params=params, architecture=architecture.to_dict(), key=key, seed=seed)
