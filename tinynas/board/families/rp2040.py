"""Raspberry Pi RP2040 (its data sheet: RESETS, CLOCKS, XOSC, PLL, GPIO, UART, XIP; interrupts)."""

from __future__ import annotations

from tinynas.board.families.record import MHZ, FlashInterface, McuFamily, Part, PinNames, RegisterBlock, SerialPort
from tinynas.board.families.uarts import PL011

__all__ = ["RP2040"]

_RESETS = 0x4000C000
_ALL_BLOCKS = 0x01FF_FFFF
#: A read of 8 bytes that the cache does not hold: 8 clocks of the flash for address and mode, 4 to wait, 16 for data,
#: each two clocks of the core, as `rp2040_boot2.S` sets them. Computed from the data sheets, not measured.
_LINE_CYCLES = (8 + 4 + 16) * 2

RP2040 = McuFamily(
    name="rp2040",
    parts=(Part(("RP2040",), 133 * MHZ),),
    core="cortex-m0plus",
    least_hz=63 * MHZ,
    step_hz=MHZ,
    interrupts=26,
    uart=PL011,
    uarts={0x40034000: SerialPort(20, (_RESETS, 22)), 0x40038000: SerialPort(21, (_RESETS, 23))},
    pins=PinNames("", 30, prefix="GP"),
    sources=("rp2040.c", "rp2040_boot2.c"),
    code_bytes={"gcc": 11_888, "zig": 10_268},
    peripherals=(
        # What is let go of is ready at once.
        RegisterBlock(_RESETS, {0x00: _ALL_BLOCKS, 0x04: 0, 0x08: 0}, cleared={0x08: (0x00, _ALL_BLOCKS, 0)}),
        # A source is selected as soon as it is chosen: bit 1 for the PLL, bit 2 for the crystal.
        RegisterBlock(
            0x40008000,
            dict.fromkeys(range(0x00, 0x4C, 4), 0) | {0x38: 1, 0x44: 1},
            flags={0x38: (0x30, 2, 1), 0x44: (0x3C, 1, 1)},
        ),
        # XOSC: stable as soon as it is enabled.
        RegisterBlock(0x40024000, {0x00: 0, 0x04: 0, 0x08: 0, 0x0C: 0xC4}, flags={0x04: (0x00, 1 << 12, 19)}),
        # PLL: locked as soon as it has power.
        RegisterBlock(0x40028000, {0x00: 1, 0x04: 0x2D, 0x08: 0, 0x0C: 0x77000}, cleared={0x00: (0x04, 1, 31)}),
        RegisterBlock(0x40014000, dict.fromkeys(range(0x00, 0xF0, 4), 0)),
        RegisterBlock(0x4001C000, dict.fromkeys(range(0x00, 0x7C, 4), 0x56)),
        RegisterBlock(0xD0000000, dict.fromkeys(range(0x00, 0x30, 4), 0)),
    ),
    flash=FlashInterface(
        RegisterBlock(0x18000000, dict.fromkeys((*range(0x00, 0x2C, 4), 0xF0, 0xF4), 0)),
        wait_states=_LINE_CYCLES,
        cache=(0x00, 0),
        read_bytes=8,
        # XIP: 16 KiB of lines of 8 bytes for whatever is read from flash; here half for each kind.
        code_cache_bytes=8192,
        data_cache=(0x00, 0),
        data_cache_lines=1024,
        cache_block=RegisterBlock(0x14000000, dict.fromkeys(range(0x00, 0x20, 4), 0) | {0x00: 3}),
    ),
    boot_bytes=256,
    uf2_family=0xE48BFF56,  # github.com/microsoft/uf2, utils/uf2families.json
)
