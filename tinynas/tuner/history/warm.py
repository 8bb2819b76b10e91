"""What earlier searches found, in the form the tuner is told it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tinynas.errors import SpaceError
from tinynas.tuner.checks import ConfigTypeError
from tinynas.tuner.history.history import History

__all__ = ["Report", "learn", "reports_in"]

logger = logging.getLogger(__name__)


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


def learn(history: History, reports: Sequence[Report], *, fidelity: float = 1.0, strict: bool = True) -> list[Report]:
    """Tell a history what an earlier search found.

    Args:
        history: What is known; grows.
        reports: What the earlier search found.
        fidelity: At most so faithful; below 1 failures are left out.
        strict: Refuse points that are not of the space. Else they are skipped.

    Returns:
        What was learnt from.

    Raises:
        SpaceError, ConfigTypeError, ConfigValueError: If `History.tell` refuses a report.
    """
    learnt = []
    for report in reports:
        own = min(report.fidelity, fidelity)
        try:
            history.tell(report.params, report.value, constraints=report.constraints, fidelity=own)
        except SpaceError as error:
            if strict:
                raise
            logger.info("skipped %r of an earlier search: %s", report.params, error)
            continue
        if own < 1.0 and history.observations[-1].values is None:
            history.observations.pop()
        else:
            learnt.append(replace(report, fidelity=own))
    return learnt


def _named(constraints: tuple[float, ...], names: tuple[str, ...] | None) -> Any:
    if not constraints:
        return None
    return constraints if names is None else dict(zip(names, constraints, strict=True))
