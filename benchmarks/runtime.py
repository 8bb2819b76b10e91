"""How long an optimiser thinks: CPU time to sample the next evaluation, for the tuner and its peers.

    python benchmarks/runtime.py [--functions NAME ...] [--observations N ...] [--repetitions N] [--optimisers NAME ...]
        [--limit SECONDS] [--seed N] [--json] [--out FILE]

Sequential (one point) and batch (five at once, time per point): a fresh optimiser is given the observations, and the
next points are asked of it, so nothing that it might have kept from earlier suggestions helps. What a process loads at
the first suggestion is loaded before. Observations are the same for everybody and fall as in a search: half of them
anywhere, half around the best. The figure is the median over functions of the mean over repetitions: the tuner's
suggestions are of two kinds in turn, one cheaper than the other, and both count alike. CASH (choice of an algorithm and
its parameters) is timed within whole runs, by the gaps between evaluations around the number of observations named:
there is no other way that all have in common.

Peers have their default configuration; only Mango scores 5,000 candidates, as its README says, and outside of CASH
never takes a random point in place of its surrogate's. Everything runs in one thread.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from time import process_time
from typing import Any

import numpy as np
from _cash import OPTIMISERS as CASH
from _cash import gaps as cash_gaps
from _common import add_output_options, environment, limit_threads, report
from _fresh import OPTIMISERS, Prepare, Told
from _problems import Params, Problem, Uniform, problem, seed_of
from numpy.typing import NDArray
from rich.table import Table

# One of each dimension from 1 to 8, smooth and rugged ones.
PROBLEMS = ("Problem15", "Branin01", "Hartmann3", "Rosenbrock4", "Ackley5", "Hartmann6", "McCourt02", "Rastrigin8")
OBSERVATIONS = (20, 50, 80, 200)
BATCH = 5
LARGE = (1000, 30)
# Gaps between evaluations on either side of the one named, in a CASH run.
AROUND = 2
# Packages, and what is imported of them.
IMPORTS = {"tinynas": "tinynas.tuner", "mango": "mango", "optuna": "optuna", "hyperopt": "hyperopt"}


def observations(problem: Problem, count: int, rng: np.random.Generator) -> list[tuple[Params, float]]:
    """Points and values as a search leaves them: the second half nearer and nearer to the best of the first."""
    bounds = np.array([(p.low, p.high) for p in problem.space.values() if isinstance(p, Uniform)])
    rows = rng.random((count, len(bounds)))
    told = [_told(problem, row, bounds) for row in rows[: count - count // 2]]
    best = rows[int(np.argmin([value for _, value in told]))]
    widths = np.geomspace(0.2, 0.01, count // 2)
    near = np.clip(best + widths[:, None] * rng.standard_normal((len(widths), len(bounds))), 0.0, 1.0)
    return told + [_told(problem, row, bounds) for row in near]


def _told(problem: Problem, row: NDArray[np.float64], bounds: NDArray[np.float64]) -> tuple[Params, float]:
    params = dict(zip(problem.space, (bounds[:, 0] + row * np.ptp(bounds, axis=1)).tolist(), strict=True))
    return params, float(problem.score(params))


def seconds_of(prepare: Prepare, problem: Problem, told: Told, n: int, seed: int) -> float:
    """CPU seconds of a fresh optimiser for each of n points asked for at once."""
    suggest = prepare(problem, told, n, seed)
    start = process_time()
    suggest()
    return (process_time() - start) / n


def times(
    prepare: Prepare, problems: Sequence[Problem], counts: Sequence[int], n: int, seeds: Sequence[int]
) -> dict[str, float]:
    """Median over problems of the mean CPU milliseconds over seeds, for each number of observations."""
    seconds_of(prepare, problems[0], observations(problems[0], min(counts), np.random.default_rng(0)), n, 0)
    medians = {}
    for count in counts:
        found = []
        for what in problems:
            runs = []
            for seed in seeds:
                told = observations(what, count, np.random.default_rng(seed_of(what.name, seed)))
                runs.append(seconds_of(prepare, what, told, n, seed))
            found.append(float(np.mean(runs)))
        medians[str(count)] = _milliseconds(found)
    return medians


def _milliseconds(seconds: Sequence[float]) -> float:
    return round(1e3 * float(np.median(seconds)), 2)


def cash(name: str, counts: Sequence[int], seeds: Sequence[int], limit: float) -> dict[str, float | None]:
    """Median CPU milliseconds between evaluations around each number of observations; None where no run came so far."""
    found: dict[int, list[float]] = {count: [] for count in counts}
    for seed in seeds:
        gaps = cash_gaps(name, max(counts) + AROUND + 1, seed, limit)
        for count in counts:
            # The gap before evaluation `count` + 1 is that of the suggestion made with `count` observations.
            found[count] += gaps[max(count - AROUND, 0) : count + AROUND + 1] if len(gaps) > count else []
    return {str(count): _milliseconds(some) if some else None for count, some in found.items()}


def large(seeds: Sequence[int]) -> float:
    """Median CPU milliseconds of the tuner for one point, given many observations in many dimensions."""
    count, dimension = LARGE
    space = {f"x{i:02}": Uniform(-1.0, 1.0) for i in range(dimension)}
    what = Problem("bowl", space, lambda params: sum((x - 0.3) ** 2 for x in params.values()), 0.0)
    found = []
    for seed in seeds:
        told = observations(what, count, np.random.default_rng(seed_of(what.name, seed)))
        found.append(seconds_of(OPTIMISERS["tinynas"][1], what, told, 1, seed))
    return _milliseconds(found)


def import_seconds(module: str, repetitions: int = 5) -> float:
    """Median CPU seconds to import a module in a fresh process that has imported nothing else."""
    script = f"from time import process_time as t; s = t(); import {module}; print(t() - s)"
    runs = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        for _ in range(repetitions)
    ]
    return round(float(np.median([float(run.stdout.split()[-1]) for run in runs])), 3)


def _importable(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def table(result: dict[str, Any]) -> Table:
    view = Table(title="CPU milliseconds to sample the next evaluation, median, one thread", title_justify="left")
    view.add_column("mode")
    view.add_column("optimiser")
    for count in result["observations"]:
        view.add_column(f"n = {count}", justify="right")
    for mode, key in (("sequential", "sequential_ms"), (f"batch of {BATCH}, each", "batch_ms"), ("CASH", "cash_ms")):
        for name, figures in result[key].items():
            view.add_row(mode, name, *("not reached" if x is None else f"{x:.1f}" for x in figures.values()))
    if result["large_ms"] is not None:
        view.add_section()
        view.add_row(f"{LARGE[0]} observations, {LARGE[1]} parameters", "tinynas", f"{result['large_ms']:.0f}")
    view.add_section()
    for module, seconds in result["import_s"].items():
        view.add_row("import, CPU s", module, f"{seconds:.2f}")
    view.caption = "\n".join(result["notes"]) or None
    view.caption_justify = "left"
    return view


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--functions", nargs="+", metavar="NAME", default=list(PROBLEMS), help="continuous ones")
    parser.add_argument("--observations", type=int, nargs="+", metavar="N", default=list(OBSERVATIONS))
    parser.add_argument("--optimisers", nargs="+", choices=list(OPTIMISERS), default=list(OPTIMISERS))
    parser.add_argument("--repetitions", type=int, default=4, help="of each measurement; even, for two kinds alternate")
    parser.add_argument("--limit", type=float, default=60.0, help="CPU seconds after which a CASH run is given up")
    parser.add_argument("--seed", type=int, default=0, help="of the first repetition; the others follow")
    add_output_options(parser)
    options = parser.parse_args()
    limit_threads(1)
    counts, notes = sorted(set(options.observations)), []
    seeds = range(options.seed, options.seed + options.repetitions)
    problems = [problem(name) for name in options.functions]
    result: dict[str, Any] = {"sequential_ms": {}, "batch_ms": {}, "cash_ms": {}}
    for name in options.optimisers:
        package, prepare = OPTIMISERS[name]
        if not _importable(package):
            notes.append(f"{name} is left out: {package} is not installed")
            continue
        result["sequential_ms"][name] = times(prepare, problems, counts, 1, seeds)
        result["batch_ms"][name] = times(prepare, problems, counts, BATCH, seeds)
    for name in options.optimisers:
        if name not in CASH:
            notes.append(f"{name} is left out of CASH: it does not model conditional parameters")
        elif _importable(CASH[name][0]):
            result["cash_ms"][name] = cash(name, counts, seeds, options.limit)
        elif name in result["sequential_ms"]:
            notes.append(f"{name} is left out of CASH: there is no {CASH[name][0]}")
    packages = {OPTIMISERS[name][0] for name in result["sequential_ms"]}
    distributions = sorted({"mango": "arm-mango"}.get(package, package) for package in packages - {"tinynas"})
    result = {
        "benchmark": "runtime",
        "environment": environment("numpy", "scipy", *distributions),
        "functions": options.functions,
        "observations": counts,
        "seeds": list(seeds),
        "batch": BATCH,
        **result,
        "large_ms": large(seeds) if "tinynas" in packages else None,
        "import_s": {IMPORTS[p]: import_seconds(IMPORTS[p]) for p in IMPORTS if p in packages},
        "notes": notes,
    }
    report(options, result, table(result))


if __name__ == "__main__":
    main()
