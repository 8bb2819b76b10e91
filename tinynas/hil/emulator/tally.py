"""What a run costs: cycles and instructions, block by block, with the waits of flash and of what hides them."""

from __future__ import annotations

from typing import Any

from unicorn import arm_const as arm

from tinynas.board import Board
from tinynas.hil.emulator.blocks import Block, describe
from tinynas.hil.emulator.chips import Chip
from tinynas.hil.emulator.cores import CORES
from tinynas.hil.emulator.cycles import has_floats, is_baseline
from tinynas.hil.emulator.memories import ReadCost, SetCache
from tinynas.hil.emulator.system import SystemControl

__all__ = ["FLOATS_OFF", "NOT_CODE", "NOT_THERE", "Tally", "never_code"]

#: Why a block is not executed: its floats are off, nothing is ever executed there, the core lacks an instruction.
FLOATS_OFF, NOT_CODE, NOT_THERE = -2, -3, -4
_IT_STATE = 0x0600_FC00


class Tally:
    """Counts what a core executes.

    Args:
        unicorn: The processor.
        board: The board.
        chip: What is beside the core.
        system: The core's control registers.
        watched: Address of a function, of which each call is counted; None: of none.

    Attributes:
        cycles: Since power-on, by the estimate.
        instructions: The same.
        code_lines: Lines of code that were read from flash, because no cache held them.
        constant_waits: Cycles that reads of constants waited.
        call_instructions: Of the watched function's last call that has returned, from its first to its last one.
    """

    def __init__(self, unicorn: Any, board: Board, chip: Chip, system: SystemControl, watched: int | None) -> None:
        self._unicorn, self._chip, self._system, self._flash = unicorn, chip, system, board.flash
        self._main, self._timing = CORES[board.core].main_extension, CORES[board.core].timing
        self.cycles = self.instructions = self.call_instructions = 0
        self.code_lines = self.constant_waits = 0
        self._watched, self._returns, self._called = watched, -1, 0
        self._blocks: dict[int, Block] = {}
        self._hundredths, self._repeats, self._expected, self._conditional = 0, -1, 0, False
        self._constants: ReadCost = chip.constants or SetCache(
            chip.data_cache_bytes, self._timing.miss, lambda: system.data_cached
        )

    def forget(self) -> None:
        """Know no block any more: the memory has been written to."""
        self._blocks.clear()

    def enter(self, address: int, size: int) -> int | None:
        """Count a block that is about to be executed.

        Args:
            address: Where it begins.
            size: Its bytes.

        Returns:
            None: it is executed. Else why the core does not execute what Unicorn would; it is not counted.
        """
        if address == self._watched:
            self._called, self._returns = self.instructions, self._unicorn.reg_read(arm.UC_ARM_REG_LR) & ~1
        elif address == self._returns:
            self.call_instructions, self._returns = self.instructions - self._called, -1
        known = self._blocks.get(address)
        if known is None or known[0] != size:
            if never_code(address):
                return NOT_CODE
            code = bytes(self._unicorn.mem_read(address, size))
            if refused := self._refused(code):
                return refused
            known, stalls = describe(address, code, self._timing, self._chip, self._flash)
            self.cycles += stalls
            if not stalls:
                self._blocks[address] = known
        taken = self._timing.taken if address != self._expected else 0
        self._hundredths += (known[1] + taken) * self._timing.percent
        self.cycles += self._hundredths // 100
        self._hundredths %= 100
        self.instructions += known[2]
        # Where a page ends amid an IT block, so does Unicorn's block, and the next one begins with what is conditional.
        within = self._conditional and bool(self._unicorn.reg_read(arm.UC_ARM_REG_XPSR) & _IT_STATE)
        self._expected, self._conditional = known[3], known[5] or within
        if known[4] and address != self._repeats:  # a block that repeats itself has its lines
            self._repeats = address
            if missing := self._chip.code.misses(known[4]):
                self.code_lines += missing
                self.cycles += missing * self._chip.fetch()[0]
        return None

    def _refused(self, code: bytes) -> int | None:
        if not self._main:
            return None if is_baseline(code) else NOT_THERE
        return None if self._system.floats or not has_floats(code) else FLOATS_OFF

    def read_constant(self, _unicorn: Any, _access: int, address: int, _size: int, _value: int, _data: object) -> None:
        """Count what a read of flash waits: a hook of Unicorn's."""
        if waited := self._constants.wait(address):
            self.constant_waits += waited
            self.cycles += waited
        if self._conditional:
            # For this call Unicorn stores where in an IT block it is, and leaves that to the code behind the block.
            status = self._unicorn.reg_read(arm.UC_ARM_REG_XPSR)
            if status & _IT_STATE:
                self._unicorn.reg_write(arm.UC_ARM_REG_XPSR, status & ~_IT_STATE)


def never_code(address: int) -> bool:
    """Whether the core executes nothing there, be it memory or not: peripherals and its own registers (B3.1)."""
    return 0x4000_0000 <= address < 0x6000_0000 or address >= 0xA000_0000
