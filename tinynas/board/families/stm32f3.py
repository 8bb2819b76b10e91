"""STM32F3 with 512 KiB (RM0316; DS10362: highest clock; AN2606: boot loader)."""

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
from tinynas.board.families.stm32 import PINS, gpio_ports, serial_ports
from tinynas.board.families.uarts import USART_V2

__all__ = ["STM32F3"]

#: HSI; HSE and PLL are ready at once; SWS follows SW.
_READY = {0x00: ((0x01010001, 1),), 0x04: ((3, 2),)}

STM32F3 = McuFamily(
    name="stm32f3",
    parts=(
        Part(
            ("STM32F303RD", "STM32F303RE", "STM32F303VD", "STM32F303VE", "STM32F303ZD", "STM32F303ZE"), 72 * MHZ, 0x446
        ),
    ),
    core="cortex-m4f",
    least_hz=24 * MHZ,
    step_hz=8 * MHZ,
    interrupts=85,
    uart=USART_V2,
    uarts={**serial_ports(0x4002101C), 0x40013800: SerialPort(37, (0x40021018, 14))},
    pins=PINS,
    sources=("stm32f3.c", "stm32_usart_v2.c", "stm32_trigger.c"),
    code_bytes={"gcc": 7_901, "zig": 8_854},
    peripherals=(
        RegisterBlock(0x40021000, dict.fromkeys(range(0x00, 0x34, 4), 0) | {0x00: 0x83, 0x14: 0x14}, _READY),
        *gpio_ports(0x48000000),
    ),
    # RM0316, flash interface: 64 bits, and as many read ahead; no cache.
    flash=FlashInterface(
        RegisterBlock(0x40022000, {0x00: 0x30}),
        latency_mask=7,
        cache=(0x00, 4),
        read_bytes=8,
        code_cache_bytes=16,
        alias=0x0000_0000,
        prefetches=True,
        wait_state_hz=24 * MHZ,
    ),
    macros={"GPIO_BASE": 0x48000000, "GPIO_CLOCKS": 0x40021014, "GPIO_CLOCK_BIT": 17},
    rom=RomLoaderFacts("F3", (2 * KIB,) * 256, size_at=0x1FFFF7CC, number_at=0x1FFFF7AC),
)
