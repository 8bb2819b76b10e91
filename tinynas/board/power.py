"""What a board's supply gives: clocks to choose from, with the power while the core computes and while it waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import ConfigDict, Field

from tinynas.board.memory import InconsistencyError

__all__ = ["Clock", "Milliwatts", "OperatingPoint", "Power", "check_points"]

Clock = Annotated[int, Field(strict=True, gt=0, le=10_000_000_000)]
Milliwatts = Annotated[float, Field(gt=0, le=10_000_000, allow_inf_nan=False)]


@dataclass(frozen=True)
class OperatingPoint:
    """A clock to choose, and the supply's power there.

    The two figures belong together: as measured on one board, or from one table of a data sheet.

    Attributes:
        clock_hz: Clock of the core.
        active_mw: Power while it computes; None: unknown.
        idle_mw: Power while it waits for the next update, in whatever sleep the application uses; None: unknown.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    clock_hz: Clock
    active_mw: Milliwatts | None = None
    idle_mw: Milliwatts | None = None

    @property
    def power(self) -> Power | None:
        """The supply's power, where both figures are known."""
        if self.active_mw is None or self.idle_mw is None:
            return None
        return Power(self.active_mw, self.idle_mw)


@dataclass(frozen=True)
class Power:
    """What the supply gives at one clock, in milliwatts: while the core computes, and while it waits."""

    active_mw: float
    idle_mw: float

    def energy_uj(self, time_us: float) -> float:
        """Microjoules of so many microseconds of computing, to a nanojoule."""
        return round(time_us * self.active_mw / 1e3, 3)


def check_points(points: Sequence[OperatingPoint]) -> None:
    """Check a board's operating points.

    Raises:
        InconsistencyError: A clock stands there twice, or only one of a point's two figures is given.
    """
    clocks = [point.clock_hz for point in points]
    for index, point in enumerate(points):
        if point.clock_hz in clocks[:index]:
            raise InconsistencyError(
                f"{point.clock_hz} Hz are listed twice", where=f"operating_points[{index}].clock_hz"
            )
        if (point.active_mw is None) != (point.idle_mw is None):
            what = "active_mw and idle_mw say nothing without each other"
            raise InconsistencyError(what, where=f"operating_points[{index}]")
