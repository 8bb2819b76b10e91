"""What the STM32 families have in common."""

from __future__ import annotations

from tinynas.board.families.record import PinNames, RegisterBlock, SerialPort

__all__ = ["PINS", "READY_F", "UARTS_F", "UARTS_L4", "clocks_f", "clocks_l4", "gpio_ports", "power_f", "serial_ports"]

PINS = PinNames("ABCDEFGHIJK", 16)


def serial_ports(enable: int) -> dict[int, SerialPort]:
    """USART2, USART3, UART4 and UART5 of the larger families.

    Args:
        enable: Address of the register that turns their clocks on.
    """
    interrupts = {0x40004400: 38, 0x40004800: 39, 0x40004C00: 52, 0x40005000: 53}
    return {base: SerialPort(number, (enable, 17 + index)) for index, (base, number) in enumerate(interrupts.items())}


UARTS_F = {
    **serial_ports(0x40023840),
    0x40011000: SerialPort(37, (0x40023844, 4)),
    0x40011400: SerialPort(71, (0x40023844, 5)),
}
"""Serial ports of F4 and F7; USART1 and USART6 are on the second peripheral bus."""
UARTS_L4 = {**serial_ports(0x40021058), 0x40013800: SerialPort(37, (0x40021060, 14))}
"""Serial ports of L4 and G4; USART1 is on the second peripheral bus."""

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


def clocks_l4() -> RegisterBlock:
    """RCC of L4 and G4: HSI; MSI, HSE and PLL are ready at once; SWS follows SW."""
    reset = dict.fromkeys(range(0x00, 0xA0, 4), 0) | {0x00: 0x63, 0x0C: 0x1000}
    return RegisterBlock(0x40021000, reset, {0x00: ((0x00000100, 2), (0x01010001, 1)), 0x08: ((3, 2),)})


def power_f() -> RegisterBlock:
    """PWR of F4 and F7: the regulator's scale is ready at once; over-drive is as soon as it is asked for."""
    return RegisterBlock(0x40007000, {0x00: 0xC000, 0x04: 1 << 14}, flags={0x04: (0x00, 3 << 16, 0)})
