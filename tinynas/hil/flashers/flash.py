"""What a flasher does, and how often it is tried."""

from __future__ import annotations

import re
from typing import Protocol

from tinynas.errors import FlashError
from tinynas.hil.image import Image

__all__ = ["Flasher", "program"]


class Flasher(Protocol):
    """Puts an image into a board's flash and has the board start it."""

    def flash(self, image: Image) -> None:
        """Program the image.

        Raises:
            FlashError: It is not known to be in the flash now.
            ToolchainMissing: A program that is needed is not installed.
        """


def program(flasher: Flasher, image: Image) -> None:
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
