"""Where the library's log records go: `--verbose` to the standard error, `--log-file` to a file."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from tinynas.errors import ConfigError
from tinynas.printable import printable

__all__ = ["LogFileOption", "VerboseOption", "is_verbose", "stop_logging"]

_LOGGER = logging.getLogger("tinynas")
_handlers: list[logging.Handler] = []


class _Lines(logging.Formatter):
    """Spells out control characters: boards and files are quoted in records."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record), lines=True)


class _OnStderr(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to the standard error as it is now, as lines of their own."""

    def __init__(self, level: int) -> None:
        from tinynas.cli.console import own_stderr

        super().__init__(own_stderr())
        self.setLevel(level)
        self.setFormatter(_Lines("%(asctime)s %(message)s", "%H:%M:%S"))

    def close(self) -> None:
        super().close()
        self.stream.close()


class _InFile(logging.FileHandler):
    """Appends to a file, and says once where that is no longer possible: a full disk must not end a search."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8", errors="replace")
        self.setFormatter(_Lines("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 (logging's name)
        error = sys.exc_info()[1]
        _LOGGER.removeHandler(self)
        _LOGGER.warning("nothing more is written to %s: %s", self.baseFilename, error)

    def close(self) -> None:
        with suppress(OSError):  # what a full disk has not taken is still to be written
            super().close()


def is_verbose() -> bool:
    """Whether steps are printed on the standard error, where a live display would be in their way."""
    return any(isinstance(handler, _OnStderr) and handler.level <= logging.INFO for handler in _handlers)


def stop_logging() -> None:
    """Undo what the options did."""
    while _handlers:
        handler = _handlers.pop()
        _LOGGER.removeHandler(handler)
        handler.close()
    _LOGGER.setLevel(logging.NOTSET)
    _LOGGER.propagate = True


def _add(handler: logging.Handler, level: int) -> None:
    _handlers.append(handler)
    _LOGGER.addHandler(handler)
    _LOGGER.propagate = False  # libraries give the root logger a handler of their own: each line would come twice
    _LOGGER.setLevel(min(level, _LOGGER.level or logging.WARNING))


def _print_steps(wanted: bool) -> bool:
    if wanted:
        for handler in [one for one in _handlers if isinstance(one, _OnStderr)]:
            _handlers.remove(handler)
            _LOGGER.removeHandler(handler)
            handler.close()
        _add(_OnStderr(logging.INFO), logging.INFO)
    return wanted


def _write_to(path: Path | None) -> Path | None:
    if path is None:
        return None
    try:
        _add(_InFile(path), logging.DEBUG)
    except OSError as error:
        what = f"the file cannot be written: {error.strerror}"
        raise ConfigError(what, where=f"--log-file {path}", advice="name another file") from error
    if not any(isinstance(handler, _OnStderr) for handler in _handlers):
        # A logger without handlers prints warnings; one with a file would keep them to itself.
        _add(_OnStderr(logging.WARNING), logging.DEBUG)
    return path


VerboseOption = Annotated[
    bool, typer.Option("--verbose", help="Print each step on the standard error.", callback=_print_steps)
]
LogFileOption = Annotated[
    Path | None,
    typer.Option(
        "--log-file",
        metavar="FILE",
        help="File that each step is appended to, with more detail than --verbose.",
        callback=_write_to,
    ),
]
