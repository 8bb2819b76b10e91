"""What `search` and `resume` share: a run under a progress display, and the folder it leaves behind."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, NoReturn

from tinynas.board import Board
from tinynas.config import Config
from tinynas.errors import BoardError, ConfigError, HostError, TinynasError
from tinynas.hostfaults import host_faults_stop
from tinynas.printable import printable
from tinynas.study import Study

if TYPE_CHECKING:
    from tinynas.search import Task

# What a study's creation leaves behind when it is killed half-way.
_LEFT_BY_A_KILL = {"study.lock", "study.db.part", "study.db.part-journal"}

__all__ = [
    "check_folder",
    "new_folder",
    "run_session",
    "run_shared_session",
    "show_and_write",
    "termination_interrupts",
]


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
        advice = f"go on with it by `tinynas resume {as_argument(out)}`, or name another folder"
        raise ConfigError("there is already a study in this folder", where=f"--out {out}", advice=advice)
    if out.is_dir() and any(path.name not in _LEFT_BY_A_KILL for path in out.iterdir()):
        raise ConfigError("the folder is not empty", where=f"--out {out}", advice="name a new or an empty one")


def as_argument(path: Path) -> str:
    """A path as it can be typed after a command: no option, nothing for the shell, nothing for the terminal."""
    text = str(path)
    return printable(quote(f"./{text}" if text.startswith("-") else text))


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

    Args:
        study: Open for writing.
        config: Of the search.
        board: The board.
        task: The data.
        as_json: Print JSON.

    Raises:
        KeyboardInterrupt: By SIGINT or SIGTERM, after saying how to go on.
        TinynasError: What ended the search.
    """
    run_shared_session(study.folder, [study], config, [board], task, as_json=as_json)


def run_shared_session(
    folder: Path, studies: Sequence[Study], config: Config, boards: Sequence[Board], task: Task, *, as_json: bool
) -> None:
    """Like `run_session`, for several boards at once.

    Args:
        folder: What a resume has to name: that of the study, or the one that holds all studies.
        studies: One for each board, open for writing.
        config: Of the search.
        boards: The boards.
        task: The data.
        as_json: Print JSON.

    Raises:
        KeyboardInterrupt: As `run_session`.
        TinynasError: As `run_session`.
    """
    from tinynas.cli.shared_progress import watch
    from tinynas.deploy import load_tensorflow
    from tinynas.search import run_shared_search

    signals = Signals()
    try:
        with termination_interrupts() as signals, watch(studies, config, boards) as watched:
            load_tensorflow(config.training.threads)
            with host_faults_stop("run the search", where=str(folder), then="resume the search"):
                workers = config.workers or 1
                run_shared_search(studies, config, boards, task, watched, workers=workers, dask=config.dask)
    except BaseException as error:
        # Whatever was at work may have made an error of its own of the interrupt.
        interrupted = signals.interrupted or isinstance(error, KeyboardInterrupt)
        if interrupted or isinstance(error, BoardError | HostError):
            what = "interrupted" if interrupted else "stopped"
            how = f"tinynas resume {as_argument(folder)}"
            print(f"{what}: every finished step is kept; go on with: {how}", file=sys.stderr, flush=True)
        for study in studies:
            # What ended the search is the news: a report that cannot be written on top (of a full disk) is none.
            with suppress(TinynasError, OSError):
                if study.trials():
                    _write_outputs(study)
        if interrupted and not isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise
    show_and_write(folder, studies, as_json=as_json)


def show_and_write(folder: Path, studies: Sequence[Study], *, as_json: bool) -> None:
    """Print results, then write reports, models and cards: a full or read-only disk does not hide the result.

    Args:
        folder: Of the study, or the one that holds the studies of several boards.
        studies: One for each board.
        as_json: Print JSON.

    Raises:
        StudyError: A file cannot be written.
    """
    from tinynas.cli.console import print_json, print_table, stdout
    from tinynas.report import compare, comparison_table, print_result, read_view, result, write_comparison

    found = [result(study) for study in studies]
    if as_json:
        print_json(found[0] if len(found) == 1 else {"study": str(folder), "boards": found})
    else:
        for one in found:
            print_result(one, stdout())
    views = [read_view(study) for study in studies] if len(studies) > 1 else []
    if views and not as_json:
        print_table(comparison_table(compare(views)))
    sys.stdout.flush()
    for study in studies:
        _write_outputs(study)
    if views:
        write_comparison(views, folder / "report.html")


def _write_outputs(study: Study) -> None:
    """Write the report and, once there is a best network, its model and model card into the study's folder."""
    from tinynas.report import model_card, write_report
    from tinynas.study import write_file

    write_report(study, study.folder / "report.html")
    best = study.best()
    if best is not None:
        write_file(study.folder / "best.tflite", study.artefact(best.artefacts["tflite"]))
        write_file(study.folder / "model_card.md", printable(model_card(study), lines=True).encode())


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
