"""Attached boards and virtual ones: how they are found, who uses them, and what runs images on them."""

from tinynas.hil.boards.choose import board_key, find_port, rig_for, rigs_for
from tinynas.hil.boards.control import put_image, reset_board
from tinynas.hil.boards.discover import AttachedBoard, attached_boards, find_board, fitting_boards, stable_port
from tinynas.hil.boards.drives import ProbeDrive, probe_drives
from tinynas.hil.boards.health import Health, read_health, write_health
from tinynas.hil.boards.lock import BoardLock, Holder
from tinynas.hil.boards.ports import ProbeKind, ProbePort, probe_kind, probe_ports
from tinynas.hil.boards.rig import FlashMethod, Rig, SerialRig, VirtualRig, located, open_port, started
from tinynas.hil.boards.state import BoardState, look_at
from tinynas.hil.boards.transcript import RecordedRig
from tinynas.hil.boards.udev import UDEV_FILE, udev_rules

__all__ = [
    "UDEV_FILE",
    "AttachedBoard",
    "BoardLock",
    "BoardState",
    "FlashMethod",
    "Health",
    "Holder",
    "ProbeDrive",
    "ProbeKind",
    "ProbePort",
    "RecordedRig",
    "Rig",
    "SerialRig",
    "VirtualRig",
    "attached_boards",
    "board_key",
    "find_board",
    "find_port",
    "fitting_boards",
    "located",
    "look_at",
    "open_port",
    "probe_drives",
    "probe_kind",
    "probe_ports",
    "put_image",
    "read_health",
    "reset_board",
    "rig_for",
    "rigs_for",
    "stable_port",
    "started",
    "udev_rules",
    "write_health",
]
