"""STM32F4 (RM0390 and RM0090; DS10693 and DS8626: highest clocks; AN2606: boot loader)."""

from __future__ import annotations

from tinynas.board.families.record import KIB, MHZ, FlashInterface, McuFamily, Part, RegisterBlock, RomLoaderFacts
from tinynas.board.families.stm32 import PINS, UARTS, clocks_f, gpio_ports, power_f
from tinynas.board.families.uarts import USART_V1

__all__ = ["STM32F4"]

STM32F4 = McuFamily(
    name="stm32f4",
    parts=(
        Part(("STM32F405", "STM32F407", "STM32F415", "STM32F417"), 168 * MHZ, 0x413),
        Part(("STM32F427", "STM32F429", "STM32F437", "STM32F439"), 180 * MHZ, 0x419),
        Part(("STM32F446",), 180 * MHZ, 0x421),
    ),
    core="cortex-m4f",
    least_hz=50 * MHZ,
    step_hz=MHZ,
    interrupts=97,
    uart=USART_V1,
    uarts=UARTS,
    pins=PINS,
    sources=("stm32f4.c", "stm32_usart_v1.c", "stm32_trigger.c"),
    code_bytes={"gcc": 7_680, "zig": 8_483},
    peripherals=(clocks_f(), power_f(), *gpio_ports(0x40020000)),
    flash=FlashInterface(
        RegisterBlock(0x40023C00, dict.fromkeys(range(0x00, 0x1C, 4), 0)),
        latency_mask=15,
        cache=(0x00, 9),
        alias=0x0000_0000,
    ),
    rom=RomLoaderFacts("F4", (*[16 * KIB] * 4, 64 * KIB, *[128 * KIB] * 7), size_at=0x1FFF7A22, number_at=0x1FFF7A10),
)
