"""The tuner where evaluations are noisy: how good the point really is that it recommends.

    python benchmarks/noisy.py [--problems NAME ...] [--repetitions N] [--evaluations N] [--noise SHARE]
        [--repeat-every N] [--cache FILE] [--json] [--out FILE]

Test functions (`testfunctions`) and spaces of networks (`_networks`), to whose values Gaussian noise is added: a tenth
of the range in which nine of ten random points lie. Judged is the value without noise of a recommended point, above
the minimum, in units of the median best of ten random points: of `Tuner.best`, the best value told, and of
`Tuner.recommended`, the evaluated point that the surrogate expects most of. Runs of the cache are not made again.

With `--repeat-every 4` every fourth evaluation repeats a known point: of the ten points that the surrogate expects most
of, the one that may be best (lowest mean less standard deviation).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import mean, median
from time import process_time
from typing import Any

import numpy as np
from _common import add_output_options, environment, limit_threads, report
from _peers import scipy_space
from _problems import Problem, problem, random_params, seed_of
from rich.table import Table

PROBLEMS = (
    *("Branin01", "SixHumpCamel", "Hartmann3", "Shekel05", "StyblinskiTang5", "Hartmann6"),
    *("NetworkSmall", "NetworkMedium", "NetworkLarge", "NetworkShort"),
)
RANDOM = 2000
# Evaluations before any is repeated.
FIRST = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS), metavar="NAME")
    parser.add_argument("--repetitions", type=int, default=5, help="runs each (default 5)")
    parser.add_argument("--evaluations", type=int, default=60, help="points a run (default 60)")
    parser.add_argument("--noise", type=float, default=0.1, help="share of the range (default 0.1)")
    parser.add_argument(
        "--repeat-every", type=int, default=0, metavar="N", help="repeat a point so often (default 0: never)"
    )
    parser.add_argument("--cache", type=Path, metavar="FILE", help="runs to take up and add to")
    add_output_options(parser)
    options = parser.parse_args()
    limit_threads(1)
    known = _read(options.cache)
    for name in options.problems:
        for seed in range(options.repetitions):
            key = {"problem": name, "seed": seed, **_way(options)}
            if not any(all(run.get(field, 0) == value for field, value in key.items()) for run in known):
                known.append({**key, **_run(problem(name), seed, options)})
                if options.cache:
                    options.cache.write_text(json.dumps(known) + "\n", encoding="utf-8")
    shown = [
        run
        for run in known
        if run["problem"] in options.problems
        and run["seed"] < options.repetitions
        and all(run.get(field, 0) == value for field, value in _way(options).items())
    ]
    result = {"benchmark": "noisy", "environment": environment("numpy", "scipy"), "runs": shown}
    report(options, result, _table(shown))


def _way(options: argparse.Namespace) -> dict[str, Any]:
    """What tells runs of one problem and seed apart."""
    return {"evaluations": options.evaluations, "noise": options.noise, "repeat_every": options.repeat_every}


def _read(cache: Path | None) -> list[dict[str, Any]]:
    return list(json.loads(cache.read_text("utf-8"))) if cache is not None and cache.exists() else []


def _run(searched: Problem, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    from tinynas.tuner import Tuner

    allows = searched.allows
    configuration: dict[str, Any] = {"sense": "minimize", "seed": seed_of(searched.name, seed)}
    if allows is not None:
        configuration["constraint"] = lambda points: [allows(point) for point in points]
    rng, unit, spread = np.random.default_rng([seed, 7]), searched.reference(), options.noise * _range(searched)
    tuner, started = Tuner(scipy_space(searched), conf_dict=configuration), process_time()
    for number in range(options.evaluations):
        again = options.repeat_every and number >= FIRST and number % options.repeat_every == 0
        point = _hopeful(tuner) if again else tuner.ask()[0]
        tuner.tell(point, searched.score(point) + rng.normal(0.0, spread))
    seconds = process_time() - started
    told, hoped = tuner.best, tuner.recommended
    assert told is not None
    assert hoped is not None
    return {
        "told": (searched.score(told[0]) - searched.minimum) / unit,
        "recommended": (searched.score(hoped[0]) - searched.minimum) / unit,
        "best_seen": (min(searched.score(point) for point, _ in tuner.observations) - searched.minimum) / unit,
        "cpu_ms": 1e3 * seconds / options.evaluations,
    }


def _hopeful(tuner: Any) -> dict[str, Any]:
    """The evaluated point that may be best."""
    points = list({tuner.space.code(point): point for point, _ in tuner.observations}.values())
    means, spreads = tuner.predict(points)
    best = np.argsort(means)[:10]
    return dict(points[best[np.argmin(means[best] - spreads[best])]])


def _range(searched: Problem) -> float:
    """In which nine of ten random points lie; the same for every run."""
    rng = np.random.default_rng(0)
    low, high = np.quantile([searched.score(random_params(searched, rng)) for _ in range(RANDOM)], (0.05, 0.95))
    return float(high - low)


def _table(runs: list[dict[str, Any]]) -> Table:
    table = Table(title="Regret without noise, median of the runs; 1: ten random points", title_justify="left")
    columns = ("told", "recommended", "best_seen", "cpu_ms")
    for column in ("problem", "runs", *columns):
        table.add_column(column, justify="left" if column == "problem" else "right")
    names = list(dict.fromkeys(run["problem"] for run in runs))
    for name in names:
        mine = [run for run in runs if run["problem"] == name]
        cells = (f"{median(run[column] for run in mine):.3g}" for column in columns)
        table.add_row(name, str(len(mine)), *cells)
    means = (f"{mean(run[column] for run in runs):.3g}" for column in columns)
    table.add_row("mean of all runs", str(len(runs)), *means)
    return table


if __name__ == "__main__":
    main()
