"""`tinynas report`: write a study's report anew and print its result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("report", help="Write the report of a study anew, also of one under way, and print its result.")(report)


def report(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="Folder of the study.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Read the study without locking it, write the outputs, print."""
    from tinynas.cli.console import print_json
    from tinynas.cli.session import write_outputs
    from tinynas.report import print_result, result
    from tinynas.study import Study

    with Study.open(study, readonly=True) as opened:
        write_outputs(opened)
        outcome = result(opened)
    if as_json:
        print_json(outcome)
    else:
        print_result(outcome)
