"""`tinynas report`: write a study's report anew and print its result."""

from __future__ import annotations

import typer

from tinynas.cli.options import JsonOption, StudyArgument

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "report",
        short_help="Print the result of a study and write its report anew.",
        help="Print the result of a study, also of one under way, and write its report, model and model card anew.",
    )(report)


def report(
    study: StudyArgument,
    as_json: JsonOption = False,
) -> None:
    """Read the study, or those of several boards, without locking; print, write the outputs."""
    from tinynas.cli.session import show_and_write
    from tinynas.cli.shared import open_studies

    with open_studies(study, readonly=True) as opened:
        show_and_write(study, opened, as_json=as_json)
