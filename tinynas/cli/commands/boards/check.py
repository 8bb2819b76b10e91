"""`tinynas boards check`: whether a board works."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinynas.cli.logs import LogFileOption, VerboseOption
from tinynas.cli.options import BoardArgument, FlasherOption, JsonOption, LinkOption, ProbeOption

if TYPE_CHECKING:
    from tinynas.hil.check import Check

__all__ = ["register"]


def register(group: typer.Typer) -> None:
    """Add the command to the group `boards`."""
    group.command(
        "check",
        short_help="Test a board, real or virtual.",
        help="Flash a tiny known model and verify name, clock, outputs, memory figures and the report of a fault."
        " The exit code is 4 where something fails.",
    )(check)


def check(
    board: BoardArgument,
    link: LinkOption = "auto",
    flasher: FlasherOption = "auto",
    probe: ProbeOption = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File that what goes over the serial line is appended to.")
    ] = None,
    _verbose: VerboseOption = False,
    _log_file: LogFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the board, print the answers."""
    from dataclasses import asdict

    from tinynas.board import load_board
    from tinynas.cli import exit_code
    from tinynas.cli.console import print_json
    from tinynas.cli.progress import working
    from tinynas.errors import BoardError
    from tinynas.hil.check import check_board

    target = load_board(board)
    with working(f"testing {target.name}"):
        checks = check_board(target, link=link, flasher=flasher, probe_id=probe, transcript=keep)
    if as_json:
        print_json([asdict(one) for one in checks])
    else:
        _print(checks)
    if any(one.passed is False for one in checks):
        raise typer.Exit(exit_code(BoardError("a check failed")))


def _print(checks: list[Check]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from tinynas.cli.console import print_table

    words = {True: "[green]passed[/green]", False: "[bold red]FAILED[/bold red]", None: "left out"}
    table = Table("check", "", "found", box=None, header_style="bold", pad_edge=False)
    for one in checks:
        table.add_row(one.name, words[one.passed], escape(one.detail))
    print_table(table)
