"""Cores of virtual boards: what they say of themselves, what their instructions cost.

The factors of M4 and M7 and the cost of an M7's cache miss are fitted by hand to published times of public programs
(MLPerf Tiny, NUCLEO-L4R5ZI and DISCO-F746NG): the M7 executes two instructions at once where it can. The M33's factor
is fitted to seven more (NUCLEO-U575ZI-Q). `benchmarks/published_times.py` compares them, and others that no figure was
chosen by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

__all__ = ["CORES", "CORTEX_M0PLUS", "CORTEX_M4", "CORTEX_M7", "CORTEX_M33", "CoreModel", "Timing"]


@dataclass(frozen=True)
class Timing:
    """Cycles of a core's instructions; every other one takes 1.

    Attributes:
        load: A single load that follows no other access of memory.
        next_load: One that does.
        store: A single store.
        pair: LDRD, STRD.
        word: Each register of a multiple load or store, beside 1.
        multiply_add: MLA, MLS.
        division: SDIV, UDIV.
        float_division: VDIV, VSQRT.
        float_multiply_add: VMLA, VFMA and their like.
        taken: A branch that is taken, in addition.
        percent: What the core takes of the table's sum, beside memory.
        miss: A read of flash that the core's own data cache does not hold; 0: it has no such cache.
    """

    load: int
    pair: int
    word: float
    multiply_add: int
    division: int
    float_division: int
    float_multiply_add: int
    taken: int
    percent: int
    miss: int = 0
    next_load: int = 1
    store: int = 1


@dataclass(frozen=True)
class CoreModel:
    """A core.

    Attributes:
        cpuid: The register of this name.
        main_extension: It has Armv7-M's faults with their status registers, a cycle counter, and 32-bit instructions;
            else it is an Armv6-M.
        timing: Of its instructions.
    """

    cpuid: int
    main_extension: bool
    timing: Timing


#: Cortex-M4 technical reference manual (Arm 100166), instruction set summary; divisions take 2 to 12.
CORTEX_M4 = Timing(
    load=2,
    pair=3,
    word=1,
    multiply_add=2,
    division=7,
    float_division=14,
    float_multiply_add=3,
    taken=2,
    percent=106,
)
#: Arm publishes no such table of the Cortex-M7: one instruction a cycle, loads on a bus of 64 bits, branches predicted.
CORTEX_M7 = Timing(
    load=1,
    pair=1,
    word=0.5,
    multiply_add=1,
    division=7,
    float_division=14,
    float_multiply_add=3,
    taken=1,
    percent=75,
    miss=8,
)
#: Cortex-M0+ technical reference manual (Arm 100167), instruction set summary, with the multiplier of one cycle.
CORTEX_M0PLUS = Timing(
    load=2,
    next_load=2,
    store=2,
    pair=0,
    word=1,
    multiply_add=0,
    division=0,
    float_division=0,
    float_multiply_add=0,
    taken=1,
    percent=100,
)
#: Arm publishes no table of the Cortex-M33 either: the M4's. The cores' CoreMark a MHz, 3.42 to 4.09, would make it 89.
CORTEX_M33 = replace(CORTEX_M4, percent=94)

CORES: Mapping[str, CoreModel] = {
    "cortex-m0plus": CoreModel(0x410CC601, main_extension=False, timing=CORTEX_M0PLUS),
    "cortex-m4f": CoreModel(0x410FC240, main_extension=True, timing=CORTEX_M4),
    "cortex-m7f": CoreModel(0x410FC270, main_extension=True, timing=CORTEX_M7),
    "cortex-m33f": CoreModel(0x410FD214, main_extension=True, timing=CORTEX_M33),
}
"""Core by its name in a board file."""
