"""Cores that the firmware runs on, and how a compiler is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["CORES", "Compiler", "Core"]

Compiler = Literal["gcc", "zig"]
"""What builds images: Arm's GNU toolchain, or Clang out of the ziglang package."""


@dataclass(frozen=True)
class Core:
    """A processor core.

    Attributes:
        macro: What `board.h` defines: `BOARD_CORE_<macro>`.
        options: The compiler's options, by compiler. Clang needs the FPU's name, too, or leaves the FPU out.
        float_abi: "hard" where there is an FPU, else "soft".
        dsp: It has Arm's DSP instructions.
    """

    macro: str
    options: Mapping[Compiler, tuple[str, ...]]
    float_abi: Literal["hard", "soft"] = "hard"
    dsp: bool = True


CORES: Mapping[str, Core] = {
    # Armv6-M: 16-bit instructions, no division, no DSP, words at multiples of four only. GCC reads its assembly in an
    # old syntax unless told otherwise.
    "cortex-m0plus": Core(
        "CORTEX_M0PLUS",
        {"gcc": ("-mcpu=cortex-m0plus", "-masm-syntax-unified"), "zig": ("-mcpu=cortex_m0plus",)},
        float_abi="soft",
        dsp=False,
    ),
    "cortex-m4f": Core(
        "CORTEX_M4",
        {"gcc": ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16"), "zig": ("-mcpu=cortex_m4+vfp4d16sp",)},
    ),
    # Armv8-M with its main and DSP extensions; TrustZone is not used.
    "cortex-m33f": Core(
        "CORTEX_M33",
        {"gcc": ("-mcpu=cortex-m33", "-mfpu=fpv5-sp-d16"), "zig": ("-mcpu=cortex_m33+dsp+fp_armv8d16sp",)},
    ),
    # The Cortex-M7 with a single-precision FPU only.
    "cortex-m7f": Core(
        "CORTEX_M7",
        {"gcc": ("-mcpu=cortex-m7", "-mfpu=fpv5-sp-d16"), "zig": ("-mcpu=cortex_m7+fp_armv8d16sp",)},
    ),
}
"""Core by its name in a board file."""
