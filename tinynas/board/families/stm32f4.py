"""STM32F4 (RM0390, RM0090, RM0368, RM0383; data sheets: highest clocks; AN2606: boot loader)."""

from __future__ import annotations

from tinynas.board.families.record import KIB, MHZ, FlashInterface, McuFamily, Part, RegisterBlock, RomLoaderFacts
from tinynas.board.families.stm32 import PINS, UARTS_F, clocks_f, gpio_ports, power_f
from tinynas.board.families.uarts import USART_V1

__all__ = ["STM32F4"]

STM32F4 = McuFamily(
    name="stm32f4",
    parts=(
        Part(("STM32F405", "STM32F407", "STM32F415", "STM32F417"), 168 * MHZ, 0x413),
        Part(("STM32F427", "STM32F429", "STM32F437", "STM32F439"), 180 * MHZ, 0x419),
        Part(("STM32F446",), 180 * MHZ, 0x421),
        # Of the smaller parts the regulator starts at a lower scale; theirs has no over-drive.
        Part(("STM32F401",), 84 * MHZ, 0x433, {"REGULATOR_SCALE": 2}),
        Part(("STM32F411",), 100 * MHZ, 0x431, {"REGULATOR_SCALE": 3}),
    ),
    core="cortex-m4f",
    least_hz=50 * MHZ,
    step_hz=MHZ,
    interrupts=97,
    uart=USART_V1,
    uarts=UARTS_F,
    pins=PINS,
    sources=("stm32f4.c", "stm32_usart_v1.c", "stm32_trigger.c"),
    code_bytes={"gcc": 8_069, "zig": 8_994},
    peripherals=(clocks_f(), power_f(), *gpio_ports(0x40020000)),
    flash=FlashInterface(
        RegisterBlock(0x40023C00, dict.fromkeys(range(0x00, 0x1C, 4), 0)),
        latency_mask=15,
        cache=(0x00, 9),
        code_cache_bytes=1024,  # RM0390, adaptive real-time memory accelerator: 64 lines of 128 bits, and 8 for data
        data_cache=(0x00, 10),
        data_cache_lines=8,
        alias=0x0000_0000,
        wait_state_hz=30 * MHZ,
    ),
    macros={"GPIO_BASE": 0x40020000, "GPIO_CLOCKS": 0x40023830},
    rom=RomLoaderFacts("F4", (*[16 * KIB] * 4, 64 * KIB, *[128 * KIB] * 7), size_at=0x1FFF7A22, number_at=0x1FFF7A10),
)
