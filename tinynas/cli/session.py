"""What `search` and `resume` share: a run under a progress display, and the folder it leaves behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, NoReturn

from tinynas.board import Board
from tinynas.config import Config
from tinynas.errors import BoardError, ConfigError, TinynasError
from tinynas.study import Study

if TYPE_CHECKING:
    from tinynas.search import Task

# What a study's creation leaves behind when it is killed half-way.
_LEFT_BY_A_KILL = {"study.lock", "study.db.part", "study.db.part-journal"}

__all__ = ["check_folder", "new_folder", "run_session", "show_and_write", "termination_interrupts"]


def check_folder(out: Path | None) -> None:
    """Refuse a folder for a new study that holds something. It is left as it is.

    Raises:
        ConfigError: There is a study in it, or files that the study's report and model might replace.
    """
    if out is None:
        return
    if out.exists() and not out.is_dir():
        raise ConfigError("is not a folder", where=f"--out {out}", advice="name a new folder")
    if (out / "study.db").exists():
        advice = f"go on with it by `tinynas resume {quote(str(out))}`, or name another folder"
        raise ConfigError("there is already a study in this folder", where=f"--out {out}", advice=advice)
    if out.is_dir() and any(path.name not in _LEFT_BY_A_KILL for path in out.iterdir()):
        raise ConfigError("the folder is not empty", where=f"--out {out}", advice="name a new or an empty one")


def new_folder(out: Path | None, board: str, source: str) -> Path:
    """The folder of a new study; without `out` one of its own, made here, below studies/.

    Args:
        out: What the user wants, checked by `check_folder`; None for a name of board, dataset and time.
        board: Name of the board.
        source: The dataset's specification.
    """
    if out is not None:
        return out
    stem = f"{board}-{source.partition(':')[0]}-{time.strftime('%Y%m%d-%H%M%S')}"
    attempts = count(1)
    while True:
        attempt = next(attempts)
        folder = Path("studies") / (stem if attempt == 1 else f"{stem}-{attempt}")
        with suppress(FileExistsError):  # taken, perhaps by a search that began in the same second
            folder.mkdir(parents=True)
            return folder


def run_session(study: Study, config: Config, board: Board, task: Task, *, as_json: bool) -> None:
    """Run a study to its end, print the result, and write the outputs.

    Raises:
        KeyboardInterrupt: By SIGINT or SIGTERM, after saying how to go on.
        TinynasError: What ended the search.
    """
    from tinynas.cli.progress import Progress
    from tinynas.search import Problem, run_search

    limits = Problem(board, task, config).limits
    done = [trial for trial in study.trials() if trial.state.is_finished]
    title = f"{board.title} on {config.dataset.source}"
    signals = Signals()
    try:
        with (
            termination_interrupts() as signals,
            Progress(
                title,
                config.trials,
                config.training.epochs,
                (limits.sram_bytes, limits.flash_bytes),
                done,
                unit="m/s" if config.dataset.target == "velocity" else None,
                measured=config.mode == "hil",
            ) as shown,
        ):
            _load_tensorflow()
            run_search(study, config, board, task, shown)
    except BaseException as error:
        # Whatever was at work may have made an error of its own of the interrupt.
        interrupted = signals.interrupted or isinstance(error, KeyboardInterrupt)
        if interrupted or isinstance(error, BoardError):
            what = "interrupted" if interrupted else "stopped"
            how = f"tinynas resume {quote(str(study.folder))}"
            print(f"{what}: every finished step is kept; go on with: {how}", file=sys.stderr, flush=True)
        # What ended the search is the news: a report that cannot be written on top (of a full disk) is none.
        with suppress(TinynasError, OSError):
            if study.trials():
                _write_outputs(study)
        if interrupted and not isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise
    show_and_write(study, as_json=as_json)


def show_and_write(study: Study, *, as_json: bool) -> None:
    """Print a study's result, then write its report, model and card: a full or read-only disk does not hide the result.

    Raises:
        StudyError: A file cannot be written.
    """
    from tinynas.cli.console import print_json
    from tinynas.report import print_result, result

    if as_json:
        print_json(result(study))
    else:
        print_result(result(study))
    sys.stdout.flush()
    _write_outputs(study)


def _load_tensorflow() -> None:
    """Import TensorFlow without the lines about its build that it writes at start-up."""
    from tinynas.deploy.native import captured_stderr

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with captured_stderr():
        import tensorflow as tf

        tf.constant(0.0)  # devices are looked for, and reported, with the first tensor


def _write_outputs(study: Study) -> None:
    """Write the report and, once there is a best network, its model and model card into the study's folder."""
    from tinynas.report import model_card, write_report
    from tinynas.study import write_file

    write_report(study, study.folder / "report.html")
    best = study.best()
    if best is not None:
        write_file(study.folder / "best.tflite", study.artefact(best.artefacts["tflite"]))
        write_file(study.folder / "model_card.md", model_card(study).encode())


class Signals:
    """What has arrived.

    Attributes:
        interrupted: SIGINT or SIGTERM.
    """

    interrupted = False


@contextmanager
def termination_interrupts() -> Iterator[Signals]:
    """Let SIGTERM end what runs as Ctrl-C does."""
    signals = Signals()

    def interrupt(_signum: int, _frame: object) -> NoReturn:
        signals.interrupted = True
        raise KeyboardInterrupt

    # What a shell has told a job in its background to ignore stays ignored.
    numbers = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) is not signal.SIG_IGN]
    previous = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield signals
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
