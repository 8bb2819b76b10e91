"""Commands of the user's about one board, without a shell: how they are read, filled in and run."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from tinynas.errors import ConfigError, ToolchainMissing
from tinynas.hil.flashers.programs import call_program

__all__ = ["BOARD_FIELDS", "BoardCommand", "RecoveryCommand", "fields_of", "read_command"]

BOARD_FIELDS = ("port", "probe")
"""Fields that every such command may have: the board's serial port, its probe's number."""

_FIELD = re.compile(r"\{([^{}]*)\}")
_RECOVERY = 'such as "uhubctl -l 1-1 -p 2 -a cycle"'


def read_command(text: str, where: str, fields: Collection[str], example: str) -> list[str]:
    """The words of a command, with their fields.

    Args:
        text: The command.
        where: The option, for the error.
        fields: Names that may stand in braces.
        example: For the advice.

    Raises:
        ConfigError: It is empty, its quotes are open, or a field is unknown.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ConfigError(f"the command cannot be read: {error}", where=where, advice=example) from error
    if not words:
        raise ConfigError("the command is empty", where=where, advice=example)
    if unknown := [name for name in fields_of(words) if name not in fields]:
        known = ", ".join(f"{{{name}}}" for name in fields)
        raise ConfigError(f"{{{unknown[0]}}} is not a field of a command", where=where, advice=f"fields are {known}")
    return words


def fields_of(words: Sequence[str]) -> list[str]:
    """Names in braces."""
    return [name for word in words for name in _FIELD.findall(word)]


class BoardCommand:
    """A command, ready to be run for one board.

    Args:
        words: See `read_command`.
        where: The option, for errors.
        port: The board's serial port; None: the command may not ask for it.
        probe_id: The probe's serial number; None: the command may not ask for it.
        timeout_s: Longest wait for its end.

    Raises:
        ConfigError: It asks for what is not known.
    """

    def __init__(
        self, words: Sequence[str], where: str, *, port: str | None, probe_id: str | None, timeout_s: float
    ) -> None:
        self._words, self._where, self._timeout_s = words, where, timeout_s
        self.fields = frozenset(fields_of(words))
        known = {"port": port, "probe": probe_id}
        self._known = {name: value for name, value in known.items() if value is not None}
        for name in known:
            if name in self.fields and name not in self._known:
                advice = "name it: --probe" if name == "probe" else "name it: --link PORT"
                raise ConfigError(f"the command asks for {{{name}}}, which is not known", where=where, advice=advice)

    def run(self, values: Mapping[str, str]) -> str | None:
        """Run it to its end; what it said where it failed, None where it did not.

        Args:
            values: Of the fields beside port and probe.

        Raises:
            ToolchainMissing: There is no such program.
        """
        filled = {**values, **self._known}
        words = [_FIELD.sub(lambda match: filled[match[1]], word) for word in self._words]
        program = shutil.which(words[0])
        if program is None:
            raise ToolchainMissing(f"{words[0]} is not installed", where=self._where, advice="put it on the PATH")
        return call_program(Path(words[0]).name, [program, *words[1:]], self._timeout_s)


class RecoveryCommand(BoardCommand):
    """What brings a board back that fails: it turns its supply off and on, or resets its probe.

    Args:
        text: The command; `{port}` and `{probe}` become the board's serial port and its probe's number.
        port: See `BoardCommand`.
        probe_id: See `BoardCommand`.
        where: The option, for errors.
        timeout_s: Longest wait for its end.

    Raises:
        ConfigError: The command cannot be read, or asks for what is not known.
    """

    def __init__(
        self,
        text: str,
        *,
        port: str | None = None,
        probe_id: str | None = None,
        where: str = "hil.recover",
        timeout_s: float = 60.0,
    ) -> None:
        words = self.check(text, where)
        super().__init__(words, where, port=port, probe_id=probe_id, timeout_s=timeout_s)

    @staticmethod
    def check(text: str, where: str) -> list[str]:
        """The words of the command.

        Raises:
            ConfigError: It cannot be read.
        """
        return read_command(text, where, BOARD_FIELDS, _RECOVERY)
