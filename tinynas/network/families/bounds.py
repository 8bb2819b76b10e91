"""Bounds that the search spaces of all families have, and their checks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import Field

from tinynas.checked import Whole, options
from tinynas.errors import SpaceError
from tinynas.network.families.fields import NORMS, WHOLE, grown
from tinynas.network.layers import GROUP

__all__ = ["Bounds", "Clock", "Width", "Window"]

# Far beyond what fits any microcontroller: a slip of a digit is told, not computed with.
Width = Annotated[int, Field(strict=True, le=1024)]
Window = Annotated[int, Field(strict=True, ge=2, le=100_000)]
Growth = Annotated[float, Field(ge=1 / 16, le=16)]
# Growths that there are between one and twice as many: finer ones make hardly another network.
_GROWTHS = 4
_EXACT = 1e-6  # by which a bound may miss one of them
Clock = Annotated[int, Field(strict=True, ge=1, le=10_000_000_000)]


@options("space")
class Bounds:
    """Bounds of a family of networks, both ends included.

    Attributes:
        filters: Least and greatest number of filters; with a growth their geometric mean over the blocks.
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
        growth: Least and greatest number of times as many filters as in the first block that the last one has, with a
            geometric sequence between; with both alike nothing is chosen.
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
    growth: tuple[Growth, Growth] = (1.0, 1.0)
    candidates: tuple[dict[str, Any], ...] = field(default=(), hash=False)
    family: str = ""

    def bounded(self) -> dict[str, Any]:
        """What all families have in the form a tuner takes: ranges, lists and scipy distributions."""
        from scipy.stats import loguniform, uniform

        low, high = self.dropout
        return {
            "filters": self.whole_groups("filters"),
            **({"growth": loguniform(*self.growth)} if self.growth[1] > self.growth[0] else {}),
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
        if self.growth[0] > self.growth[1]:
            raise SpaceError(f"the bounds {list(self.growth)} are reversed", where="space.growth")
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

    @property
    def growths(self) -> list[float]:
        """The growths that there are: quarters of a doubling within the bounds, or the least one without any."""
        low, high = (_GROWTHS * math.log2(bound) for bound in self.growth)
        steps = range(math.ceil(low - _EXACT), math.floor(high + _EXACT) + 1)
        return [2.0 ** (step / _GROWTHS) for step in steps] or [self.growth[0]]

    def widths(self, parameters: Mapping[str, Any], blocks: int) -> int | tuple[int, ...]:
        """Filters of each block of the network that a suggestion stands for, or one number for all.

        Args:
            parameters: A suggestion's.
            blocks: How many blocks the network has.
        """
        wanted = float(parameters.get("growth", self.growth[0]))
        growth = min(self.growths, key=lambda one: abs(math.log(one / wanted)))
        return grown(int(parameters["filters"]), growth, blocks, tied=self.symmetry == "c4")

    def least_widths(self, channels: int, blocks: int) -> list[dict[str, Any]]:
        """Filters and growths of suggestions, among which those of the cheapest networks are.

        The fewest filters are cheapest, unless as many in the first block as there are input channels spare a 1x1
        convolution, or a few more in a block make whole words, for which compiled code is shorter. Which growth is
        cheapest depends on everything else.

        Args:
            channels: Of the input.
            blocks: How many blocks the networks have.

        Returns:
            The parameters `filters` and, where it is chosen, `growth`; each set of widths once.
        """
        tied, found = self.symmetry == "c4", dict[int | tuple[int, ...], dict[str, Any]]()
        filters = self.whole_groups("filters")
        for growth in self.growths:
            top = grown(filters[0], growth, blocks, tied=tied)
            words = -(-(top if isinstance(top, int) else max(top)) // WHOLE) * WHOLE
            for n in filters:
                widths = grown(n, growth, blocks, tied=tied)
                first = widths if isinstance(widths, int) else widths[0]
                if n <= words or (first == channels and not tied):
                    own = {"growth": growth} if self.growth[1] > self.growth[0] else {}
                    found.setdefault(widths, {"filters": n, **own})
        return list(found.values())
