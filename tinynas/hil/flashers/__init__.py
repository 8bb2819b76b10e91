"""Flashers put an image into a board's flash: by the probe's drive, pyOCD, a boot loader in ROM, or any command.

None of them is trusted to the last byte: a measurement compares the image's hash with the one that the firmware
computes of its own flash.
"""

from tinynas.hil.flashers.boardcommand import RecoveryCommand
from tinynas.hil.flashers.command import CommandFlasher
from tinynas.hil.flashers.drive import DriveFlasher
from tinynas.hil.flashers.flash import Flashable, Flasher, program
from tinynas.hil.flashers.names import COMMAND, FLASHERS, check_flasher
from tinynas.hil.flashers.pyocd import PyocdFlasher
from tinynas.hil.flashers.rom import RomFlasher
from tinynas.hil.flashers.uf2 import Uf2Flasher, boot_drives, uf2_file

__all__ = [
    "COMMAND",
    "FLASHERS",
    "CommandFlasher",
    "DriveFlasher",
    "Flashable",
    "Flasher",
    "PyocdFlasher",
    "RecoveryCommand",
    "RomFlasher",
    "Uf2Flasher",
    "boot_drives",
    "check_flasher",
    "program",
    "uf2_file",
]
