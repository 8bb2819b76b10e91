"""One adapter per optimiser, all with one protocol: minimise a problem, give back the values in the order evaluated.

Every optimiser has its default configuration but for what is said beside it, evaluates the same number of points, the
initial ones included, and runs in one thread. Mango and tinynas take a constraint as it is. The others propose points
that are not allowed: those have a penalty for a value (and are marked as violations to Optuna, which learns them), and
do not count as evaluations, since asking about them costs nothing.
"""

from __future__ import annotations

import hashlib
import random
import tempfile
from ast import literal_eval
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from _problems import MAX_PROPOSALS, Evaluations, Integers, Params, Problem, Uniform, random_params
from _slow_peers import SLOW

__all__ = ["BY_DEFAULT", "NAMES", "Optimiser", "find", "hyperopt_space", "scipy_space"]

BATCH = 5
# README of Mango; its computed default is ten times that and more, and ten times as slow.
MANGO_DOMAIN_SIZE = 5000
# Of packages that are imported by another name.
_MODULES = {"arm-mango": "mango", "ax-platform": "ax", "google-vizier": "vizier", "HEBO": "hebo"}


@dataclass(frozen=True)
class Optimiser:
    """A way to search.

    Attributes:
        package: What must be installed.
        search: Runs it: (evaluations to make, seed).
    """

    package: str
    search: Callable[[Evaluations, int], None]

    @property
    def installed(self) -> bool:
        """Whether it can run here."""
        return find_spec(_MODULES.get(self.package, self.package)) is not None

    @property
    def version(self) -> str:
        """Version of the package; of tinynas, which changes daily, a digest of the tuner's source."""
        if self.package != "tinynas":
            return version(self.package) if self.package != "numpy" else "1"
        from tinynas import tuner

        digest = hashlib.sha256()
        for path in sorted(Path(str(tuner.__file__)).parent.rglob("*.py")):
            digest.update(path.read_bytes())
        return digest.hexdigest()[:12]


def _random(evaluations: Evaluations, seed: int) -> None:
    rng = np.random.default_rng(seed)
    while not evaluations.done:
        evaluations(random_params(evaluations.problem, rng))


def scipy_space(problem: Problem) -> dict[str, Any]:
    """The parameters of a problem as tinynas and Mango take them."""
    from scipy.stats import uniform

    space: dict[str, Any] = {}
    for name, parameter in problem.space.items():
        if isinstance(parameter, Uniform):
            space[name] = uniform(parameter.low, parameter.high - parameter.low)
        elif isinstance(parameter, Integers):
            space[name] = range(parameter.low, parameter.high + 1)
        else:
            space[name] = list(parameter.values)
    return space


def hyperopt_space(problem: Problem, prefix: str = "") -> dict[str, Any]:
    """The parameters of a problem as Hyperopt takes them, with a prefix for what must be unique there."""
    from hyperopt import hp

    space: dict[str, Any] = {}
    for name, parameter in problem.space.items():
        label = f"{prefix}{name}"
        if isinstance(parameter, Uniform):
            space[name] = hp.uniform(label, parameter.low, parameter.high)
        elif isinstance(parameter, Integers):
            space[name] = hp.uniformint(label, parameter.low, parameter.high)
        else:
            space[name] = hp.choice(label, list(parameter.values))
    return space


def _constraint(problem: Problem) -> Callable[[list[Params]], list[bool]] | None:
    allows = problem.allows
    return None if allows is None else lambda points: [allows(point) for point in points]


def _tinynas(batch: int, **configuration: Any) -> Callable[[Evaluations, int], None]:
    def search(evaluations: Evaluations, seed: int) -> None:
        from tinynas.tuner import Tuner

        problem = evaluations.problem
        configuration_of_run = {"sense": "minimize", "seed": seed, "constraint": _constraint(problem), **configuration}
        tuner = Tuner(scipy_space(problem), conf_dict=configuration_of_run)
        while not evaluations.done:
            # All points of a batch are asked for before the first of them is told.
            for point in tuner.ask(min(batch, evaluations.budget - len(evaluations.values))):
                tuner.tell(point, evaluations(point))

    return search


def _mango(batch: int, domain_size: int | None) -> Callable[[Evaluations, int], None]:
    def search(evaluations: Evaluations, seed: int) -> None:
        from mango import Tuner

        def objective(points: list[Params]) -> list[float]:
            return [evaluations(point) for point in points]

        np.random.seed(seed)  # noqa: NPY002  # Mango draws from numpy's and Python's global generators
        random.seed(seed)
        initial = 2 if batch == 1 else batch
        configuration: dict[str, Any] = {
            "initial_random": initial,
            "num_iteration": -(-(evaluations.budget - initial) // batch),
            "batch_size": batch,
            "log_progress": False,
        }
        if domain_size is not None:
            configuration["domain_size"] = domain_size
        if evaluations.problem.allows is not None:
            configuration["constraint"] = _constraint(evaluations.problem)
        Tuner(scipy_space(evaluations.problem), objective, configuration).minimize()

    return search


def _hyperopt(evaluations: Evaluations, seed: int) -> None:
    from hyperopt import fmin, tpe

    fmin(
        lambda params: evaluations(dict(params)),
        hyperopt_space(evaluations.problem),
        algo=tpe.suggest,
        max_evals=MAX_PROPOSALS * evaluations.budget,
        early_stop_fn=lambda _trials, *_: (evaluations.done, []),
        rstate=np.random.default_rng(seed),
        show_progressbar=False,
        verbose=False,
    )


def _optuna(sampler: str, **configuration: Any) -> Callable[[Evaluations, int], None]:
    def search(evaluations: Evaluations, seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        distributions: dict[str, Any] = {}
        for name, parameter in evaluations.problem.space.items():
            if isinstance(parameter, Uniform):
                distributions[name] = optuna.distributions.FloatDistribution(parameter.low, parameter.high)
            elif isinstance(parameter, Integers):
                distributions[name] = optuna.distributions.IntDistribution(parameter.low, parameter.high)
            else:
                distributions[name] = optuna.distributions.CategoricalDistribution(parameter.values)
        if sampler == "GPSampler":
            import torch

            torch.set_num_threads(1)
        allows = evaluations.problem.allows
        if allows is not None:
            configuration_of_run = {
                **configuration,
                "constraints_func": lambda trial: (1.0 - 2.0 * allows(trial.params),),
            }
        else:
            configuration_of_run = configuration
        study = optuna.create_study(sampler=getattr(optuna.samplers, sampler)(seed=seed, **configuration_of_run))
        while not evaluations.done:
            trial = study.ask(distributions)
            study.tell(trial, evaluations(trial.params))

    return search


def _never_called(config: Any, seed: int = 0) -> float:
    """What SMAC looks at the arguments of, and calls only in runs of its own."""
    raise NotImplementedError(f"{config} {seed}")


def _smac(facade: str) -> Callable[[Evaluations, int], None]:
    def search(evaluations: Evaluations, seed: int) -> None:
        import smac
        from ConfigSpace import Categorical, ConfigurationSpace, Float, Integer
        from smac.runhistory.dataclasses import TrialValue

        space = ConfigurationSpace(seed=seed)
        for name, parameter in evaluations.problem.space.items():
            if isinstance(parameter, Uniform):
                space.add(Float(name, (parameter.low, parameter.high)))
            elif isinstance(parameter, Integers):
                space.add(Integer(name, (parameter.low, parameter.high)))
            else:
                space.add(Categorical(name, list(parameter.values)))
        proposals = 1 if evaluations.problem.allows is None else MAX_PROPOSALS
        kind = getattr(smac, facade)
        with tempfile.TemporaryDirectory() as folder:
            scenario = smac.Scenario(
                space,
                n_trials=proposals * evaluations.budget,
                deterministic=True,
                seed=seed,
                output_directory=Path(folder),
            )
            # A quarter of the trials, as by default, but of those that count.
            design = kind.get_initial_design(scenario, max_ratio=0.25 / proposals)
            optimiser = kind(scenario, _never_called, initial_design=design, overwrite=True, logging_level=False)
            while not evaluations.done:
                trial = optimiser.ask()
                optimiser.tell(trial, TrialValue(cost=evaluations(dict(trial.config))))

    return search


_MAKERS: dict[str, tuple[str, Callable[..., Callable[[Evaluations, int], None]], dict[str, Any]]] = {
    "tinynas": ("tinynas", _tinynas, {"batch": 1}),
    "tinynas-batch": ("tinynas", _tinynas, {"batch": BATCH}),
    "random": ("numpy", lambda: _random, {}),
    "optuna-gp": ("optuna", _optuna, {"sampler": "GPSampler"}),
    "mango": ("arm-mango", _mango, {"batch": 1, "domain_size": MANGO_DOMAIN_SIZE}),
    "mango-batch": ("arm-mango", _mango, {"batch": BATCH, "domain_size": MANGO_DOMAIN_SIZE}),
    "optuna-tpe": ("optuna", _optuna, {"sampler": "TPESampler"}),
    "hyperopt": ("hyperopt", lambda: _hyperopt, {}),
    "smac": ("smac", _smac, {"facade": "HyperparameterOptimizationFacade"}),
    "smac-gp": ("smac", _smac, {"facade": "BlackBoxFacade"}),
    **SLOW,
}
NAMES = tuple(_MAKERS)
BY_DEFAULT = tuple(name for name in NAMES if name not in ("smac-gp", *SLOW))


def find(name: str) -> Optimiser:
    """The optimiser of a name, with the configuration that may follow it.

    Raises:
        KeyError: If there is none of that name.

    Example:
        >>> find("mango:domain_size=None").package, find("tinynas-batch:parallel_strategy=clustering").package
        ('arm-mango', 'tinynas')
    """
    kind, _, rest = name.partition(":")
    package, make, configuration = _MAKERS[kind]
    wishes = dict(wish.split("=", 1) for wish in rest.split(",") if wish)
    return Optimiser(package, make(**{**configuration, **{key: _literal(text) for key, text in wishes.items()}}))


def _literal(text: str) -> Any:
    try:
        return literal_eval(text)
    except (SyntaxError, ValueError):
        return text
