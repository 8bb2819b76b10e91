"""Where the commands print: rich on a terminal, plain text in a pipe, JSON for machines."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from textwrap import fill
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderHook
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from tinynas.printable import printable

__all__ = ["Cleaned", "harmless", "own_stderr", "print_json", "print_table", "stderr", "stdout"]

# Tables in a file or a pipe must not be cut to the width of a terminal nobody looks at.
_PIPE_WIDTH = 160
# What is no longer is not parted; columns have so many blanks between them.
_SHORT, _GAP = 16, 2


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
    """Print a table on standard output, in a pipe without the blanks that pad its lines.

    On a terminal that is too narrow for it the rows come one below the other: a figure that is cut is another figure.
    """
    console = stdout()
    if console.is_terminal:
        if not table.show_header or _fits(table, console.width):
            console.print(table)
        else:
            _print_rows(table, console)
        return
    with console.capture() as captured:
        console.print(table)
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _fits(table: Table, width: int) -> bool:
    """Whether a table has room without figures and short texts in two lines; long texts may wrap. Sees to that, too."""
    needed = _GAP * (len(table.columns) - 1)
    for column in table.columns:
        texts = [*map(_plain, (column.header, *column.cells))]
        widest = max(cell_len(line) for text in texts for line in text.splitlines() or [""])
        column.no_wrap = column.no_wrap or column.justify == "right" or widest <= _SHORT
        needed += widest if column.no_wrap else _SHORT
    return needed <= width


def _print_rows(table: Table, console: Console) -> None:
    """Print each row as its first cell and, below, the other cells behind their headings."""
    headings = [" ".join(_plain(column.header).split()) for column in table.columns]
    for first, *others in zip(*(column.cells for column in table.columns), strict=True):
        pairs = [f"{heading} {_plain(cell)}".strip() for heading, cell in zip(headings[1:], others, strict=True)]
        # A heading and its figure stay on one line: no-break spaces do not part words here, as they do in rich.
        text = ",  ".join(pair.replace(" ", "\N{NO-BREAK SPACE}") for pair in pairs if pair)
        lines = fill(text, console.width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
        console.print(Text(_plain(first), "bold"))
        console.print(Text(lines.replace("\N{NO-BREAK SPACE}", " ")))


def _plain(cell: RenderableType) -> str:
    return cell.plain if isinstance(cell, Text) else Text.from_markup(str(cell)).plain


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
