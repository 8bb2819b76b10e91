"""A flasher that copies the image to the drive of a boot ROM that takes UF2 files, as the RP2040's does."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tinynas.board import Board, family_of
from tinynas.errors import ConfigError, FlashError
from tinynas.hil.flashers.flash import Flashable
from tinynas.hil.flashers.names import register

__all__ = ["Uf2Flasher", "boot_drives", "uf2_file"]

_POLL_S = 0.1
_INFO = "INFO_UF2.TXT"
_FIRST, _SECOND, _LAST = 0x0A324655, 0x9E5D5157, 0x0AB16F30
_FAMILY_IS_GIVEN = 0x2000
_PAYLOAD, _ROOM = 256, 476


def uf2_file(address: int, data: bytes, family: int) -> bytes:
    """An image in the UF2 format: blocks of 512 bytes with 256 of data each.

    Args:
        address: Of the first byte.
        data: The image.
        family: Number of the microcontroller's family, from the format's list.

    Source: github.com/microsoft/uf2, README.

    Example:
        >>> len(uf2_file(0x1000_0000, bytes(300), 0xE48B_FF56))
        1024
    """
    count = -(-len(data) // _PAYLOAD)
    blocks = []
    for number in range(count):
        part = data[number * _PAYLOAD : (number + 1) * _PAYLOAD].ljust(_PAYLOAD, b"\0")
        place = (address + number * _PAYLOAD, _PAYLOAD, number, count, family)
        head = struct.pack("<8I", _FIRST, _SECOND, _FAMILY_IS_GIVEN, *place)
        blocks.append(head + part.ljust(_ROOM, b"\0") + struct.pack("<I", _LAST))
    return b"".join(blocks)


def boot_drives(roots: tuple[Path, ...] = (Path("/media"), Path("/run/media"), Path("/Volumes"))) -> list[Path]:
    """Mounted drives of boot ROMs: a page there says so.

    Args:
        roots: Where systems mount drives, directly or in a folder of the user's.
    """
    found = []
    for root in roots:
        for pattern in (f"*/{_INFO}", f"*/*/{_INFO}"):
            with suppress(OSError):
                found += [page.parent for page in root.glob(pattern)]
    return sorted(found)


@register("uf2")
class Uf2Flasher:
    """By a copy to the drive that the boot ROM shows: hold BOOTSEL while the board gets power.

    The ROM programs what is copied and starts it; with that its drive is gone.

    Args:
        board: The board.
        locate: The drives of boot ROMs that are mounted now.
        timeout_s: For everything.

    Raises:
        ConfigError: The firmware does not run on the board's microcontroller, or its ROM shows no such drive.
    """

    def __init__(
        self, board: Board, locate: Callable[[], list[Path]] = boot_drives, *, timeout_s: float = 60.0
    ) -> None:
        family = family_of(board).uf2_family
        if family is None:
            raise ConfigError(f"the ROM of {board.mcu} takes no UF2 files", where=f"{board.name}:mcu")
        self._family, self._locate, self._timeout_s = family, locate, timeout_s

    def flash(self, image: Flashable) -> None:
        """See `Flasher`."""
        drives = self._locate()
        if len(drives) != 1:
            found = "no drive" if not drives else f"{len(drives)} drives"
            raise FlashError(
                f"{found} of a boot ROM that takes UF2 files",
                where=", ".join(map(str, drives)) or None,
                advice="hold BOOTSEL while plugging the one board in, and have its drive RPI-RP2 mounted",
            )
        (drive,) = drives
        target = drive / f"tinynas-{image.image_hash}.uf2"
        try:
            with target.open("wb") as file:
                file.write(uf2_file(image.address, image.binary, self._family))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:  # the ROM starts the image before the host has finished: then the drive is gone
            if drive in self._locate():
                raise FlashError(f"the copy failed: {error.strerror}", where=str(target)) from error
        deadline = time.monotonic() + self._timeout_s
        while drive in self._locate():
            if time.monotonic() > deadline:
                raise FlashError(
                    f"the drive is still there after {self._timeout_s:g} s: the ROM did not take the image",
                    where=str(drive),
                    advice="unplug the board, and plug it in with BOOTSEL held",
                )
            time.sleep(_POLL_S)
