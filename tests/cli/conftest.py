"""One finished search for all tests of the command line, run as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.walks import write_csv

PROGRAM = "import sys; from tinynas.cli import main; sys.exit(main(sys.argv[1:]))"

CONFIG = """
trials: 4
seed: 3
workers: 1
dataset:
  window: 64
  frame: body
  stride: 40
  synthetic: {n_train: 2, n_valid: 1, n_test: 1, duration_s: 15.0}
space: {filters: [2, 6], kernel_size: [2, 4], dilations: [1, 2, 4, 8], blocks: [1, 3]}
tuner: {initial_random: 2}
training: {epochs: 1, batch_size: 32}
conversion: {calibration_windows: 20}
"""


@dataclass(frozen=True)
class Finished:
    """What a search left behind."""

    folder: Path
    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def config_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration of a search of a few seconds."""
    path = tmp_path_factory.mktemp("config") / "small.yaml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="session")
def command() -> Callable[..., list[str]]:
    """The command line of a subprocess."""
    return lambda *args: [sys.executable, "-c", PROGRAM, *map(str, args)]


@pytest.fixture(scope="session")
def finished(
    tmp_path_factory: pytest.TempPathFactory, config_file: Path, command: Callable[..., list[str]]
) -> Finished:
    """`tinynas search --json` with both outputs piped. The folder is not to be changed."""
    folder = tmp_path_factory.mktemp("finished") / "study"
    options: list[Any] = ["--board", "nucleo_f446re", "--config", config_file, "--out", folder, "--json"]
    run = subprocess.run(command("search", *options), capture_output=True, text=True, timeout=120, check=False)
    return Finished(folder, run.returncode, run.stdout, run.stderr)


@pytest.fixture
def walks(tmp_path: Path) -> Path:
    """A folder with three recordings."""
    folder = tmp_path / "walks"
    folder.mkdir()
    for name in "abc":
        write_csv(folder / f"{name}.csv")
    return folder
