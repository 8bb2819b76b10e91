"""STM32U5 without TrustZone (RM0456; DS13737: highest clock)."""

from __future__ import annotations

from tinynas.board.families.record import MHZ, FlashInterface, McuFamily, Part, RegisterBlock, SerialPort
from tinynas.board.families.stm32 import PINS, gpio_ports
from tinynas.board.families.uarts import USART_V2

__all__ = ["STM32U5"]

#: MSIS, MSIK; HSI; HSE and PLL are ready at once; SWS follows SW.
_READY = {0x00: ((0x00000011, 2), (0x00000100, 2), (0x01010000, 1)), 0x1C: ((3, 2),)}
_RESET = {0x00: 0x35, 0x34: 0x01010280, 0x88: 0xD0200100, 0x8C: 0xC0000000}
#: USART2 and USART3, UART4 and UART5 on the first peripheral bus.
_FIRST_BUS = {0x40004400: 62, 0x40004800: 63, 0x40004C00: 64, 0x40005000: 65}

STM32U5 = McuFamily(
    name="stm32u5",
    parts=(Part(("STM32U575", "STM32U585"), 160 * MHZ),),
    core="cortex-m33f",
    least_hz=64 * MHZ,
    step_hz=4 * MHZ,
    interrupts=126,
    uart=USART_V2,
    uarts={
        **{base: SerialPort(number, (0x46020C9C, 17 + i)) for i, (base, number) in enumerate(_FIRST_BUS.items())},
        0x40013800: SerialPort(61, (0x46020CA4, 14)),
    },
    pins=PINS,
    sources=("stm32u5.c", "stm32_usart_v2.c", "stm32_trigger.c"),
    code_bytes={"gcc": 8_221, "zig": 9_142},
    peripherals=(
        RegisterBlock(0x46020C00, dict.fromkeys(range(0x00, 0xF8, 4), 0) | _RESET, _READY),
        # The regulator and its booster are ready as soon as they are asked for.
        RegisterBlock(0x46020800, {0x0C: 0x8000}, flags={0x0C: (0x0C, 1 << 18, -4)}),
        *gpio_ports(0x42020000),
    ),
    flash=FlashInterface(
        RegisterBlock(0x40022000, dict.fromkeys(range(0x00, 0x34, 4), 0) | {0x00: 0x1}),
        latency_mask=15,
        cache=(0x00, 0),
        # RM0456, ICACHE: 8 KiB for whatever is read from flash, of lines of 16 bytes; here half for each kind.
        code_cache_bytes=4096,
        data_cache=(0x00, 0),
        data_cache_lines=256,
        alias=0x0C00_0000,
        cache_block=RegisterBlock(0x40030400, {0x00: 0x4, 0x04: 0}),
        wait_state_hz=32 * MHZ,
    ),
    macros={"GPIO_BASE": 0x42020000, "GPIO_CLOCKS": 0x46020C8C},
)
