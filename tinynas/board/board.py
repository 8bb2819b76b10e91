"""Boards: what a microcontroller board offers, and how much of it a model may use.

A board is described by one YAML file, shipped in `boards/` or written by the user; `docs/boards.md` has the format. All
figures come from data sheets, and every file names them under `sources`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from tinynas.board.families import UartLayout
from tinynas.board.memory import (
    Address,
    InconsistencyError,
    MemoryRegion,
    Name,
    SizeBytes,
    check_regions,
    contiguous_spans,
)
from tinynas.board.power import Clock, Milliwatts, OperatingPoint, Power, check_points
from tinynas.errors import ConfigError
from tinynas.yamlfile import describe, validate

__all__ = ["Board", "Probe", "Reserves", "Uart"]

Core = Literal[
    "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m4f", "cortex-m7", "cortex-m7f", "cortex-m33", "cortex-m33f"
]
"""The core; a final f says that it has a single-precision FPU."""

_Text = Annotated[str, Field(min_length=1, max_length=500)]
_EDGE = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Reserves:
    """What is set aside before a model gets its share.

    The stack: TFLM's interpreter was measured at 1.3 kB of stack, so 4 KiB leave room for interrupts and for the C
    library. The firmware keeps serial buffers and counters in SRAM, and start-up code, drivers and protocol in flash.
    """

    __pydantic_config__ = _EDGE

    stack_bytes: SizeBytes = 4 * 1024
    firmware_sram_bytes: SizeBytes = 2 * 1024
    firmware_flash_bytes: SizeBytes = 16 * 1024
    bootloader_flash_bytes: SizeBytes = 0  # at the start of flash; the image is linked behind it


@dataclass(frozen=True)
class Uart:
    """The serial port the firmware talks through."""

    __pydantic_config__ = _EDGE

    instance: Name
    base_address: Address
    layout: UartLayout
    interrupt: Annotated[int, Field(strict=True, ge=0, lt=480)]  # IRQn; Armv7-M has room for 480
    tx_pin: Name
    rx_pin: Name
    alternate_function: Annotated[int, Field(strict=True, ge=0, le=15)] | None = None  # None: pins are freely routed
    baud: Annotated[int, Field(strict=True, gt=0, le=12_000_000)] = 115_200
    virtual_com_port: bool = True  # the probe carries it to the host; False: only on the header pins


@dataclass(frozen=True)
class Probe:
    """How the host recognises and programs the board."""

    __pydantic_config__ = _EDGE

    kind: Literal["stlink", "daplink", "jlink", "bootloader", "none"]
    mbed_product_code: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{4}$")] | None = None
    mbed_type: Name | None = None
    pyocd_target: Name | None = None


@dataclass(frozen=True)
class Board:
    """A microcontroller board.

    Attributes:
        name: Short name, as given to `--board`.
        title: The name printed on the board.
        mcu: Part number of the microcontroller.
        core: Processor core.
        clock_hz: Clock the firmware runs the core at.
        flash: Program memory.
        sram: Data memory that a model, its runtime, the stack and the firmware share.
        instruction_ram: Tightly coupled RAM for code, not counted as SRAM.
        reserves: What is set aside before a model gets its share.
        uart: The serial port of the firmware. None: unknown, hardware in the loop is not possible.
        trigger_pin: Pin that falls where timed inferences begin and where they have ended, so that a power meter knows
            when; high otherwise. None: the firmware drives none, energy cannot be measured.
        probe: How the host finds and programs the board. None: unknown.
        operating_points: Clocks that a search may choose from, with the supply's power.
        battery_mwh: Energy of its battery, in milliwatt hours. None: unknown.
        sources: Fact -> the document it was taken from.

    Raises:
        ConfigError: Regions overlap, are empty or leave the 32-bit address space, the reserves exceed the memory, or
            the trigger is on the serial port's pin; `where` is the key.

    Example:
        >>> from tinynas.board import load_board
        >>> board = load_board("nucleo_f446re")
        >>> board.sram_bytes // 1024, board.flash_bytes // 1024
        (128, 512)
    """

    __pydantic_config__ = _EDGE

    name: Name
    mcu: _Text
    core: Core
    clock_hz: Clock
    flash: MemoryRegion
    sram: tuple[MemoryRegion, ...]
    title: _Text | None = None
    instruction_ram: tuple[MemoryRegion, ...] = ()
    reserves: Reserves = Reserves()
    uart: Uart | None = None
    trigger_pin: Name | None = None
    probe: Probe | None = None
    operating_points: tuple[OperatingPoint, ...] = ()
    battery_mwh: Milliwatts | None = None
    sources: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.title is None:
            object.__setattr__(self, "title", self.name)
        if not self.sram:
            raise InconsistencyError("a board needs at least one region", where="sram")
        check_regions(self._keyed_regions())
        self._check_reserves()
        if self.uart and self.trigger_pin in (self.uart.tx_pin, self.uart.rx_pin):
            raise InconsistencyError(f"the serial port has {self.trigger_pin}", where="trigger_pin")
        check_points(self.operating_points)

    @property
    def clocks_hz(self) -> tuple[int, ...]:
        """Clocks to choose from, ascending: those of the operating points, and the board's own."""
        return tuple(sorted({self.clock_hz, *(point.clock_hz for point in self.operating_points)}))

    @property
    def power(self) -> Power | None:
        """The supply's power at the board's clock; None where it is not known."""
        points = (point.power for point in self.operating_points if point.clock_hz == self.clock_hz)
        return next(points, None)

    def at(self, clock_hz: int) -> Board:
        """The board with its core at another clock."""
        return self if clock_hz == self.clock_hz else dataclasses.replace(self, clock_hz=clock_hz)

    def _keyed_regions(self) -> Iterator[tuple[str, MemoryRegion]]:
        yield "flash", self.flash
        for key, regions in (("sram", self.sram), ("instruction_ram", self.instruction_ram)):
            for index, region in enumerate(regions):
                yield f"{key}[{index}]", region

    def _check_reserves(self) -> None:
        if self.flash_limit_bytes <= 0:
            raise InconsistencyError(
                f"bootloader and firmware fill the flash of {self.flash_bytes} bytes", where="reserves", advice=_SHRINK
            )
        if self.sram_limit_bytes <= 0:
            raise InconsistencyError(
                f"stack and firmware fill the SRAM of {self.sram_bytes} bytes", where="reserves", advice=_SHRINK
            )

    @property
    def sram_bytes(self) -> int:
        """All SRAM regions together, in bytes."""
        return sum(region.size_bytes for region in self.sram)

    @property
    def flash_bytes(self) -> int:
        """The whole flash, in bytes."""
        return self.flash.size_bytes

    @cached_property
    def model_span(self) -> MemoryRegion:
        """The largest contiguous span of SRAM: where the arena goes. Of equal ones, the one at the lowest address."""
        return max(contiguous_spans(self.sram), key=lambda span: span.size_bytes)

    @cached_property
    def sram_limit_bytes(self) -> int:
        """SRAM a model and its runtime may use, in bytes.

        An arena is one array, so it is the largest contiguous span that counts, less those of the reserves (stack,
        firmware data) that find no room in another span.
        """
        others = sorted(span.size_bytes for span in contiguous_spans(self.sram) if span != self.model_span)
        limit = self.model_span.size_bytes
        for reserve in sorted((self.reserves.stack_bytes, self.reserves.firmware_sram_bytes), reverse=True):
            # Best fit, largest first: with two reserves no other placement leaves more of the model's span.
            fits = [index for index, room in enumerate(others) if room >= reserve]
            if fits:
                others[fits[0]] -= reserve
                others.sort()
            else:
                limit -= reserve
        return limit

    @property
    def flash_limit_bytes(self) -> int:
        """Flash a model and its runtime may use, in bytes: all but the boot loader and the firmware."""
        return self.flash_bytes - self.reserves.bootloader_flash_bytes - self.reserves.firmware_flash_bytes

    @property
    def image_sram_bytes(self) -> int:
        """SRAM that a whole image may use, its stack and its firmware's variables included, in bytes."""
        return self.sram_limit_bytes + self.reserves.stack_bytes + self.reserves.firmware_sram_bytes

    @property
    def image_flash_bytes(self) -> int:
        """Flash that a whole image may use, its firmware included, in bytes."""
        return self.flash_limit_bytes + self.reserves.firmware_flash_bytes

    def to_dict(self) -> dict[str, Any]:
        """Return the board as JSON-ready data: its file's keys and the derived sizes. `from_dict` reads it back."""
        data = dataclasses.asdict(self)
        for key in ("sram", "instruction_ram", "operating_points"):
            data[key] = list(data[key])
        return data | {key: getattr(self, key) for key in _DERIVED}

    @classmethod
    def from_dict(cls, data: Mapping[str, object], where: str = "board") -> Board:
        """Build a board from parsed YAML or from `to_dict`; `where` names the document in errors.

        Raises:
            ConfigError: At `where:key`.

        Example:
            >>> from tinynas.board import load_board
            >>> board = load_board("nucleo_l476rg")
            >>> Board.from_dict(board.to_dict()) == board
            True
        """
        try:
            board = validate(_ADAPTER, {key: value for key, value in data.items() if key not in _DERIVED}, where)
        except InconsistencyError as error:
            raise ConfigError(error.message, where=f"{where}:{error.where}", advice=error.advice) from error
        for key in _DERIVED:
            if key in data and data[key] != getattr(board, key):
                message = (
                    f"{describe(data[key])} contradicts the regions and reserves, which give {getattr(board, key)}"
                )
                raise ConfigError(message, where=f"{where}:{key}", advice="leave it out: it is computed")
        return board

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over every fact that can change a result: all but the title and the sources."""
        facts = {key: value for key, value in self.to_dict().items() if key not in ("title", "sources")}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


_SHRINK = "make the reserves smaller, or correct the memory sizes"
_DERIVED = (
    *("sram_bytes", "flash_bytes", "sram_limit_bytes", "flash_limit_bytes"),
    *("image_sram_bytes", "image_flash_bytes"),
)
_ADAPTER: TypeAdapter[Board] = TypeAdapter(Board)
