"""A file that a virtual board shares with whoever started it: what a serial line does not carry.

    0   8 bytes   instructions of the last inference, written by the board
    8   4 bytes   number of the last write to memory, written by the host, as what follows
    12  4 bytes   its address
    16  4 bytes   its size
    20            its bytes

All numbers are little-endian. The host writes before it sends a command, and the board looks when one arrives: so both
see the same order.
"""

from __future__ import annotations

import os
import struct

__all__ = ["instructions", "put_instructions", "put_write", "write_after"]

_WRITE = struct.Struct("<III")
_AT = 8


def instructions(file: int) -> int:
    """Instructions of the last inference."""
    return int.from_bytes(os.pread(file, 8, 0), "little")


def put_instructions(file: int, count: int) -> None:
    """The board's side of `instructions`."""
    os.pwrite(file, count.to_bytes(8, "little"), 0)


def put_write(file: int, number: int, address: int, data: bytes) -> None:
    """Ask for a write to memory.

    Args:
        file: The file.
        number: One more than that of the last write.
        address: Where to.
        data: What.
    """
    os.pwrite(file, data, _AT + _WRITE.size)
    os.pwrite(file, _WRITE.pack(number, address, len(data)), _AT)


def write_after(file: int, number: int) -> tuple[int, int, bytes] | None:
    """Number, address and bytes of a write that is newer than a number; None: there is none."""
    head = os.pread(file, _WRITE.size, _AT)
    if len(head) < _WRITE.size:
        return None
    newest, address, size = _WRITE.unpack(head)
    return None if newest == number else (newest, address, os.pread(file, size, _AT + _WRITE.size))
