"""Searches as lines of a convergence plot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.ask_tell import AskTell
from tinynas.tuner.config import ConfigTypeError, ConfigValueError
from tinynas.tuner.plots.traces import HUES, Trace, dots, lines

__all__ = ["Run", "Scale", "named_sources", "read_run", "run_traces"]

Array = NDArray[np.float64]


class Run(NamedTuple):
    """One search.

    Attributes:
        name: What it is called.
        values: In the user's sign, NaN for failures, shape (n,).
        counted: Which of them may be the best, shape (n,).
        minimize: Whether low values are better.
    """

    name: str
    values: Array
    counted: NDArray[np.bool_]
    minimize: bool

    @property
    def best(self) -> Array:
        """Best value so far, NaN before there is one, shape (n,)."""
        sign = 1.0 if self.minimize else -1.0
        losses = np.minimum.accumulate(np.where(self.counted, sign * self.values, np.inf))
        return np.where(np.isfinite(losses), sign * losses, np.nan)


class Scale(NamedTuple):
    """From values to what is drawn: themselves, or their distance from the best value possible."""

    minimum: float | None
    sign: float
    floor: float

    @classmethod
    def of(cls, runs: list[Run], minimum: float | None) -> Scale:
        """The scale for runs of one sense. Logarithms have no 0: the floor stands for it, below all that is above."""
        sign = 1.0 if runs[0].minimize else -1.0
        if minimum is None:
            return cls(None, sign, 0.0)
        regrets = sign * (np.concatenate([run.values for run in runs]) - minimum)
        above = regrets[regrets > 0.0]
        return cls(float(minimum), sign, float(above.min()) / 10.0 if len(above) else np.finfo(float).eps)

    def __call__(self, values: Array) -> Array:
        """What to draw, shape (n,)."""
        return values if self.minimum is None else np.maximum(self.sign * (values - self.minimum), self.floor)


def named_sources(sources: Any) -> list[tuple[str, Any]]:
    """Results dictionaries and tuners with their names; for want of them numbers, or nothing for a single one."""
    if isinstance(sources, AskTell) or (isinstance(sources, Mapping) and "objective_values" in sources):
        return [("", sources)]
    if isinstance(sources, Mapping):
        return [(str(name), source) for name, source in sources.items()]
    if not isinstance(sources, Iterable) or isinstance(sources, str):
        raise ConfigTypeError(f"must be results or tuners, not {sources!r}", where="results_or_tuners")
    return [(f"search {number}", source) for number, source in enumerate(sources, 1)]


def read_run(name: str, source: Any, minimize: bool | None) -> Run:
    """Take a results dictionary or a tuner apart.

    Raises:
        ConfigTypeError: If it is neither.
        ConfigValueError: If it has several senses, or an unknown one.
    """
    if isinstance(source, AskTell):
        history = source._history
        if len(history.senses) > 1:
            raise ConfigValueError(f"{name!r} has several senses", where="results_or_tuners")
        told = history.observations
        values = np.array([np.nan if one.value is None else one.value for one in told])
        counted = np.array([one.feasible and one.fidelity == 1.0 for one in told], dtype=bool)
        return Run(name, values, counted, history.signs[0] > 0.0 if minimize is None else minimize)
    if not isinstance(source, Mapping) or "objective_values" not in source:
        raise ConfigTypeError(f"{name!r} is neither results nor a tuner", where="results_or_tuners")
    values = np.array(list(source["objective_values"]), dtype=float)
    if values.ndim != 1:
        raise ConfigValueError(f"{name!r} has several senses", where="results_or_tuners")
    values = np.where(np.isfinite(values), values, np.nan)
    return Run(name, values, np.isfinite(values), _minimizes(name, source, values) if minimize is None else minimize)


def _minimizes(name: str, results: Mapping[str, Any], values: Array) -> bool:
    """Whether the best value of some results is the lowest."""
    finite, best = values[np.isfinite(values)], results.get("best_objective")
    if best is None or not len(finite) or best not in (finite.min(), finite.max()):
        raise ConfigValueError(f"it is not known whether {name!r} minimises", where="minimize", advice="say so")
    return bool(best == finite.min())


def run_traces(run: Run, scale: Scale, rank: int) -> list[Trace]:
    """Best so far, evaluations and failures of a run."""
    hue, number = HUES[rank % len(HUES)], np.arange(1, len(run.values) + 1)
    told = np.isfinite(run.values)
    symbols = ["circle" if counts else "circle-open" for counts in run.counted[told]]
    line = {"color": hue, "width": 2.5, "shape": "hv"}
    quiet = {"legendgroup": run.name, "showlegend": False}
    points = dots(f"{run.name} evaluated".strip(), number[told], scale(run.values[told]), hue, symbols, 6)
    label = f"{run.name} failed".strip()
    crosses = dots(label, number[~told], [label] * int((~told).sum()), hue, "x")
    return [
        lines(run.name or "best so far", number, scale(run.best), hue)
        | {"line": line, "legendgroup": run.name, "showlegend": True},
        points | quiet | {"opacity": 0.55},
        crosses | quiet | {"yaxis": "y2"},
    ]
