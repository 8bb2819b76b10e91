"""What `search` and `resume` share: a run under a progress display, and the folder it leaves behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from tinynas.board import Board
from tinynas.config import Config
from tinynas.study import Study

if TYPE_CHECKING:
    from tinynas.search import Task

__all__ = ["default_folder", "run_session", "write_outputs"]


def default_folder(board: str, source: str) -> Path:
    """A new folder's name below studies/: board, dataset and time."""
    scheme = source.partition(":")[0]
    return Path("studies") / f"{board}-{scheme}-{time.strftime('%Y%m%d-%H%M%S')}"


def run_session(study: Study, config: Config, board: Board, task: Task, *, as_json: bool) -> None:
    """Run a study to its end, write its outputs, and print the result.

    Raises:
        KeyboardInterrupt: By SIGINT or SIGTERM, after saying how to go on.
        TinynasError: What ended the search.
    """
    from tinynas.cli.console import print_json
    from tinynas.cli.progress import Progress
    from tinynas.report import print_result, result
    from tinynas.search import limits_of, run_search

    limits = limits_of(board, config)
    done = [trial for trial in study.trials() if trial.finished]
    title = f"{board.title} on {config.dataset.source}"
    try:
        with (
            _termination_interrupts(),
            Progress(
                title, config.trials, config.training.epochs, (limits.sram_bytes, limits.flash_bytes), done
            ) as shown,
        ):
            _load_tensorflow()
            run_search(study, config, board, task, shown)
    except KeyboardInterrupt:
        print(f"interrupted: every finished step is kept; go on with: tinynas resume {study.folder}", file=sys.stderr)
        raise
    finally:
        if study.trials():
            write_outputs(study)
    if as_json:
        print_json(result(study))
    else:
        print_result(result(study))


def _load_tensorflow() -> None:
    """Import TensorFlow without the lines about its build that it writes at start-up."""
    from tinynas.deploy.native import captured_stderr

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with captured_stderr():
        import tensorflow as tf

        tf.constant(0.0)  # devices are looked for, and reported, with the first tensor


def write_outputs(study: Study) -> None:
    """Write the report and, once there is a best network, its model and model card into the study's folder."""
    from tinynas.report import model_card, write_report
    from tinynas.study import write_file

    write_report(study, study.folder / "report.html")
    best = study.best()
    if best is not None:
        write_file(study.folder / "best.tflite", study.artefact(best.artefacts["tflite"]))
        write_file(study.folder / "model_card.md", model_card(study).encode())


@contextmanager
def _termination_interrupts() -> Iterator[None]:
    """Let SIGTERM end the search as Ctrl-C does."""

    def interrupt(_signum: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
