"""MetaTuner against others that choose an algorithm and its parameters at once (CASH).

    python benchmarks/metatuner.py [--tasks NAME ...] [--optimisers NAME ...] [--repetitions N | --full]
        [--evaluations N] [--seed N] [--limit SECONDS] [--json] [--out FILE]

Neural network, nearest neighbours, gradient boosting, decision tree and SVM on iris, wine and breast cancer (mean error
over five folds, to be minimised), and Mango's example of three lines, from bad starts (`_cash`). The rule of Mango's
MetaTuner is run as tinynas has it, and Mango's own as well, which is stopped after --limit CPU seconds a run. Mango and
Hyperopt take no starts in a choice of arms: their last task begins at random. Mann-Whitney (two-sided, 5 %) against
tinynas at the end of the budget.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from importlib.util import find_spec
from typing import Any

import numpy as np
from _cash import OPTIMISERS, Task, Watch, search, tasks
from _common import add_output_options, environment, limit_threads, report
from _comparison import FULL, QUICK
from _ranking import direction
from rich.table import Table

MARKS = (10, 20, 40)
OURS = "tinynas"


def main() -> None:
    limit_threads(1)
    everything = {task.name: task for task in tasks()}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=everything, default=list(everything), metavar="NAME")
    parser.add_argument("--optimisers", nargs="+", choices=OPTIMISERS, default=list(OPTIMISERS), metavar="NAME")
    parser.add_argument("--repetitions", type=int, default=QUICK, help=f"runs each (default {QUICK})")
    parser.add_argument("--full", action="store_const", const=FULL, dest="repetitions", help=f"{FULL} repetitions")
    parser.add_argument("--evaluations", type=int, default=MARKS[-1], help="points per run, initial ones included")
    parser.add_argument("--seed", type=int, default=0, help="of the first repetition; the others follow")
    parser.add_argument("--limit", type=float, default=60.0, help="CPU seconds a run may take beside its objective")
    add_output_options(parser)
    options = parser.parse_args()
    names = [name for name in options.optimisers if find_spec(OPTIMISERS[name][0])]
    for name in set(options.optimisers) - set(names):
        print(f"{name} is left out: {OPTIMISERS[name][0]} is not installed", file=sys.stderr)
    seeds = list(range(options.seed, options.seed + options.repetitions))
    marks = sorted({n for n in MARKS if n < options.evaluations} | {options.evaluations})
    rows = []
    for task in (everything[name] for name in options.tasks):
        runs = {name: [_run(name, task, seed, options) for seed in seeds] for name in names}
        rows += [_row(task, name, runs, marks) for name in names]
    result = {
        "benchmark": "metatuner",
        "environment": environment("numpy", "scipy", "scikit-learn"),
        "evaluations": options.evaluations,
        "limit_seconds": options.limit,
        "seeds": seeds,
        "rows": rows,
    }
    report(options, result, _table(rows, marks))


def _run(name: str, task: Task, seed: int, options: argparse.Namespace) -> Watch:
    # A short run first loads what the optimiser loads late.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name != "mango":
            search(name, Watch(task, 2 * len(task.arms) + 1, options.limit), seed + 1)
        watch = Watch(task, options.evaluations, options.limit)
        search(name, watch, seed)
    print(f"{task.name}: {name} {seed}: {min(watch.values):.4g}", file=sys.stderr, flush=True)
    return watch


def _row(task: Task, name: str, runs: dict[str, list[Watch]], marks: list[int]) -> dict[str, Any]:
    own = runs[name]
    sense = None
    if name != OURS and OURS in runs:
        sense = direction(*(np.array([min(run.values) for run in runs[who]]) for who in (name, OURS)))
    return {
        "task": task.name,
        "optimiser": name,
        "best": {str(n): float(np.mean([min(run.values[:n]) for run in own])) for n in marks},
        "against_tinynas": None if sense is None else ("lower", "no difference", "higher")[sense + 1],
        "cpu_ms_per_evaluation": round(1e3 * sum(run.seconds for run in own) / sum(len(run.values) for run in own), 2),
        "runs": len(own),
        "runs_cut_short": sum(len(run.values) < marks[-1] for run in own),
    }


def _table(rows: list[dict[str, Any]], marks: list[int]) -> Table:
    table = Table(title="metatuner: mean of the lowest value after n evaluations", title_justify="left")
    table.add_column("task")
    table.add_column("optimiser")
    for title in (*(f"n = {n}" for n in marks), "against tinynas", "CPU ms", "runs", "cut short"):
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(
            row["task"],
            row["optimiser"],
            *(f"{row['best'][str(n)]:.5g}" for n in marks),
            row["against_tinynas"] or "",
            f"{row['cpu_ms_per_evaluation']:.1f}",
            str(row["runs"]),
            str(row["runs_cut_short"]),
        )
    return table


if __name__ == "__main__":
    main()
