"""`tinynas measure`: what a board reports of an int8 .tflite model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tinynas.cli.logs import LogFileOption, VerboseOption
from tinynas.cli.options import (
    BoardOption,
    EnergyModeOption,
    FlasherOption,
    JsonOption,
    LinkOption,
    ModelArgument,
    ModelIdOption,
    PathStrideOption,
    PathTurnsOption,
    ProbeOption,
)

if TYPE_CHECKING:
    from tinynas.board import Board
    from tinynas.deploy import PathSettings
    from tinynas.hil.image import Image
    from tinynas.hil.operators import OperatorTime
    from tinynas.hil.path import PathMeasurement
    from tinynas.measurement import Measurement

__all__ = ["TRANSCRIPT", "register"]

# Fields of a `Measurement` that only a candidate of a search has.
_OF_SEARCHES = (
    *("kernels", "tflite_bytes", "parameters", "host_arena_bytes", "sparse_sram_bytes", "plain_flash_bytes"),
    *("predicted_sram_bytes", "predicted_flash_bytes", "predicted_stack_bytes", "predicted_latency_us"),
)
TRANSCRIPT = "serial.log"
"""In the folder of --keep: what went over the serial line."""

ENERGY_BUILD = "energy"
"""In the folder of --keep: the folder of the energy build."""

MeterOption = Annotated[
    str | None,
    typer.Option(
        help="Power meter in the supply of a real board: lpm01a:PORT, lpm01a:PORT@VOLTS (3.3 by default),"
        " ina228:PORT, or ina228:/dev/i2c-N. docs/energy.md has the wiring.",
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
    model: ModelArgument,
    board: BoardOption,
    engine: Annotated[
        Literal["aot", "tflm"], typer.Option(help="aot: compiled to C; tflm: interpreted by TensorFlow Lite Micro.")
    ] = "aot",
    tflm_root: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Of tflm: folder of tflite-micro, with its library made for the core."),
    ] = None,
    link: LinkOption = "virtual",
    flasher: FlasherOption = "auto",
    probe: ProbeOption = None,
    meter: MeterOption = None,
    laps: Annotated[
        int | None,
        typer.Option(min=1, help="How often the time is taken; by default 10 times, on a virtual board once."),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder that keeps C sources, image, and serial.log.")
    ] = None,
    model_id: ModelIdOption = None,
    energy_mode: EnergyModeOption = False,
    operators: Annotated[
        bool, typer.Option("--operators", help="Also the cycles of each operator, by an image that counts them.")
    ] = False,
    path: Annotated[
        bool,
        typer.Option("--path", help="Also measure the whole program: attitude filter, network and path (frames.md)."),
    ] = False,
    rate: Annotated[
        float | None,
        typer.Option(min=10.0, help="Of --path: samples a second; by default the study's, else 100.", metavar="HZ"),
    ] = None,
    stride: PathStrideOption = None,
    turns: PathTurnsOption = None,
    _verbose: VerboseOption = False,
    _log_file: LogFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read, measure, print."""
    from contextlib import nullcontext
    from dataclasses import asdict

    from tinynas.board import load_board
    from tinynas.cli.console import print_json
    from tinynas.cli.model import path_settings, read_model
    from tinynas.cli.progress import working
    from tinynas.errors import ConfigError
    from tinynas.hil.energy_mode import energy_board, put_energy_build
    from tinynas.hil.engines import check_model_id
    from tinynas.hil.measure import measure as measured
    from tinynas.hil.operators import measure_operators
    from tinynas.hil.path import measure_path
    from tinynas.hil.power import check_meter
    from tinynas.scratch import scratch_folder

    if meter is not None:
        check_meter(meter, link, "--meter")
    if model_id is not None:
        check_model_id(model_id)
    if keep is not None:
        try:
            keep.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            what = f"no folder can be made: {error.strerror}"
            raise ConfigError(what, where=f"--keep {keep}", advice="name another folder") from error
    target = load_board(board)
    if energy_mode:
        energy_board(target)
    content = read_model(model)
    with working(f"measuring on {target.name}"):
        found = measured(
            target,
            content,
            engine=engine,
            tflm_root=tflm_root,
            link=link,
            flasher=flasher,
            probe_id=probe,
            meter=meter,
            laps=laps,
            directory=keep,
            transcript=None if keep is None else keep / TRANSCRIPT,
            model_id=model_id,
        )
        how: dict[str, Any] = {"link": link, "flasher": flasher, "probe_id": probe}
        run: dict[str, Any] = {"engine": engine, "tflm_root": tflm_root, **how}
        times = measure_operators(target, content, **run) if operators else None
        settings = path_settings(model, content, rate, stride, turns and int(turns)) if path else None
        whole = None
        if settings is not None:
            whole = measure_path(target, content, settings, **how)
        # The last, because it stays on the board.
        with scratch_folder() if keep is None else nullcontext(keep / ENERGY_BUILD) as folder:
            last = put_energy_build(target, content, folder, model_id=model_id, **run) if energy_mode else None
    if as_json:
        values = {key: value for key, value in found.to_dict().items() if key not in _OF_SEARCHES}
        if times is not None:
            values["operators"] = [asdict(time) for time in times]
        if last is not None:
            values["energy_build"] = {"image_hash": last.image_hash, "flash_bytes": last.flash_bytes}
        print_json(values if settings is None or whole is None else values | {"path": _describe(whole, settings)})
        return
    _print(model, target, found)
    if times is not None:
        _print_operators(times)
    if settings is not None and whole is not None:
        _print_path(whole, settings)
    if last is not None:
        _print_energy_build(last, link)


def _describe(whole: PathMeasurement, settings: PathSettings) -> dict[str, float]:
    """The program's own figures; the network's are the measurement's."""
    names = ("sram_bytes", "flash_bytes", "sample_cycles", "sample_cycles_max", "stride_cycles", "load")
    return {"stride": settings.stride, "turns": settings.turns} | {name: getattr(whole, name) for name in names}


def _print_path(whole: PathMeasurement, settings: PathSettings) -> None:
    from tinynas.cli.console import stdout

    out, network = stdout(), whole.network
    looks = "" if settings.turns == 1 else f" with {settings.turns} inferences"
    out.print(
        f"\nWith attitude filter and path: flash {whole.flash_bytes:,} B"
        f" (+{whole.flash_bytes - network.flash_bytes:,}), SRAM {whole.sram_bytes:,} B"
        f" (+{whole.sram_bytes - network.sram_bytes:,}), {whole.sample_cycles:,} cycles a sample"
        f" ({whole.sample_cycles_max:,} at most), {whole.stride_cycles:,} a stride"
        f" of {settings.stride} samples{looks}:"
        f" {100 * whole.load:.2f} % of the core's time"
    )


def _print_energy_build(image: Image, link: str) -> None:
    from tinynas.cli.console import stdout

    how = "passed on the virtual board" if link == "virtual" else "is on the board"
    baud = image.board.uart and image.board.uart.baud
    stdout().print(f"\nenergy build {image.image_hash} {how}, at {baud} baud")


def _print_operators(times: list[OperatorTime]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from tinynas.cli.console import print_table, stdout

    total = sum(time.cycles for time in times)
    stdout().print()
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("cycles", justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("operator", overflow="fold")
    for time in times:
        table.add_row(f"{time.cycles:,}", f"{100 * time.cycles / max(total, 1):.1f} %", escape(time.title))
    print_table(table)


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
