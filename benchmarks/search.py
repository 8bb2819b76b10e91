"""Searches of one board at equal CPU time: tinynas as it is and as it was, and its peers, by one evaluator.

    python benchmarks/search.py [--source oxiod:FOLDER] [--arms NAME ...] [--seeds 0 1 2] [--trials N] [--cpu S]
                                [--pit PYTHON] [--folder DIR] [--json] [--out FILE]

The board is a NUCLEO-F446RE of which a model and its runtime may have 16 KiB of SRAM and 64 KiB of flash, the frame is
north. Arms:

- `whole`: N candidates, all trained to the end, led by the surrogate alone: tinynas as it was. Its CPU time is the
  unit of the others, unless `--cpu` gives one.
- `random`: N random networks that fit, trained to the end.
- `tenth`, `fifth`, `two-fifths`: tinynas with a limit of time, of such a share of the unit.
- `front`: the same, of a fifth, for the Pareto front of error, flash and SRAM; it is compared by its hypervolume.
- `tinyodom`: TinyOdom's procedure (`_tinyodom.py`) for one unit, ten times `tenth`; needs `arm-mango`.
- `pit`: PLiNIO's PIT (`_pit_arm.py`), three strengths in a fifth of the unit; needs `--pit`.
- `optuna-tpe`, `optuna-gp`, `optuna-nsga`: Optuna's samplers with Hyperband, for a fifth of the unit; need `optuna`,
  and the second one `torch`.

All run in one process of one thread, and every clock is that of the CPU. f_opt and errors are those of int8 models that
fit. With --folder what is finished is kept there and not run twice.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from _common import add_output_options, environment, limit_threads, report, spread
from rich.table import Table

NAMES = (
    "whole", "random", "tinyodom", "tenth", "fifth", "two-fifths", "front", "pit",
    "optuna-tpe", "optuna-gp", "optuna-nsga",
)  # fmt: skip
# Arms that plan for a limit of time: what they have halfway says nothing.
PLANNED = ("tenth", "fifth", "two-fifths", "front")
LIMITS = {"sram_bytes": 16 * 1024, "flash_bytes": 64 * 1024}
# Recorded walks; and the built-in data, few of them and short trainings, so that all arms take minutes.
RECORDED: Mapping[str, Any] = {"dataset": {"window": 200, "stride": 10, "evaluation_stride": 10, "frame": "north"}}
BUILT_IN: Mapping[str, Any] = {
    "dataset": {
        "window": 100,
        "frame": "north",
        "synthetic": {"n_train": 8, "n_valid": 4, "n_test": 4, "duration_s": 40.0},
    },
    "training": {"epochs": 10, "batch_size": 64},
}
SHARED: Mapping[str, Any] = {"cost": {"engine": "aot", "compiler": "gcc"}, "objective": {"limits": LIMITS}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", default="synthetic", help="dataset (default synthetic)")
    parser.add_argument("--arms", nargs="+", choices=NAMES, default=list(NAMES), metavar="NAME")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--trials", type=int, default=24, help="candidates of `whole` and `random` (default 24)")
    parser.add_argument("--cpu", type=float, help="unit of CPU time in seconds (default: what `whole` took)")
    parser.add_argument("--pit", type=Path, help="Python of an environment with torch and PLiNIO, for `pit`")
    parser.add_argument("--folder", type=Path, help="where the studies are kept")
    add_output_options(parser)
    options = parser.parse_args()
    limit_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        runs = run_arms(options, options.folder or Path(scratch))
    result = {
        "benchmark": "search",
        "environment": environment("tensorflow", "numpy"),
        "source": options.source.partition(":")[0],
        "trials": options.trials,
        "runs": runs,
        "summary": summarise(runs),
    }
    report(options, result, table_of(result))


def run_arms(options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """All arms, seed by seed; what is kept in the folder is read from there."""
    from _evaluations import standing_still
    from _search_arms import ARMS, Scenario

    from tinynas.board import load_board
    from tinynas.config import config_from_mapping
    from tinynas.deploy import load_tensorflow
    from tinynas.search import load_task

    load_tensorflow(1)  # in nobody's time
    base = BUILT_IN if options.source == "synthetic" else RECORDED
    configuration = {**SHARED, **base, "dataset": {**base["dataset"], "source": options.source}}
    scenario, still = None, 0.0
    runs: list[dict[str, Any]] = []
    folder.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds:
        for name in options.arms:
            kept = folder / f"{name}-{seed}.json"
            if not kept.exists():
                if scenario is None:
                    task = load_task(config_from_mapping(configuration, "benchmark"))
                    still = standing_still(task)
                    scenario = Scenario(configuration, load_board("nucleo_f446re"), task, folder, options.pit)
                unit = options.cpu or _unit(folder, seed)
                found = ARMS[name](scenario, name, seed, options.trials, unit)
                unit = unit or found["cpu_s"]
                facts = {"arm": name, "seed": seed, "unit_s": unit, "standing_still": still}
                kept.write_text(json.dumps({**facts, **found}))
            runs.append(json.loads(kept.read_text()))
    return runs


def _unit(folder: Path, seed: int) -> float:
    """CPU time of `whole`; 0 before it has run."""
    kept = folder / f"whole-{seed}.json"
    return float(json.loads(kept.read_text())["cpu_s"]) if kept.exists() else 0.0


def summarise(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What arms came to at their end; those that plan for no end also at a fifth of the unit of CPU time."""
    rows = []
    for name in dict.fromkeys(run["arm"] for run in runs):
        mine = [run for run in runs if run["arm"] == name]
        for share in (None,) if name in PLANNED else (0.2, None):
            ends = [run["cpu_s"] if share is None else min(run["cpu_s"], share * run["unit_s"]) for run in mine]
            if share is not None and ends == [run["cpu_s"] for run in mine]:
                continue
            found = [_until(run, end) for run, end in zip(mine, ends, strict=True)]
            with_best = [steps for steps in found if steps]
            rows.append({
                "arm": name,
                "at_its_end": share is None,
                "seeds": len(mine),
                "found_nothing": len(found) - len(with_best),
                "cpu_s": ends,
                "of_the_unit": [end / run["unit_s"] for run, end in zip(mine, ends, strict=True)],
                **{
                    key: [_best(steps)[key] for steps in with_best]
                    for key in ("objective", "error_int8", "test_error_int8")
                },
                "hypervolume": [_volume(steps, run["standing_still"]) for run, steps in zip(mine, found, strict=True)],
            })  # fmt: skip
    return rows


def _until(run: Mapping[str, Any], end_s: float) -> list[Mapping[str, Any]]:
    return [step for step in run["steps"] if step["cpu_s"] <= end_s]


def _best(steps: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return min(steps, key=lambda step: float(step["objective"]))


def _volume(steps: Sequence[Mapping[str, Any]], still: float) -> float:
    from _evaluations import hypervolume

    shares = [
        (step["error_int8"], step["flash_bytes"] / LIMITS["flash_bytes"], step["sram_bytes"] / LIMITS["sram_bytes"])
        for step in steps
    ]
    return hypervolume(shares, (still, 1.0, 1.0))


def table_of(result: Mapping[str, Any]) -> Table:
    """The result for people."""
    table = Table(title=f"{result['source']}: the best int8 network that fits, mean +- standard deviation of seeds")
    for name in ("search", "of the unit", "CPU s", "seeds", "f_opt", "validation m/s", "test m/s", "hypervolume"):
        table.add_column(name, justify="left" if name == "search" else "right")
    for row in result["summary"]:
        seeds = f"{row['seeds']}, {row['found_nothing']} in vain" if row["found_nothing"] else str(row["seeds"])
        figures = [("objective", 4), ("error_int8", 3), ("test_error_int8", 3), ("hypervolume", 3)]
        spent = f"{mean(row['of_the_unit']):.2f}", f"{mean(row['cpu_s']):.0f}"
        table.add_row(row["arm"], *spent, seeds, *(spread(row[key], digits) for key, digits in figures))
    return table


if __name__ == "__main__":
    main()
