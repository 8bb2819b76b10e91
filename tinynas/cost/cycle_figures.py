"""What a round of each loop of the kernels costs: cycles of the core, and waits for its flash.

`cycle_figures.json` holds them, fitted to virtual boards; `benchmarks/cycles.py --write` finds them again. They belong
to the kernels of `firmware/kernels`, and to the compilers that `code_figures` names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from tinynas.board.families import CORES, Compiler, McuFamily

__all__ = ["FIGURES_FILE", "LINE", "Timing", "kernel_of", "timing_of"]

FIGURES_FILE = "cycle_figures.json"
LINE = "line"
"""The name under which the file has the cost of a line of constants that no data cache holds."""


@dataclass(frozen=True)
class Timing:
    """What inferences take on a core with its flash, at one clock.

    Attributes:
        clock_hz: Clock of the core.
        dsp: The core has Arm's DSP instructions.
        cycles: Of a round of each loop, by the names of `rounds.count_rounds`. A name that is missing costs nothing.
        kernels: Those that there are figures of.
        line_cycles: To read a line of constants that the data cache does not hold.
        cache_bytes: What the data cache holds; 0: there is none.
        line_bytes: Of a line.
    """

    clock_hz: int
    dsp: bool
    cycles: Mapping[str, float]
    kernels: frozenset[str]
    line_cycles: float
    cache_bytes: int
    line_bytes: int


def timing_of(family: McuFamily, clock_hz: int, compiler: Compiler) -> Timing | None:
    """Figures of a family of microcontrollers.

    Args:
        family: The family.
        clock_hz: Clock of the core: the flash's wait states follow from it.
        compiler: Whose code it is.

    Returns:
        The figures; None where the file has none for this core, flash and compiler.
    """
    core = _figures()["cores"].get(f"{family.core} {compiler}")
    waits = family.wait_states(clock_hz)
    flash = _figures()["flash"].get(f"{family.name} {compiler}") if waits else {}
    if core is None or flash is None:
        return None
    cycles = {name: core.get(name, 0.0) + waits * flash.get(name, 0.0) for name in {*core, *flash}}
    cache_bytes, line_bytes = family.constants_cache
    line = cycles.pop(LINE, 0.0)
    kernels = frozenset(map(kernel_of, cycles))
    return Timing(clock_hz, CORES[family.core].dsp, cycles, kernels, line, cache_bytes, line_bytes)


def kernel_of(loop: str) -> str:
    """The kernel that a loop is of.

    Example:
        >>> kernel_of("rows: pair")
        'rows'
    """
    return loop.partition(":")[0]


@cache
def _figures() -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    text = files("tinynas.cost").joinpath(FIGURES_FILE).read_text(encoding="utf-8")
    found: Mapping[str, Mapping[str, Mapping[str, float]]] = json.loads(text)
    return found
