"""`tinynas boards emulate`: a virtual board, for any serial program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinynas.cli.options import BoardArgument, EnergyModeOption, ModelIdOption

if TYPE_CHECKING:
    from tinynas.board import Board
    from tinynas.deploy import Model

__all__ = ["register"]


def register(group: typer.Typer) -> None:
    """Add the command to the group `boards`."""
    group.command(
        "emulate",
        short_help="Run a virtual board.",
        help="Run a virtual board. With --pty at a pseudo-terminal that any serial program can open, until it is"
        " killed; its path is the first line printed. Without a model its flash is empty, and the boot loader in its"
        " ROM waits for an image.",
    )(emulate)


def emulate(
    board: BoardArgument,
    model: Annotated[
        Path | None, typer.Option(metavar="MODEL.tflite", help="An int8 model; its image is built and run.")
    ] = None,
    model_id: ModelIdOption = None,
    energy_mode: EnergyModeOption = False,
    pty: Annotated[
        bool, typer.Option("--pty", help="Serve a pseudo-terminal; else standard input and output.")
    ] = False,
) -> None:
    """Build, start, serve."""
    from tinynas.board import load_board
    from tinynas.cli.model import read_model
    from tinynas.errors import ConfigError
    from tinynas.hil.energy_mode import energy_board
    from tinynas.scratch import scratch_folder

    target = energy_board(load_board(board)) if energy_mode else load_board(board)
    if model is None and not pty:
        raise ConfigError("no model is given", where="--model", advice="name one, or add --pty for the boot loader")
    content = None if model is None else read_model(model)
    with scratch_folder() as scratch:
        elf = None if content is None else _built(target, content, scratch, model_id, energy_mode)
        if pty or elf is None:
            _serve(target, elf)
        else:
            _talk(target, elf)


def _built(board: Board, model: Model, directory: Path, model_id: str | None, energy_mode: bool) -> Path:
    from tinynas.cli.progress import working
    from tinynas.deploy import compile_model
    from tinynas.hil.engines import public_defines
    from tinynas.hil.image import build_image

    defines = () if model_id is None else public_defines(model_id, model)
    with working(f"building the image for {board.name}"):
        return build_image(board, compile_model(model), directory, defines=defines, energy_mode=energy_mode).elf


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
    from tinynas.cli.talk import talk
    from tinynas.hil.emulator import VirtualBoard

    with termination_interrupts(), VirtualBoard(board, elf) as virtual:
        talk(virtual.link, lambda line: line.rstrip(b"\r\n"), owed=1)
