"""The Pareto front of a study's networks, with its knee."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tinynas.objective import METRICS
from tinynas.pareto import find_front, find_knee
from tinynas.report.columns import Where, columns_in
from tinynas.report.view import StudyView, mapping_at, number_at
from tinynas.report.words import NONE, error_text
from tinynas.study import Trial

__all__ = ["describe_point", "describe_trial", "front_headings", "read_front", "traded_off"]

_FIGURES = {column.key: column for column in columns_in(Where.JSON)}


def traded_off(view: StudyView) -> tuple[str, ...]:
    """The quantities that a study's search trades off; empty where it minimises one number."""
    named = mapping_at(view.config, "objective").get("pareto")
    return tuple(map(str, named)) if isinstance(named, list | tuple) else ()


def read_front(view: StudyView) -> list[dict[str, Any]] | None:
    """Return the networks on the front, by rising first quantity, or None where nothing is traded off.

    Returns:
        Of each network what `describe_trial` returns, and `knee`: whether it is the one nearest to the best of all
        quantities, each scaled to its span over the front.
    """
    names = traded_off(view)
    if not names:
        return None
    tried = (trial for trial in view.trials if trial.final_of is None)
    trials = [trial for trial in tried if trial.feasible and trial.objective is not None]
    points = [(trial, point) for trial in trials if (point := _point(view, trial, names)) is not None]
    front = [points[index] for index in find_front([point for _, point in points])]
    if not front:
        return []
    knee = find_knee([point for _, point in front])
    return [describe_trial(view, trial) | {"knee": place == knee} for place, (trial, _) in enumerate(front)]


def describe_trial(view: StudyView, trial: Trial) -> dict[str, Any]:
    """Return a trained network's errors on the validation recordings and its figures; unknown ones are None."""
    measurement, metrics = trial.measurement or {}, trial.metrics or {}
    names = [*_FIGURES, "source", "engine"]
    return {
        "trial": trial.id,
        "architecture": dict(trial.architecture),
        "objective": trial.objective,
        "precision": view.precision,
        **{key: number_at(metrics, key) for key in ("error_int8", "error_float", "ate_m", "rte_m")},
        "clock_hz": number_at(measurement, "clock_hz"),
    } | {name: measurement.get(name) for name in names}


def front_headings(names: Iterable[str]) -> list[str]:
    """What people call the quantities of a front."""
    return ["error" if name == "error" else _FIGURES[name].label if name in _FIGURES else name for name in names]


def describe_point(point: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """The quantities of a network on the front, with their units, in the order of their names."""
    texts = []
    for name in names:
        if name == "error":
            texts.append(error_text(number_at(point, "error_int8")))
        else:
            texts.append((_FIGURES[name].text(point) if name in _FIGURES else None) or NONE)
    return texts


def _point(view: StudyView, trial: Trial, names: Iterable[str]) -> tuple[float, ...] | None:
    metric = METRICS.get(mapping_at(view.config, "objective").get("error", "velocity_rmse"), "error_int8")
    sources: Mapping[str, tuple[Mapping[str, Any] | None, str]] = {"error": (trial.metrics, metric)}
    found = [number_at(*sources.get(name, (trial.measurement, name))) for name in names]
    return None if None in found else tuple(value for value in found if value is not None)
