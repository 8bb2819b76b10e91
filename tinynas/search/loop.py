"""The search: suggest -> cost -> gate -> train -> convert -> measure -> score -> store, until trials or time run out.

The study is the only state, and this process alone writes it. Suggestions are a function of the finished trials before
them, of those at work and of the seed, and a trial's randomness of the seed and its number, so with one worker a search
that was killed goes on with the same suggestions as one that was not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import islice
from time import perf_counter
from typing import Any, Protocol

import numpy as np

from tinynas.board import Board
from tinynas.config import Config
from tinynas.deploy import load_tensorflow
from tinynas.errors import NoFeasibleCandidate, StudyError
from tinynas.search.bench import choose_compiler, known_toolchain
from tinynas.search.budget import Budget
from tinynas.search.candidate import CandidatePipeline
from tinynas.search.final import propose_finals, propose_refit
from tinynas.search.listeners import announced
from tinynas.search.pace import Pace
from tinynas.search.problem import Problem
from tinynas.search.running import RunningTrials
from tinynas.search.schedule import Schedule, rank_best
from tinynas.search.suggestions import Suggestions
from tinynas.search.task import Task
from tinynas.search.workers import Setup, Workers, hire
from tinynas.study import Study, Trial, TrialState

__all__ = ["Observer", "run_search"]

# So many failures and nothing else: the search stops.
_HOPELESS = 3


class Observer(Protocol):
    """What watches a search."""

    def epoch(self, trial: int, epoch: int, rmse: float, /) -> None:
        """An epoch of a trial's training ended with this validation RMSE."""

    def state(self, trial: Trial) -> None:
        """A trial was proposed or entered another state."""


@announced
def run_search(
    study: Study,
    config: Config,
    board: Board,
    task: Task,
    observer: Observer,
    *,
    workers: int = 1,
    dask: str | None = None,
    clock: Callable[[], float] = perf_counter,
) -> None:
    """Run a search, or what is left of one, and write its summary and the best trial's evaluation into the study.

    Args:
        study: Open for writing; empty, or from a search that was interrupted.
        config: The configuration the study was created with, perhaps with more trials or minutes.
        board: The board the study was created for.
        task: The data.
        observer: What is told about the progress. The configuration's listeners are told as well.
        workers: Processes that run the stages of trials; 1 runs them in this one. With one worker the same seed makes
            the same search; with more, or with a limit of time, suggestions depend on how long trainings take.
        dask: Address of a Dask scheduler: the stages run on its workers instead.
        clock: Seconds, monotonic.

    Raises:
        NoFeasibleCandidate: Nothing in the space fits; the message has the smallest candidate's cost.
        TinynasError: Something that concerns the search as a whole. Every finished step is kept.
    """
    began = clock()
    if workers == 1 and dask is None:  # others load it themselves
        load_tensorflow(config.training.threads)
    config = choose_compiler(config)
    problem = Problem(board, task, config)
    cheapest = problem.require_feasible()
    setup = Setup(config, board, task, study.folder)
    crew = hire(setup, observer.epoch, count=workers, dask=dask, toolchain=known_toolchain(study, config))
    try:
        pace = Pace(config.pauses, config.training.epochs)
        budget = Budget(config, pace, clock, began, float(study.summary.get("seconds", 0.0)), crew.count)
        search = _Search(study, problem, crew, Suggestions(problem, study, cheapest), budget, observer)
        search.explore()
        search.train_finally()
    finally:
        crew.close()
    pipeline = CandidatePipeline(study, config, problem.limits, task, observer.epoch, problem.engine)
    _conclude(study, problem, pipeline, budget, search.early)


class _Search:
    """A search under way: the trials at work, and what comes next.

    Args:
        study: Its study.
        problem: What is searched.
        crew: Who runs the stages.
        suggestions: Where new candidates come from.
        budget: Its time.
        observer: What is told.
    """

    def __init__(
        self,
        study: Study,
        problem: Problem,
        crew: Workers,
        suggestions: Suggestions,
        budget: Budget,
        observer: Observer,
    ) -> None:
        self.study, self.problem, self.crew = study, problem, crew
        self.suggestions, self.budget, self.observer = suggestions, budget, observer
        self.config = problem.config
        self.running = RunningTrials(study, crew, observer.state)
        self.schedule = Schedule(self.config.fidelity, len(self.config.pauses), suggestions.expect)
        self.trials: dict[int, Trial] = {}
        for trial in study.trials():
            budget.pace.learn(trial)
            if trial.final_of is None:
                self.trials[trial.id] = trial
            if not trial.at_rest:
                self._begin(trial)

    @property
    def early(self) -> str | None:
        """Why there were fewer trials than asked for; None: there were not."""
        why, most = self.suggestions.ended, self.config.most_trials
        if why is not None:
            of = f" of {most}" if self.config.trials or self.config.minutes is None else ""
            return f"{why} ({len(self.trials)}{of} trials)"
        if self.config.trials is not None and len(self.trials) < most:
            return f"the time was over ({len(self.trials)} of {most} trials)"
        return None

    def explore(self) -> None:
        """Evaluate candidates until their number or their time is used up."""
        while True:
            while len(self.running) < self._width:
                trial = self._next()
                if trial is None:
                    break
                self._begin(trial)
            if not len(self.running):
                return
            for trial in self.running.finished():
                self.budget.pace.learn(trial)
                if trial.final_of is None:
                    self.trials[trial.id] = trial
                    self.suggestions.tell(trial)
                # All that an interrupted search has of a summary.
                self.study.set_summary({"seconds": round(self.budget.spent_s, 3)})
                _require_progress(self.study)

    def train_finally(self) -> None:
        """Train the best candidates once more."""
        affordable = None if self.config.minutes is None else self.budget.allows_final
        finals = propose_finals(self.study, self.config, affordable)
        for proposals in (finals, propose_refit(self.study, self.config)):
            while True:
                for trial in islice(proposals, max(0, self._width - len(self.running))):
                    self._begin(trial)
                if not len(self.running):
                    break
                for trial in self.running.finished():
                    self.budget.pace.learn(trial)

    def _begin(self, trial: Trial) -> None:
        self.observer.state(trial)
        self.running.add(trial)

    @property
    def _width(self) -> int:
        """How many trials are at work: one more than workers where a board measures, the one while the others train."""
        return self.crew.count + (self.crew.count > 1 and self.config.mode == "hil")

    def _next(self) -> Trial | None:
        """What to do next: a paused training that deserves to go on, or a new candidate; None: nothing, for now."""
        trials, busy = list(self.trials.values()), self.running.ids
        kept = self._reserve(trials, busy)
        trial = self._promote(trials, busy, kept, late=False)
        if trial is not None:
            return trial
        if len(self.trials) < self.config.most_trials and self._has_time_for_another(kept):
            params = self.suggestions.next()
            if params is not None:
                trial = _propose(self.study, self.problem, params, len(self.trials))
                self.trials[trial.id] = trial
                return trial
        trial = self._promote(trials, busy, kept, late=True)
        return self._bring_home(trials, kept) if trial is None and self.config.pauses and not busy else trial

    def _promote(self, trials: Sequence[Trial], busy: Collection[int], kept_s: float, *, late: bool) -> Trial | None:
        if not self.config.pauses:
            return None
        promotable = self.schedule.promotable(trials, busy, late=late)
        return next((one for one in promotable if self.budget.allows(self.budget.pace.predict_leg(one), kept_s)), None)

    def _has_time_for_another(self, kept_s: float) -> bool:
        return self.budget.allows(self.budget.pace.predict_fresh(), kept_s)

    def _bring_home(self, trials: Sequence[Trial], kept_s: float) -> Trial | None:
        """A paused training that has to be the next one to go on: too few have ended, or there is time left."""
        missing, paused = self._missing(trials), self.schedule.best_paused(trials, ())
        if missing > 0:
            return next(iter(paused), None)
        if self.config.minutes is None:
            return None
        return next((one for one in paused if self.budget.allows(self.budget.pace.predict_leg(one), kept_s)), None)

    def _missing(self, trials: Sequence[Trial]) -> int:
        """How many networks are still to be trained to the end, for there to be one, or enough for final trainings."""
        return max(1, self.config.final.candidates) - len(rank_best(trials))

    def _reserve(self, trials: Sequence[Trial], busy: Collection[int]) -> float:
        """Seconds that the end of the search will take."""
        if self.config.minutes is None:
            return 0.0
        paused = self.schedule.best_paused(trials, busy)[: max(0, self._missing(trials))]
        final = self.config.final
        finalists = [*rank_best(trials), *paused][: max(final.candidates, final.refit)]
        return self.budget.reserve_s(finalists, paused)


def _require_progress(study: Study) -> None:
    """End a search whose every candidate fails: that is no property of the candidates."""
    counts = study.counts()
    if counts[TrialState.FAILED] >= _HOPELESS and counts[TrialState.FAILED] == sum(counts.values()):
        raise StudyError(
            f"the first {counts[TrialState.FAILED]} candidates all failed; the last one: {study.trials()[-1].reason}",
            where=str(study.folder),
            advice="the reason concerns the set-up or the configuration rather than a network",
        )


def _propose(study: Study, problem: Problem, params: Mapping[str, Any], number: int) -> Trial:
    architecture = problem.architecture(params)
    seed = int(np.random.SeedSequence([problem.config.seed, number]).generate_state(1)[0])
    return study.propose(params=params, architecture=architecture.to_dict(), key=problem.key(params), seed=seed)


def _conclude(study: Study, problem: Problem, pipeline: CandidatePipeline, budget: Budget, early: str | None) -> None:
    best = study.best()
    if best is None:
        failed = study.counts()[TrialState.FAILED]
        raise NoFeasibleCandidate(
            f"none of {len(study.trials())} trials ended with a network that fits"
            + (f"; {failed} failed" if failed else ""),
            where=str(study.folder),
            advice="the report has the reasons; try more trials" + (", or another training" if failed else ""),
        )
    task = problem.task.of(best.params or {})
    test, evaluation = pipeline.evaluate(best)
    study.attach(best.id, {"evaluation": evaluation})
    baselines, share = task.baselines(), problem.infeasible_share()
    study.set_summary(
        {
            "seconds": round(budget.spent_s, 3),
            "best_trial": best.id,
            "baselines": baselines,
            "space_infeasible_share": share,
            "ended_early": early,
            "test": test,
            "rate_hz": task.dataset.rate_hz,
            "turns": (best.params or {}).get("turns", problem.config.deploy.turns),
            **task.describe(),
            **({"variants": [one.describe() for one in problem.tasks]} if problem.task.others else {}),
        }
    )
