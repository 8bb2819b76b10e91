"""What a flasher does, how it is called, and how often it is tried."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol

from tinynas.errors import FlashError

__all__ = ["Flashable", "Flasher", "program"]


class Flashable(Protocol):
    """What a flasher needs of an image; see `Image` for the attributes."""

    @property
    def elf(self) -> Path:
        """The linked file."""

    @property
    def binary_path(self) -> Path:
        """What lies in flash, as a file."""

    @property
    def address(self) -> int:
        """Where it begins in flash."""

    @property
    def binary(self) -> bytes:
        """What lies in flash."""

    @property
    def image_hash(self) -> str:
        """CRC-32 of the binary."""


class Flasher(Protocol):
    """Puts an image into a board's flash and has the board start it."""

    def flash(self, image: Flashable) -> None:
        """Program the image.

        Raises:
            FlashError: It is not known to be in the flash now.
            ToolchainMissing: A program that is needed is not installed.
        """


def program(flasher: Flasher, image: Flashable) -> None:
    """Flash an image; what fails is tried once more.

    Raises:
        FlashError: It failed twice.
        ToolchainMissing: A program that is needed is not installed.
    """
    try:
        flasher.flash(image)
    except FlashError as first:
        try:
            flasher.flash(image)
        except FlashError as second:
            same = _wording(first.message) == _wording(second.message)
            again = "twice the same" if same else f"at first: {first.message}"
            raise FlashError(f"{second.message} ({again})", where=second.where, advice=second.advice) from first


def _wording(message: str) -> str:
    """A message without what differs from run to run: pyOCD tells the time in each line."""
    return re.sub(r"\d+", "", message)
