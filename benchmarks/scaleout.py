"""What more workers bring, and what the driver costs.

    python benchmarks/scaleout.py [--trials N] [--overhead N] [--workers N] [--skip-search] [--json] [--out FILE]

Three parts. A search of a small space with one and with two local workers: trials an hour, and CPU seconds a trial. The
driver alone, with stages that answer at once: milliseconds a trial of storing, telling and asking. And many simulated
workers whose stages sleep: the share of their time in which they work. Every step of a trial is a transaction that
waits for the disk: on a slow one, set TMPDIR to a file system in memory to see the driver alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from _common import add_output_options, environment, limit_threads, report

limit_threads(1)

import psutil  # noqa: E402
from rich.table import Table  # noqa: E402
from scipy import stats  # noqa: E402

from tinynas.board import load_board  # noqa: E402
from tinynas.config import config_from_mapping  # noqa: E402
from tinynas.search import load_task, run_search  # noqa: E402
from tinynas.search.running import RunningTrials  # noqa: E402
from tinynas.search.workers import Step  # noqa: E402
from tinynas.study import Study, Trial, TrialState  # noqa: E402
from tinynas.tuner import Tuner  # noqa: E402

SEARCH = {
    "seed": 3,
    "dataset": {"window": 100, "synthetic": {"n_train": 4, "n_valid": 1, "n_test": 1, "duration_s": 60.0}},
    "space": {"filters": [4, 12], "kernel_size": [2, 5], "dilations": [1, 2, 4, 8], "blocks": [2, 4]},
    "training": {"epochs": 6},
}
SPACE = {f"x{i}": stats.uniform(0, 1) for i in range(5)}
#: What the stages of a real trial store: weights and a model of this size.
_WEIGHTS, _MODEL = b"w" * 40_000, b"m" * 15_000
_NEXT = {
    TrialState.PROPOSED: Step(TrialState.COSTED, measurement={"sram_bytes": 5000, "flash_bytes": 40_000}),
    TrialState.COSTED: Step(TrialState.TRAINED, metrics={"error_float": 0.5}, artefacts={"weights": _WEIGHTS}),
    TrialState.TRAINED: Step(TrialState.CONVERTED, artefacts={"tflite": _MODEL}),
    TrialState.CONVERTED: Step(TrialState.MEASURED, measurement={"sram_bytes": 5000}, metrics={"error_int8": 0.5}),
}


class Dummies:
    """Workers whose stages answer at once, or after a while.

    Args:
        count: Of workers.
        seconds: A training's length; the other stages take none.
    """

    def rigs(self, _board: int, /) -> None:
        """Nothing is measured."""

    def __init__(self, count: int, seconds: float = 0.0) -> None:
        self.count, self.seconds, self.busy_s = count, seconds, 0.0

    def submit(self, trial: Trial, _files: Mapping[str, bytes], _board: int = 0) -> Future[Sequence[Step]]:
        """See `Workers`."""
        future: Future[Sequence[Step]] = Future()
        step = _NEXT.get(trial.state) or Step(TrialState.DONE, objective=_objective(trial), feasible=True)
        if self.seconds and trial.state is TrialState.COSTED:
            self.busy_s += self.seconds
            timer = threading.Timer(self.seconds, future.set_result, args=([step],))
            timer.daemon = True
            timer.start()
        else:
            future.set_result([step])
        return future

    def listen(self) -> None:
        """Nothing is told."""

    def restart(self, _stage: Future[Sequence[Step]], /) -> bool:
        """Nothing is lost."""
        return False

    def close(self) -> None:
        """Nothing runs."""


def _objective(trial: Trial) -> float:
    return sum((value - 0.3) ** 2 for value in (trial.params or {}).values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=8, help="of the searches (default 8)")
    parser.add_argument("--overhead", type=int, default=1000, help="trials of the driver alone (default 1000)")
    parser.add_argument("--workers", type=int, default=1000, help="simulated workers (default 1000)")
    parser.add_argument("--sleep", type=float, default=60.0, help="seconds that their trainings take (default 60)")
    parser.add_argument("--skip-search", action="store_true", help="leave the searches out")
    add_output_options(parser)
    options = parser.parse_args()
    result: dict[str, Any] = {
        "benchmark": "scaleout",
        "environment": environment("tensorflow"),
        "overhead": overhead(options.overhead),
        "simulated": simulated(options.workers, options.sleep),
        "search": [] if options.skip_search else [searched(count, options.trials) for count in (1, 2)],
    }
    report(options, result, table(result))
    return 0


def overhead(trials: int) -> dict[str, Any]:
    """The driver of a search whose stages cost nothing."""
    with tempfile.TemporaryDirectory() as folder, _study(folder) as study:
        tuner = Tuner(SPACE, conf_dict={"sense": "minimize", "seed": 0, "design_size": 10})
        wall, cpu, asking = time.perf_counter(), time.process_time(), 0.0
        running = RunningTrials([study], Dummies(1), lambda *_news: None)
        for number in range(trials):
            before = time.process_time()
            [params] = tuner.ask()
            asking += time.process_time() - before
            running.add(study.propose(params=params, architecture={}, key=str(number), seed=number))
            for _, trial in running.finished():
                tuner.tell(trial.params or {}, trial.objective)
        spent = time.process_time() - cpu
        return {
            "trials": trials,
            "driver_cpu_ms": round(1e3 * (spent - asking) / trials, 2),
            "tuner_cpu_ms": round(1e3 * asking / trials, 2),
            "wall_ms": round(1e3 * (time.perf_counter() - wall) / trials, 2),
        }


def simulated(workers: int, seconds: float) -> dict[str, Any]:
    """Workers that sleep, two trainings each: how busy the driver keeps them. Points are drawn at random."""
    with tempfile.TemporaryDirectory() as folder, _study(folder) as study:
        crew = Dummies(workers, seconds)
        running = RunningTrials([study], crew, lambda *_news: None)
        began, cpu, proposed, trials = time.monotonic(), time.process_time(), 0, 2 * workers
        while proposed < trials or len(running):
            while proposed < trials and len(running) < workers:
                running.add(study.propose(params={}, architecture={}, key=str(proposed), seed=proposed))
                proposed += 1
            running.finished()
        wall = time.monotonic() - began
    return {
        "workers": workers,
        "training_s": seconds,
        "wall_s": round(wall, 2),
        "driver_cpu_ms": round(1e3 * (time.process_time() - cpu) / trials, 2),
        "busy": round(crew.busy_s / (workers * wall), 4),
    }


def searched(workers: int, trials: int) -> dict[str, Any]:
    """A whole search on this computer."""
    config = config_from_mapping({**SEARCH, "trials": trials}, "benchmark")
    board, task = load_board("nucleo_f446re"), load_task(config)
    with tempfile.TemporaryDirectory() as folder, _study(folder) as study:
        began = time.perf_counter()
        run_search(study, config, board, task, _Silent(), workers=workers)
        wall = time.perf_counter() - began
    return {
        "workers": workers,
        "trials": trials,
        "wall_s": round(wall, 1),
        "trials_an_hour": round(3600 * trials / wall),
    }


class _Silent:
    def epoch(self, trial: int, epoch: int, rmse: float, /) -> None:
        """Nobody watches."""

    def state(self, trial: Trial) -> None:
        """Nobody watches."""


def _study(folder: str) -> Study:
    return Study.create(Path(folder) / "study", config={}, board={}, provenance={})


def table(result: dict[str, Any]) -> Table:
    shown = Table("part", "figure", title="Scaling out")
    one, many = result["overhead"], result["simulated"]
    shown.add_row("driver", f"{one['driver_cpu_ms']} ms CPU a trial, {one['trials']} trials; {one['wall_ms']} ms wall")
    shown.add_row("tuner", f"{one['tuner_cpu_ms']} ms CPU a suggestion")
    shown.add_row(
        f"{many['workers']} simulated workers",
        f"{100 * many['busy']:.1f} % busy with trainings of {many['training_s']} s; {many['driver_cpu_ms']} ms CPU",
    )
    for row in result["search"]:
        shown.add_row(f"search, {row['workers']} workers", f"{row['trials_an_hour']} trials an hour")
    if len(result["search"]) == 2:
        first, second = result["search"]
        shown.add_row("", f"{second['trials_an_hour'] / first['trials_an_hour']:.2f} times as many")
    shown.add_row("load of this computer", f"{psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} processors")
    return shown


if __name__ == "__main__":
    sys.exit(main())
