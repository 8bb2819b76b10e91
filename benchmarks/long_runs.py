"""The tuner in long runs: what a posterior of a subset of the observations costs in regret and saves in time.

    python benchmarks/long_runs.py [--limits N ...] [--evaluations N] [--seeds N] [--json] [--out FILE]

One row a limit (see `tinynas.tuner.surrogate.subset`): the median regret over seeds at some numbers of evaluations,
and the CPU seconds of the last suggestions. The largest limit stands for the exact posterior.
"""

from __future__ import annotations

import argparse
import math
import time
from statistics import median
from typing import Any

from _common import add_output_options, environment, limit_threads, report

limit_threads(1)

import numpy as np  # noqa: E402
from rich.table import Table  # noqa: E402
from scipy import stats  # noqa: E402
from testfunctions import FUNCTIONS  # noqa: E402

from tinynas.tuner.ask_tell import AskTell  # noqa: E402
from tinynas.tuner.config import TunerConfig  # noqa: E402
from tinynas.tuner.surrogate import subset  # noqa: E402

_HARTMANN = next(function for function in FUNCTIONS if function.name == "Hartmann6")


def hartmann(point: dict[str, Any]) -> float:
    """Regret of Hartmann's function in six dimensions."""
    return _HARTMANN([point[f"x{i}"] for i in range(6)]) - _HARTMANN.minimum


def rastrigin(point: dict[str, Any]) -> float:
    """Rastrigin's function of two real and two integer parameters, and a category that shifts it; minimum 0."""
    shift = {"a": 0.0, "b": 0.7, "c": 1.9}[point["kind"]]
    x = np.array([point["x0"] - 0.31, point["x1"] + 1.2, point["k0"] - 2, point["k1"] + 3])
    return float(shift + 40 + (x**2 - 10 * np.cos(2 * math.pi * x)).sum())


_SPACES = {
    "hartmann": (hartmann, {f"x{i}": stats.uniform(0, 1) for i in range(6)}),
    "rastrigin": (
        rastrigin,
        {
            "x0": stats.uniform(-5, 10),
            "x1": stats.uniform(-5, 10),
            "k0": range(-5, 6),
            "k1": range(-5, 6),
            "kind": ["a", "b", "c"],
        },
    ),
}


def run(name: str, limit: int, evaluations: int, seed: int) -> dict[str, Any]:
    """One run: the best value after each evaluation, and the CPU seconds of the last ten suggestions."""
    function, space = _SPACES[name]
    subset.POSTERIOR_LIMIT = limit
    tuner = AskTell(space, TunerConfig(seed=seed, sense="minimize"))
    best, trace, seconds = math.inf, [], []
    for _ in range(evaluations):
        started = time.process_time()
        point = tuner.ask()[0]
        seconds.append(time.process_time() - started)
        value = function(point)
        tuner.tell(point, value)
        best = min(best, value)
        trace.append(best)
    return {"trace": trace, "seconds": median(seconds[-10:])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limits", type=int, nargs="+", default=[200, 400, 100_000])
    parser.add_argument("--evaluations", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=3)
    add_output_options(parser)
    options = parser.parse_args()
    marks = [n for n in (100, 200, 400, 600, 1000) if n <= options.evaluations]
    table = Table("function", "posterior of at most", *(f"regret at {n}" for n in marks), "CPU s a suggestion")
    rows = []
    for name in _SPACES:
        for limit in options.limits:
            runs = [run(name, limit, options.evaluations, seed) for seed in range(options.seeds)]
            regret = {n: median(one["trace"][n - 1] for one in runs) for n in marks}
            seconds = median(one["seconds"] for one in runs)
            rows.append({"function": name, "limit": limit, "regret": regret, "seconds": seconds, "runs": runs})
            table.add_row(name, f"{limit}", *(f"{value:.2e}" for value in regret.values()), f"{seconds:.3f}")
    result = {"environment": environment("numpy", "scipy"), "evaluations": options.evaluations, "rows": rows}
    report(options, result, table)


if __name__ == "__main__":
    main()
