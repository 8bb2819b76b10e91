"""What the tuner is told of a trial: its objective, or several to trade off, and by how much it misses limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from tinynas.config import Config
from tinynas.network import FamilyChoice
from tinynas.objective import Limits, quantities
from tinynas.search.rungs import Outcome
from tinynas.study import Trial

__all__ = ["Report", "has_one_value", "record", "senses"]

#: Parameters, value (several of a front; None of a failure), constraints and fidelity: what `Tuner.restore` takes.
Report: TypeAlias = tuple[Mapping[str, Any], Any, Any, float]

_MEASURED = ("latency_us", "energy_uj")


def senses(config: Config) -> str | list[str]:
    """The tuner's aim: one objective, or as many as are traded off."""
    return ["minimize"] * len(config.objective.pareto) or "minimize"


def has_one_value(config: Config, limits: Limits) -> bool:
    """Whether all that the tuner is told of a trial is its f_opt."""
    return not config.objective.pareto and not _limited(config, limits)


def record(trial: Trial, outcome: Outcome, config: Config, limits: Limits) -> Report:
    """An outcome of a trial in the form that `Tuner.restore` takes: parameters, value, constraints and fidelity.

    Where a board measures time or energy and either is limited, the tuner learns from the excess which networks are
    likely to keep the limits: the resource model cannot tell it. Such a network's value is left open, as it has none.

    Args:
        trial: The trial.
        outcome: What is known of it by then.
        config: Of the search.
        limits: What a network may use of the board.
    """
    constraints = _excess(trial, config, limits)
    value: Any = outcome.value
    if config.objective.pareto:
        value = _values(trial, config)
    elif constraints and trial.feasible is False:
        value = None
    return trial.params or {}, value, constraints or (), outcome.fidelity


def _values(trial: Trial, config: Config) -> tuple[float, ...] | None:
    if not trial.feasible or trial.objective is None:
        return None
    found = quantities(config.objective, trial.metrics or {}, trial.measurement or {})
    return None if None in found else tuple(value for value in found if value is not None)


def _limited(config: Config, limits: Limits) -> Mapping[str, float]:
    """Limits on what a board alone knows; none among several families, whose tuners learn from the penalty."""
    if config.mode != "hil" or isinstance(config.space, FamilyChoice):
        return {}
    return {name: limit for name in _MEASURED if (limit := getattr(limits, name)) is not None}


def _excess(trial: Trial, config: Config, limits: Limits) -> Mapping[str, float | None]:
    """By how much of each limit on what a board alone knows a trial is above it; empty where there are none."""
    used = trial.measurement or {}
    return {
        name: None if (value := used.get(name)) is None else float(value) / limit - 1
        for name, limit in _limited(config, limits).items()
    }
