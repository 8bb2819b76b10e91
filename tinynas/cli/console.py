"""Where the commands print: rich on a terminal, plain text in a pipe, JSON for machines."""

from __future__ import annotations

import json
import sys

from rich.console import Console
from rich.table import Table

__all__ = ["print_json", "print_table", "stderr", "stdout"]

# Tables in a file or a pipe must not be cut to the width of a terminal nobody looks at.
_PIPE_WIDTH = 160


def stdout() -> Console:
    """Return a console on standard output as it is now (tests and callers may have replaced it)."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)


def stderr() -> Console:
    """Return a console on standard error as it is now."""
    return Console(stderr=True, highlight=False)


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
