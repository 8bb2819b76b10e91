"""What is known of a family of microcontrollers. It is data only: the firmware and the emulator are built from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tinynas.board.families.uarts import UartLayout

__all__ = ["FlashInterface", "McuFamily", "Part", "PinNames", "RegisterBlock", "RomLoaderFacts", "SerialPort"]

KIB = 1024
MHZ = 1_000_000
_L1_LINE_BYTES = 32  # of a Cortex-M7


@dataclass(frozen=True)
class Part:
    """Parts that differ in nothing that matters here.

    Attributes:
        prefixes: How their part numbers begin.
        most_hz: Highest clock of the core.
        device_id: What the boot loader in ROM answers to "get ID"; None: no such boot loader, or unknown.
        macros: What the driver has to know of these parts: `board.h` defines `BOARD_<name>`.
    """

    prefixes: tuple[str, ...]
    most_hz: int
    device_id: int | None = None
    macros: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class PinNames:
    """How pins are named: a prefix, the port, a separator, the pin's number.

    Attributes:
        ports: One character a port, in order; empty: there is one, without a name.
        pins: Pins of a port.
        separator: Between port and pin.
        prefix: Of all names.
    """

    ports: str
    pins: int
    separator: str = ""
    prefix: str = "P"

    def parse(self, name: str) -> tuple[int, int] | None:
        """Port and pin of a name; None: there is no such pin.

        Example:
            >>> PinNames("AB", 16).parse("PB3"), PinNames("01", 32, ".").parse("P1.03"), PinNames("AB", 16).parse("PC3")
            ((1, 3), (1, 3), None)
        """
        rest, length = name.removeprefix(self.prefix), min(1, len(self.ports))
        port, number = rest[:length], rest[length:].removeprefix(self.separator)
        digits = number.isascii() and number.isdigit() and len(number) <= 2
        known = port in self.ports and len(port) == length
        if name != f"{self.prefix}{port}{self.separator}{number}" or not known or not digits:
            return None
        return (self.ports.index(port), int(number)) if int(number) < self.pins else None

    @property
    def example(self) -> str:
        """A name."""
        return f"{self.prefix}{self.ports[:1]}{self.separator}2"


@dataclass(frozen=True)
class SerialPort:
    """A serial port.

    Attributes:
        interrupt: Its interrupt.
        clock: Address of the register that turns its clock on, and the bit; None: the clock is always there.
        low_power: It is an LPUART, whose divider counts 256ths of a bit.
    """

    interrupt: int
    clock: tuple[int, int] | None = None
    low_power: bool = False


@dataclass(frozen=True)
class RegisterBlock:
    """Registers of one peripheral, as the emulator models them: they hold what is written.

    Attributes:
        base: Address of the first register.
        reset: Offset -> value after a reset; no other registers exist.
        follow: Offset -> (mask, shift) pairs: bits under the mask, shifted left, appear in the same register.
        flags: Offset -> (offset, mask, shift): bits of another register appear in this one; shifted right if negative.
        cleared: The same where the other register's bits are 0.
    """

    base: int
    reset: Mapping[int, int]
    follow: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    flags: Mapping[int, tuple[int, int, int]] = field(default_factory=dict)
    cleared: Mapping[int, tuple[int, int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class FlashInterface:
    """The peripheral between core and flash.

    Attributes:
        block: Its registers.
        latency_mask: Bits of its first register that hold the wait states; 0: they are fixed.
        wait_states: The fixed wait states.
        wait_state_hz: Clocks are one wait state slower for each of these; 0: wait states are fixed, or the core has
            caches of its own and never sees them.
        cache: (offset, bit) that turns the instruction cache on; None: the core has a cache of its own.
        read_bytes: What the flash is read by, in one go.
        code_cache_bytes: Of the instruction cache; None: so large that it holds what runs.
        data_cache: (offset, bit) that turns the data cache on; None: there is none.
        data_cache_lines: Of the data cache, each of `read_bytes`.
        alias: Where the flash is seen a second time; None: nowhere.
        prefetches: The next line is read ahead, and wait states are so few that it comes in time.
        cache_block: Registers of the cache, where they are not the flash's own: `cache` is one of these.
    """

    block: RegisterBlock
    latency_mask: int = 0
    wait_states: int = 0
    cache: tuple[int, int] | None = None
    read_bytes: int = 16
    code_cache_bytes: int | None = None
    data_cache: tuple[int, int] | None = None
    data_cache_lines: int = 0
    alias: int | None = None
    prefetches: bool = False
    cache_block: RegisterBlock | None = None
    wait_state_hz: int = 0


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
        uarts: Base address -> the serial ports that the driver knows.
        pins: How pins are named.
        sources: Files of `firmware/families/`.
        code_bytes: Flash of an image without a model, by compiler, measured.
        peripherals: What the driver touches beside the serial port and the flash interface.
        flash: The flash interface.
        macros: What the driver has to know beside all this: `board.h` defines `BOARD_<name>`.
        data_cache_bytes: Of the core's own data cache; 0: it has none.
        rom: The boot loader in ROM; None: none.
        boot_bytes: What an image begins with, before its vectors: code that the ROM calls; 0: nothing.
        uf2_family: Number that UF2 files have for the family, where the ROM shows a drive that takes such; else None.
    """

    name: str
    parts: tuple[Part, ...]
    core: str
    least_hz: int
    step_hz: int
    interrupts: int
    uart: UartLayout
    uarts: Mapping[int, SerialPort]
    pins: PinNames
    sources: tuple[str, ...]
    code_bytes: Mapping[str, int]
    peripherals: tuple[RegisterBlock, ...]
    flash: FlashInterface
    macros: Mapping[str, int] = field(default_factory=dict)
    data_cache_bytes: int = 0
    rom: RomLoaderFacts | None = None
    boot_bytes: int = 0
    uf2_family: int | None = None

    def part(self, mcu: str) -> Part | None:
        """The part of a part number; None: it is not of this family."""
        name = mcu.upper()
        return next((part for part in self.parts if name.startswith(part.prefixes)), None)

    def clocks_hz(self, part: Part) -> range:
        """Clocks that the driver sets on a part."""
        return range(self.least_hz, part.most_hz + 1, self.step_hz)

    def wait_states(self, clock_hz: int) -> int:
        """Cycles that the core waits for its flash at a clock, as the driver sets them; 0 behind caches of its own."""
        apart = self.flash.wait_state_hz
        return (clock_hz - 1) // apart if apart else self.flash.wait_states

    @property
    def constants_cache(self) -> tuple[int, int]:
        """Bytes of the cache that constants are read through, and of one of its lines; 0 bytes: there is none."""
        if self.data_cache_bytes:
            return self.data_cache_bytes, _L1_LINE_BYTES
        return self.flash.data_cache_lines * self.flash.read_bytes, self.flash.read_bytes
