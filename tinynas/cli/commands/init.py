"""`tinynas init`: a commented configuration for a board and a data set, after a check of the data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinynas.cli.options import SOURCE_HELP, JsonOption, complete_board

if TYPE_CHECKING:
    from tinynas.search import Starter

__all__ = ["register"]

_SCHEMA = "tinynas.schema.json"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "init",
        short_help="Write a configuration for a board and a data set.",
        help="Check a data set, and write a commented configuration that suits it and a board, with a JSON Schema by "
        "which editors complete and check it.",
    )(init)


def init(
    board: Annotated[
        str | None,
        typer.Option(help="Name of a board, or path of a board file.", autocompletion=complete_board),
    ] = None,
    dataset: Annotated[str | None, typer.Option(help=SOURCE_HELP, metavar="SOURCE")] = None,
    out: Annotated[Path, typer.Option(help="The file to be written.")] = Path("tinynas.yaml"),
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema alone.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check the request, look at the data, write the file."""
    from tinynas.board import load_board
    from tinynas.cli.console import print_json, stderr
    from tinynas.cli.progress import working
    from tinynas.config import config_schema
    from tinynas.errors import ConfigError
    from tinynas.odometry import load_splits
    from tinynas.odometry.check import check_dataset
    from tinynas.search import propose_config
    from tinynas.study import write_file

    if schema:
        print_json(config_schema())
        return
    if board is None or dataset is None:
        missing = "--board" if board is None else "--dataset"
        advice = "name one of `tinynas boards list`" if board is None else "name a source; synthetic is built in"
        raise ConfigError("is not given", where=missing, advice=advice)
    target = load_board(board)
    rules = json.dumps(config_schema(), indent=1).encode() + b"\n"
    _check_place(out, out.with_name(_SCHEMA))
    with working("reading the data"):
        splits = load_splits(dataset)
    with working("checking the data"):
        found = check_dataset(splits, source=dataset)
    starter = propose_config(target, board, dataset, splits, found)
    write_file(out.with_name(_SCHEMA), rules)
    write_file(out, starter.text.encode())
    stderr().print(f"data: {found.summary()}", markup=False, soft_wrap=True)
    if as_json:
        left = [{"kind": kind, "advice": advice} for kind, advice in starter.left.items()]
        print_json({"config": str(out), "settings": starter.config.to_dict(), "left": left})
    else:
        _print(out, starter)


def _check_place(out: Path, schema: Path) -> None:
    """Refuse to write over anything but an earlier schema."""
    from tinynas.errors import ConfigError

    if out.exists() or out.is_symlink():
        raise ConfigError("is there already", where=f"--out {out}", advice="name another file, or move it away")
    if out.name == _SCHEMA or out.suffix not in (".yaml", ".yml"):
        raise ConfigError("is no name of a YAML file", where=f"--out {out}", advice="let it end with .yaml")
    if not schema.exists() and not schema.is_symlink():
        return
    try:
        ours = json.loads(schema.read_bytes()).get("title") == "tinynas: a search"
    except (OSError, ValueError, AttributeError):
        ours = False
    if not ours or schema.is_symlink():
        advice = "name a file in another folder, or move it away"
        raise ConfigError("is there already, and is not the schema of tinynas", where=str(schema), advice=advice)


def _print(out: Path, starter: Starter) -> None:
    from tinynas.cli.console import stdout
    from tinynas.cli.session import as_argument

    say = stdout()
    say.print(f"{out} written, with {_SCHEMA} beside it for editors", markup=False, soft_wrap=True)
    for kind, advice in starter.left.items():
        say.print(f"- {kind}: {advice}", markup=False, soft_wrap=True)
    say.print(f"next: tinynas search --config {as_argument(out)} --dry-run", markup=False, soft_wrap=True)
