"""The firmware image of a model: sources, linker script, cross compiler, ELF."""

from tinynas.hil.image.boardfiles import board_files, board_header, firmware_sources, write_board_files
from tinynas.hil.image.build import Image, build_image
from tinynas.hil.image.elf import LinkedElf, read_elf
from tinynas.hil.image.imagefile import ImageFile, read_image
from tinynas.hil.image.linker import Placement, linker_regions, linker_script, place
from tinynas.hil.image.runtime import AOT, ModelSources, Runtime
from tinynas.hil.image.toolchain import Level, Toolchain

__all__ = [
    "AOT",
    "Image",
    "ImageFile",
    "Level",
    "LinkedElf",
    "ModelSources",
    "Placement",
    "Runtime",
    "Toolchain",
    "board_files",
    "board_header",
    "build_image",
    "firmware_sources",
    "linker_regions",
    "linker_script",
    "place",
    "read_elf",
    "read_image",
    "write_board_files",
]
