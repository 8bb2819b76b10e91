"""`tinynas measure`: what a board reports of an int8 .tflite model."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tinynas.board import Board
    from tinynas.measurement import Measurement

__all__ = ["Flasher", "LinkOption", "ProbeOption", "register"]

# Fields of a `Measurement` that only a candidate of a search has.
_OF_SEARCHES = (
    *("kernels", "tflite_bytes", "parameters", "host_arena_bytes", "sparse_sram_bytes", "plain_flash_bytes"),
    *("predicted_sram_bytes", "predicted_flash_bytes", "predicted_stack_bytes"),
)


class EngineOption(str, Enum):
    """What runs the model on the board."""

    aot = "aot"
    tflm = "tflm"


class Flasher(str, Enum):
    """How images get into flash."""

    auto = "auto"
    drive = "drive"
    pyocd = "pyocd"
    rom = "rom"


LinkOption = Annotated[
    str, typer.Option(help="virtual; a serial port; or auto, the port of the board that is attached.", metavar="LINK")
]
FlasherOption = Annotated[
    Flasher,
    typer.Option(help="drive: the probe's; pyocd; rom: the boot loader in the MCU. auto: the drive, else pyOCD."),
]
ProbeOption = Annotated[
    str | None, typer.Option(help="Serial number of the probe, or its beginning, where several are attached.")
]

MeterOption = Annotated[
    str | None,
    typer.Option(
        help="Power meter in the supply of a real board: lpm01a:PORT, lpm01a:PORT@VOLTS (3.3 by default), or"
        " ina228:PORT. docs/energy.md has the wiring.",
        metavar="METER",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "measure",
        short_help="Measure an int8 .tflite model on a board.",
        help="Compile an int8 .tflite model, build its image, run it on a board, compare its outputs byte for byte with"
        " the host's, and report memory, time and, with a power meter, energy. docs/hil.md has the rest.",
    )(measure)


def measure(
    model: Annotated[Path, typer.Argument(metavar="MODEL.tflite", help="The model.")],
    board: Annotated[str, typer.Option(help="Name of a board, or path of a board file.")],
    engine: Annotated[
        EngineOption, typer.Option(help="aot: compiled to C; tflm: interpreted by TensorFlow Lite Micro.")
    ] = EngineOption.aot,
    tflm_root: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Of tflm: folder of tflite-micro, with its library made for the core."),
    ] = None,
    link: LinkOption = "virtual",
    flasher: FlasherOption = Flasher.auto,
    probe: ProbeOption = None,
    meter: MeterOption = None,
    laps: Annotated[
        int | None,
        typer.Option(min=1, help="How often the time is taken; by default 10 times, on a virtual board once."),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder that keeps the C sources and the image.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read, measure, print."""
    from tinynas.board import load_board
    from tinynas.cli.console import print_json
    from tinynas.cli.model import read_model
    from tinynas.cli.progress import working
    from tinynas.errors import ConfigError
    from tinynas.hil.measure import measure as measured
    from tinynas.hil.power import check_meter

    if meter is not None:
        check_meter(meter, link, "--meter")
    if keep is not None:
        try:
            keep.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            what = f"no folder can be made: {error.strerror}"
            raise ConfigError(what, where=f"--keep {keep}", advice="name another folder") from error
    target = load_board(board)
    content = read_model(model)
    with working(f"measuring on {target.name}"):
        found = measured(
            target,
            content,
            engine=engine.value,
            tflm_root=tflm_root,
            link=link,
            flasher=flasher.value,
            probe_id=probe,
            meter=meter,
            laps=laps,
            directory=keep,
            where=str(model),
        )
    if as_json:
        print_json({key: value for key, value in found.to_dict().items() if key not in _OF_SEARCHES})
        return
    _print(model, target, found)


def _print(model: Path, board: Board, found: Measurement) -> None:
    from rich.markup import escape
    from rich.table import Table

    from tinynas.cli.console import print_table, stdout
    from tinynas.hil.parity import EQUAL

    where = "a virtual board" if found.source == "virtual" else "the board"
    out = stdout()
    how = {"aot": "compiled", "tflm": "interpreted by TensorFlow Lite Micro"}[found.engine]
    out.print(f"[bold]{escape(str(model))}[/bold] on {escape(board.title or board.name)} ({where}), {how}\n")
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("flash", f"{found.flash_bytes:,} B", f"of {board.image_flash_bytes:,}; the whole image")
    parts = f"{found.static_ram_bytes:,} static (arena {found.arena_bytes:,}) and {found.stack_bytes:,} of stack"
    table.add_row("SRAM", f"{found.sram_bytes:,} B", f"of {board.image_sram_bytes:,}; {parts}")
    table.add_row("time", _duration(found.latency_us), _timing(found))
    if found.energy_uj is not None:
        table.add_row("energy", _microjoules(found.energy_uj), f"mean of {found.energy_inferences:,} inferences")
    if found.instructions is not None:
        ratio = f"{found.instructions / found.macs:.2f} for each of {found.macs:,} MACs" if found.macs else ""
        table.add_row("instructions", f"{found.instructions:,}", ratio)
    table.add_row("outputs", "equal", EQUAL[found.referee or "tflm"])
    print_table(table)
    out.print(f"\nimage {found.image_hash}, {escape(found.toolchain or '')}")


def _timing(found: Measurement) -> str:
    clock = f"{found.cycles:,} cycles at {(found.clock_hz or 0) / 1e6:g} MHz"
    if found.source == "virtual":
        return f"{clock}, an estimate"
    return f"{clock}, median of {found.laps}; spread {_duration(found.latency_spread_us)}"


def _duration(microseconds: float | None) -> str:
    if microseconds is None:
        return "unknown"
    return f"{microseconds / 1000:,.2f} ms" if microseconds >= 1000 else f"{microseconds:,.0f} us"


def _microjoules(energy_uj: float) -> str:
    return f"{energy_uj / 1000:,.3f} mJ" if energy_uj >= 1000 else f"{energy_uj:,.1f} uJ"
