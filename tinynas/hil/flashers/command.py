"""A flasher that runs whatever command the user has: OpenOCD, st-flash, probe-rs, J-Link, bossac, a script."""

from __future__ import annotations

from pathlib import Path

from tinynas.errors import ConfigError, FlashError
from tinynas.hil.flashers.boardcommand import BOARD_FIELDS, BoardCommand, fields_of, read_command
from tinynas.hil.flashers.flash import Flashable
from tinynas.hil.flashers.hexfile import intel_hex

__all__ = ["CommandFlasher", "check_command"]

_NAMES = ("elf", "bin", "hex", "address", *BOARD_FIELDS)
_EXAMPLE = 'such as cmd:"st-flash --reset write {bin} {address}"'


def check_command(text: str, where: str) -> list[str]:
    """The words of a command, with their fields.

    Args:
        text: The command.
        where: The option, for the error.

    Raises:
        ConfigError: It is empty, its quotes are open, a field is unknown, or none names the image.
    """
    words = read_command(text, where, _NAMES, _EXAMPLE)
    if not {"elf", "bin", "hex"} & set(fields_of(words)):
        raise ConfigError("the command does not name the image", where=where, advice=_EXAMPLE)
    return words


class CommandFlasher:
    """By a command of the user's, without a shell.

    Args:
        text: The command; `{elf}`, `{bin}`, `{hex}` become paths of the image, `{address}` where it begins in flash,
            `{port}` and `{probe}` the board's serial port and its probe's number.
        port: The serial port; None: the command may not ask for it.
        probe_id: The probe's serial number; None: the command may not ask for it.
        timeout_s: Longest wait for its end.

    Raises:
        ConfigError: The command cannot be read, or asks for what is not known.
    """

    def __init__(
        self, text: str, *, port: str | None = None, probe_id: str | None = None, timeout_s: float = 120.0
    ) -> None:
        words = check_command(text, "flasher")
        self._command = BoardCommand(words, "flasher", port=port, probe_id=probe_id, timeout_s=timeout_s)

    def flash(self, image: Flashable) -> None:
        """See `Flasher`."""
        values = {"elf": str(image.elf), "bin": str(image.binary_path), "address": f"{image.address:#010x}"}
        if "hex" in self._command.fields:
            values["hex"] = str(_hex_of(image))
        output = self._command.run(values)
        if output is not None:
            raise FlashError(output, where="flasher", advice="try the command by hand; it runs without a shell")


def _hex_of(image: Flashable) -> Path:
    path = image.elf.with_suffix(".hex")
    try:
        path.write_text(intel_hex(image.address, image.binary), encoding="ascii")
    except OSError as error:
        raise FlashError(f"the image cannot be written: {error.strerror}", where=str(path)) from error
    return path
