"""STM32L4 (RM0351; DS10198: highest clock; AN2606: boot loader)."""

from __future__ import annotations

from tinynas.board.families.record import KIB, MHZ, FlashInterface, McuFamily, Part, RegisterBlock, RomLoaderFacts
from tinynas.board.families.stm32 import PINS, UARTS, gpio_ports
from tinynas.board.families.uarts import USART_V2

__all__ = ["STM32L4"]

#: HSI; MSI, HSE and PLL are ready at once; SWS follows SW.
_READY = {0x00: ((0x00000100, 2), (0x01010001, 1)), 0x08: ((3, 2),)}

STM32L4 = McuFamily(
    name="stm32l4",
    parts=(Part(("STM32L471", "STM32L475", "STM32L476", "STM32L485", "STM32L486"), 80 * MHZ, 0x415),),
    core="cortex-m4f",
    least_hz=32 * MHZ,
    step_hz=4 * MHZ,
    interrupts=82,
    uart=USART_V2,
    uarts=UARTS,
    pins=PINS,
    sources=("stm32l4.c", "stm32_usart_v2.c", "stm32_trigger.c"),
    code_bytes={"gcc": 7_468, "zig": 8_339},
    peripherals=(
        RegisterBlock(0x40021000, dict.fromkeys(range(0x00, 0x98, 4), 0) | {0x00: 0x61 | 2, 0x0C: 0x1000}, _READY),
        RegisterBlock(0x40007000, dict.fromkeys(range(0x00, 0x5C, 4), 0) | {0x00: 0x200}),
        *gpio_ports(0x48000000),
    ),
    flash=FlashInterface(
        RegisterBlock(0x40022000, dict.fromkeys(range(0x00, 0x34, 4), 0) | {0x00: 0x600}),
        latency_mask=7,
        cache=(0x00, 9),
        alias=0x0000_0000,
    ),
    rom=RomLoaderFacts("L4", (2 * KIB,) * 512, size_at=0x1FFF75E0, number_at=0x1FFF7590),
)
