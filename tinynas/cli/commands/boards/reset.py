"""`tinynas boards reset`: start what is in a board's flash anew."""

from __future__ import annotations

from typing import Annotated

import typer

from tinynas.cli.options import BoardArgument, LinkOption, ProbeOption

__all__ = ["register"]


def register(group: typer.Typer) -> None:
    """Add the command to the group `boards`."""
    group.command(
        "reset",
        short_help="Reset an attached board.",
        help="Reset an attached board, and listen whether tinynas's firmware says that it has started.",
    )(reset)


def reset(
    board: BoardArgument,
    link: LinkOption = "auto",
    probe: ProbeOption = None,
    by: Annotated[
        str,
        typer.Option(
            metavar="WAY",
            help="pyocd; break: a break on the serial line, upon which DAPLink and ST-LINK probes reset their board;"
            ' auto: pyOCD where it is installed, else a break; or a command: cmd:"uhubctl -l 1-1 -p 2 -a cycle".',
        ),
    ] = "auto",
) -> None:
    """Reset, listen, say what was heard."""
    from tinynas.board import load_board
    from tinynas.hil.boards import reset_board

    started = reset_board(load_board(board), link=link, probe_id=probe, by=by)
    if started:
        print("the board has started anew")
    else:
        print("sent; the board did not say that it started, as tinynas's firmware does")
