"""What fields of networks have in common, whatever the family."""

from __future__ import annotations

from typing import Any

from tinynas.errors import SpaceError
from tinynas.network.architecture import Architecture
from tinynas.network.layers import GROUP, Turns

__all__ = [
    *("NORMS", "SYMMETRIES", "WHOLE"),
    *("check_counts", "check_kind", "check_symmetry", "turns_of"),
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
