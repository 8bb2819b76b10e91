"""A search on a Dask cluster that loses a worker, a board and its driver on the way, and ends with the result.

    python benchmarks/scale_demo.py [--trials N] [--folder DIR] [--json] [--out FILE]

The cluster is local: a worker that trains, and one with two virtual boards. The search runs as `tinynas search --dask`,
a process of its own that is killed half-way and resumed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from _common import add_output_options, environment, limit_threads, report
from rich.table import Table

from tinynas.children import run_module
from tinynas.errors import TinynasError
from tinynas.study import Study, TrialState

BOARD = "nucleo_f446re"
CONFIG = """
mode: hil
trials: {trials}
hil: {{link: virtual}}
dataset: {{window: 64, frame: body, stride: 40, synthetic: {{n_train: 2, n_valid: 1, n_test: 1, duration_s: 15}}}}
space: {{filters: [2, 6], kernel_size: [2, 4], dilations: [1, 2, 4, 8], blocks: [1, 3]}}
tuner: {{initial_random: 3}}
training: {{epochs: 2, batch_size: 32}}
conversion: {{calibration_windows: 20}}
"""
# Nothing here takes so long, on the slowest machine.
_DEADLINE_S = 900.0
_POLL_S = 0.05

Event = dict[str, Any]


def main() -> int:
    limit_threads(1)
    os.environ["DASK_LOGGING__DISTRIBUTED"] = "critical"  # what is killed here on purpose is no news
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=4, help="candidates (default 4)")
    parser.add_argument("--folder", type=Path, help="of the study, which stays (default: one that is removed)")
    add_output_options(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scale-demo-") as scratch:
        result = demonstrate(Path(scratch), options.folder or Path(scratch) / "study", options.trials)
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    result["cpu_seconds"] = round(sum(one.ru_utime + one.ru_stime for one in spent), 1)
    report(options, result, table(result))
    return int(result["trials"] != options.trials or result["best"] is None or not result["kept"])


def demonstrate(scratch: Path, folder: Path, trials: int) -> dict[str, Any]:
    """Run the search; what was lost, when, and what it ended with."""
    began, events = time.monotonic(), list[Event]()

    def note(what: str, **more: Any) -> None:
        events.append({"second": round(time.monotonic() - began, 1), "what": what, **more})
        print(f"{events[-1]['second']:6.1f} s  {what}", file=sys.stderr, flush=True)

    config, log = scratch / "demo.yaml", scratch / "search.log"
    config.write_text(CONFIG.format(trials=trials), encoding="utf-8")
    with _cluster() as (address, process_of):
        note("a scheduler, a worker that trains, and one with two virtual boards")
        with _tinynas(
            scratch, "search", "--board", BOARD, "--config", config, "--dask", address, "--out", folder, "--json"
        ) as driver:
            _until(lambda: bool(_states(folder, TrialState.COSTED)), driver, log)
            trainer, desk = process_of("trainer"), process_of("desk")
            trainer.kill()
            note("SIGKILL of the worker that trains; its nanny starts another one")
            _kill_emulator(desk, driver, log)
            note("SIGKILL of a virtual board in the middle of a measurement")
            _until(lambda: len(_states(folder, TrialState.DONE)) >= 1, driver, log)
            kept = _states(folder, TrialState.DONE)
            driver.kill()
            driver.wait()
        note("SIGKILL of the driver", finished=len(kept))
        with _tinynas(scratch, "resume", folder, "--json") as driver:
            text = driver.communicate(timeout=_DEADLINE_S)[0]
        if driver.returncode:
            raise SystemExit((scratch / "resume.log").read_text(encoding="utf-8"))
        note("tinynas resume has come to the end")
    found = json.loads(text)
    with Study.open(folder, readonly=True) as study:
        stored = {trial.id: trial.objective for trial in study.trials()}
    return {
        "benchmark": "scale_demo",
        "environment": environment("distributed"),
        "seconds": round(time.monotonic() - began, 1),
        "events": events,
        "trials": found["trials"],
        "kept": all(stored.get(trial) == objective for trial, objective in kept.items()),
        "best": found["best"],
    }


@contextmanager
def _cluster() -> Iterator[tuple[str, Callable[[str], psutil.Process]]]:
    """A local cluster: its address, and the process in which a worker's steps run now."""
    from distributed import Client, Nanny, Scheduler, SpecCluster

    quiet = {"dashboard_address": "127.0.0.1:0"}
    workers = {
        "trainer": {"cls": Nanny, "options": {"nthreads": 1, "name": "trainer", **quiet}},
        "desk": {"cls": Nanny, "options": {"nthreads": 2, "name": "desk", "resources": {f"board:{BOARD}": 2}, **quiet}},
    }
    scheduler = {"cls": Scheduler, "options": {"protocol": "tcp://", "host": "127.0.0.1", **quiet}}
    with (
        SpecCluster(workers=workers, scheduler=scheduler) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        client.wait_for_workers(2, timeout=_DEADLINE_S)

        def process_of(name: str) -> psutil.Process:
            pids = client.run(_name_and_process)
            return psutil.Process(next(pid for found, pid in pids.values() if found == name))

        yield cluster.scheduler_address, process_of


def _name_and_process(dask_worker: Any) -> tuple[str, int]:
    return dask_worker.name, os.getpid()


@contextmanager
def _tinynas(scratch: Path, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    command = run_module("tinynas", *map(str, arguments))
    with (
        (scratch / f"{arguments[0]}.log").open("w", encoding="utf-8") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def _states(folder: Path, least: TrialState) -> dict[int, float | None]:
    """Trials that are, or were, in a state, with their objectives; a reader of a study that is being written."""
    with suppress(TinynasError), Study.open(folder, readonly=True) as study:
        return {trial.id: trial.objective for trial in study.trials() if least in trial.times}
    return {}


def _until(happened: Callable[[], bool], driver: subprocess.Popen[str], log: Path) -> None:
    """Wait for something that happens before the search ends."""
    deadline = time.monotonic() + _DEADLINE_S
    while not happened():
        if driver.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{log.read_text(encoding='utf-8')}\nthe search ended too early, with {driver.poll()}")
        time.sleep(_POLL_S)


def _kill_emulator(worker: psutil.Process, driver: subprocess.Popen[str], log: Path) -> None:
    """Kill a virtual board of a worker as soon as there is one."""

    def killed() -> bool:
        for child in worker.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if "tinynas.hil.emulator" in child.cmdline():
                    child.kill()
                    return True
        return False

    _until(killed, driver, log)


def table(result: dict[str, Any]) -> Table:
    shown = Table("second", "what", title="A search that loses a worker, a board and its driver")
    for event in result["events"]:
        shown.add_row(f"{event['second']:.1f}", event["what"])
    best = result["best"]
    shown.add_row(
        f"{result['seconds']:.1f}",
        f"{result['trials']} trials; the best: trial {best['trial']}, error {best['error_int8']:.3f} m/s, SRAM "
        f"{best['sram_bytes']}, flash {best['flash_bytes']} bytes, {best['latency_us']:.0f} us; "
        + ("finished trials kept" if result["kept"] else "FINISHED TRIALS LOST")
        + f"; {result['cpu_seconds']} CPU seconds in all",
    )
    return shown


if __name__ == "__main__":
    sys.exit(main())
