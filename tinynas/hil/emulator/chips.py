"""The peripherals of each family that the firmware touches: clocks, power, flash interface, pins.

Offsets and reset values are those of the reference manuals RM0390 (STM32F4), RM0351 (STM32L4), RM0385 (STM32F7) and of
the nRF52840's product specification.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tinynas.board import Board
from tinynas.errors import BoardError
from tinynas.hil.emulator.bus import Peripheral, Registers
from tinynas.hil.emulator.uart import Memory, SerialPort, Uarte, UsartV1, UsartV2
from tinynas.hil.image import family_of

__all__ = ["Chip", "chip_of"]

_READY_F = {0x00: ((0x01010001, 1),), 0x08: ((3, 2),)}  # oscillators and PLL are ready; SWS follows SW
_READY_L4 = {0x00: ((0x00000100, 2), (0x01010001, 1)), 0x08: ((3, 2),)}  # HSI; MSI, HSE and PLL
_PORTS = 11
#: Of flash: what an STM32 boots from, and the STM32F7's other bus to it.
_ALIASES = {"stm32f4": 0x0000_0000, "stm32l4": 0x0000_0000, "stm32f7": 0x0020_0000}


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
        BuildError: The microcontroller's family is not modelled.
        BoardError: The board has no serial port.
    """
    uart = board.uart
    if uart is None:
        raise BoardError("a board without serial port cannot be talked to", where=f"{board.name}:uart")
    family = family_of(board)
    port: SerialPort
    if family == "nrf52840":
        port = Uarte(uart.base_address, send, memory)
        peripherals, fetch = _nrf52840()
    else:
        port = (UsartV1 if uart.layout == "stm32-v1" else UsartV2)(uart.base_address, send)
        peripherals, fetch = _stm32l4() if family == "stm32l4" else _stm32f(family, core_caches)
    return Chip((*peripherals, port), port, uart.interrupt, fetch, _ALIASES.get(family))


_Model = tuple[list[Peripheral], Callable[[], tuple[int, bool]]]


def _stm32f(family: str, core_caches: Callable[[], bool]) -> _Model:
    rcc = dict.fromkeys(range(0x00, 0x98, 4), 0) | {0x00: 0x83, 0x04: 0x24003010}
    interface = Registers(0x40023C00, dict.fromkeys(range(0x00, 0x1C, 4), 0))
    # The regulator's scale is ready at once; over-drive is as soon as it is asked for.
    power = Registers(0x40007000, {0x00: 0xC000, 0x04: 1 << 14}, flags={0x04: (0x00, 3 << 16, 0)})
    peripherals: list[Peripheral] = [Registers(0x40023800, rcc, _READY_F), interface, power, *_ports(0x40020000)]

    def fetch() -> tuple[int, bool]:
        control = interface.values[0x00]
        return control & 15, core_caches() if family == "stm32f7" else bool(control >> 9 & 1)

    return peripherals, fetch


def _stm32l4() -> _Model:
    rcc = dict.fromkeys(range(0x00, 0x98, 4), 0) | {0x00: 0x61 | 2, 0x0C: 0x1000}
    interface = Registers(0x40022000, dict.fromkeys(range(0x00, 0x34, 4), 0) | {0x00: 0x600})
    power = Registers(0x40007000, dict.fromkeys(range(0x00, 0x5C, 4), 0) | {0x00: 0x200})
    ports = _ports(0x48000000)
    peripherals: list[Peripheral] = [Registers(0x40021000, rcc, _READY_L4), interface, power, *ports]

    def fetch() -> tuple[int, bool]:
        control = interface.values[0x00]
        return control & 7, bool(control >> 9 & 1)

    return peripherals, fetch


def _ports(base: int) -> list[Registers]:
    names = range(0x00, 0x2C, 4)
    return [Registers(base + 0x400 * port, dict.fromkeys(names, 0)) for port in range(_PORTS)]


def _nrf52840() -> _Model:
    # Tasks and events of CLOCK: the crystal runs as soon as it is started.
    clock = Registers(
        0x40000000,
        dict.fromkeys((0x000, 0x004, 0x008, 0x00C, 0x100, 0x104, 0x304, 0x308, 0x408, 0x40C, 0x518), 0),
        flags={0x100: (0x000, 1, 0), 0x408: (0x000, 1, 0), 0x40C: (0x000, 1, 16)},
    )
    interface = Registers(0x4001E000, {0x400: 1, 0x504: 0, 0x540: 0, 0x548: 0, 0x54C: 0})
    pins = [*range(0x504, 0x524, 4), *range(0x700, 0x780, 4)]
    ports: list[Peripheral] = [Registers(0x50000000 + 0x300 * port, dict.fromkeys(pins, 0)) for port in range(2)]
    # 64 MHz are more than the flash keeps up with: two wait states, and a cache to hide them.
    return [clock, interface, *ports], lambda: (2, bool(interface.values[0x540] & 1))
