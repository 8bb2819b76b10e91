"""Attached boards and virtual ones: how they are found, and what runs images on them."""

from tinynas.hil.boards.discover import AttachedBoard, attached_boards, find_board, stable_port
from tinynas.hil.boards.rig import FlashMethod, Rig, SerialRig, VirtualRig, located, rig_for, started

__all__ = [
    "AttachedBoard",
    "FlashMethod",
    "Rig",
    "SerialRig",
    "VirtualRig",
    "attached_boards",
    "find_board",
    "located",
    "rig_for",
    "stable_port",
    "started",
]
