"""Register layouts of serial ports."""

from __future__ import annotations

from typing import Final, Literal

__all__ = ["PL011", "UARTE", "USART_V1", "USART_V2", "UartLayout"]

UartLayout = Literal["stm32-v1", "stm32-v2", "nrf-uarte", "pl011"]
"""The layout's name, as board files have it."""

USART_V1: Final = "stm32-v1"
"""STM32 F1, F2, F4 and L1: SR and DR."""
USART_V2: Final = "stm32-v2"
"""Newer STM32: ISR, RDR and TDR."""
UARTE: Final = "nrf-uarte"
"""Nordic's UARTE with EasyDMA."""
PL011: Final = "pl011"
"""Arm's PrimeCell UART."""
