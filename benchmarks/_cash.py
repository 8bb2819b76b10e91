"""Choosing a learner and its parameters at once (CASH): tasks of several arms, and the optimisers that can do that."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import process_time
from typing import Any

import numpy as np
from _fresh import EnoughError
from _learners import DATASETS, LEARNERS, available, shared
from _peers import hyperopt_space, scipy_space
from _problems import Integers, Params, Problem, Uniform, problem, random_params

__all__ = ["OPTIMISERS", "Task", "Watch", "gaps", "search", "tasks"]

# What `gaps` chooses among: spaces of 2, 4 and 6 parameters.
TIMED = ("Branin01", "Rosenbrock4", "Hartmann6")


@dataclass(frozen=True)
class Task:
    """Several problems, of which the lowest value of all is wanted.

    Attributes:
        name: Its name.
        arms: The problems.
        starts: Where the search begins: (seed) -> number of the arm and point; None leaves that to the optimiser.
    """

    name: str
    arms: Sequence[Problem]
    starts: Callable[[int], list[tuple[int, Params]]] | None = None


@dataclass
class Watch:
    """The objective of one run: counts, times, and ends it.

    Attributes:
        task: What is evaluated.
        budget: Evaluations.
        limit: CPU seconds, those of the objective apart, after which the run ends as well.
        values: What was evaluated, in order.
        waits: CPU seconds before each call, the last of which may have been refused.
        last: When the optimiser was given its last value.
    """

    task: Task
    budget: int
    limit: float
    values: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    last: float = field(default_factory=lambda: process_time())

    @property
    def seconds(self) -> float:
        """CPU seconds spent outside the objective."""
        return sum(self.waits)

    def __call__(self, arm: int, params: Params) -> float:
        """Value of a point, lower is better."""
        self.waits.append(process_time() - self.last)
        if len(self.values) >= self.budget or self.seconds > self.limit:
            raise EnoughError
        value = self.task.arms[arm].score(params)
        self.values.append(value)
        self.last = process_time()
        return value


def tasks() -> list[Task]:
    """The five learners on three data sets, and cube, square and steep line from bad starts.

    In the last, x^3 on [-10, 12] reaches 1728, x^2 and 37 |x| on [-10, 37] only 1369; but the first begins at its
    bottom, where it looks hopeless, and the others near their tops. All are negated, to be minimised.
    """
    names = available(tuple(LEARNERS))
    learners = [Task(dataset, [shared().problem(dataset, name) for name in names]) for dataset in DATASETS]
    lines = [("cube", 12.0, lambda x: x**3), ("square", 37.0, lambda x: x * x), ("steep", 37.0, lambda x: 37 * abs(x))]
    arms = [
        Problem(name, {"x": Uniform(-10.0, top)}, lambda params, f=f: -f(params["x"]), -1728.0)
        for name, top, f in lines
    ]

    def starts(seed: int) -> list[tuple[int, Params]]:
        rng = np.random.default_rng([seed, 0])
        ranges = [(-10.0, 0.0), (18.0, 37.0), (18.0, 37.0)]
        return [(i, {"x": float(rng.uniform(*ends))}) for i, ends in enumerate(ranges) for _ in range(2)]

    return [*learners, Task("cube, square, steep", arms, starts)]


def _tinynas(rule: str) -> Callable[[Watch, int], None]:
    def run(watch: Watch, seed: int) -> None:
        from tinynas.tuner import MetaTuner

        meta = MetaTuner([scipy_space(arm) for arm in watch.task.arms], rule=rule, sense="minimize", seed=seed)
        for arm, params in watch.task.starts(seed) if watch.task.starts else ():
            meta.tell(arm, params, watch(arm, params))
        while True:
            for arm, params in meta.ask():
                meta.tell(arm, params, watch(arm, params))

    return run


def _mango(watch: Watch, seed: int) -> None:
    from mango import MetaTuner

    np.random.seed(seed)  # noqa: NPY002  # Mango draws from numpy's and Python's global generators
    random.seed(seed)
    arms = range(len(watch.task.arms))
    objectives = [lambda points, arm=arm: [-watch(arm, params) for params in points] for arm in arms]
    spaces = [scipy_space(arm) for arm in watch.task.arms]
    MetaTuner(spaces, objectives, n_iter=watch.budget, n_init=2, log_progress=False).run()


def _optuna(watch: Watch, seed: int) -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def objective(trial: Any) -> float:
        arm = trial.suggest_categorical("arm", list(range(len(watch.task.arms))))
        params: Params = {}
        for name, what in watch.task.arms[arm].space.items():
            key = f"{arm}.{name}"
            if isinstance(what, Uniform):
                params[name] = trial.suggest_float(key, what.low, what.high)
            elif isinstance(what, Integers):
                params[name] = trial.suggest_int(key, what.low, what.high)
            else:
                params[name] = trial.suggest_categorical(key, list(what.values))
        return watch(arm, params)

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    for arm, params in watch.task.starts(seed) if watch.task.starts else ():
        study.enqueue_trial({"arm": arm, **{f"{arm}.{name}": value for name, value in params.items()}})
    study.optimize(objective, n_trials=watch.budget + 1)


def _hyperopt(watch: Watch, seed: int) -> None:
    from hyperopt import fmin, hp, tpe

    options = [(arm, hyperopt_space(what, f"{arm}.")) for arm, what in enumerate(watch.task.arms)]
    fmin(
        lambda chosen: watch(chosen[0], dict(chosen[1])),
        hp.choice("arm", options),
        algo=tpe.suggest,
        max_evals=watch.budget + 1,
        rstate=np.random.default_rng(seed),
        show_progressbar=False,
        verbose=False,
    )


def _random(watch: Watch, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for arm, params in watch.task.starts(seed) if watch.task.starts else ():
        watch(arm, params)
    while True:
        arm = int(rng.integers(len(watch.task.arms)))
        watch(arm, random_params(watch.task.arms[arm], rng))


# Package, and how it runs.
OPTIMISERS: dict[str, tuple[str, Callable[[Watch, int], None]]] = {
    "tinynas": ("tinynas", _tinynas("student")),
    "tinynas, rule mango": ("tinynas", _tinynas("mango")),
    "mango": ("mango", _mango),
    "optuna-tpe": ("optuna", _optuna),
    "hyperopt": ("hyperopt", _hyperopt),
    "random": ("numpy", _random),
}


def search(name: str, watch: Watch, seed: int) -> None:
    """Run an optimiser until its budget or its time is used up."""
    with suppress(EnoughError):
        OPTIMISERS[name][1](watch, seed)


def gaps(name: str, evaluations: int, seed: int, limit: float) -> list[float]:
    """CPU seconds before each evaluation of a run that chooses among test functions.

    Args:
        name: The optimiser.
        evaluations: How many gaps to take.
        seed: Of the run.
        limit: CPU seconds after which it ends in any case.
    """
    watch = Watch(Task("timed", [problem(arm) for arm in TIMED]), evaluations - 1, limit)
    search(name, watch, seed)
    return watch.waits
