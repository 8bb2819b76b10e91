"""Flashers: what puts an image into a board's flash."""

from tinynas.hil.flashers.flash import DriveFlasher, Flasher, PyocdFlasher, RomFlasher, program

__all__ = ["DriveFlasher", "Flasher", "PyocdFlasher", "RomFlasher", "program"]
