"""A fresh optimiser that was told some observations, ready to suggest: one adapter each.

Peers have their default configuration, but that Mango scores 5,000 candidates, as its README says, and never skips its
surrogate for a random point, which would cost it less.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from _problems import Params, Problem, Uniform

__all__ = ["OPTIMISERS", "EnoughError", "Prepare", "Told", "uniforms"]

MANGO_DOMAIN_SIZE = 5000

Told = Sequence[tuple[Params, float]]
# (problem, observations, points to be asked for at once, seed) to what suggests these points when it is called.
Prepare = Callable[[Problem, Told, int, int], Callable[[], Any]]


class EnoughError(BaseException):
    """Ends a run from within the objective; no mere exception, for those count as failed evaluations."""


def uniforms(problem: Problem) -> dict[str, Any]:
    """The space of a continuous problem in SciPy's terms."""
    from scipy.stats import uniform

    return {name: uniform(p.low, p.high - p.low) for name, p in problem.space.items() if isinstance(p, Uniform)}


def _tinynas(problem: Problem, told: Told, n: int, seed: int) -> Callable[[], Any]:
    from tinynas.tuner import Tuner

    tuner = Tuner(uniforms(problem), conf_dict={"sense": "minimize", "seed": seed})
    # Every second suggestion is of another kind: half of the seeds ask for an even number, half for an odd one.
    tuner.restore(told, asked=len(told) + seed % 2)
    return lambda: tuner.ask(n)


def _mango(problem: Problem, told: Told, n: int, seed: int) -> Callable[[], Any]:
    from mango import Tuner

    def objective(_: list[Params]) -> list[float]:
        raise EnoughError

    np.random.seed(seed)  # noqa: NPY002  # Mango draws from numpy's and Python's global generators
    random.seed(seed)
    configuration = {
        "initial_custom": [(params, -value) for params, value in told],
        "num_iteration": 1,
        "batch_size": n,
        "domain_size": MANGO_DOMAIN_SIZE,
        "exploration": 0.0,
        "log_progress": False,
    }
    tuner = Tuner(uniforms(problem), objective, configuration)

    def suggest() -> None:
        with suppress(EnoughError):
            tuner.maximize()

    return suggest


def _optuna(sampler: str) -> Prepare:
    def prepare(problem: Problem, told: Told, n: int, seed: int) -> Callable[[], Any]:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        if sampler == "GPSampler":
            import torch

            torch.set_num_threads(1)
        uniforms = {name: p for name, p in problem.space.items() if isinstance(p, Uniform)}
        space = {name: optuna.distributions.FloatDistribution(p.low, p.high) for name, p in uniforms.items()}
        study = optuna.create_study(sampler=getattr(optuna.samplers, sampler)(seed=seed))
        study.add_trials(
            [optuna.trial.create_trial(params=params, distributions=space, value=value) for params, value in told]
        )
        return lambda: [study.ask(space) for _ in range(n)]

    return prepare


def _hyperopt(problem: Problem, told: Told, n: int, seed: int) -> Callable[[], Any]:
    from hyperopt import JOB_STATE_DONE, STATUS_OK, Domain, Trials, hp, tpe

    uniforms = {name: p for name, p in problem.space.items() if isinstance(p, Uniform)}
    domain = Domain(problem.score, {name: hp.uniform(name, p.low, p.high) for name, p in uniforms.items()})
    trials = Trials()
    for params, value in told:
        [tid] = trials.new_trial_ids(1)
        place = {
            "tid": tid,
            "cmd": domain.cmd,
            "workdir": domain.workdir,
            "idxs": {name: [tid] for name in params},
            "vals": {name: [number] for name, number in params.items()},
        }
        [trial] = trials.new_trial_docs([tid], [None], [{"status": STATUS_OK, "loss": value}], [place])
        trial["state"] = JOB_STATE_DONE
        trials.insert_trial_doc(trial)
    trials.refresh()

    def suggest() -> None:
        # Its own loop asks for one after another, too: more than one at once are draws of one and the same model.
        for i in range(n):
            tpe.suggest(trials.new_trial_ids(1), domain, trials, seed + i)

    return suggest


OPTIMISERS: dict[str, tuple[str, Prepare]] = {
    "tinynas": ("tinynas", _tinynas),
    "mango": ("mango", _mango),
    "optuna-tpe": ("optuna", _optuna("TPESampler")),
    "optuna-gp": ("optuna", _optuna("GPSampler")),
    "hyperopt": ("hyperopt", _hyperopt),
}
