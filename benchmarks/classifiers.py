"""Tuning single classifiers: the tuner against its peers on SVM, gradient boosting and nearest neighbours.

    python benchmarks/classifiers.py [--problems NAME ...] [--optimisers NAME ...] [--repetitions N | --full]
        [--evaluations N] [--seed N] [--jobs N] [--cache FILE ...] [--json] [--out FILE]

The classifier experiment of Mango: three learners on iris, wine and breast cancer (`_learners`), scored by the mean
error over five folds. What a point is worth is remembered within a process, so that no optimiser pays for another's
luck with time. The table has the mean, over problems and repetitions, of the lowest error after n evaluations, and on
how many problems an optimiser ends significantly lower or higher than the tuner (Mann-Whitney, two-sided, 5 %). Seeds
and options are those of functions.py. Gradient boosting needs xgboost, and is left out without it.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np
from _common import environment, limit_threads, report
from _comparison import add_options, installed
from _learners import DATASETS, available
from _peers import find
from _ranking import direction
from _runs import Job, Run, collect, jobs_of
from rich.table import Table

LEARNERS = ("svm", "xgboost", "knn")
MARKS = (10, 20, 40)
OURS = "tinynas"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    learners = available(LEARNERS)
    for name in set(LEARNERS) - set(learners):
        print(f"{name} is left out: it is not installed", file=sys.stderr)
    add_options(parser, [f"{learner} {dataset}" for learner in learners for dataset in DATASETS], "problems")
    parser.set_defaults(evaluations=MARKS[-1])
    options = parser.parse_args()
    limit_threads(1)
    optimisers = installed(options.optimisers)
    seeds = list(range(options.seed, options.seed + options.repetitions))
    runs = collect(jobs_of(optimisers, options.problems, seeds, options.evaluations), options.cache, options.jobs)
    marks = sorted({n for n in MARKS if n < options.evaluations} | {options.evaluations})
    rows = {name: _figures(name, runs, marks) for name in optimisers}
    packages = sorted({find(name).package for name in optimisers} - {"tinynas"} | {"numpy", "scipy", "scikit-learn"})
    result = {
        "benchmark": "classifiers",
        "environment": environment(*packages),
        "evaluations": options.evaluations,
        "seeds": seeds,
        "problems": options.problems,
        "optimisers": rows,
    }
    report(options, result, _table(rows, marks))


def _ends(name: str, runs: dict[Job, Run]) -> dict[str, list[float]]:
    """Lowest error of each run, by problem."""
    ends: dict[str, list[float]] = {}
    for job, run in runs.items():
        if job.optimiser == name and run.values:
            ends.setdefault(job.problem, []).append(min(run.values))
    return ends


def _figures(name: str, runs: dict[Job, Run], marks: list[int]) -> dict[str, Any]:
    own = [run for job, run in runs.items() if job.optimiser == name]
    mine, theirs = _ends(name, runs), _ends(OURS, runs)
    lower, higher = [], []
    for problem in sorted(set(mine) & set(theirs) if name != OURS else ()):
        sense = direction(np.array(mine[problem]), np.array(theirs[problem]))
        if sense:
            (lower if sense < 0 else higher).append(problem)
    evaluated = sum(len(run.values) for run in own)
    return {
        "error": {str(n): float(np.mean([min(run.values[:n]) for run in own if run.values])) for n in marks},
        "lower_than_tinynas": lower,
        "higher_than_tinynas": higher,
        "cpu_ms_per_evaluation": round(1e3 * sum(run.seconds for run in own) / max(1, evaluated), 3),
        "runs": len(own),
        "errors": sorted({run.error for run in own if run.error}),
    }


def _table(rows: dict[str, dict[str, Any]], marks: list[int]) -> Table:
    table = Table(title="classifiers: mean of the lowest error after n evaluations", title_justify="left")
    table.add_column("optimiser")
    for title in (*(f"n = {n}" for n in marks), "lower", "higher", "CPU ms", "runs"):
        table.add_column(title, justify="right")
    for name, figures in sorted(rows.items(), key=lambda item: item[1]["error"][str(marks[-1])]):
        counts = (str(len(figures[key])) for key in ("lower_than_tinynas", "higher_than_tinynas"))
        table.add_row(
            name,
            *(f"{figures['error'][str(n)]:.2%}" for n in marks),
            *(counts if name != OURS else ("", "")),
            f"{figures['cpu_ms_per_evaluation']:.1f}",
            str(figures["runs"]),
        )
    return table


if __name__ == "__main__":
    main()
