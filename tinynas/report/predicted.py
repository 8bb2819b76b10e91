"""What the resource model predicted of the candidates, beside what a board reported of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from tinynas.report.view import StudyView, number_at
from tinynas.study import Trial

__all__ = ["RESOURCES", "Prediction", "predictions", "proxy_error", "proxy_error_text"]

RESOURCES = {"sram": "SRAM", "flash": "flash"}


@dataclass(frozen=True)
class Prediction:
    """What one trial takes of one resource, by the resource model and by measurement.

    Attributes:
        trial: The trial.
        predicted_bytes: By the resource model.
        measured_bytes: As the board reported; positive.

    Example:
        >>> from types import SimpleNamespace
        >>> pair = Prediction(SimpleNamespace(id=0), predicted_bytes=990, measured_bytes=1000)
        >>> pair.off_bytes, pair.off_percent
        (-10, -1.0)
    """

    trial: Trial
    predicted_bytes: float
    measured_bytes: float

    @property
    def off_bytes(self) -> float:
        """The error of the resource model: above zero where it predicted too much."""
        return self.predicted_bytes - self.measured_bytes

    @property
    def off_percent(self) -> float:
        """The error in percent of what was measured."""
        return 100 * self.off_bytes / self.measured_bytes


def predictions(view: StudyView, resource: str) -> list[Prediction]:
    """Return the pairs of all trials that were measured, in the order of proposal.

    Args:
        view: The study.
        resource: `sram` or `flash`.
    """
    pairs = []
    for trial in view.trials:
        expected = number_at(trial.measurement, f"predicted_{resource}_bytes")
        found = number_at(trial.measurement, f"{resource}_bytes")
        # A duplicate has the figures of another trial and was never measured itself: that one would count twice.
        if expected is not None and found and trial.duplicate_of is None:
            pairs.append(Prediction(trial, expected, found))
    return pairs


def proxy_error(view: StudyView) -> dict[str, float | None] | None:
    """Return how far the resource model was off over all trials that were measured, or None where none was.

    Returns:
        trials (how many were measured) and, of the absolute errors in percent of what was measured,
        sram_median_percent, sram_max_percent, flash_median_percent and flash_max_percent.
    """
    pairs = {resource: predictions(view, resource) for resource in RESOURCES}
    measured = {pair.trial.id for found in pairs.values() for pair in found}
    if not measured:
        return None
    error: dict[str, float | None] = {"trials": len(measured)}
    for resource, found in pairs.items():
        off = [abs(pair.off_percent) for pair in found]
        error[f"{resource}_median_percent"] = median(off) if off else None
        error[f"{resource}_max_percent"] = max(off, default=None)
    return error


def proxy_error_text(error: Mapping[str, Any]) -> str:
    """Say what `proxy_error` found; empty where it holds no figures.

    Example:
        >>> proxy_error_text({"trials": 3, "sram_median_percent": 0.1, "sram_max_percent": 0.25})
        'off for SRAM by 0.10 % in the median and 0.25 % at most'
    """
    parts = []
    for resource, name in RESOURCES.items():
        middle, most = (number_at(error, f"{resource}_{key}_percent") for key in ("median", "max"))
        if middle is not None and most is not None:
            parts.append(f"for {name} by {middle:.2f} % in the median and {most:.2f} % at most")
    return f"off {', '.join(parts)}" if parts else ""
