"""`tinynas boards console`: talk to an attached board."""

from __future__ import annotations

import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinynas.cli.options import BoardArgument, LinkOption, ProbeOption

if TYPE_CHECKING:
    from tinynas.hil.dut import Link

__all__ = ["register"]

_IN_USE_S = 10.0


def register(group: typer.Typer) -> None:
    """Add the command to the group `boards`."""
    group.command(
        "console",
        short_help="Talk to an attached board.",
        help="Send what is typed to an attached board, and print what it says, until the input ends (Ctrl-D; in Windows"
        " Ctrl-Z). The firmware's commands end with %, which is added. `help` lists them.",
    )(console)


def console(
    board: BoardArgument,
    link: LinkOption = "auto",
    probe: ProbeOption = None,
    baud: Annotated[
        int | None, typer.Option(min=1, help="Bits per second; by default those of the board's description.")
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Send lines as they are typed, for other firmware.")] = False,
    keep: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File that what goes over the line is appended to.")
    ] = None,
) -> None:
    """Open, talk, close."""
    from tinynas.board import load_board
    from tinynas.cli.session import termination_interrupts
    from tinynas.cli.talk import talk
    from tinynas.errors import ConfigError
    from tinynas.hil.boards import BoardLock, find_port, open_port
    from tinynas.hil.dut import RecordedLink
    from tinynas.printable import printable

    target = load_board(board)
    speed = baud or (target.uart.baud if target.uart else None)
    if speed is None:
        raise ConfigError("the board's description names no serial port", where=f"{target.name}:uart", advice="--baud")
    port, key = find_port(target, link, probe_id=probe)

    def prepare(line: bytes) -> bytes:
        text = line.rstrip(b"\r\n")
        return line if raw else text + (b"" if text.endswith(b"%") or not text else b"%")

    def show(data: bytes) -> bytes:
        return printable(data.replace(b"\r", b"").decode("ascii", "backslashreplace"), lines=True).encode()

    with ExitStack() as stack:
        stack.enter_context(termination_interrupts())
        stack.enter_context(BoardLock(key).held(_IN_USE_S))
        opened: Link = open_port(port, speed)
        if keep is not None:
            opened = RecordedLink(opened, stack.enter_context(keep.open("a", encoding="ascii")))
        stack.enter_context(closing(opened))
        print(f"{port} at {speed} baud", file=sys.stderr, flush=True)
        talk(opened, prepare, show, owed=None if raw else 0)
