"""STM32H7 with one core (RM0433; DS12110: highest clock at the regulator's scale 1)."""

from __future__ import annotations

from tinynas.board.families.record import MHZ, FlashInterface, McuFamily, Part, RegisterBlock, SerialPort
from tinynas.board.families.stm32 import PINS, gpio_ports, serial_ports
from tinynas.board.families.uarts import USART_V2

__all__ = ["STM32H7"]

#: HSI; CSI; HSE and PLLs are ready at once; SWS follows SW, of three bits here.
_READY = {0x00: ((0x00000001, 2), (0x15010080, 1)), 0x10: ((7, 3),)}

STM32H7 = McuFamily(
    name="stm32h7",
    parts=(Part(("STM32H742", "STM32H743", "STM32H750", "STM32H753"), 400 * MHZ),),
    core="cortex-m7f",
    least_hz=96 * MHZ,
    step_hz=2 * MHZ,
    interrupts=150,
    uart=USART_V2,
    uarts={
        **serial_ports(0x580244E8),
        0x40011000: SerialPort(37, (0x580244F0, 4)),
        0x40011400: SerialPort(71, (0x580244F0, 5)),
    },
    pins=PINS,
    sources=("stm32h7.c", "stm32_usart_v2.c", "stm32_trigger.c"),
    code_bytes={"gcc": 8_589, "zig": 9_862},
    peripherals=(
        RegisterBlock(0x58024400, dict.fromkeys(range(0x00, 0xF8, 4), 0) | {0x00: 0x5}, _READY),
        # The regulator is ready as soon as it is asked for.
        RegisterBlock(0x58024800, {0x04: 1 << 13, 0x0C: 0x6, 0x18: 0x6000}),
        *gpio_ports(0x58020000),
    ),
    flash=FlashInterface(RegisterBlock(0x52002000, {0x00: 0x37}), latency_mask=15, read_bytes=32),
    macros={"GPIO_BASE": 0x58020000, "GPIO_CLOCKS": 0x580244E0},
    data_cache_bytes=16384,
)
