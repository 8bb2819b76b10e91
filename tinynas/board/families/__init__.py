"""Families of microcontrollers that the firmware runs on: one module each, with all that is known of it.

Nothing outside of this folder names a part or a family. A new family is a module here, one entry in `support`, and its
driver in `firmware/families/`.
"""

from tinynas.board.families.cores import CORES, Core
from tinynas.board.families.record import FlashInterface, McuFamily, Part, PinNames, RegisterBlock, RomLoaderFacts
from tinynas.board.families.support import FAMILIES, check_firmware, family_of
from tinynas.board.families.uarts import UARTE, USART_V1, USART_V2, UartLayout

__all__ = [
    "CORES",
    "FAMILIES",
    "UARTE",
    "USART_V1",
    "USART_V2",
    "Core",
    "FlashInterface",
    "McuFamily",
    "Part",
    "PinNames",
    "RegisterBlock",
    "RomLoaderFacts",
    "UartLayout",
    "check_firmware",
    "family_of",
]
