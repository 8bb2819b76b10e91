"""STM32L0 with 192 KiB (RM0367; DS10685: highest clock; AN2606: boot loader)."""

from __future__ import annotations

from tinynas.board.families.record import MHZ, FlashInterface, McuFamily, Part, RegisterBlock, SerialPort
from tinynas.board.families.stm32 import PINS, gpio_ports
from tinynas.board.families.uarts import USART_V2

__all__ = ["STM32L0"]

#: HSI; MSI and HSE; PLL are ready at once; SWS follows SW.
_READY = {0x00: ((0x00000001, 2), (0x01010100, 1)), 0x0C: ((3, 2),)}

STM32L0 = McuFamily(
    name="stm32l0",
    parts=(Part(("STM32L071", "STM32L072", "STM32L073", "STM32L081", "STM32L082", "STM32L083"), 32 * MHZ, 0x447),),
    core="cortex-m0plus",
    least_hz=24 * MHZ,
    step_hz=8 * MHZ,
    interrupts=32,
    uart=USART_V2,
    uarts={0x40004400: SerialPort(28, (0x40021038, 17)), 0x40013800: SerialPort(27, (0x40021034, 14))},
    pins=PINS,
    sources=("stm32l0.c", "stm32_usart_v2.c", "stm32_trigger.c"),
    code_bytes={"gcc": 11_740, "zig": 10_108},
    peripherals=(
        RegisterBlock(0x40021000, dict.fromkeys(range(0x00, 0x54, 4), 0) | {0x00: 0x300}, _READY),
        RegisterBlock(0x40007000, {0x00: 0x1000, 0x04: 0}),
        *gpio_ports(0x50000000),
    ),
    # RM0367, NVM: cells of 32 bits behind a few buffers, which read ahead.
    flash=FlashInterface(
        RegisterBlock(0x40022000, dict.fromkeys(range(0x00, 0x24, 4), 0)),
        latency_mask=1,
        cache=(0x00, 1),
        read_bytes=4,
        code_cache_bytes=8,
        alias=0x0000_0000,
        prefetches=True,
        wait_state_hz=16 * MHZ,
    ),
    macros={"GPIO_BASE": 0x50000000, "GPIO_CLOCKS": 0x4002102C},
)
