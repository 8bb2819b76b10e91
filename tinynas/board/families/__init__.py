"""Families of microcontrollers that the firmware runs on: one module each, with all that is known of it.

Nothing outside of this folder names a part or a family. A new family is a module here, one entry in `FAMILIES`, and
its driver in `firmware/families/`.
"""

from tinynas.board.families.cores import CORES, Compiler, Core
from tinynas.board.families.nrf52840 import NRF52840
from tinynas.board.families.record import (
    MHZ,
    FlashInterface,
    McuFamily,
    Part,
    PinNames,
    RegisterBlock,
    RomLoaderFacts,
    SerialPort,
)
from tinynas.board.families.rp2040 import RP2040
from tinynas.board.families.stm32f3 import STM32F3
from tinynas.board.families.stm32f4 import STM32F4
from tinynas.board.families.stm32f7 import STM32F7
from tinynas.board.families.stm32g0 import STM32G0
from tinynas.board.families.stm32g4 import STM32G4
from tinynas.board.families.stm32h7 import STM32H7
from tinynas.board.families.stm32l0 import STM32L0
from tinynas.board.families.stm32l4 import STM32L4, STM32L4_PLUS
from tinynas.board.families.stm32u5 import STM32U5
from tinynas.board.families.uarts import PL011, UARTE, USART_V1, USART_V2, UartLayout

__all__ = [
    "CORES",
    "FAMILIES",
    "MHZ",
    "PL011",
    "UARTE",
    "USART_V1",
    "USART_V2",
    "Compiler",
    "Core",
    "FlashInterface",
    "McuFamily",
    "Part",
    "PinNames",
    "RegisterBlock",
    "RomLoaderFacts",
    "SerialPort",
    "UartLayout",
]

FAMILIES: tuple[McuFamily, ...] = (
    *(STM32F3, STM32F4, STM32F7, STM32G0, STM32G4, STM32H7),
    *(STM32L0, STM32L4, STM32L4_PLUS, STM32U5, NRF52840, RP2040),
)
"""All families that the firmware runs on; a new one is a module here and one entry."""
