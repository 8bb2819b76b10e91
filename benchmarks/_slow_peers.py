"""Adapters of optimisers that take a tenth of a second to some seconds a proposal, each in an environment of its own.

What `_peers` says of its adapters holds for these, too.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
from _problems import Choice, Evaluations, Integers, Uniform

__all__ = ["SLOW"]


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _ax() -> Callable[[Evaluations, int], None]:
    def search(evaluations: Evaluations, seed: int) -> None:
        from ax.api.client import Client
        from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

        _one_thread()
        space: list[Any] = []
        for name, parameter in evaluations.problem.space.items():
            if isinstance(parameter, Choice):
                kind = {bool: "bool", int: "int", float: "float"}.get(type(parameter.values[0]), "str")
                space.append(ChoiceParameterConfig(name, list(parameter.values), kind, is_ordered=False))
            else:
                kind = "int" if isinstance(parameter, Integers) else "float"
                space.append(RangeParameterConfig(name, (parameter.low, parameter.high), kind))
        client = Client(random_seed=seed)
        client.configure_experiment(space)
        client.configure_optimization("-value")
        while not evaluations.done:
            for trial, params in client.get_next_trials(1).items():
                client.complete_trial(trial, {"value": evaluations(dict(params))})

    return search


def _vizier() -> Callable[[Evaluations, int], None]:
    def search(evaluations: Evaluations, seed: int) -> None:
        import jax
        from vizier import algorithms, pyvizier

        # The public module has all designers, and needs a dozen packages that this one does without.
        from vizier._src.algorithms.designers.gp_ucb_pe import VizierGPUCBPEBandit

        # With single precision it proposes points without coordinates.
        jax.config.update("jax_enable_x64", True)
        problem = pyvizier.ProblemStatement()
        root = problem.search_space.root
        for name, parameter in evaluations.problem.space.items():
            if isinstance(parameter, Uniform):
                root.add_float_param(name, parameter.low, parameter.high)
            elif isinstance(parameter, Integers):
                root.add_int_param(name, parameter.low, parameter.high)
            else:
                root.add_categorical_param(name, [str(value) for value in parameter.values])
        problem.metric_information.append(
            pyvizier.MetricInformation("value", goal=pyvizier.ObjectiveMetricGoal.MINIMIZE)
        )
        designer = VizierGPUCBPEBandit(problem, rng=jax.random.PRNGKey(seed))
        number = 0
        while not evaluations.done:
            [suggestion] = designer.suggest(1)
            number += 1
            trial = suggestion.to_trial(number)
            params = {name: value.value for name, value in trial.parameters.items()}
            for name, parameter in evaluations.problem.space.items():
                if isinstance(parameter, Choice):
                    params[name] = next(value for value in parameter.values if str(value) == params[name])
            trial.complete(pyvizier.Measurement({"value": evaluations(params)}))
            designer.update(algorithms.CompletedTrials([trial]), algorithms.ActiveTrials())

    return search


def _hebo() -> Callable[[Evaluations, int], None]:
    def search(evaluations: Evaluations, seed: int) -> None:
        import torch
        from hebo.design_space.design_space import DesignSpace
        from hebo.optimizers.hebo import HEBO

        _one_thread()
        np.random.seed(seed)  # noqa: NPY002  # HEBO draws from the global generators
        random.seed(seed)
        torch.manual_seed(seed)
        space: list[dict[str, Any]] = []
        for name, parameter in evaluations.problem.space.items():
            if isinstance(parameter, Choice):
                space.append({"name": name, "type": "cat", "categories": list(parameter.values)})
            else:
                kind = "int" if isinstance(parameter, Integers) else "num"
                space.append({"name": name, "type": kind, "lb": parameter.low, "ub": parameter.high})
        optimiser = HEBO(DesignSpace().parse(space), scramble_seed=seed)
        while not evaluations.done:
            suggested = optimiser.suggest(n_suggestions=1)
            params = {name: suggested[name].tolist()[0] for name in evaluations.problem.space}
            optimiser.observe(suggested, np.array([[evaluations(params)]]))

    return search


# Name: the package, and what makes the search.
SLOW: dict[str, tuple[str, Callable[..., Callable[[Evaluations, int], None]], dict[str, Any]]] = {
    "ax": ("ax-platform", _ax, {}),
    "vizier": ("google-vizier", _vizier, {}),
    "hebo": ("HEBO", _hebo, {}),
}
