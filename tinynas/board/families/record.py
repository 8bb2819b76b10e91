"""What is known of a family of microcontrollers. It is data only: the firmware and the emulator are built from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tinynas.board.families.uarts import UartLayout

__all__ = ["FlashInterface", "McuFamily", "Part", "PinNames", "RegisterBlock", "RomLoaderFacts"]

KIB = 1024
MHZ = 1_000_000


@dataclass(frozen=True)
class Part:
    """Parts that differ in nothing that matters here.

    Attributes:
        prefixes: How their part numbers begin.
        most_hz: Highest clock of the core.
        device_id: What the boot loader in ROM answers to "get ID"; None: no such boot loader, or unknown.
    """

    prefixes: tuple[str, ...]
    most_hz: int
    device_id: int | None = None


@dataclass(frozen=True)
class PinNames:
    """How pins are named: P, the port, a separator, the pin's number.

    Attributes:
        ports: One character a port, in order.
        pins: Pins of a port.
        separator: Between port and pin.
    """

    ports: str
    pins: int
    separator: str = ""

    def parse(self, name: str) -> tuple[int, int] | None:
        """Port and pin of a name; None: there is no such pin.

        Example:
            >>> PinNames("AB", 16).parse("PB3"), PinNames("01", 32, ".").parse("P1.03"), PinNames("AB", 16).parse("PC3")
            ((1, 3), (1, 3), None)
        """
        port, number = name[1:2], name[2:].removeprefix(self.separator)
        digits = number.isascii() and number.isdigit() and len(number) <= 2
        if name != f"P{port}{self.separator}{number}" or not port or port not in self.ports or not digits:
            return None
        return (self.ports.index(port), int(number)) if int(number) < self.pins else None

    @property
    def example(self) -> str:
        """A name."""
        return f"P{self.ports[0]}{self.separator}2"


@dataclass(frozen=True)
class RegisterBlock:
    """Registers of one peripheral, as the emulator models them: they hold what is written.

    Attributes:
        base: Address of the first register.
        reset: Offset -> value after a reset; no other registers exist.
        follow: Offset -> (mask, shift) pairs: bits under the mask, shifted left, appear in the same register.
        flags: Offset -> (offset, mask, shift): bits of another register appear in this one.
    """

    base: int
    reset: Mapping[int, int]
    follow: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    flags: Mapping[int, tuple[int, int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class FlashInterface:
    """The peripheral between core and flash.

    Attributes:
        block: Its registers.
        latency_mask: Bits of its first register that hold the wait states; 0: they are fixed.
        wait_states: The fixed wait states.
        cache: (offset, bit) that turns the instruction cache on; None: the core has a cache of its own.
        alias: Where the flash is seen a second time; None: nowhere.
    """

    block: RegisterBlock
    latency_mask: int = 0
    wait_states: int = 0
    cache: tuple[int, int] | None = None
    alias: int | None = None


@dataclass(frozen=True)
class RomLoaderFacts:
    """The serial boot loader in ROM.

    Attributes:
        loader_family: The family's name for the host's program, stm32loader.
        sectors: Sizes of the flash's sectors, of the family's largest part.
        size_at: Address of the flash's size in KiB.
        number_at: Address of 12 bytes of a unique number.
    """

    loader_family: str
    sectors: tuple[int, ...]
    size_at: int
    number_at: int


@dataclass(frozen=True)
class McuFamily:
    """Microcontrollers that one driver of the firmware serves.

    Attributes:
        name: The driver's file in `firmware/families/`, without its ending.
        parts: The parts.
        core: Their core.
        least_hz: Lowest clock that the driver sets.
        step_hz: Clocks are a multiple of it above `least_hz`.
        interrupts: Interrupts of the devices; at least as many as any of the parts has.
        uart: Layout of the serial ports.
        uarts: Base address -> interrupt of the serial ports that the driver knows.
        pins: How pins are named.
        sources: Files of `firmware/families/`.
        code_bytes: Flash of an image without a model, by compiler, measured.
        peripherals: What the driver touches beside the serial port and the flash interface.
        flash: The flash interface.
        rom: The boot loader in ROM; None: none.
    """

    name: str
    parts: tuple[Part, ...]
    core: str
    least_hz: int
    step_hz: int
    interrupts: int
    uart: UartLayout
    uarts: Mapping[int, int]
    pins: PinNames
    sources: tuple[str, ...]
    code_bytes: Mapping[str, int]
    peripherals: tuple[RegisterBlock, ...]
    flash: FlashInterface
    rom: RomLoaderFacts | None = None

    def part(self, mcu: str) -> Part | None:
        """The part of a part number; None: it is not of this family."""
        name = mcu.upper()
        return next((part for part in self.parts if name.startswith(part.prefixes)), None)

    def clocks_hz(self, part: Part) -> range:
        """Clocks that the driver sets on a part."""
        return range(self.least_hz, part.most_hz + 1, self.step_hz)
