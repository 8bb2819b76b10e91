"""`tinynas search`: the best network for a board and a dataset."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]


class _Mode(str, Enum):
    proxy = "proxy"
    tflm = "tflm"
    hil = "hil"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("search", help="Search the best network for a board and a dataset.")(search)


def search(
    board: Annotated[str | None, typer.Option(help="Name of a board, or path of a board file.")] = None,
    config: Annotated[
        str | None, typer.Option(help="Configuration file; its keys are in docs/configuration.md.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="oxiod:FOLDER, ronin:FOLDER, csv:FOLDER or synthetic.", metavar="SOURCE")
    ] = None,
    mode: Annotated[
        _Mode | None,
        typer.Option(
            help="Where costs come from: the resource model, the official interpreter as its referee, or the board."
        ),
    ] = None,
    link: Annotated[
        str | None,
        typer.Option(
            metavar="LINK",
            help="The board of mode hil: virtual; a serial port; or auto, the port of the board that is attached.",
        ),
    ] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Candidates to evaluate.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="Seed of every random choice.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the study; a new one below studies/ by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Parse, create the study, run it."""
    from tinynas.board import load_board
    from tinynas.cli.progress import working
    from tinynas.cli.session import check_folder, new_folder, run_session
    from tinynas.config import load_config
    from tinynas.errors import ConfigError
    from tinynas.search import Problem, check_rig, choose_compiler, load_task, provenance
    from tinynas.study import Study

    settings = load_config(config).with_options(
        board=board, dataset=dataset, mode=mode.value if mode else None, link=link, trials=trials, seed=seed
    )
    if link is not None and settings.mode != "hil":
        raise ConfigError("only the mode hil has a board", where=f"--link {link}", advice="add --mode hil")
    if settings.board is None:
        raise ConfigError("no board is given", where="--board", advice="name one of `tinynas boards list`")
    target = load_board(settings.board)
    settings = choose_compiler(settings)
    # Everything the request can get wrong is found before a study is made of it.
    check_folder(out)
    with working("reading the data"):
        task = load_task(settings)
    Problem(target, task, settings).require_feasible()
    if settings.mode == "hil":
        check_rig(target, settings)
    origin = provenance(
        source=settings.dataset.source,
        dataset_fingerprint=task.dataset.fingerprint,
        board_fingerprint=target.fingerprint,
        seed=settings.seed,
        tflm_root=settings.hil.tflm_root,
    )
    folder = new_folder(out, target.name, settings.dataset.source)
    with Study.create(folder, config=settings.to_dict(), board=target.to_dict(), provenance=origin) as study:
        run_session(study, settings, target, task, as_json=as_json)
