"""What earlier searches found, in the form the tuner is told it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tinynas.tuner.checks import ConfigTypeError
from tinynas.tuner.history import History

__all__ = ["Report", "reports_in"]


@dataclass(frozen=True)
class Report:
    """One evaluation of an earlier search; the arguments of `Tuner.tell`."""

    params: Mapping[str, Any]
    value: Any
    constraints: Any = None
    fidelity: float = 1.0


def reports_in(source: History | Mapping[str, Any] | Iterable[Sequence[Any]]) -> list[Report]:
    """Take apart what an earlier search left.

    Args:
        source: A history; a results dictionary with `params_tried` and `objective_values`; or points and values, each
            perhaps with constraint values and a fidelity.

    Raises:
        ConfigTypeError: If it is none of these.
    """
    if isinstance(source, History):
        return [
            Report(
                source.space.params(told.code),
                source.outcome(told),
                _named(told.constraints, source.constraint_names),
                told.fidelity,
            )
            for told in source.observations
        ]
    if isinstance(source, Mapping):
        if not {"params_tried", "objective_values"} <= set(source):
            raise ConfigTypeError("results need 'params_tried' and 'objective_values'", where="results")
        points, values = list(source["params_tried"]), list(source["objective_values"])
        if len(points) != len(values):
            raise ConfigTypeError(f"{len(points)} points have {len(values)} values", where="results")
        source = list(zip(points, values, strict=True))
    reports = []
    for item in source:
        if not isinstance(item, Sequence) or not 2 <= len(item) <= 4:
            raise ConfigTypeError(f"a point and a value are needed, not {item!r}", where="results")
        reports.append(Report(*item))
    return reports


def _named(constraints: tuple[float, ...], names: tuple[str, ...] | None) -> Any:
    if not constraints:
        return None
    return constraints if names is None else dict(zip(names, constraints, strict=True))
