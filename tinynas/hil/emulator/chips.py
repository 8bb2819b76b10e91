"""The peripherals that the firmware touches, built from the record of the board's family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tinynas.board import Board, family_of
from tinynas.board.families import PL011, UARTE, USART_V1, USART_V2, RegisterBlock
from tinynas.errors import BoardError
from tinynas.hil.emulator.bus import Peripheral, Registers
from tinynas.hil.emulator.memories import DataCache, LineCache, NoCache, ReadCost
from tinynas.hil.emulator.pl011 import Pl011
from tinynas.hil.emulator.uart import Memory, SerialPort, Uarte, UsartV1, UsartV2

__all__ = ["Chip", "chip_of"]

_USARTS: Mapping[str, Callable[[int, Callable[[int], None]], SerialPort]] = {
    **{USART_V1: UsartV1, USART_V2: UsartV2, PL011: Pl011},
}


@dataclass(frozen=True)
class Chip:
    """What is inside a microcontroller beside the core.

    Attributes:
        peripherals: All of them, the serial port included.
        port: The serial port.
        interrupt: The port's interrupt.
        fetch: Wait states of the flash now, and whether instructions are cached.
        constants: What reads of constants wait; None: the core's own cache is in between.
        code: Instruction cache of the flash interface, and with it what the flash is read by.
        alias: Where the flash is seen again; None: nowhere.
        data_cache_bytes: Of the core's own data cache; 0: it has none.
    """

    peripherals: tuple[Peripheral, ...]
    port: SerialPort
    interrupt: int
    fetch: Callable[[], tuple[int, bool]]
    constants: ReadCost | None
    code: LineCache
    alias: int | None
    data_cache_bytes: int = 0


def chip_of(
    board: Board,
    send: Callable[[int], None],
    memory: Memory,
    core_caches: Callable[[], bool],
    read_bytes: int | None = None,
) -> Chip:
    """The peripherals of a board's microcontroller.

    Args:
        board: The board.
        send: Takes each byte that leaves the serial port.
        memory: For direct memory access.
        core_caches: Whether the core's own instruction cache is on.
        read_bytes: What the flash is read by, where option bytes say otherwise than the factory; None: they do not.

    Raises:
        ConfigError: The firmware does not run on this microcontroller.
        BoardError: The board has no serial port.
    """
    uart = board.uart
    if uart is None:
        raise BoardError("a board without serial port cannot be talked to", where=f"{board.name}:uart")
    family = family_of(board)
    port: SerialPort
    if uart.layout == UARTE:
        port = Uarte(uart.base_address, send, memory)
    else:
        port = _USARTS[uart.layout](uart.base_address, send)
    interface = _registers(family.flash.block)
    cache = interface if family.flash.cache_block is None else _registers(family.flash.cache_block)
    peripherals = (*map(_registers, family.peripherals), *dict.fromkeys((interface, cache)), port)

    def fetch() -> tuple[int, bool]:
        flash, values = family.flash, interface.values
        waits = values[0] & flash.latency_mask if flash.latency_mask else flash.wait_states
        if flash.cache is None:
            return waits, core_caches()
        offset, bit = flash.cache
        return waits, bool(cache.values[offset] >> bit & 1)

    def constants_state() -> tuple[int, bool]:
        offset, bit = family.flash.data_cache or (0, 0)
        return fetch()[0], bool(cache.values[offset] >> bit & 1)

    flash = family.flash
    read_bytes = read_bytes or flash.read_bytes
    constants: ReadCost | None = None
    if flash.data_cache is not None:
        constants = DataCache(flash.data_cache_lines, read_bytes, constants_state)
    elif flash.cache is not None:
        constants = NoCache(lambda: fetch()[0])
    lines = (flash.code_cache_bytes or board.flash.size_bytes) // read_bytes
    code = LineCache(lines, read_bytes, prefetches=flash.prefetches)
    return Chip(peripherals, port, uart.interrupt, fetch, constants, code, flash.alias, family.data_cache_bytes)


def _registers(block: RegisterBlock) -> Registers:
    return Registers(block.base, block.reset, block.follow, block.flags, block.cleared)
