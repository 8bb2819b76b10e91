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
from tinynas.cost import Engine, estimate, tflm_runtime
from tinynas.errors import NoFeasibleCandidate, SpaceError, StudyError
from tinynas.hil.engines import TflmLibrary
from tinynas.objective import Limits
from tinynas.search.bench import Bench, choose_compiler
from tinynas.search.candidate import CandidatePipeline, engine_of, limits_of
from tinynas.search.task import Task
from tinynas.study import Study, Trial, TrialState
from tinynas.tcn import Architecture
from tinynas.tuner import ExhaustedError, Tuner

__all__ = ["Observer", "require_feasible", "run_search", "space_infeasible_share"]

# Random networks by which the share of the space that does not fit is estimated: +-2 % at worst.
_SHARE_SAMPLES = 500

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
    limits = limits_of(board, config)
    bench = Bench(board, config.hil, config.engine, config.cost.compiler) if config.mode == "hil" else None
    pipeline = CandidatePipeline(study, config, limits, task, observer.epoch, engine_of(board, config), bench)
    cheapest = require_feasible(config, board, task)
    tuner = Tuner(
        config.space.parameters(),
        conf_dict={
            "sense": "minimize",
            "seed": config.seed,
            "design_size": config.tuner.initial_random,
            "constraint": lambda points: [_allowed(p, config, limits, task, pipeline.engine) for p in points],
        },
    )
    for trial in study.unfinished():
        observer.state(trial)
        pipeline.run(trial, observer.state)
    # Not told one by one: a suggestion depends on how many were asked for, too.
    known = study.trials()
    tuner.restore((trial.params or {}, trial.objective) for trial in known)
    for number in range(len(known), config.trials):
        try:
            [params] = tuner.ask()
        except ExhaustedError:
            break  # a small space: every network of it has been tried
        except SpaceError:
            if number:
                break  # what fits is so rare that no more of it is found
            params = config.space.suggestion(cheapest)  # known to fit: better than none
        trial = _propose(study, config, task, params, number)
        observer.state(trial)
        trial = pipeline.run(trial, observer.state)
        tuner.tell(params, trial.objective)
        seconds = round(earlier + perf_counter() - started, 3)
        study.set_summary({"seconds": seconds})  # all that an interrupted search has of a summary
        _require_progress(study)
    _conclude(study, config, limits, task, pipeline, earlier + perf_counter() - started)


def _require_progress(study: Study) -> None:
    """End a search whose every candidate fails: that is no property of the candidates."""
    counts = study.counts()
    if counts[TrialState.FAILED] >= _HOPELESS and counts[TrialState.FAILED] == sum(counts.values()):
        raise StudyError(
            f"the first {counts[TrialState.FAILED]} candidates all failed; the last one: {study.trials()[-1].reason}",
            where=str(study.folder),
            advice="the reason concerns the set-up or the configuration rather than a network",
        )


def _architecture(params: Mapping[str, Any], config: Config, task: Task) -> Architecture:
    return config.space.architecture(params, **task.shape)


def _propose(study: Study, config: Config, task: Task, params: Mapping[str, Any], number: int) -> Trial:
    architecture = _architecture(params, config, task)
    seed = int(np.random.SeedSequence([config.seed, number]).generate_state(1)[0])
    return study.propose(params=params, architecture=architecture.to_dict(), key=architecture.key, seed=seed)


def _allowed(params: Mapping[str, Any], config: Config, limits: Limits, task: Task, engine: Engine) -> bool:
    """The known constraint of the tuner: a network of the space, and, unless it is told otherwise, one that fits."""
    if not config.space.admits(params):
        return False
    if not config.tuner.only_feasible:
        return True
    cost = estimate(_architecture(params, config, task), engine, config.conversion.precision)
    return limits.admits(cost)


def require_feasible(config: Config, board: Board, task: Task) -> Architecture:
    """Refuse a search that cannot succeed, before it begins.

    Args:
        config: The configuration.
        board: The board.
        task: The data; they decide the networks' inputs and outputs.

    Returns:
        One of the cheapest networks of the space; it fits.

    Raises:
        NoFeasibleCandidate: Nothing in the space fits; the message has the smallest candidate's cost.
        ToolchainMissing: The mode "tflm" without the official interpreter.
        ConfigError: The mode "hil" with its library, and `hil.tflm_root` is no such folder.
    """
    if config.mode == "tflm":
        tflm_runtime()
    if config.mode == "hil" and not config.aot:
        TflmLibrary.find(config.hil.tflm_root, board.core, "hil.tflm_root")
    limits, engine = limits_of(board, config), engine_of(board, config)
    costs = []
    for network in config.space.smallest(**task.shape):
        costs.append(estimate(network, engine, config.conversion.precision))
        if limits.admits(costs[-1]):
            return network
    least = min(costs, key=lambda c: max(c.sram_bytes / limits.sram_bytes, c.flash_bytes / limits.flash_bytes))
    raise NoFeasibleCandidate(
        f"nothing in the search space fits: the smallest candidate needs {least.sram_bytes} bytes of SRAM and "
        f"{least.flash_bytes} of flash, where {limits.sram_bytes} and {limits.flash_bytes} may be used",
        advice="widen the search space, raise objective.sram_max_bytes or flash_max_bytes, or choose a larger board",
    )


def space_infeasible_share(config: Config, limits: Limits, task: Task, engine: Engine) -> float:
    """Share of the search space that does not fit, from seeded random networks of it."""
    rng = np.random.default_rng(config.seed)
    networks = (config.space.sample(rng, **task.shape) for _ in range(_SHARE_SAMPLES))
    costs = [estimate(network, engine, config.conversion.precision) for network in networks]
    return sum(not limits.admits(c) for c in costs) / _SHARE_SAMPLES


def _conclude(
    study: Study, config: Config, limits: Limits, task: Task, pipeline: CandidatePipeline, seconds: float
) -> None:
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
            "space_infeasible_share": space_infeasible_share(config, limits, task, pipeline.engine),
            "test": test,
            "normalization": {
                "mean": task.normalization.mean.tolist(),
                "std": task.normalization.std.tolist(),
                "channels": list(task.train.channels),
            },
            "rate_hz": task.dataset.rate_hz,
        }
    )
