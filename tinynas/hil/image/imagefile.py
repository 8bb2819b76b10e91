"""An image that others have built, or that an earlier measurement kept: enough to put it on a board."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

from tinynas.board import Board
from tinynas.errors import BuildError
from tinynas.hil.image.elf import read_elf

__all__ = ["ImageFile", "read_image"]


@dataclass(frozen=True)
class ImageFile:
    """What a flasher needs of an image; the attributes are those of `Image`."""

    elf: Path
    binary_path: Path
    address: int
    binary: bytes = field(repr=False)
    image_hash: str


def read_image(board: Board, elf: Path, directory: Path) -> ImageFile:
    """Read a linked file, and write what lies in flash beside it.

    Args:
        board: The board.
        elf: The file, such as image.elf of `tinynas measure --keep` or of CMake.
        directory: Folder for the binary.

    Raises:
        BuildError: It cannot be read, or does not lie in the board's flash.
    """
    linked = read_elf(elf)
    end, flash = linked.address + len(linked.binary), board.flash
    if not flash.origin <= linked.address < end <= flash.end:
        raise BuildError(
            f"it lies from {linked.address:#010x} to {end:#010x}, the flash of {board.name} from {flash.origin:#010x}"
            f" to {flash.end:#010x}",
            where=str(elf),
            advice="take an image that was linked for this board",
        )
    path = directory / f"{elf.stem}.bin"
    path.write_bytes(linked.binary)
    return ImageFile(elf, path, linked.address, linked.binary, f"{crc32(linked.binary):08x}")
