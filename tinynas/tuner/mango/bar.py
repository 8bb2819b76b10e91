"""The progress bar of a run, under the name and with the interface that programs written for Mango replace."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["tqdm"]


class tqdm:  # noqa: N801 (Mango's name)
    """A bar of rich over the steps of a run on a terminal; in a pipe, one line at the end.

    Args:
        steps: What is gone through.
    """

    def __init__(self, steps: Sequence[Any]) -> None:
        self._steps = steps

    def __iter__(self) -> Iterator[Any]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

        console = Console(stderr=True)
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        # Lines on a terminal go above the bar. Those of a standard output that is a file stay there.
        with Progress(*columns, console=console, redirect_stdout=sys.stdout.isatty()) as progress:
            yield from progress.track(self._steps)

    @staticmethod
    def write(text: str) -> None:
        """Print a line on standard output, above the bar."""
        print(text)
