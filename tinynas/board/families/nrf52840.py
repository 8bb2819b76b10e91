"""Nordic nRF52840 (product specification: CLOCK, NVMC, GPIO, UARTE, peripheral instances)."""

from __future__ import annotations

from tinynas.board.families.record import MHZ, FlashInterface, McuFamily, Part, PinNames, RegisterBlock, SerialPort
from tinynas.board.families.uarts import UARTE

__all__ = ["NRF52840"]

#: Tasks and events of CLOCK: the crystal runs as soon as it is started.
_CLOCK = RegisterBlock(
    0x40000000,
    dict.fromkeys((0x000, 0x004, 0x008, 0x00C, 0x100, 0x104, 0x304, 0x308, 0x408, 0x40C, 0x518, 0x558), 0),
    flags={0x100: (0x000, 1, 0), 0x408: (0x000, 1, 0), 0x40C: (0x000, 1, 16)},
)
#: A chip of revision 3 whose debug port is open: part and variant; APPROTECT.
_FICR = RegisterBlock(0x10000130, {0x0: 8, 0x4: 3})
_UICR = RegisterBlock(0x10001208, {0x0: 0x5A})
_PINS = [*range(0x504, 0x524, 4), *range(0x700, 0x780, 4)]

NRF52840 = McuFamily(
    name="nrf52840",
    parts=(Part(("NRF52840",), 64 * MHZ),),
    core="cortex-m4f",
    least_hz=64 * MHZ,
    step_hz=64 * MHZ,
    interrupts=48,
    uart=UARTE,
    uarts={0x40002000: SerialPort(2), 0x40028000: SerialPort(40)},
    pins=PinNames("01", 32, "."),
    sources=("nrf52840.c",),
    code_bytes={"gcc": 7_557, "zig": 8_514},
    peripherals=(
        _CLOCK,
        _FICR,
        _UICR,
        *(RegisterBlock(0x50000000 + 0x300 * port, dict.fromkeys(_PINS, 0)) for port in range(2)),
    ),
    # 64 MHz are more than the flash keeps up with: two wait states, and a cache to hide them.
    flash=FlashInterface(
        RegisterBlock(0x4001E000, {0x400: 1, 0x504: 0, 0x540: 0, 0x548: 0, 0x54C: 0}), wait_states=2, cache=(0x540, 0)
    ),
)
