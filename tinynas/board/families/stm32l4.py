"""STM32L4 and L4+ (RM0351, RM0432; DS10198, DS12023: highest clocks; AN2606: boot loader)."""

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

__all__ = ["STM32L4", "STM32L4_PLUS"]

#: Port G has a supply of its own.
_WAIT_STATE_HZ, _PLUS_WAIT_STATE_HZ = 16 * MHZ, 20 * MHZ
_MACROS = {"GPIO_BASE": 0x48000000, "GPIO_CLOCKS": 0x4002104C, "IO2_PORT": 6, "VCO_INPUT_HZ": 8 * MHZ}

STM32L4 = McuFamily(
    name="stm32l4",
    parts=(Part(("STM32L471", "STM32L475", "STM32L476", "STM32L485", "STM32L486"), 80 * MHZ, 0x415),),
    core="cortex-m4f",
    least_hz=32 * MHZ,
    step_hz=4 * MHZ,
    interrupts=82,
    uart=USART_V2,
    uarts=UARTS_L4,
    pins=PINS,
    sources=("stm32l4.c", "stm32_usart_v2.c", "stm32_trigger.c"),
    code_bytes={"gcc": 7_873, "zig": 8_862},
    peripherals=(
        clocks_l4(),
        RegisterBlock(0x40007000, dict.fromkeys(range(0x00, 0x5C, 4), 0) | {0x00: 0x200}),
        *gpio_ports(0x48000000),
    ),
    flash=FlashInterface(
        RegisterBlock(0x40022000, dict.fromkeys(range(0x00, 0x34, 4), 0) | {0x00: 0x600}),
        latency_mask=7,
        cache=(0x00, 9),
        read_bytes=8,
        code_cache_bytes=1024,  # RM0351, flash accelerator: 1 KiB for code, 8 lines for data
        data_cache=(0x00, 10),
        data_cache_lines=8,
        alias=0x0000_0000,
        wait_state_hz=_WAIT_STATE_HZ,
    ),
    macros={**_MACROS, "WAIT_STATE_HZ": _WAIT_STATE_HZ},
    rom=RomLoaderFacts("L4", (2 * KIB,) * 512, size_at=0x1FFF75E0, number_at=0x1FFF7590),
)

STM32L4_PLUS = McuFamily(
    name="stm32l4plus",
    parts=(Part(("STM32L4R5", "STM32L4R7", "STM32L4R9", "STM32L4S5", "STM32L4S7", "STM32L4S9"), 120 * MHZ, 0x470),),
    core="cortex-m4f",
    least_hz=32 * MHZ,
    step_hz=4 * MHZ,
    interrupts=95,
    uart=USART_V2,
    uarts={**UARTS_L4, 0x40008000: SerialPort(70, (0x4002105C, 0), low_power=True)},
    pins=PINS,
    sources=("stm32l4.c", "stm32_usart_v2.c", "stm32_trigger.c"),
    code_bytes={"gcc": 8_013, "zig": 8_982},
    peripherals=(
        clocks_l4(),
        RegisterBlock(0x40007000, dict.fromkeys(range(0x00, 0x84, 4), 0) | {0x00: 0x200, 0x80: 0x100}),
        *gpio_ports(0x48000000),
    ),
    flash=FlashInterface(
        RegisterBlock(0x40022000, dict.fromkeys(range(0x00, 0x34, 4), 0) | {0x00: 0x600}),
        latency_mask=15,
        cache=(0x00, 9),
        read_bytes=8,  # with two banks, as it leaves the factory
        code_cache_bytes=1024,  # RM0432, flash accelerator: 1 KiB for code, 256 bytes for data
        data_cache=(0x00, 10),
        data_cache_lines=8,
        alias=0x0000_0000,
        wait_state_hz=_PLUS_WAIT_STATE_HZ,
    ),
    macros={**_MACROS, "WAIT_STATE_HZ": _PLUS_WAIT_STATE_HZ, "BOOST": 1},
    rom=RomLoaderFacts("L4", (4 * KIB,) * 512, size_at=0x1FFF75E0, number_at=0x1FFF7590),
)
