"""STM32G0 (RM0444; DS12232: highest clock; AN2606: boot loader)."""

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
from tinynas.board.families.stm32 import PINS, gpio_ports
from tinynas.board.families.uarts import USART_V2

__all__ = ["STM32G0"]

#: HSI; HSE and PLL are ready at once; SWS follows SW, of three bits here.
_READY = {0x00: ((0x00000100, 2), (0x01010001, 1)), 0x08: ((7, 3),)}

STM32G0 = McuFamily(
    name="stm32g0",
    parts=(Part(("STM32G070", "STM32G071", "STM32G081"), 64 * MHZ, 0x460),),
    core="cortex-m0plus",
    least_hz=48 * MHZ,
    step_hz=4 * MHZ,
    interrupts=31,
    uart=USART_V2,
    uarts={0x40004400: SerialPort(28, (0x4002103C, 17)), 0x40013800: SerialPort(27, (0x40021040, 14))},
    pins=PINS,
    sources=("stm32g0.c", "stm32_usart_v2.c", "stm32_trigger.c"),
    code_bytes={"gcc": 11_688, "zig": 10_076},
    peripherals=(
        RegisterBlock(0x40021000, dict.fromkeys(range(0x00, 0x64, 4), 0) | {0x00: 0x500}, _READY),
        *gpio_ports(0x50000000),
    ),
    flash=FlashInterface(
        RegisterBlock(0x40022000, dict.fromkeys(range(0x00, 0x24, 4), 0) | {0x00: 0x40600}),
        latency_mask=7,
        cache=(0x00, 9),
        read_bytes=8,
        code_cache_bytes=16,  # RM0444, instruction cache: 2 lines of 64 bits; constants have none
        alias=0x0000_0000,
        prefetches=True,
        wait_state_hz=24 * MHZ,
    ),
    macros={"GPIO_BASE": 0x50000000, "GPIO_CLOCKS": 0x40021034},
    rom=RomLoaderFacts("G0", (2 * KIB,) * 64, size_at=0x1FFF75E0, number_at=0x1FFF7590),
)
