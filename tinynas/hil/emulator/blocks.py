"""What the machine keeps of a straight run of code ("block"), so that running it again costs one look."""

from __future__ import annotations

from tinynas.board import MemoryRegion
from tinynas.hil.emulator.chips import Chip
from tinynas.hil.emulator.cores import Timing
from tinynas.hil.emulator.cycles import block_cost, has_conditions

__all__ = ["Block", "describe"]

Block = tuple[int, int, int, int, tuple[int, ...], bool]
"""Size, cycles, instructions and end of a block, the lines of flash that its instructions are in, and whether some of
these are conditional."""


def describe(address: int, code: bytes, timing: Timing, chip: Chip, flash: MemoryRegion) -> tuple[Block, int]:
    """Take a block apart.

    Returns:
        The block, and the cycles that reading its instructions waits now: 0 where they are cached, which the block's
        lines tell each time. Where they are not, the block may not be kept.
    """
    cycles, count = block_cost(code, timing)
    lines: tuple[int, ...] = ()
    stalls = 0
    if flash.origin <= address < flash.end:
        lines = chip.code.lines_of(address, len(code))
        waits, cached = chip.fetch()
        if not cached:
            lines, stalls = (), waits * len(lines)
    return (len(code), cycles, count, address + len(code), lines, has_conditions(code)), stalls
