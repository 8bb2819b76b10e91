"""Bounds that the search spaces of all families have, and their checks."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import Field

from tinynas.checked import Whole, options
from tinynas.errors import SpaceError
from tinynas.network.families.fields import NORMS
from tinynas.network.layers import GROUP

__all__ = ["Bounds", "Clock", "Width", "Window"]

# Far beyond what fits any microcontroller: a slip of a digit is told, not computed with.
Width = Annotated[int, Field(strict=True, le=1024)]
Window = Annotated[int, Field(strict=True, ge=2, le=100_000)]
Clock = Annotated[int, Field(strict=True, ge=1, le=10_000_000_000)]


@options("space")
class Bounds:
    """Bounds of a family of networks, both ends included.

    Attributes:
        filters: Least and greatest number of filters.
        kernel_size: Least and greatest kernel size.
        blocks: Least and greatest number of blocks.
        dropout: Least and greatest rate.
        norm: Values to try.
        symmetry: "none"; "c4", networks that commute with quarter turns about the vertical; or None: a search takes
            "c4" where its data are in a level or north frame.
        window: Windows to choose from, in samples; empty: that of the data's options.
        frame: Frames to choose from; empty: that of the data's options.
        turns: Numbers of directions to choose from in which the board runs the network; empty: that of the deployment.
        clock_hz: Clocks of the core to choose from, of those that the board lists; empty: the board's own.
        candidates: Networks that are tried first, each by the values of its parameters.
        family: Name of the family.
    """

    filters: tuple[Width, Width] = (2, 63)
    kernel_size: tuple[Width, Width] = (2, 15)
    blocks: tuple[Whole, Whole] = (1, 1)
    dropout: tuple[float, float] = (0.0, 0.1)
    norm: tuple[str, ...] = NORMS
    symmetry: Literal["none", "c4"] | None = None
    window: tuple[Window, ...] = ()
    frame: tuple[Literal["body", "level", "north"], ...] = ()
    turns: tuple[Literal[1, 2, 4], ...] = ()
    clock_hz: tuple[Clock, ...] = ()
    candidates: tuple[dict[str, Any], ...] = field(default=(), hash=False)
    family: str = ""

    def bounded(self) -> dict[str, Any]:
        """Filters, kernel size, dropout and norm in the form a tuner takes: ranges, lists and scipy distributions."""
        from scipy.stats import uniform

        low, high = self.dropout
        return {
            "filters": self.whole_groups("filters"),
            "kernel_size": range(self.kernel_size[0], self.kernel_size[1] + 1),
            "dropout": uniform(low, high - low) if high > low else [low],
            "norm": list(self.norm),
        }

    def check_ranges(self, *names: str) -> None:
        """Refuse bounds that are reversed or below 1, rates outside [0, 1), and lists with a value twice.

        Args:
            names: Fields that are a least and a greatest number.

        Raises:
            SpaceError: With the key.
        """
        for name in names:
            low, high = getattr(self, name)
            if not 1 <= low <= high:
                raise SpaceError(f"the bounds [{low}, {high}] are no range of positive integers", where=f"space.{name}")
        if not 0.0 <= self.dropout[0] <= self.dropout[1] < 1.0:
            raise SpaceError(f"the bounds {list(self.dropout)} are not within [0, 1)", where="space.dropout")
        if not self.norm or any(norm not in NORMS for norm in self.norm):
            raise SpaceError(f"{list(self.norm)} are not among {', '.join(NORMS)}", where="space.norm")
        for name in ("window", "frame", "turns", "clock_hz"):
            values = list(getattr(self, name))
            if len(set(values)) < len(values):
                raise SpaceError(f"{values} names a value twice", where=f"space.{name}")

    def check_ascending(self, name: str) -> None:
        """Refuse a list that is empty or not one of ascending positive integers.

        Raises:
            SpaceError: With the key.
        """
        values = list(getattr(self, name))
        if not values or values != sorted(set(values)) or values[0] < 1:
            what = f"{values} is not a list of positive integers in ascending order"
            raise SpaceError(what, where=f"space.{name}")

    def whole_groups(self, name: str) -> range:
        """Numbers of channels to choose from: whole groups, where a symmetry asks for them.

        Args:
            name: The field that bounds them.

        Raises:
            SpaceError: There is none.
        """
        low, high = getattr(self, name)
        step = GROUP if self.symmetry == "c4" else 1
        widths = range(-(-low // step) * step, high + 1, step)
        if not widths:
            what = f"the bounds {[low, high]} hold no multiple of {GROUP}, as symmetry c4 asks"
            raise SpaceError(what, where=f"space.{name}", advice="widen them, or set space.symmetry to none")
        return widths

    def rate(self, dropout: float) -> float:
        """A dropout rate in whole percent, because finer steps make no other network; never outside the bounds."""
        low, high = self.dropout
        return min(max(round(float(dropout), 2), low), high)
