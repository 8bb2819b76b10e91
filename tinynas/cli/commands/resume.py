"""`tinynas resume`: go on with a search that was interrupted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tinynas.config import Config
    from tinynas.study import Study

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "resume",
        short_help="Go on with an interrupted search.",
        help="Go on with an interrupted search, with the suggestions it would have made.",
    )(resume)


def resume(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="Folder of the study.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Open the study, check that the data are those it began with, run the rest."""
    from tinynas.board import Board
    from tinynas.cli.console import stderr
    from tinynas.cli.progress import working
    from tinynas.cli.session import run_session
    from tinynas.config import config_from_mapping
    from tinynas.errors import StudyError
    from tinynas.search import check_compiler, load_task
    from tinynas.study import Study

    with Study.open(study) as opened:
        settings = config_from_mapping(opened.config, f"{study}:config")
        if remark := check_compiler(opened, settings):
            stderr().print(remark, markup=False)
        with working("reading the data"):
            task = load_task(_located(settings, opened))
        if task.dataset.fingerprint != opened.provenance.get("dataset_fingerprint"):
            raise StudyError(
                f"the data of {settings.dataset.source} are not those that the study began with",
                where=str(study),
                advice="restore the dataset, or begin a new study",
            )
        run_session(opened, _with_library(settings, opened), Board.from_dict(opened.board), task, as_json=as_json)


def _with_library(settings: Config, study: Study) -> Config:
    """The configuration with the interpreter's library found again, if the search began in another working folder."""
    moved = _moved(settings.hil.tflm_root, study, "tflm_root")
    return replace(settings, hil=replace(settings.hil, tflm_root=moved)) if moved else settings


def _located(settings: Config, study: Study) -> Config:
    """The same with the dataset's folder."""
    scheme, _, folder = settings.dataset.source.partition(":")
    moved = _moved(folder, study, "dataset_folder")
    return settings.with_options(dataset=f"{scheme}:{moved}") if moved else settings


def _moved(named: str | None, study: Study, key: str) -> str | None:
    """Where a folder lies that is not where its name says, seen from here; None: where it says, or nobody knows."""
    stored = study.provenance.get(key)
    return stored if named and not Path(named).exists() and isinstance(stored, str) else None
