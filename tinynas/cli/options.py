"""Options that several commands have: one meaning, one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = [
    "SOURCE_HELP",
    "BoardArgument",
    "BoardOption",
    "DaskOption",
    "EnergyModeOption",
    "FlasherOption",
    "JsonOption",
    "LinkOption",
    "ListenerOption",
    "MinutesOption",
    "ModelArgument",
    "ModelIdOption",
    "PathStrideOption",
    "PathTurnsOption",
    "ProbeOption",
    "StudyArgument",
    "WorkersOption",
    "complete_board",
]


def complete_board(incomplete: str) -> list[str]:
    """Names of boards that begin with what is typed: what a shell completes with."""
    from tinynas.resources import resource

    names = (entry.name.removesuffix(".yaml") for entry in resource("boards").iterdir() if entry.name.endswith(".yaml"))
    return sorted(name for name in names if name.startswith(incomplete))


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
BoardArgument = Annotated[
    str,
    typer.Argument(metavar="BOARD", help="Name of a board, or path of a board file.", autocompletion=complete_board),
]
BoardOption = Annotated[
    str, typer.Option(help="Name of a board, or path of a board file.", autocompletion=complete_board)
]
ModelArgument = Annotated[Path, typer.Argument(metavar="MODEL.tflite", help="The model.")]
ModelIdOption = Annotated[
    str | None,
    typer.Option(
        metavar="ID",
        help="MLPerf Tiny's id of the model: ad01, ic01, kws01, vww01, or one of your own.",
    ),
]
EnergyModeOption = Annotated[
    bool,
    typer.Option(
        "--energy-mode",
        help="MLPerf Tiny's energy build: 9600 baud, and pulses of the trigger pin in place of times.",
    ),
]
# Which readers there are is told by docs/data.md and by the error for an unknown one, not here.
SOURCE_HELP = "synthetic, or a reader and a folder, such as csv:walks; docs/data.md lists the readers."
StudyArgument = Annotated[Path, typer.Argument(metavar="STUDY", help="Folder of the study.")]
LinkOption = Annotated[
    str, typer.Option(help="virtual; a serial port; or auto, the port of the board that is attached.", metavar="LINK")
]
FlasherOption = Annotated[
    str,
    typer.Option(
        metavar="FLASHER",
        help="drive: the probe's; pyocd; rom, uf2: boot loaders in the MCU; auto: the drive, else pyOCD; or a command:"
        ' cmd:"st-flash --reset write {bin} {address}".',
    ),
]
ProbeOption = Annotated[
    str | None, typer.Option(help="Serial number of the probe, or its beginning, where several are attached.")
]
MinutesOption = Annotated[
    float | None,
    typer.Option(
        metavar="M",
        help="How long the search may take, final trainings included, and, of resume, earlier sessions, too. "
        "Trainings of candidates that fall behind then stop early.",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Processes that train and measure candidates; by default as many as cores. With 1, the same seed makes "
        "the same search.",
    ),
]
DaskOption = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="A Dask scheduler, such as tcp://10.0.0.5:8786, on whose workers candidates are trained and measured.",
    ),
]
ListenerOption = Annotated[
    list[str] | None,
    typer.Option(
        "--listener",
        metavar="LISTENER",
        help="Who else is told of the search, however often: tensorboard, tensorboard:DIR, mlflow, or mlflow:URI.",
    ),
]
PathStrideOption = Annotated[
    int | None,
    typer.Option(min=1, help="Of --path: samples from one velocity to the next; by default the study's, else 10."),
]
PathTurnsOption = Annotated[
    Literal["1", "2", "4"] | None,
    typer.Option(help="Of --path: directions in which the network looks; by default the study's, else 1."),
]
