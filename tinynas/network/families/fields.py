"""What fields of networks have in common, whatever the family."""

from __future__ import annotations

from typing import Any

from tinynas.errors import SpaceError
from tinynas.network.architecture import Architecture
from tinynas.network.layers import GROUP, Turns

__all__ = [
    *("NORMS", "SYMMETRIES", "WHOLE"),
    *("check_counts", "check_kind", "check_symmetry", "turns_of"),
    *("grown", "settle_widths", "whole_width", "width_key", "widths_of"),
]

NORMS = ("none", "batch")
SYMMETRIES = ("none", "c4")
#: Channels that kernels take at once.
WHOLE = 4


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


def whole_width(width: float, *, tied: bool) -> int:
    """The nearest number of channels, at least one; where weights are tied over turns, of whole groups.

    Example:
        >>> whole_width(5.5, tied=False), whole_width(5.5, tied=True), whole_width(0.2, tied=True)
        (6, 4, 4)
    """
    step = GROUP if tied else 1
    return step * max(1, int(width / step + 0.5))


def grown(filters: int, growth: float, blocks: int, *, tied: bool) -> int | tuple[int, ...]:
    """Channels of each block, in a geometric sequence.

    Args:
        filters: Their geometric mean.
        growth: How many times as many the last block has as the first.
        blocks: How many blocks there are.
        tied: See `whole_width`.

    Returns:
        One number where all are equal.

    Example:
        >>> grown(8, 4.0, 3, tied=False), grown(8, 0.25, 3, tied=False), grown(8, 1.0, 3, tied=False)
        ((4, 8, 16), (16, 8, 4), 8)
    """
    apart = [block / max(1, blocks - 1) - 0.5 if blocks > 1 else 0.0 for block in range(blocks)]
    widths = tuple(whole_width(filters * growth**share, tied=tied) for share in apart)
    return widths if len(set(widths)) > 1 else widths[0]


def settle_widths(network: Any, blocks: str) -> None:
    """Bring a network's filters to their one form: a number where all blocks have as many, else a tuple.

    Args:
        network: A frozen one, as it is made.
        blocks: The field that has an entry a block.

    Raises:
        SpaceError: There are not as many numbers as blocks.
    """
    widths = network.filters
    if not isinstance(widths, list | tuple):
        return
    count = len(getattr(network, blocks))
    if len(widths) != count:
        what = f"filters must be one number, or one a block: {len(widths)} are given for {count} {blocks}"
        raise SpaceError(what, where="architecture")
    # Equal numbers only: 4 and 4.0 and True are for the check to tell apart.
    alike = len({(type(width), width) for width in widths}) == 1
    object.__setattr__(network, "filters", widths[0] if alike else tuple(widths))


def widths_of(network: Any, blocks: int) -> tuple[int, ...]:
    """Channels of each of a network's blocks."""
    return network.filters if isinstance(network.filters, tuple) else (network.filters,) * blocks


def width_key(network: Any) -> str:
    """A network's filters in its key."""
    return ".".join(map(str, widths_of(network, 1)))
