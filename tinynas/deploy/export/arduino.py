"""The library for Arduino: the folder layout, metadata and example sketch that its tools want.

Source:
    Arduino library specification, revision 1.5; STMicroelectronics, LSM9DS1 data sheet, figure 1 (axes).
"""

from __future__ import annotations

import re

from tinynas.deploy.export.contents import LICENCE, Contents, below

__all__ = ["arduino_library"]

_FUNCTIONS = ("start", "push", "velocity", "position", "rotation", "get_hard_iron", "set_hard_iron")
_CONSTANTS = ("VERSION", "RATE_HZ", "STRIDE_S", "WINDOW", "NORTH")


def arduino_library(contents: Contents) -> dict[str, bytes]:
    """Files of the library by path; the folder bears the library's name."""
    base = contents.base()
    licence = base.pop(LICENCE)
    files = {
        "library.properties": contents.fill("library.properties", library=library_name(contents.name)),
        "keywords.txt": _keywords(contents.name),
        "README.md": contents.fill("README_arduino.md"),
        LICENCE: licence,
        **below("src", contents.sources),
        "examples/Nano33BLE/Nano33BLE.ino": contents.fill("Nano33BLE.ino"),
        **below("extras", base),
    }
    return {path: text.encode() for path, text in files.items()}


def library_name(name: str) -> str:
    """A name in C as Arduino's libraries are called.

    Example:
        >>> library_name("my_odometer")
        'MyOdometer'
    """
    return "".join(part.capitalize() for part in re.split("_+", name) if part)


def _keywords(name: str) -> str:
    """What the editor colours: names and kinds, with a tab between."""
    functions = [f"{name}_{function}\tKEYWORD2" for function in _FUNCTIONS]
    constants = [f"{name.upper()}_{constant}\tLITERAL1" for constant in _CONSTANTS]
    return "\n".join([*functions, *constants, ""])
