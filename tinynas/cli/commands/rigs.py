"""`tinynas boards detect`, `check` and `emulate`: boards that run something."""

from __future__ import annotations

import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinynas.cli.commands.measure import Flasher, FlasherOption, LinkOption, ProbeOption

if TYPE_CHECKING:
    from tinynas.board import Board
    from tinynas.hil.check import Check

__all__ = ["register"]

_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
#: After the end of the input, a board that says nothing for so long has said all.
_QUIET_S = 2.0
_BoardName = Annotated[str, typer.Argument(metavar="BOARD", help="Name of a board, or path of a board file.")]


def register(group: typer.Typer) -> None:
    """Add the commands to the group `boards`."""
    group.command("detect", help="List the boards that are attached.")(detect)
    group.command(
        "check",
        short_help="Test a board, real or virtual.",
        help="Flash a tiny known model and verify name, clock, outputs, memory figures and the report of a fault."
        " The exit code is 4 where something fails.",
    )(check)
    group.command(
        "emulate",
        short_help="Run a virtual board.",
        help="Run a virtual board. With --pty at a pseudo-terminal that any serial program can open, until it is"
        " killed; its path is the first line printed. Without a model its flash is empty, and the boot loader in its"
        " ROM waits for an image.",
    )(emulate)


def detect(as_json: _AsJson = False) -> None:
    """Print what to call each board by."""
    from rich.markup import escape
    from rich.table import Table

    from tinynas.cli.console import print_json, print_table, stderr, stdout
    from tinynas.hil.boards import attached_boards

    found = attached_boards()
    if as_json:
        print_json(
            [
                {
                    "board": one.name,
                    "title": one.title,
                    "probe_id": one.probe_id,
                    "product_code": one.product_code,
                    "serial_port": one.serial_port,
                    "mount_point": None if one.mount_point is None else str(one.mount_point),
                }
                for one in found
            ]
        )
        return
    if not found:
        stderr().print("no board is attached; `--link virtual` needs none")
        return
    for index, one in enumerate(found):
        if index:
            stdout().print()
        stdout().print(f"[bold]{escape(one.title)}[/bold]  ({escape(one.name or 'unknown')})")
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")  # whole, to be copied
        table.add_row("serial port", escape(one.serial_port or "none"))
        table.add_row("drive", "not mounted" if one.mount_point is None else escape(str(one.mount_point)))
        table.add_row("probe", escape(one.probe_id))
        print_table(table)


def check(
    board: _BoardName,
    link: LinkOption = "auto",
    flasher: FlasherOption = Flasher.auto,
    probe: ProbeOption = None,
    as_json: _AsJson = False,
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
        checks = check_board(target, link=link, flasher=flasher.value, probe_id=probe)
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


def emulate(
    board: _BoardName,
    model: Annotated[
        Path | None, typer.Option(metavar="MODEL.tflite", help="An int8 model; its image is built and run.")
    ] = None,
    pty: Annotated[
        bool, typer.Option("--pty", help="Serve a pseudo-terminal; else standard input and output.")
    ] = False,
) -> None:
    """Build, start, serve."""
    from tinynas.board import load_board
    from tinynas.cli.model import read_model
    from tinynas.errors import ConfigError

    target = load_board(board)
    if model is None and not pty:
        raise ConfigError("no model is given", where="--model", advice="name one, or add --pty for the boot loader")
    content = None if model is None else read_model(model)
    with tempfile.TemporaryDirectory(prefix="tinynas-") as scratch:
        elf = None if content is None else _built(target, content, str(model), Path(scratch))
        if pty or elf is None:
            _serve(target, elf)
        else:
            _talk(target, elf)


def _built(board: Board, model: bytes, where: str, directory: Path) -> Path:
    from tinynas.cli.progress import working
    from tinynas.deploy import compile_model
    from tinynas.hil.image import build_image

    with working(f"building the image for {board.name}"):
        return build_image(board, compile_model(model, where=where), directory).elf


def _serve(board: Board, elf: Path | None) -> None:
    from tinynas.cli.session import termination_interrupts
    from tinynas.errors import BoardError
    from tinynas.hil.emulator import VirtualTerminal

    with termination_interrupts(), VirtualTerminal(board, elf) as terminal:
        print(terminal.path, flush=True)
        said = terminal.wait()
        raise BoardError(f"the virtual board has stopped: {said or 'no reason is known'}", where=board.name)


def _talk(board: Board, elf: Path) -> None:
    """Standard input to the board, and the board's answers to standard output, until the input ends."""
    from tinynas.cli.session import termination_interrupts
    from tinynas.hil.dut import deadline_in
    from tinynas.hil.emulator import VirtualBoard

    ended = threading.Event()

    def forward() -> None:
        for line in sys.stdin.buffer:
            link.write(line.rstrip(b"\r\n"))
        ended.set()

    with termination_interrupts(), VirtualBoard(board, elf) as virtual:
        link = virtual.link
        threading.Thread(target=forward, daemon=True).start()
        while (data := link.read(deadline_in(_QUIET_S))) or not ended.is_set():
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
