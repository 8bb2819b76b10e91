"""The boards of MLPerf Tiny's results, virtual: they run the images that others have published, as they are.

These images have drivers of their own. Registers that a virtual board does not model hold what is written; one that is
read again and again shows all its bits turned around every other time, so that whoever waits for a flag goes on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tinynas.board import Board, MemoryRegion, load_board
from tinynas.hil.emulator.bus import PAGE_BYTES, BusError
from tinynas.hil.emulator.cores import CORES
from tinynas.hil.emulator.machine import Machine

__all__ = ["TARGETS", "Lenient", "Profile", "Target", "profile"]

KIB = 1024
_GAP_CYCLES = 3000  # between a reply and the next command
_PATIENCE = 40  # reads of a register, without a write to any, until its bits turn around
_LAP = re.compile(rb"m-lap-us-\d+\r\n\Z")
_ISR, _ACKNOWLEDGED = 0x1C, 3 << 21  # of a USART: both directions are on
_V2 = (0x40004400, 0x40004800, 0x40004C00, 0x40008000, 0x40011000, 0x40013800)
_PERIPHERALS = (0x40000000, 0x100000)


@dataclass(frozen=True)
class Target:
    """A board of the results, by what sets it apart from a shipped one.

    Attributes:
        board: The shipped one, of the same core, flash interface and caches.
        clock_hz: Of the core.
        memory: Regions in their place, if there are others: the first is flash.
        code_ram: Likewise the RAM for code.
        uart: Address and interrupt of the serial port, if it is another.
        read_bytes: What the flash is read by, if it is not as it leaves the factory.
        peripherals: Addresses and sizes of what registers there may be.
        system_memory: The same of serial numbers and trimming.
        held: Registers that are something else than 0 after a reset.
    """

    board: str
    clock_hz: int
    memory: tuple[tuple[int, int], ...] = ()
    code_ram: tuple[tuple[int, int], ...] = ()
    uart: tuple[int, int] | None = None
    read_bytes: int | None = None
    peripherals: tuple[tuple[int, int], ...] = (_PERIPHERALS,)
    system_memory: tuple[tuple[int, int], ...] = ()
    held: Mapping[int, int] = field(default_factory=dict)

    def described(self) -> Board:
        """The board."""
        board = replace(load_board(self.board), clock_hz=self.clock_hz, trigger_pin=None)
        regions = tuple(MemoryRegion(f"memory{at:x}", at, size) for at, size in self.memory)
        code = tuple(MemoryRegion(f"code{at:x}", at, size) for at, size in self.code_ram)
        if regions:
            board = replace(board, flash=regions[0], sram=regions[1:], instruction_ram=code)
        if self.uart and board.uart:
            board = replace(board, uart=replace(board.uart, base_address=self.uart[0], interrupt=self.uart[1]))
        return board


_L4 = Target(
    "nucleo_l4r5zi",
    120_000_000,
    peripherals=(_PERIPHERALS, (0x48000000, 0x2000), (0x48021000, 0x1000), (0x50000000, 0x100000)),
    system_memory=((0x1FFF0000, 0x10000),),
)
TARGETS: Mapping[str, Target] = {
    "l4r5": _L4,
    # ST's results say: "Single Bank Mode Activated". The flash is read by 128 bits there (RM0432).
    "l4r5-single-bank": replace(_L4, read_bytes=16),
    "f746-disco": Target(
        "nucleo_f746zg",
        216_000_000,
        uart=(0x40011000, 37),
        peripherals=(_PERIPHERALS, (0x50000000, 0x100000)),
        system_memory=((0x1FF00000, 0x10000), (0x00100000, 0x10000)),
    ),
    # A part of the G0 that is larger than the shipped board's.
    "g0b1": Target(
        "nucleo_g071rb",
        64_000_000,
        memory=((0x08000000, 512 * KIB), (0x20000000, 144 * KIB)),
        peripherals=(_PERIPHERALS, (0x50000000, 0x10000)),
        system_memory=((0x1FFF0000, 0x10000),),
    ),
    "u575": Target(
        "nucleo_u575zi_q",
        160_000_000,
        peripherals=(_PERIPHERALS, (0x42000000, 0x100000), (0x46000000, 0x100000)),
        system_memory=((0x0BF90000, 0x10000),),
        held={0x4602083C: 0x38002, 0x4600241C: 0x6000C0},  # PWR_SVMSR: supply and voltage are ready; LPUART1
    ),
}
"""By the name that `published_times.json` has for them."""


@dataclass(frozen=True)
class Profile:
    """What one inference is made of.

    Attributes:
        table: Cycles by the core's table alone.
        code_lines: Lines of code that were not in the cache.
        constant_lines: The same of constants.
        waits: Wait states of the flash.
    """

    table: int
    code_lines: int
    constant_lines: int
    waits: int

    def cycles(self, core: str) -> int:
        """By the estimate, with what a core's figures are now."""
        timing = CORES[core].timing
        return round(
            self.table * timing.percent / 100
            + self.code_lines * self.waits
            + self.constant_lines * (timing.miss or self.waits)
        )


class Lenient(Machine):
    """A virtual board where every register exists.

    Args:
        target: Which.
        send: See `Machine`.

    Attributes:
        done: It is to stop.
    """

    def __init__(self, target: Target, send: Callable[[int], None]) -> None:
        self._target, self.done = target, False
        self._others, self._reads = dict(target.held), Counter[int]()
        super().__init__(target.described(), send, lambda: b"", read_bytes=target.read_bytes)

    def _connect(self, board: Board, send: Callable[[int], None], read_bytes: int | None) -> None:
        super()._connect(board, send, read_bytes)
        there = set(self._bus.pages())
        for base, size in self._target.peripherals:
            for page in range(base, base + size, PAGE_BYTES):
                if page not in there:
                    self._unicorn.mmio_map(page, PAGE_BYTES, self._read, page, self._write, page)
        for base, size in self._target.system_memory:
            self._unicorn.mem_map(base, size)

    def say(self, command: bytes) -> None:
        """Have the host send a command: these images wait for a byte in a loop, and never sleep."""
        self._arrivals.extend(command)
        self._arrival, self._alarm = self.tally.cycles + _GAP_CYCLES, 0

    def _read(self, _unicorn: Any, offset: int, size: int, page: int) -> int:
        word, shift = page + offset & ~3, 8 * (offset & 3)
        try:
            value = self._bus.read(word, 4)
        except BusError:
            value = self._others.get(word, 0)
        if word - _ISR in _V2:
            value |= _ACKNOWLEDGED
        elif word < 0xE0000000 and not self._of_port(word):
            self._reads[word] += 1
            if self._reads[word] > _PATIENCE and self._reads[word] & 1:
                value ^= 0xFFFFFFFF
        return value >> shift & (1 << 8 * size) - 1

    def _of_port(self, word: int) -> bool:
        uart = self._board.uart
        return uart is not None and 0 <= word - uart.base_address < 0x400

    def _write(self, _unicorn: Any, offset: int, size: int, value: int, page: int) -> None:
        self._reads.clear()
        try:
            self._bus.write(page + offset, size, value)
        except BusError:
            word, shift = page + offset & ~3, 8 * (offset & 3)
            mask = (1 << 8 * size) - 1 << shift
            self._others[word] = self._others.get(word, 0) & ~mask | value << shift & mask
        self._alarm = 0

    def _step(self) -> bool:
        return not self.done and super()._step()


def profile(target: Target, image: bytes) -> Profile:
    """Run an image to its first inference, which is timed by the laps that it tells."""
    sent, marks, asked = bytearray(), list[tuple[int, int, int]](), [False]
    first = [(0, 0, 0)]  # where the present line began to be sent

    def now() -> tuple[int, int, int]:
        return machine.tally.cycles, machine.tally.code_lines, machine.tally.constant_waits

    def send(byte: int) -> None:
        if sent[-1:] == b"\n":
            first[0] = now()
        sent.append(byte)
        if asked[0] and _LAP.search(sent[-32:]):
            marks.append(first[0] if marks else now())
            machine.done = len(marks) == 2
        elif not asked[0] and sent.endswith(b"m-ready\r\n"):
            asked[0] = True
            machine.say(b"infer 1 0%")

    machine = Lenient(target, send)
    board = target.described()
    machine.program([(board.flash.origin, image)])
    machine.run()
    cycles, code, constants = (after - before for before, after in zip(*marks, strict=True))
    timing, waits = CORES[board.core].timing, machine.flash_waits
    table = (cycles - code * waits - constants) * 100 / timing.percent
    return Profile(round(table), code, constants // (timing.miss or waits or 1), waits)
