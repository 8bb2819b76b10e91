"""Suggestions beside others: what stands in for the tuner where few networks fit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tinynas.search.problem import Problem

__all__ = ["completed", "neighbours", "untried_neighbour"]

# Quantiles of a continuous parameter that are tried beside a network that fits.
_QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)

Params = Mapping[str, Any]


def untried_neighbour(problem: Problem, known: Iterable[Params], tried: Collection[str]) -> dict[str, Any] | None:
    """A network that fits, one parameter away from one that is known to fit.

    Where few networks fit, random points miss them all; neighbours of one that fits often fit, too.

    Args:
        problem: What is searched.
        known: Suggestions that fit, those to start from first.
        tried: Keys of the architectures that need no second trial.

    Returns:
        A suggestion, or None if there is no such network.
    """
    for params in known:
        for changed in neighbours(problem, params):
            architecture = problem.architecture_or_none(changed)
            if architecture is not None and problem.key(changed) not in tried and problem.fits(architecture, changed):
                return changed
    return None


def neighbours(problem: Problem, params: Params) -> Iterator[dict[str, Any]]:
    """Suggestions that differ in one parameter, by one step of an integer or to any other value."""
    for name, values in problem.parameters(params.get("family", "")).items():
        if name not in params:
            continue
        if isinstance(values, range):
            step = values.step
            near: Sequence[Any] = [n for n in (params[name] - step, params[name] + step) if n in values]
        elif isinstance(values, list):
            near = values
        else:  # a scipy distribution
            near = [float(value) for value in values.ppf(_QUANTILES)]
        yield from (completed(problem, {**params, name: value}) for value in near if value != params[name])


def completed(problem: Problem, params: Params) -> dict[str, Any]:
    """A suggestion without what its other values rule out, and with some value of what they ask for."""
    family = params.get("family", "")
    conditions, possible = problem.families[family].conditions, problem.parameters(family)
    ruled_out = {
        name
        for name, required in conditions.items()
        if any(params.get(other) not in values for other, values in required.items())
    }
    missing = {name: possible[name][0] for name in conditions if name not in params}
    return {name: value for name, value in {**params, **missing}.items() if name not in ruled_out}
