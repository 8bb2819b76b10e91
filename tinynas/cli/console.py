"""Where the commands print: rich on a terminal, plain text in a pipe, JSON for machines."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderHook
from rich.segment import Segment
from rich.table import Table

from tinynas.printable import printable

__all__ = ["Cleaned", "harmless", "own_stderr", "print_json", "print_table", "stderr", "stdout"]

# Tables in a file or a pipe must not be cut to the width of a terminal nobody looks at.
_PIPE_WIDTH = 160


class _Harmless(RenderHook):
    """Spells out control characters in whatever is printed: files, studies and boards hold what others wrote."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [Cleaned(renderable) for renderable in renderables]


class Cleaned:
    """What is drawn, without control characters in its text; for a live display, which no hook of a console sees.

    Args:
        renderable: Whatever rich draws.
    """

    def __init__(self, renderable: RenderableType) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for text, style, control in console.render(self._renderable, options):
            # What rich itself sends to steer the terminal is marked as such; colours are styles, not text.
            yield Segment(text if control else printable(text, lines=True), style, control)


def stdout() -> Console:
    """Return a console on standard output as it is now (tests and callers may have replaced it)."""
    return harmless(Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False))


def stderr() -> Console:
    """Return a console on standard error as it is now."""
    return harmless(Console(stderr=True, highlight=False))


def own_stderr() -> TextIO:
    """The standard error under a descriptor of its own.

    Native libraries' chatter is caught by redirecting the shared descriptor, which must not catch the display with it.
    """
    try:
        return os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8", errors="replace")
    except (AttributeError, OSError, ValueError):  # closed, or replaced by an object without a descriptor
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123


def harmless(console: Console) -> Console:
    """Let a console spell out the control characters of what it prints; returns it."""
    console.push_render_hook(_Harmless())
    return console


def print_table(table: Table) -> None:
    """Print a table on standard output, in a pipe without the blanks that pad its lines."""
    console = stdout()
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def print_json(data: object) -> None:
    """Print one JSON document on standard output.

    Args:
        data: JSON-ready data. NaN and infinities are refused: they are not JSON.

    Raises:
        ValueError: The data hold a NaN or an infinity.

    Example:
        >>> print_json({"sram_bytes": 131072})
        {
          "sram_bytes": 131072
        }
    """
    sys.stdout.write(json.dumps(data, indent=2, allow_nan=False) + "\n")
