"""Searches small enough to run whole: a few seconds of walking, networks of a few filters, one epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tinynas.board import Board, load_board
from tinynas.config import Config, config_from_mapping
from tinynas.search import Task, load_task, run_search
from tinynas.study import Study, Trial

SETTINGS: Mapping[str, Any] = {
    "trials": 4,
    "seed": 3,
    "dataset": {
        "window": 64,
        "frame": "body",
        "stride": 40,
        "synthetic": {"n_train": 2, "n_valid": 1, "n_test": 1, "duration_s": 15.0},
    },
    "space": {"filters": [2, 6], "kernel_size": [2, 4], "dilations": [1, 2, 4, 8], "blocks": [1, 3]},
    # The surrogate leads from the third trial on, so that what it suggests is tested too.
    "tuner": {"initial_random": 2},
    "training": {"epochs": 1, "batch_size": 32},
    "conversion": {"calibration_windows": 20},
}


class Watcher:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.states: list[tuple[int, str]] = []
        self.epochs: list[tuple[int, int, float]] = []

    def epoch(self, trial: int, epoch: int, rmse: float, /) -> None:
        self.epochs.append((trial, epoch, rmse))

    def state(self, trial: Trial) -> None:
        self.states.append((trial.id, trial.state))


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    both = {key: merged(base[key], changes[key]) for key in base if isinstance(changes.get(key), Mapping)}
    return {**base, **changes, **both}


@cache
def load_board_once() -> Board:
    return load_board("nucleo_f446re")


@pytest.fixture(scope="session")
def board() -> Board:
    return load_board_once()


@pytest.fixture(scope="session")
def configure() -> Callable[..., Config]:
    """A small configuration with some sections changed."""

    def configure(**changes: Any) -> Config:
        return config_from_mapping(merged(SETTINGS, changes), "settings.yaml")

    return configure


@pytest.fixture(scope="session")
def watcher() -> type[Watcher]:
    return Watcher


@pytest.fixture(scope="session")
def tasks() -> Callable[[Config], Task]:
    """Tasks, each loaded once."""
    known: dict[str, Task] = {}

    def load(config: Config) -> Task:
        key = f"{config.variants} {config.deploy.turns} {config.space.turns} {config.seed}"
        if key not in known:
            known[key] = load_task(config)
        return known[key]

    return load


@pytest.fixture(scope="session")
def search(board: Board, tasks: Callable[[Config], Task]) -> Callable[..., list[Trial]]:
    """Run a search in a folder, or what is left of it; the study stays on disk. Returns its trials."""

    def search(folder: Path, config: Config, observer: Any = None) -> list[Trial]:
        if (folder / "study.db").exists():
            study = Study.open(folder)
        else:
            study = Study.create(folder, config=config.to_dict(), board=board.to_dict(), provenance={})
        with study:
            run_search(study, config, board, tasks(config), observer or Watcher())
            return study.trials()

    return search


@pytest.fixture(scope="session")
def finished(
    tmp_path_factory: pytest.TempPathFactory, configure: Callable[..., Config], search: Callable[..., list[Trial]]
) -> tuple[Path, Watcher]:
    """The folder of a finished search, and what its observer saw. Not to be changed."""
    folder, observer = tmp_path_factory.mktemp("finished") / "study", Watcher()
    search(folder, configure(), observer)
    return folder, observer
