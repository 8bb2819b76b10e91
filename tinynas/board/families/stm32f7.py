"""STM32F7 with a single-precision FPU (RM0385; DS10916: highest clock; AN2606: boot loader)."""

from __future__ import annotations

from tinynas.board.families.record import KIB, MHZ, FlashInterface, McuFamily, Part, RegisterBlock, RomLoaderFacts
from tinynas.board.families.stm32 import PINS, UARTS_F, clocks_f, gpio_ports, power_f
from tinynas.board.families.uarts import USART_V2

__all__ = ["STM32F7"]

STM32F7 = McuFamily(
    name="stm32f7",
    parts=(Part(("STM32F745", "STM32F746", "STM32F750", "STM32F756"), 216 * MHZ, 0x449),),
    core="cortex-m7f",
    least_hz=50 * MHZ,
    step_hz=MHZ,
    interrupts=98,
    uart=USART_V2,
    uarts=UARTS_F,
    pins=PINS,
    sources=("stm32f7.c", "stm32_usart_v2.c", "stm32_trigger.c"),
    code_bytes={"gcc": 8_329, "zig": 9_650},
    peripherals=(clocks_f(), power_f(), *gpio_ports(0x40020000)),
    flash=FlashInterface(
        RegisterBlock(0x40023C00, dict.fromkeys(range(0x00, 0x1C, 4), 0)),
        latency_mask=15,
        alias=0x0020_0000,  # the ITCM bus
    ),
    macros={"GPIO_BASE": 0x40020000, "GPIO_CLOCKS": 0x40023830},
    data_cache_bytes=4096,  # PM0253, L1 caches; RM0385
    rom=RomLoaderFacts("F7", (*[32 * KIB] * 4, 128 * KIB, *[256 * KIB] * 3), size_at=0x1FF0F442, number_at=0x1FF0F420),
)
