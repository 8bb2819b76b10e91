"""What fields of networks and bounds of spaces have in common, whatever the family."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from tinynas.errors import SpaceError
from tinynas.network.architecture import Architecture
from tinynas.network.layers import GROUP, Turns

__all__ = [
    *("NORMS", "SYMMETRIES", "WHOLE", "Bounds", "Clock", "Width", "Window"),
    *("check_counts", "check_kind", "check_symmetry", "turns_of"),
]

NORMS = ("none", "batch")
SYMMETRIES = ("none", "c4")
#: Channels that kernels take at once.
WHOLE = 4
# Far beyond what fits any microcontroller: a slip of a digit is told, not computed with.
Width = Annotated[int, Field(strict=True, le=1024)]
Window = Annotated[int, Field(strict=True, ge=2, le=100_000)]
Clock = Annotated[int, Field(strict=True, ge=1, le=10_000_000_000)]


def check_counts(network: Architecture, *names: str) -> None:
    """Refuse fields that are not positive integers, or no lists of such.

    Raises:
        SpaceError: With the name of the field.
    """
    for name in names:
        value = getattr(network, name)
        if not isinstance(value, tuple):
            if not isinstance(value, int) or value < 1:
                raise SpaceError(f"{name} must be a positive integer, not {value!r}", where="architecture")
        elif not value or any(not isinstance(one, int) or one < 1 for one in value):
            raise SpaceError(f"{name} must be positive integers, not {value!r}", where="architecture")


def check_kind(network: Any) -> None:
    """Refuse a dropout rate, a normalisation or a symmetry that there is not.

    Raises:
        SpaceError: With the name of the field.
    """
    if not 0.0 <= network.dropout < 1.0:
        raise SpaceError(f"dropout must be in [0, 1), not {network.dropout!r}", where="architecture")
    for name, known in (("norm", NORMS), ("symmetry", SYMMETRIES)):
        value = getattr(network, name)
        if value not in known:
            raise SpaceError(f"{name} must be one of {', '.join(known)}, not {value!r}", where="architecture")


def check_symmetry(network: Any, *widths: int) -> None:
    """Refuse a network that cannot commute with quarter turns and is asked to.

    Args:
        network: Has a symmetry, channels and outputs.
        widths: Channels of its layers.

    Raises:
        SpaceError: The widths are not groups of four, the channels no triples, or the outputs not two.
    """
    if network.symmetry == "c4" and (any(w % GROUP for w in widths) or network.channels % 3 or network.outputs != 2):
        what = "symmetry c4 needs filters in groups of four, channels in triples (x, y, z) and two outputs"
        shown = " and ".join(map(str, dict.fromkeys(widths)))
        found = f"{shown} filters, {network.channels} channels, {network.outputs} outputs"
        raise SpaceError(f"{what}, not {found}", where="architecture")


def turns_of(network: Any) -> Turns | None:
    """The symmetry of a network whose channels are triples and whose output is a vector; None without one."""
    return Turns("xyz" * (network.channels // 3), "xy") if network.symmetry == "c4" else None


class Bounds:
    """Checks that spaces of several families share; the fields are those of the space."""

    def check_ranges(self, *names: str) -> None:
        """Refuse bounds that are reversed or below 1, rates outside [0, 1), and lists with a value twice.

        Args:
            names: Fields that are a least and a greatest number.

        Raises:
            SpaceError: With the key.
        """
        space: Any = self
        for name in names:
            low, high = getattr(self, name)
            if not 1 <= low <= high:
                raise SpaceError(f"the bounds [{low}, {high}] are no range of positive integers", where=f"space.{name}")
        if not 0.0 <= space.dropout[0] <= space.dropout[1] < 1.0:
            raise SpaceError(f"the bounds {list(space.dropout)} are not within [0, 1)", where="space.dropout")
        if not space.norm or any(norm not in NORMS for norm in space.norm):
            raise SpaceError(f"{list(space.norm)} are not among {', '.join(NORMS)}", where="space.norm")
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
        step = GROUP if getattr(self, "symmetry", None) == "c4" else 1
        widths = range(-(-low // step) * step, high + 1, step)
        if not widths:
            what = f"the bounds {[low, high]} hold no multiple of {GROUP}, as symmetry c4 asks"
            raise SpaceError(what, where=f"space.{name}", advice="widen them, or set space.symmetry to none")
        return widths

    def rate(self, dropout: float) -> float:
        """A dropout rate in whole percent, for finer steps are no other network, but never outside the bounds."""
        low, high = getattr(self, "dropout", (0.0, 0.0))
        return min(max(round(float(dropout), 2), low), high)
