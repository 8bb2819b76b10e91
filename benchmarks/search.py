"""A search whose trainings pause against one that trains every candidate to the end, at equal CPU time.

    python benchmarks/search.py [--seeds 0 1 2] [--trials N] [--folder DIR] [--json] [--out FILE]

Both search the same space for a NUCLEO-F446RE on the built-in data, in one process of one thread. The first trains N
candidates to the end. The CPU time that it took is the limit of time of the second, whose clock is that of the CPU. So
this also says how well a search keeps its limit. With --folder what is finished is kept there, and not run twice; a
search that was killed goes on.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from time import process_time
from typing import Any

from _common import add_output_options, environment, limit_threads, report
from rich.table import Table

CONFIG: Mapping[str, Any] = {
    "dataset": {"window": 100, "synthetic": {"n_train": 8, "n_valid": 4, "n_test": 4, "duration_s": 40.0}},
    "space": {"filters": [4, 24]},
    "tuner": {"initial_random": 6},
    "training": {"epochs": 10, "batch_size": 64},
}
ARMS = ("whole", "paused")


class Silent:
    """Watches a search, and says nothing."""

    def epoch(self, *_news: float) -> None:
        """An epoch ended."""

    def state(self, _trial: Any) -> None:
        """A trial entered another state."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--trials", type=int, default=12, help="candidates of the first search (default 12)")
    parser.add_argument("--folder", type=Path, help="where the studies are kept")
    add_output_options(parser)
    options = parser.parse_args()
    limit_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        rows = [row for seed in options.seeds for row in compare(folder, seed, options.trials)]
    result = {
        "benchmark": "search",
        "environment": environment("tensorflow", "numpy"),
        "config": dict(CONFIG),
        "trials": options.trials,
        "runs": rows,
        "summary": summarise(rows),
    }
    report(options, result, table_of(result))


def compare(folder: Path, seed: int, trials: int) -> list[dict[str, Any]]:
    """Both searches of one seed."""
    whole = search(folder, "whole", seed, {"trials": trials})
    paused = search(folder, "paused", seed, {"minutes": whole["limit_s"] / 60})
    return [whole, paused]


def search(folder: Path, arm: str, seed: int, limit: Mapping[str, Any]) -> dict[str, Any]:
    """Run a search, or take its result from the folder.

    Args:
        folder: Of the studies and results.
        arm: Name of the search.
        seed: Its seed.
        limit: `trials`, or `minutes` of CPU time.
    """
    from tinynas.board import load_board
    from tinynas.config import config_from_mapping
    from tinynas.report import result
    from tinynas.search import load_task, run_search, rungs
    from tinynas.study import Study

    kept = folder / f"{arm}-{seed}.json"
    if kept.exists():
        found: dict[str, Any] = json.loads(kept.read_text())
        return found
    config = config_from_mapping({**CONFIG, "seed": seed, **limit}, "benchmark")
    board, path = load_board("nucleo_f446re"), folder / f"{arm}-{seed}"
    if (path / "study.db").exists():
        study = Study.open(path)
    else:
        study = Study.create(path, config=config.to_dict(), board=board.to_dict(), provenance={})
    # Legs of trainings are timed by the clock that the search plans by.
    rungs.perf_counter = process_time
    with study:
        run_search(study, config, board, load_task(config), Silent(), clock=process_time)
        outcome, all_trials = result(study), study.trials()
    row = {
        "arm": arm,
        "seed": seed,
        "candidates": len(all_trials),
        "to_the_end": sum(trial.state.value == "done" for trial in all_trials),
        "cpu_s": outcome["seconds"],
        "limit_s": outcome["seconds"] if config.minutes is None else 60 * config.minutes,
        "objective": outcome["best"]["objective"],
        "error_int8": outcome["best"]["error_int8"],
        "test_error_int8": outcome["test"]["error_int8"],
    }
    kept.write_text(json.dumps(row))
    return row


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Ratios of the second search to the first, seed by seed and on average."""
    pairs = list(zip(rows[::2], rows[1::2], strict=True))
    return {
        "error_ratio": [paused["error_int8"] / whole["error_int8"] for whole, paused in pairs],
        "mean_error_ratio": mean(paused["error_int8"] / whole["error_int8"] for whole, paused in pairs),
        "mean_test_ratio": mean(paused["test_error_int8"] / whole["test_error_int8"] for whole, paused in pairs),
        "candidate_ratio": mean(paused["candidates"] / whole["candidates"] for whole, paused in pairs),
        "cpu_of_limit": [paused["cpu_s"] / paused["limit_s"] for _, paused in pairs],
    }


def table_of(result: Mapping[str, Any]) -> Table:
    """The result for people."""
    summary = result["summary"]
    table = Table(title="error of the best network: trainings that pause, as a share of trainings to the end")
    for name in ("seed", "search", "CPU s", "candidates", "to the end", "f_opt", "validation m/s", "test m/s"):
        table.add_column(name, justify="right")
    for row in result["runs"]:
        table.add_row(
            str(row["seed"]), row["arm"], f"{row['cpu_s']:.0f}", str(row["candidates"]), str(row["to_the_end"]),
            f"{row['objective']:.4f}", f"{row['error_int8']:.4f}", f"{row['test_error_int8']:.4f}",
        )  # fmt: skip
    table.caption = (
        f"validation error x {summary['mean_error_ratio']:.3f}, test error x {summary['mean_test_ratio']:.3f}, "
        f"candidates x {summary['candidate_ratio']:.1f}"
    )
    return table


if __name__ == "__main__":
    main()
