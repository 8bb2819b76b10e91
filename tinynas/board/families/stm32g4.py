"""STM32G4 (RM0440; DS12288: highest clock; AN2606: boot loader)."""

from __future__ import annotations

from tinynas.board.families.record import (
    KIB,
    MHZ,
    FlashInterface,
    McuFamily,
    Part,
    RegisterBlock,
    RomLoaderFacts,
    SerialPort,
)
from tinynas.board.families.stm32 import PINS, UARTS_L4, clocks_l4, gpio_ports
from tinynas.board.families.uarts import USART_V2

__all__ = ["STM32G4"]

_WAIT_STATE_HZ = 34 * MHZ  # in the boost mode

STM32G4 = McuFamily(
    name="stm32g4",
    parts=(Part(("STM32G473", "STM32G474", "STM32G483", "STM32G484"), 170 * MHZ, 0x469),),
    core="cortex-m4f",
    least_hz=48 * MHZ,
    step_hz=2 * MHZ,
    interrupts=102,
    uart=USART_V2,
    uarts={**UARTS_L4, 0x40008000: SerialPort(91, (0x4002105C, 0), low_power=True)},
    pins=PINS,
    sources=("stm32l4.c", "stm32_usart_v2.c", "stm32_trigger.c"),
    code_bytes={"gcc": 7_993, "zig": 9_002},
    peripherals=(
        clocks_l4(),
        RegisterBlock(0x40007000, dict.fromkeys(range(0x00, 0x84, 4), 0) | {0x00: 0x200, 0x80: 0x100}),
        *gpio_ports(0x48000000),
    ),
    flash=FlashInterface(
        RegisterBlock(0x40022000, dict.fromkeys(range(0x00, 0x34, 4), 0) | {0x00: 0x40600}),
        latency_mask=15,
        cache=(0x00, 9),
        read_bytes=8,  # with two banks, as it leaves the factory
        code_cache_bytes=1024,  # RM0440, adaptive real-time memory accelerator: 1 KiB for code, 256 bytes for data
        data_cache=(0x00, 10),
        data_cache_lines=32,
        alias=0x0000_0000,
        wait_state_hz=_WAIT_STATE_HZ,
    ),
    macros={
        "GPIO_BASE": 0x48000000,
        "GPIO_CLOCKS": 0x4002104C,
        "VCO_INPUT_HZ": 4 * MHZ,
        "WAIT_STATE_HZ": _WAIT_STATE_HZ,
        "BOOST": 1,
    },
    rom=RomLoaderFacts("G4", (2 * KIB,) * 256, size_at=0x1FFF75E0, number_at=0x1FFF7590),
)
