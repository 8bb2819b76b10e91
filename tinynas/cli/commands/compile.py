"""`tinynas compile`: an int8 .tflite model as plain C."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tinynas.deploy import CompiledModel

__all__ = ["register"]


class _Optimise(str, Enum):
    speed = "speed"
    size = "size"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "compile",
        short_help="Compile an int8 .tflite model to C.",
        help="Compile an int8 .tflite model to plain C with a static memory plan; docs/compiler.md has the rest.",
    )(compile_)


def compile_(
    model: Annotated[Path, typer.Argument(metavar="MODEL.tflite", help="The model.")],
    out: Annotated[Path, typer.Option(help="Folder for the C files; made where it is not there.", metavar="DIR")],
    name: Annotated[str, typer.Option(help="Names the files, and begins every name in them.")] = "model",
    optimise: Annotated[
        _Optimise, typer.Option(help="speed: every operator has kernels of its own; size: they are shared.")
    ] = _Optimise.speed,
    stream: Annotated[
        int | None,
        typer.Option(
            metavar="STRIDE",
            help="The streaming form of a causal network: one sample after another, an output every STRIDE of them.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the files and what they cost as JSON.")] = False,
) -> None:
    """Read, compile, write, print."""
    from tinynas.cli.console import print_json
    from tinynas.errors import ConfigError

    if out.exists() and not out.is_dir():
        raise ConfigError("is not a folder", where=f"--out {out}", advice="name a folder")
    compiled = _compiled(model, name, optimise, stream)
    window = None if stream is None else _compiled(model, name, optimise, None)
    _check_replaced(out, name, compiled)
    sources = compiled.write(out)
    if as_json:
        files = {"sources": [str(path) for path in sources], "header": str(out / f"{name}.h")}
        print_json(files | _costs(compiled) | ({} if window is None else {"window_form": _costs(window)}))
        return
    _print(model, out, name, compiled, window)


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


def _compiled(model: Path, name: str, optimise: _Optimise, stream: int | None) -> CompiledModel:
    from tinynas.cli.model import read_model
    from tinynas.deploy import compile_model
    from tinynas.errors import ConfigError, ConversionError

    content = read_model(model)
    try:
        return compile_model(content, name=name, optimise=optimise.value, stream_stride=stream, where=str(model))
    except ConfigError as error:
        error.where = {"name": f"--name {name}", "stream_stride": f"--stream {stream}"}.get(error.where or "")
        raise
    except ConversionError as error:
        error.where = error.where or str(model)
        raise


def _check_replaced(out: Path, name: str, compiled: CompiledModel) -> None:
    """Refuse to write over files that are no compiled model: `--out src --name main` is soon typed."""
    from tinynas.errors import ConfigError

    header = out / f"{name}.h"
    mark = compiled.files[header.name].partition(";")[0].encode()
    if header.is_file() and header.read_bytes().startswith(mark):
        return
    for path in (header, *(out / source for source in compiled.sources)):
        if path.exists():
            advice = "choose another --name or --out, or move the file away"
            raise ConfigError("is there already, and is no compiled model", where=str(path), advice=advice)


def _print(model: Path, out: Path, name: str, compiled: CompiledModel, window: CompiledModel | None) -> None:
    from rich.table import Table
    from rich.text import Text

    from tinynas.cli.console import print_table, stdout
    from tinynas.report.words import percent

    stdout().print(Text.assemble((str(model), "bold"), f" compiled to {out}"), soft_wrap=True)
    needed = f"{compiled.macs:,}"
    if compiled.model_macs:
        share = compiled.macs / compiled.model_macs
        needed += f" of the model's {compiled.model_macs:,} ({percent(share)})"
    arena = f"{compiled.arena_bytes:,} bytes, of which {compiled.arena_lower_bound:,} are needed at one time"
    if window is not None:
        needed = f"{compiled.macs:,} an output; the window form computes {window.macs:,}"
        arena = f"{compiled.arena_bytes:,} bytes that live on; the window form needs {window.arena_bytes:,}"
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for heading, text in (
        ("to compile", ", ".join(compiled.sources)),
        ("to include", f"{name}.h"),
        ("input, output", f"{compiled.input_bytes:,} and {compiled.output_bytes:,} bytes"),
        ("arena", arena),
        ("constants", f"{compiled.weights_bytes:,} bytes"),
        ("MACs", needed),
    ):
        table.add_row(heading, Text(text))
    print_table(table)
