"""Runs that choose an algorithm and its parameters (CASH), and the CPU time between their evaluations."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from time import process_time
from typing import Any

import numpy as np
from _fresh import EnoughError, uniforms
from _problems import Params, Problem, Uniform, problem

__all__ = ["CASH", "cash_gaps"]

# What is chosen among: spaces of 2, 4 and 6 parameters.
ARMS = ("Branin01", "Rosenbrock4", "Hartmann6")


class Clock:
    """The objective of a CASH run: takes the CPU time between evaluations, and ends the run when that is too much.

    Attributes:
        gaps: CPU seconds before each evaluation.
    """

    def __init__(self, evaluations: int, limit: float) -> None:
        self.gaps: list[float] = []
        self._evaluations, self._limit = evaluations, limit
        self._last = process_time()

    def __call__(self, arm: Problem, params: Mapping[str, Any]) -> float:
        """Value of a point, lower is better."""
        self.gaps.append(process_time() - self._last)
        if len(self.gaps) >= self._evaluations or sum(self.gaps) > self._limit:
            raise EnoughError
        value = arm.score(dict(params))
        self._last = process_time()
        return value


def _cash_meta(module: str) -> Callable[[Sequence[Problem], Clock, int, int], None]:
    """The MetaTuner of Mango, or of the tinynas module that keeps to its interface."""

    def run(arms: Sequence[Problem], clock: Clock, evaluations: int, seed: int) -> None:
        np.random.seed(seed)  # noqa: NPY002  # as above
        random.seed(seed)

        def objective_of(arm: Problem) -> Callable[[list[Params]], list[float]]:
            return lambda points: [-clock(arm, params) for params in points]

        objectives = [objective_of(arm) for arm in arms]
        spaces = [uniforms(arm) for arm in arms]
        import_module(module).MetaTuner(spaces, objectives, n_iter=evaluations, log_progress=False).run()

    return run


def _cash_optuna(arms: Sequence[Problem], clock: Clock, evaluations: int, seed: int) -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def objective(trial: Any) -> float:
        arm = arms[trial.suggest_categorical("arm", list(range(len(arms))))]
        bounds = {name: p for name, p in arm.space.items() if isinstance(p, Uniform)}
        point = {name: trial.suggest_float(f"{arm.name}.{name}", p.low, p.high) for name, p in bounds.items()}
        return clock(arm, point)

    optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed)).optimize(objective, n_trials=evaluations)


def _cash_hyperopt(arms: Sequence[Problem], clock: Clock, evaluations: int, seed: int) -> None:
    from hyperopt import fmin, hp, tpe

    options = []
    for i, arm in enumerate(arms):
        bounds = {name: p for name, p in arm.space.items() if isinstance(p, Uniform)}
        options.append((i, {name: hp.uniform(f"{arm.name}.{name}", p.low, p.high) for name, p in bounds.items()}))
    fmin(
        lambda choice: clock(arms[choice[0]], choice[1]),
        hp.choice("arm", options),
        algo=tpe.suggest,
        max_evals=evaluations,
        rstate=np.random.default_rng(seed),
        show_progressbar=False,
        verbose=False,
    )


CASH: dict[str, tuple[str, Callable[[Sequence[Problem], Clock, int, int], None]]] = {
    "tinynas": ("tinynas.tuner.metatuner", _cash_meta("tinynas.tuner.metatuner")),
    "mango": ("mango", _cash_meta("mango")),
    "optuna-tpe": ("optuna", _cash_optuna),
    "hyperopt": ("hyperopt", _cash_hyperopt),
}


def cash_gaps(name: str, evaluations: int, seed: int, limit: float) -> list[float]:
    """CPU seconds before each evaluation of a run.

    Args:
        name: The optimiser, one of `CASH`.
        evaluations: After which the run ends.
        seed: Of the run.
        limit: CPU seconds after which it ends in any case.
    """
    clock = Clock(evaluations, limit)
    with suppress(EnoughError):
        CASH[name][1]([problem(arm) for arm in ARMS], clock, evaluations, seed)
    return clock.gaps
