"""Cores that the firmware runs on, and how a compiler is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["CORES", "Core"]


@dataclass(frozen=True)
class Core:
    """A processor core.

    Attributes:
        macro: What `board.h` defines: `BOARD_CORE_<macro>`.
        options: The compiler's options, by compiler. Clang needs the FPU's name, too, or leaves the FPU out.
    """

    macro: str
    options: Mapping[str, tuple[str, ...]]


CORES: Mapping[str, Core] = {
    "cortex-m4f": Core(
        "CORTEX_M4",
        {"gcc": ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16"), "zig": ("-mcpu=cortex_m4+vfp4d16sp",)},
    ),
    # The Cortex-M7 with a single-precision FPU only.
    "cortex-m7f": Core(
        "CORTEX_M7",
        {"gcc": ("-mcpu=cortex-m7", "-mfpu=fpv5-sp-d16"), "zig": ("-mcpu=cortex_m7+fp_armv8d16sp",)},
    ),
}
"""Core by its name in a board file."""
