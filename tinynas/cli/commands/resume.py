"""`tinynas resume`: go on with a search that was interrupted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinynas.cli.logs import LogFileOption, VerboseOption
from tinynas.cli.options import DaskOption, JsonOption, ListenerOption, MinutesOption, StudyArgument, WorkersOption

if TYPE_CHECKING:
    from tinynas.config import Config
    from tinynas.study import Study

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "resume",
        short_help="Go on with an interrupted search.",
        help="Go on with an interrupted search. It continues with exactly the same suggestions. With --trials or "
        "--minutes, also a finished one.",
    )(resume)


def resume(
    study: StudyArgument,
    trials: Annotated[int | None, typer.Option(min=1, help="Candidates to evaluate, earlier ones included.")] = None,
    minutes: MinutesOption = None,
    workers: WorkersOption = None,
    dask: DaskOption = None,
    listener: ListenerOption = None,
    _verbose: VerboseOption = False,
    _log_file: LogFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open the study, or those of several boards, check that the data are those it began with, run the rest."""
    from tinynas.board import Board
    from tinynas.cli.console import stderr
    from tinynas.cli.progress import working
    from tinynas.cli.session import run_shared_session
    from tinynas.cli.shared import check_boards, open_studies
    from tinynas.config import config_of_study
    from tinynas.errors import StudyError
    from tinynas.search import check_compiler, check_listeners, describe_changes, load_task

    with open_studies(study) as studies:
        opened = studies[0]
        config = settings = config_of_study(opened.config, study)
        if workers is not None or dask is not None:
            settings = replace(settings, workers=workers, dask=dask)
        settings = _extended(settings, opened, trials, minutes)
        if listener:
            settings = replace(settings, listeners=tuple(listener))
        boards = [Board.from_dict(one.board) for one in studies]
        check_boards(settings, [board.name for board in boards])
        check_listeners(settings)
        if remark := check_compiler(opened, settings):
            stderr().print(remark, markup=False, soft_wrap=True)
        for change in describe_changes(opened.provenance):
            stderr().print(f"results may differ in their last digits: {change}", markup=False, soft_wrap=True)
        with working("reading the data"):
            task = load_task(_located(settings, opened))
        if task.dataset.fingerprint != opened.provenance.get("dataset_fingerprint"):
            raise StudyError(
                f"the data of {settings.dataset.source} are not those that the study began with",
                where=str(study),
                advice="restore the dataset, or begin a new study",
            )
        for one in studies:
            own = config_of_study(one.config, one.folder).board
            one.set_config(replace(settings, workers=config.workers, dask=config.dask, board=own).to_dict())
        run_shared_session(study, studies, _with_library(settings, opened), boards, task, as_json=as_json)


def _extended(settings: Config, study: Study, trials: int | None, minutes: float | None) -> Config:
    """The configuration with more trials or time.

    Raises:
        ConfigError: The study has had as many already.
    """
    from tinynas.errors import ConfigError

    if trials is None and minutes is None:
        return settings
    had = sum(trial.final_of is None for trial in study.trials())
    if trials is not None and trials < had:
        advice = "the number counts all trials of the study"
        raise ConfigError(f"the study has {had} trials already", where=f"--trials {trials}", advice=advice)
    spent = float(study.summary.get("seconds", 0.0)) / 60
    if minutes is not None and minutes < spent:
        what, advice = f"the study has taken {spent:.1f} minutes already", "the time counts from its beginning"
        raise ConfigError(what, where=f"--minutes {minutes:g}", advice=advice)
    # What was given before and is not given now no longer counts.
    return replace(settings, trials=trials, minutes=minutes)


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
