"""Flashers put an image into a board's flash: by the probe's drive, by pyOCD, or by the boot loader in ROM.

None of them is trusted to the last byte: a measurement compares the image's hash with the one that the firmware
computes of its own flash.
"""

from tinynas.hil.flashers.drive import DriveFlasher
from tinynas.hil.flashers.flash import Flasher, program
from tinynas.hil.flashers.pyocd import PyocdFlasher
from tinynas.hil.flashers.rom import RomFlasher

__all__ = ["DriveFlasher", "Flasher", "PyocdFlasher", "RomFlasher", "program"]
