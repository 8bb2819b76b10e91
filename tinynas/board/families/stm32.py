"""What the STM32 families have in common."""

from __future__ import annotations

from tinynas.board.families.record import PinNames, RegisterBlock

__all__ = ["PINS", "READY_F", "UARTS", "clocks_f", "gpio_ports", "power_f"]

PINS = PinNames("ABCDEFGHIJK", 16)
UARTS = {0x40004400: 38, 0x40004800: 39, 0x40004C00: 52, 0x40005000: 53}
"""USART2, USART3, UART4 and UART5: they follow one another, in memory and in the enable bits of their clocks."""

READY_F = {0x00: ((0x01010001, 1),), 0x08: ((3, 2),)}
"""RCC of F4 and F7: oscillators and PLL are ready at once; SWS follows SW."""


def gpio_ports(base: int) -> tuple[RegisterBlock, ...]:
    """The ports A to K."""
    return tuple(
        RegisterBlock(base + 0x400 * port, dict.fromkeys(range(0x00, 0x2C, 4), 0)) for port in range(len(PINS.ports))
    )


def clocks_f() -> RegisterBlock:
    """RCC of F4 and F7."""
    reset = dict.fromkeys(range(0x00, 0x98, 4), 0) | {0x00: 0x83, 0x04: 0x24003010}
    return RegisterBlock(0x40023800, reset, READY_F)


def power_f() -> RegisterBlock:
    """PWR of F4 and F7: the regulator's scale is ready at once; over-drive is as soon as it is asked for."""
    return RegisterBlock(0x40007000, {0x00: 0xC000, 0x04: 1 << 14}, flags={0x04: (0x00, 3 << 16, 0)})
