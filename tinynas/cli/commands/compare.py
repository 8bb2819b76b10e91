"""`tinynas compare`: several studies side by side, as a table and as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinynas.cli.options import JsonOption

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "compare",
        short_help="Put studies side by side, as a table and as a page.",
        help="Print the best network of each study, and with --out write a page with their Pareto fronts.",
    )(compare)


def compare(
    studies: Annotated[
        list[Path], typer.Argument(metavar="STUDY...", help="Folders of studies, or of searches for several boards.")
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page; a file there is replaced.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read the studies without locking them, print, write the page."""
    from tinynas.cli.console import print_json, print_table
    from tinynas.cli.shared import open_studies
    from tinynas.report import compare as compare_studies
    from tinynas.report import comparison_table, read_view, write_comparison

    views = []
    for folder in studies:
        with open_studies(folder, readonly=True) as opened:
            views += [read_view(study) for study in opened]
    rows = compare_studies(views)
    if as_json:
        print_json({"studies": [row.to_dict() for row in rows]})
    else:
        print_table(comparison_table(rows))
    if out is not None:
        write_comparison(views, out)
