"""Boards: what a microcontroller board offers, its memory, and the families of parts that the firmware runs on."""

from tinynas.board.board import Board, Probe, Reserves, Uart
from tinynas.board.files import list_boards, load_board
from tinynas.board.memory import InconsistencyError, MemoryRegion, check_regions, contiguous_spans
from tinynas.board.power import OperatingPoint, Power
from tinynas.board.support import check_firmware, family_of

__all__ = [
    "Board",
    "InconsistencyError",
    "MemoryRegion",
    "OperatingPoint",
    "Power",
    "Probe",
    "Reserves",
    "Uart",
    "check_firmware",
    "check_regions",
    "contiguous_spans",
    "family_of",
    "list_boards",
    "load_board",
]
