"""What a network costs, as reports show it: each cost with its unit, its limit and where a measurement has it."""

from __future__ import annotations

from dataclasses import dataclass

from tinynas.report.view import StudyView, number_at
from tinynas.study import Trial

__all__ = ["COSTS", "Cost"]


@dataclass(frozen=True)
class Cost:
    """One cost of a network.

    Attributes:
        key: Its name in figures: `sram`, `flash`, `latency`, `energy`.
        label: What people call it.
        field: Its name in a measurement.
        unit: Of a figure's axis.
        scale: The measurement's units in one unit of the axis.

    Example:
        >>> [cost.label for cost in COSTS]
        ['SRAM', 'flash', 'latency', 'energy']
    """

    key: str
    label: str
    field: str
    unit: str
    scale: float

    def of(self, trial: Trial) -> float | None:
        """What a trial's network costs, in the axis' unit; None where it is not known."""
        value = number_at(trial.measurement, self.field)
        return None if value is None else value / self.scale

    def limit(self, view: StudyView) -> float | None:
        """What a network may cost at most, in the axis' unit; None where nothing limits it."""
        if self.key in ("sram", "flash"):
            most = view.limit(self.key)
        else:
            most = number_at(view.config, "objective", "limits", self.field)
        return None if most is None else most / self.scale

    def text(self, value: float) -> str:
        """A value with its unit.

        Example:
            >>> COSTS[0].text(12.34), COSTS[2].text(0.5)
            ('12.34 KiB', '0.5 ms')
        """
        return f"{value:.4g} {self.unit}"


COSTS = (
    Cost("sram", "SRAM", "sram_bytes", "KiB", 1024),
    Cost("flash", "flash", "flash_bytes", "KiB", 1024),
    Cost("latency", "latency", "latency_us", "ms", 1000),
    Cost("energy", "energy", "energy_uj", "mJ", 1000),
)
