"""Names of flashers, as options have them: each flasher enters its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tinynas.errors import ConfigError

__all__ = ["COMMAND", "FLASHERS", "check_flasher", "register"]

COMMAND = "cmd:"
"""What a command begins with."""
FLASHERS = ["auto"]
"""The others; auto is the drive where it is mounted, else pyOCD."""

Kind = TypeVar("Kind", bound=type)


def register(name: str) -> Callable[[Kind], Kind]:
    """Enter a class of flashers under the name that options use."""

    def enter(kind: Kind) -> Kind:
        FLASHERS.append(name)
        return kind

    return enter


def check_flasher(method: str, where: str = "--flasher") -> str:
    """The name of a flasher, or a command, as it is.

    Args:
        method: The name; or "cmd:" and a command, whose fields `flashers.CommandFlasher` lists.
        where: The option, for the error.

    Raises:
        ConfigError: There is no such flasher, or the command cannot be read.

    Example:
        >>> check_flasher("pyocd"), check_flasher("cmd:probe-rs download {elf}")
        ('pyocd', 'cmd:probe-rs download {elf}')
    """
    if method.startswith(COMMAND):
        from tinynas.hil.flashers.command import check_command

        check_command(method.removeprefix(COMMAND), where)
    elif method not in FLASHERS:
        advice = f'one of {", ".join(FLASHERS)}, or a command: cmd:"openocd ... {{elf}}"'
        raise ConfigError(f"{method!r:.40} is not a flasher", where=where, advice=advice)
    return method
