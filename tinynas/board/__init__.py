"""Boards: what a microcontroller board offers, its memory, and the families of parts that the firmware runs on."""

from tinynas.board.board import Board, Probe, Reserves, Uart, list_boards, load_board
from tinynas.board.memory import InconsistencyError, MemoryRegion, check_regions, contiguous_spans

__all__ = [
    "Board",
    "InconsistencyError",
    "MemoryRegion",
    "Probe",
    "Reserves",
    "Uart",
    "check_regions",
    "contiguous_spans",
    "list_boards",
    "load_board",
]
