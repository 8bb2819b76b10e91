"""A board's memory and processor, and the loop that runs them; interrupts are taken where a block of code ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ctypes import addressof, create_string_buffer
from typing import Any

from unicorn import Uc, UcError
from unicorn import arm_const as arm
from unicorn import unicorn_const as uc

from tinynas.board import Board, contiguous_spans, family_of
from tinynas.hil.emulator.bus import PAGE_BYTES, Bus, BusError, Peripheral
from tinynas.hil.emulator.chips import chip_of
from tinynas.hil.emulator.cores import CORES
from tinynas.hil.emulator.exceptions import (
    BUS_FAULT,
    FETCH,
    IMPRECISE,
    INVALID_STATE,
    MEMORY_FAULT,
    NO_CODE,
    NO_COPROCESSOR,
    PRECISE,
    UNALIGNED,
    UNDEFINED,
    USAGE_FAULT,
    Core,
)
from tinynas.hil.emulator.interrupts import FIRST_INTERRUPT, SVCALL, SYSTICK, InterruptController
from tinynas.hil.emulator.system import CycleCounter, SystemControl, SysTick
from tinynas.hil.emulator.tally import FLOATS_OFF, Tally, never_code

__all__ = ["Machine"]

_BITS_A_BYTE = 10  # with start and stop
# Why it stopped: something is due, or by Unicorn's numbers of exceptions, or as the tally says.
_ALARM, _SVC, _UNALIGNED, _EXIT = -1, 2, 4, 8
_UNUSABLE = {FLOATS_OFF: NO_COPROCESSOR, 18: INVALID_STATE}  # else UNDEFINED
_THUMB = 1 << 24
_NEVER = 1 << 62
_RETURNS = 0xFFFF_FFE0  # from here on an address is a return from an exception
_FETCHES = (uc.UC_ERR_FETCH_UNMAPPED, uc.UC_ERR_FETCH_PROT)


class Machine:
    """A board with power on.

    Args:
        board: The board.
        send: Takes each byte that leaves the serial port.
        idle: Called where the core sleeps and nothing is due: returns the bytes that have come from the host, having
            waited for at least one; none ends `run`.
        watched: Address of a function, of which each call is counted; None: of none.
        read_bytes: See `chip_of`.

    Attributes:
        tally: Cycles and instructions so far.
    """

    def __init__(
        self,
        board: Board,
        send: Callable[[int], None],
        idle: Callable[[], bytes],
        watched: int | None = None,
        *,
        read_bytes: int | None = None,
    ) -> None:
        self._core_model = CORES[board.core]
        self._board, self._idle, self._watched = board, idle, watched
        # The mode MCLASS is a Cortex-M33, whatever model Unicorn is told: it executes all that an M4 or M7 does.
        # Without that mode there is an M0, and an M4 that loses floats in interrupts.
        main = self._core_model.main_extension
        self._unicorn: Any = Uc(uc.UC_ARCH_ARM, uc.UC_MODE_THUMB | (uc.UC_MODE_MCLASS if main else 0))
        if not main:
            self._unicorn.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M0)
        self._ram = contiguous_spans((*board.sram, *board.instruction_ram))
        for region in (*board.sram, *board.instruction_ram):
            self._unicorn.mem_map(region.origin, region.size_bytes, uc.UC_PROT_ALL)
        self._connect(board, send, read_bytes)
        self._flash = create_string_buffer(b"\xff" * board.flash.size_bytes, board.flash.size_bytes)
        for origin in {board.flash.origin, self._chip.alias} - {None}:
            self._unicorn.mem_map_ptr(
                origin, board.flash.size_bytes, uc.UC_PROT_READ | uc.UC_PROT_EXEC, addressof(self._flash)
            )
        self._arrivals: list[int] = []
        self._arrival = 0  # cycle at which the first of them is complete
        self._byte_cycles = board.clock_hz * _BITS_A_BYTE // (board.uart.baud if board.uart else 1)
        self._alarm, self._pass = 0, False
        self._stopped: int | None = None
        self._unanswered = False
        self._invalid = 0
        self._unicorn.hook_add(uc.UC_HOOK_BLOCK, self._on_block)
        self._unicorn.hook_add(uc.UC_HOOK_MEM_INVALID, self._on_invalid)
        self._unicorn.hook_add(uc.UC_HOOK_INTR, self._on_exception)
        self._unicorn.hook_add(
            uc.UC_HOOK_MEM_READ, self.tally.read_constant, begin=board.flash.origin, end=board.flash.end - 1
        )

    def _connect(self, board: Board, send: Callable[[int], None], read_bytes: int | None) -> None:
        core = self._core_model
        self._interrupts = InterruptController(lambda exception: self._system.priority(exception))
        self._chip = chip_of(board, send, self, lambda: self._system.cached, read_bytes)
        self._system = SystemControl(
            core, self._chip.data_cache_bytes, self._interrupts.state, self._interrupts.command
        )
        self.tally = Tally(self._unicorn, board, self._chip, self._system, self._watched)
        self._timer = SysTick(lambda: self.tally.cycles)
        own: list[Peripheral] = [self._timer, self._interrupts, self._system]
        if core.main_extension:
            own.append(CycleCounter(lambda: self.tally.cycles, lambda: self._system.traced))
        self._bus = Bus([*self._chip.peripherals, *own])
        for page in self._bus.pages():
            self._unicorn.mmio_map(page, PAGE_BYTES, self._read, page, self._write, page)
        self._core = Core(self._unicorn, self, self._interrupts, self._system)

    @property
    def flash_waits(self) -> int:
        """Wait states of the flash now."""
        return self._chip.fetch()[0]

    def load(self, address: int, size: int) -> bytes:
        """Read memory; BusError outside of it."""
        try:
            return bytes(self._unicorn.mem_read(address, size))
        except UcError:
            raise BusError from None

    def store(self, address: int, data: bytes) -> None:
        """Write to RAM; BusError outside of it."""
        if not any(r.origin <= address and address + len(data) <= r.end for r in self._ram):
            raise BusError
        self._unicorn.mem_write(address, data)

    def program(self, segments: Iterable[tuple[int, bytes]]) -> None:
        """Put an image into flash, as a probe does.

        Raises:
            BusError: It is not all in flash.
        """
        for address, data in segments:
            if not self._board.flash.origin <= address <= address + len(data) <= self._board.flash.end:
                raise BusError
            self._unicorn.mem_write(address, data)
        self._unicorn.ctl_flush_tb()
        self.tally.forget()

    def run(self, vectors: int | None = None) -> bool:
        """Reset the core and run it.

        Args:
            vectors: Address of the vector table; None: where images begin on this board.

        Returns:
            True: the software has asked for a reset; False: `idle` has no more bytes.

        Raises:
            LockUp: The core has stopped for good.
        """
        before = self._board.reserves.bootloader_flash_bytes + family_of(self._board).boot_bytes
        start = self._board.flash.origin + before
        self._system.vectors = start if vectors is None else vectors
        self._core.reset()
        while not self._system.reset_asked:
            if not self._step():
                return False
        return True

    def _step(self) -> bool:
        """Run until something is to be done, and do it; False: the host has gone."""
        self._stopped, pc = None, self._unicorn.reg_read(arm.UC_ARM_REG_PC)
        try:
            # Resumed where the state of a wrong branch was seen last, Unicorn would go on as if it were right.
            thumb = self._unicorn.reg_read(arm.UC_ARM_REG_XPSR) & _THUMB
            self._unicorn.emu_start(pc | bool(thumb), 0xFFFFFFFF)
        except UcError as error:
            self._failed(error)
            self._attend()
            return True
        pc = self._unicorn.reg_read(arm.UC_ARM_REG_PC)
        if self._stopped == _EXIT and self._interrupts.active:
            self._core.leave(pc)
        elif self._stopped == _SVC:
            self._core.call(SVCALL, pc)
        elif self._stopped == _UNALIGNED:
            self._core.fault(USAGE_FAULT, UNALIGNED, pc)
        elif self._stopped is None and not self._unanswered and not self._sleep():
            return False
        elif self._stopped not in (None, _ALARM):
            self._cannot_execute(USAGE_FAULT, _UNUSABLE.get(self._stopped, UNDEFINED), pc)
        if self._unanswered:
            self._unanswered = False
            self._core.fault(BUS_FAULT, IMPRECISE, self._unicorn.reg_read(arm.UC_ARM_REG_PC))
        self._attend()
        return True

    def _failed(self, error: UcError) -> None:
        pc = self._unicorn.reg_read(arm.UC_ARM_REG_PC)
        if error.errno == uc.UC_ERR_INSN_INVALID:
            thumb = self._unicorn.reg_read(arm.UC_ARM_REG_XPSR) & _THUMB
            self._cannot_execute(USAGE_FAULT, UNDEFINED if thumb else INVALID_STATE, pc)
        elif error.errno in _FETCHES and pc >= _RETURNS and self._interrupts.active:
            self._core.leave(pc)  # Unicorn's M0 does not know these addresses
        elif error.errno in _FETCHES:
            self._cannot_execute(BUS_FAULT, FETCH, pc)
        elif error.errno == uc.UC_ERR_EXCEPTION:
            self._core.fault(USAGE_FAULT, INVALID_STATE, pc)
        else:
            self._core.fault(BUS_FAULT, PRECISE, pc, self._invalid)

    def _cannot_execute(self, kind: int, cfsr: int, pc: int) -> None:
        self._core.fault(*(MEMORY_FAULT, NO_CODE) if never_code(pc) else (kind, cfsr), pc)

    def _sleep(self) -> bool:
        """Pass the time until something wakes the core; False: the host has gone."""
        self._attend_time()
        while not self._core.wakes():
            if not self._arrivals:
                received = self._idle()
                if not received:
                    return False
                self._arrivals.extend(received)
                self._arrival = max(self._arrival, self.tally.cycles)
            self.tally.cycles = max(self.tally.cycles, self._arrival)
            self._attend_time()
        return True

    def _attend(self) -> None:
        """Enter what is due, and set the alarm for what comes next."""
        self._attend_time()
        self._core.interrupt()
        due = self._timer.due
        self._alarm = min(_NEVER if due is None else due, self._arrival if self._arrivals else _NEVER)
        if self._interrupts.waiting:
            self._alarm = 0  # held back for now: look again after the next block
        self._pass = True

    def _attend_time(self) -> None:
        if self._timer.elapse():
            self._interrupts.pend(SYSTICK)
        if self._arrivals and self.tally.cycles >= self._arrival:
            self._chip.port.receive(self._arrivals.pop(0))
            self._arrival += self._byte_cycles
        interrupt = FIRST_INTERRUPT + self._chip.interrupt
        if self._chip.port.interrupting and interrupt not in self._interrupts.active:
            self._interrupts.pend(interrupt)

    def _on_block(self, _unicorn: Uc, address: int, size: int, _data: object) -> None:
        if self.tally.cycles >= self._alarm and not self._pass:
            self._stopped = _ALARM
            self._unicorn.emu_stop()
            return
        self._pass = False
        if refused := self.tally.enter(address, size):
            self._stopped = refused
            self._unicorn.emu_stop()

    def _on_exception(self, unicorn: Uc, number: int, _data: object) -> None:
        self._stopped = number
        unicorn.emu_stop()

    def _on_invalid(self, _unicorn: Uc, _access: int, address: int, _size: int, _value: int, _data: object) -> bool:
        self._invalid = address
        return False

    def _read(self, _unicorn: Uc, offset: int, size: int, page: int) -> int:
        try:
            return self._bus.read(page + offset, size)
        except BusError:
            return int(self._refuse())

    def _write(self, _unicorn: Uc, offset: int, size: int, value: int, page: int) -> None:
        try:
            self._bus.write(page + offset, size, value)
        except BusError:
            self._refuse()
        self._alarm = 0  # an interrupt may have become due, or the timer be set

    def _refuse(self) -> bool:
        self._unanswered, self._alarm = True, 0
        return False
