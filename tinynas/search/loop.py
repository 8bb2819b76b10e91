"""The search: suggest -> cost -> gate -> train -> convert -> measure -> score -> store, until the trials are used up.

The study is the only state. Suggestions are a function of the finished trials before them and of the seed, and a
trial's randomness of the seed and its number, so a search that was killed goes on with the same suggestions as one that
was not.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any, Protocol

import numpy as np

from tinynas.board import Board
from tinynas.config import Config
from tinynas.errors import NoFeasibleCandidate, SpaceError, StudyError
from tinynas.search.bench import Bench, choose_compiler
from tinynas.search.candidate import CandidatePipeline
from tinynas.search.problem import Problem
from tinynas.search.task import Task
from tinynas.study import Study, Trial, TrialState
from tinynas.tcn import Architecture
from tinynas.tuner import ExhaustedError, Tuner

__all__ = ["Observer", "run_search"]

# So many failures and nothing else: the search stops.
_HOPELESS = 3


class Observer(Protocol):
    """What watches a search."""

    def epoch(self, trial: int, epoch: int, rmse: float, /) -> None:
        """An epoch of a trial's training ended with this validation RMSE."""

    def state(self, trial: Trial) -> None:
        """A trial was proposed or entered another state."""


def run_search(study: Study, config: Config, board: Board, task: Task, observer: Observer) -> None:
    """Run a search, or what is left of one, and write its summary and the best trial's evaluation into the study.

    Args:
        study: Open for writing; empty, or from a search that was interrupted.
        config: The configuration the study was created with.
        board: The board the study was created for.
        task: The data.
        observer: What is told about the progress.

    Raises:
        NoFeasibleCandidate: Nothing in the space fits; the message has the smallest candidate's cost.
        TinynasError: Something that concerns the search as a whole. Every finished step is kept.
    """
    config = choose_compiler(config)
    started, earlier = perf_counter(), float(study.summary.get("seconds", 0.0))
    problem = Problem(board, task, config)
    bench = Bench(board, config.hil, config.engine, config.cost.compiler) if config.mode == "hil" else None
    pipeline = CandidatePipeline(study, config, problem.limits, task, observer.epoch, problem.engine, bench)
    cheapest = problem.require_feasible()
    tuner = Tuner(
        config.space.parameters(),
        conf_dict={
            "sense": "minimize",
            "seed": config.seed,
            "design_size": config.tuner.initial_random,
            "constraint": lambda points: [problem.admits(p) for p in points],
        },
    )
    for trial in study.unfinished():
        observer.state(trial)
        pipeline.run(trial, observer.state)
    # Not told one by one: a suggestion depends on how many were asked for, too.
    known = study.trials()
    tuner.restore((trial.params or {}, trial.objective) for trial in known)
    early: str | None = None
    for number in range(len(known), config.trials):
        try:
            params = _suggest(tuner, study, problem, cheapest)
        except ExhaustedError:
            early = f"every network of the search space was tried ({number} of {config.trials} trials)"
            break
        except SpaceError:
            early = f"no further network that fits was found ({number} of {config.trials} trials)"
            break
        trial = _propose(study, problem, params, number)
        observer.state(trial)
        trial = pipeline.run(trial, observer.state)
        tuner.tell(params, trial.objective)
        seconds = round(earlier + perf_counter() - started, 3)
        study.set_summary({"seconds": seconds})  # all that an interrupted search has of a summary
        _require_progress(study)
    _conclude(study, problem, pipeline, earlier + perf_counter() - started, early)


def _suggest(tuner: Tuner, study: Study, problem: Problem, cheapest: Architecture) -> Mapping[str, Any]:
    """What to try next: the tuner's suggestion, or beside what fits, where the tuner finds nothing that does.

    Raises:
        ExhaustedError: Every point of a finite space was tried.
        SpaceError: Neither finds a network that fits.
    """
    try:
        [params] = tuner.ask()
        return params
    except ExhaustedError:
        raise
    except SpaceError:
        trials = study.trials()
        start = problem.config.space.suggestion(cheapest)
        if cheapest.key not in {trial.key for trial in trials}:
            return start
        known = [start, *(trial.params for trial in trials if trial.params and trial.feasible)]
        found = problem.untried_neighbour(known, {trial.key for trial in trials})
        if found is None:
            raise
        return found


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
    return study.propose(params=params, architecture=architecture.to_dict(), key=architecture.key, seed=seed)


def _conclude(study: Study, problem: Problem, pipeline: CandidatePipeline, seconds: float, early: str | None) -> None:
    task = problem.task
    best = study.best()
    if best is None:
        failed = study.counts()[TrialState.FAILED]
        raise NoFeasibleCandidate(
            f"none of {len(study.trials())} trials ended with a network that fits"
            + (f"; {failed} failed" if failed else ""),
            where=str(study.folder),
            advice="the report has the reasons; try more trials" + (", or another training" if failed else ""),
        )
    test, evaluation = pipeline.evaluate(best)
    study.attach(best.id, {"evaluation": evaluation})
    study.set_summary(
        {
            "seconds": round(seconds, 3),
            "best_trial": best.id,
            "baselines": task.baselines(),
            "space_infeasible_share": problem.infeasible_share(),
            "ended_early": early,
            "test": test,
            "normalization": {
                "mean": task.normalization.mean.tolist(),
                "std": task.normalization.std.tolist(),
                "channels": list(task.train.channels),
            },
            "rate_hz": task.dataset.rate_hz,
        }
    )
