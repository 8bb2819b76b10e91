"""The peripherals that the firmware touches, built from the record of the board's family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tinynas.board import Board
from tinynas.board.families import UARTE, USART_V1, USART_V2, RegisterBlock, family_of
from tinynas.errors import BoardError
from tinynas.hil.emulator.bus import Peripheral, Registers
from tinynas.hil.emulator.uart import Memory, SerialPort, Uarte, UsartV1, UsartV2

__all__ = ["Chip", "chip_of"]

_USARTS: Mapping[str, Callable[[int, Callable[[int], None]], SerialPort]] = {USART_V1: UsartV1, USART_V2: UsartV2}


@dataclass(frozen=True)
class Chip:
    """What is inside a microcontroller beside the core.

    Attributes:
        peripherals: All of them, the serial port included.
        port: The serial port.
        interrupt: The port's interrupt.
        fetch: Wait states of the flash now, and whether instructions are cached.
        alias: Where the flash is seen again; None: nowhere.
    """

    peripherals: tuple[Peripheral, ...]
    port: SerialPort
    interrupt: int
    fetch: Callable[[], tuple[int, bool]]
    alias: int | None


def chip_of(board: Board, send: Callable[[int], None], memory: Memory, core_caches: Callable[[], bool]) -> Chip:
    """The peripherals of a board's microcontroller.

    Args:
        board: The board.
        send: Takes each byte that leaves the serial port.
        memory: For direct memory access.
        core_caches: Whether the core's own instruction cache is on.

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
    peripherals = (*map(_registers, family.peripherals), interface, port)

    def fetch() -> tuple[int, bool]:
        flash, values = family.flash, interface.values
        waits = values[0] & flash.latency_mask if flash.latency_mask else flash.wait_states
        if flash.cache is None:
            return waits, core_caches()
        offset, bit = flash.cache
        return waits, bool(values[offset] >> bit & 1)

    return Chip(peripherals, port, uart.interrupt, fetch, family.flash.alias)


def _registers(block: RegisterBlock) -> Registers:
    return Registers(block.base, block.reset, block.follow, block.flags)
