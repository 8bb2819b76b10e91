"""`tinynas compile`: an int8 .tflite model as plain C."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tinynas.cli.options import JsonOption, ModelArgument, PathStrideOption, PathTurnsOption

if TYPE_CHECKING:
    from tinynas.deploy import CompiledModel, Model, PathProgram, PathSettings

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "compile",
        short_help="Compile an int8 .tflite model to C.",
        help="Compile an int8 .tflite model to plain C with a static memory plan; docs/compiler.md has the rest.",
    )(compile_)


def compile_(
    model: ModelArgument,
    out: Annotated[Path, typer.Option(help="Folder for the C files; made where it is not there.", metavar="DIR")],
    name: Annotated[str, typer.Option(help="Names the files, and begins every name in them.")] = "model",
    optimise: Annotated[
        Literal["speed", "size"],
        typer.Option(help="speed: every operator has kernels of its own; size: they are shared."),
    ] = "speed",
    stream: Annotated[
        int | None,
        typer.Option(
            metavar="STRIDE",
            help="The streaming form of a causal network: one sample after another, an output every STRIDE of them.",
        ),
    ] = None,
    path: Annotated[
        bool,
        typer.Option(
            "--path",
            help="The whole program from raw samples to a path, of a model in its study's folder (docs/frames.md).",
        ),
    ] = False,
    stride: PathStrideOption = None,
    turns: PathTurnsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read, compile, write, print."""
    from tinynas.cli.console import print_json
    from tinynas.cli.model import read_model, study_path_settings
    from tinynas.errors import ConfigError

    if path and stream is not None:
        what = "the program from samples to a path runs the window form"
        raise ConfigError(what, where=f"--stream {stream}", advice="leave it out, or --path")
    if not path and (stride, turns) != (None, None):
        option = "--stride" if turns is None else "--turns"
        raise ConfigError("says how a path is made", where=option, advice="add --path, or leave it out")
    if out.exists() and not out.is_dir():
        raise ConfigError("is not a folder", where=f"--out {out}", advice="name a folder")
    content = read_model(model)
    settings = study_path_settings(model, stride, turns and int(turns)) if path else None
    compiled = _compiled(content, name, optimise, stream, settings)
    window = None if stream is None else _network(_compiled(content, name, optimise, None, None))
    _check_replaced(out, name, compiled)
    sources = compiled.write(out)
    if as_json:
        header = out / (f"{name}.h" if settings is None else "path_settings.h")
        files = {"sources": [str(source) for source in sources], "header": str(header)}
        more = {} if window is None else {"window_form": _costs(window)}
        print_json(files | _costs(_network(compiled)) | more | ({} if settings is None else {"path": _path(settings)}))
        return
    _print(model, out, name, compiled, window, settings)


def _costs(compiled: CompiledModel) -> dict[str, int]:
    return {
        "arena_bytes": compiled.arena_bytes,
        "arena_lower_bound_bytes": compiled.arena_lower_bound,
        "weights_bytes": compiled.weights_bytes,
        "macs": compiled.macs,
        "model_macs": compiled.model_macs,
        "input_bytes": compiled.input_bytes,
        "output_bytes": compiled.output_bytes,
    }


def _network(compiled: CompiledModel | PathProgram) -> CompiledModel:
    from tinynas.deploy import PathProgram

    return compiled.network if isinstance(compiled, PathProgram) else compiled


def _path(settings: PathSettings) -> dict[str, Any]:
    frame = "north" if settings.north else "level"
    mounting = "fixed" if len(settings.mean) > 6 else "free"
    names = ("rate_hz", "stride", "turns")
    return {"frame": frame, "mounting": mounting} | {name: getattr(settings, name) for name in names}


def _compiled(
    model: Model, name: str, optimise: Literal["speed", "size"], stream: int | None, settings: PathSettings | None
) -> CompiledModel | PathProgram:
    from tinynas.deploy import compile_model, compile_path
    from tinynas.errors import ConfigError

    try:
        if settings is not None:
            return compile_path(model, settings, name=name, optimise=optimise)
        return compile_model(model, name=name, optimise=optimise, stream_stride=stream)
    except ConfigError as error:
        error.where = {"name": f"--name {name}", "stream_stride": f"--stream {stream}"}.get(error.where or "")
        raise


def _check_replaced(out: Path, name: str, compiled: CompiledModel | PathProgram) -> None:
    """Refuse to write over files that are no compiled model: `--out src --name main` is soon typed."""
    from tinynas.errors import ConfigError

    header = out / f"{name}.h"
    mark = compiled.files[header.name].partition(";")[0].encode()
    if header.is_file() and header.read_bytes().startswith(mark):
        return
    for path in (header, *(out / source for source in compiled.sources)):
        if path.exists():
            advice = "choose another --name or --out, or move the file away"
            raise ConfigError("is there already, and is not a compiled model", where=str(path), advice=advice)


def _print(
    model: Path,
    out: Path,
    name: str,
    compiled: CompiledModel | PathProgram,
    window: CompiledModel | None,
    settings: PathSettings | None,
) -> None:
    from rich.table import Table
    from rich.text import Text

    from tinynas.cli.console import print_table, stdout

    stdout().print(Text.assemble((str(model), "bold"), f" compiled to {out}"), soft_wrap=True)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("to compile", Text(", ".join(compiled.sources)))
    table.add_row("to include", Text(f"{name}.h" if settings is None else "path_settings.h"))
    for heading, text in _rows(_network(compiled), window):
        table.add_row(heading, Text(text))
    if settings is not None:
        seconds = settings.stride / settings.rate_hz
        looks = "" if settings.turns == 1 else f", the mean of {settings.turns} directions"
        table.add_row("path", Text(f"{settings.rate_hz:g} samples a second, a velocity every {seconds:g} s{looks}"))
    print_table(table)


def _rows(compiled: CompiledModel, window: CompiledModel | None) -> Iterator[tuple[str, str]]:
    """Headings and figures of the network."""
    from tinynas.report import percent

    needed = f"{compiled.macs:,}"
    if compiled.model_macs:
        share = compiled.macs / compiled.model_macs
        needed += f" of the model's {compiled.model_macs:,} ({percent(share)})"
    arena = f"{compiled.arena_bytes:,} bytes, of which {compiled.arena_lower_bound:,} are needed at one time"
    if window is not None:
        needed = f"{compiled.macs:,} an output; the window form computes {window.macs:,}"
        arena = f"{compiled.arena_bytes:,} bytes that live on; the window form needs {window.arena_bytes:,}"
    yield "input, output", f"{compiled.input_bytes:,} and {compiled.output_bytes:,} bytes"
    yield "arena", arena
    yield "constants", f"{compiled.weights_bytes:,} bytes"
    yield "MACs", needed
