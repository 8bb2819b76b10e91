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

Peers have their default configuration, but that Mango scores 5,000 candidates, as its README says, and never skips
its surrogate for a random point, which costs it less. Everything runs in one thread.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from time import process_time
from typing import Any

import numpy as np
from _common import add_output_options, environment, limit_threads, report
from _problems import Params, Problem, Uniform, problem, seed_of
from numpy.typing import NDArray
from rich.table import Table

# One of each dimension from 1 to 8, smooth and rugged ones.
PROBLEMS = ("Problem15", "Branin01", "Hartmann3", "Rosenbrock4", "Ackley5", "Hartmann6", "McCourt02", "Rastrigin8")
# What is chosen among in CASH: spaces of 2, 4 and 6 parameters.
ARMS = ("Branin01", "Rosenbrock4", "Hartmann6")
OBSERVATIONS = (20, 50, 80, 200)
BATCH = 5
MANGO_DOMAIN_SIZE = 5000
LARGE = (1000, 30)
# Gaps between evaluations on either side of the one named, in a CASH run.
AROUND = 2
# Packages, and what is imported of them.
IMPORTS = {"tinynas": "tinynas.tuner", "mango": "mango", "optuna": "optuna", "hyperopt": "hyperopt"}

Told = Sequence[tuple[Params, float]]
# Makes an optimiser that was told the observations; what it gives back makes as many suggestions as asked for.
Prepare = Callable[[Problem, Told, int, int], Callable[[], Any]]


class _EnoughError(BaseException):
    """Ends a run from within the objective; no mere exception, for those count as failed evaluations."""


def observations(problem: Problem, count: int, rng: np.random.Generator) -> list[tuple[Params, float]]:
    """Points and values as a search leaves them: the second half nearer and nearer to the best of the first."""
    bounds = np.array([(p.low, p.high) for p in problem.space.values() if isinstance(p, Uniform)])
    rows = rng.random((count, len(bounds)))
    told = [_told(problem, row, bounds) for row in rows[: count - count // 2]]
    best = rows[int(np.argmin([value for _, value in told]))]
    for width in np.geomspace(0.2, 0.01, count // 2):
        told.append(_told(problem, np.clip(best + width * rng.standard_normal(len(bounds)), 0.0, 1.0), bounds))
    return told


def _told(problem: Problem, row: NDArray[np.float64], bounds: NDArray[np.float64]) -> tuple[Params, float]:
    params = dict(zip(problem.space, (bounds[:, 0] + row * np.ptp(bounds, axis=1)).tolist(), strict=True))
    return params, float(problem.score(params))


# -- one suggestion ----------------------------------------------------------------------------------------------------


def _uniforms(problem: Problem) -> dict[str, Any]:
    from scipy.stats import uniform

    return {name: uniform(p.low, p.high - p.low) for name, p in problem.space.items() if isinstance(p, Uniform)}


def _tinynas(problem: Problem, told: Told, n: int, seed: int) -> Callable[[], Any]:
    from tinynas.tuner import Tuner

    tuner = Tuner(_uniforms(problem), conf_dict={"sense": "minimize", "seed": seed})
    # Every second suggestion is of another kind: half of the seeds ask for an even number, half for an odd one.
    tuner.restore(told, asked=len(told) + seed % 2)
    return lambda: tuner.ask(n)


def _mango(problem: Problem, told: Told, n: int, seed: int) -> Callable[[], Any]:
    from mango import Tuner

    def objective(points: list[Params]) -> list[float]:
        raise _EnoughError

    np.random.seed(seed)  # noqa: NPY002  # Mango draws from numpy's and Python's global generators
    random.seed(seed)
    configuration = {
        "initial_custom": [(params, -value) for params, value in told],
        "num_iteration": 1,
        "batch_size": n,
        "domain_size": MANGO_DOMAIN_SIZE,
        "exploration": 0.0,
        "log_progress": False,
    }
    tuner = Tuner(_uniforms(problem), objective, configuration)

    def suggest() -> None:
        try:
            tuner.maximize()
        except _EnoughError:
            return

    return suggest


def _optuna(sampler: str) -> Prepare:
    def prepare(problem: Problem, told: Told, n: int, seed: int) -> Callable[[], Any]:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        if sampler == "GPSampler":
            import torch

            torch.set_num_threads(1)
        uniforms = {name: p for name, p in problem.space.items() if isinstance(p, Uniform)}
        space = {name: optuna.distributions.FloatDistribution(p.low, p.high) for name, p in uniforms.items()}
        study = optuna.create_study(sampler=getattr(optuna.samplers, sampler)(seed=seed))
        study.add_trials(
            [optuna.trial.create_trial(params=params, distributions=space, value=value) for params, value in told]
        )
        return lambda: [study.ask(space) for _ in range(n)]

    return prepare


def _hyperopt(problem: Problem, told: Told, n: int, seed: int) -> Callable[[], Any]:
    from hyperopt import JOB_STATE_DONE, STATUS_OK, Domain, Trials, hp, tpe

    uniforms = {name: p for name, p in problem.space.items() if isinstance(p, Uniform)}
    domain = Domain(problem.score, {name: hp.uniform(name, p.low, p.high) for name, p in uniforms.items()})
    trials = Trials()
    for params, value in told:
        [tid] = trials.new_trial_ids(1)
        place = {
            "tid": tid,
            "cmd": domain.cmd,
            "workdir": domain.workdir,
            "idxs": {name: [tid] for name in params},
            "vals": {name: [number] for name, number in params.items()},
        }
        [trial] = trials.new_trial_docs([tid], [None], [{"status": STATUS_OK, "loss": value}], [place])
        trial["state"] = JOB_STATE_DONE
        trials.insert_trial_doc(trial)
    trials.refresh()

    def suggest() -> None:
        # Its own loop asks for one after another, too: more than one at once are draws of one and the same model.
        for i in range(n):
            tpe.suggest(trials.new_trial_ids(1), domain, trials, seed + i)

    return suggest


OPTIMISERS: dict[str, tuple[str, Prepare]] = {
    "tinynas": ("tinynas", _tinynas),
    "mango": ("mango", _mango),
    "optuna-tpe": ("optuna", _optuna("TPESampler")),
    "optuna-gp": ("optuna", _optuna("GPSampler")),
    "hyperopt": ("hyperopt", _hyperopt),
}


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


# -- choice of an algorithm and its parameters -------------------------------------------------------------------------


class Clock:
    """The objective of a CASH run: takes the CPU time between evaluations, and ends the run when that is too much.

    Attributes:
        gaps: CPU seconds before each evaluation.
    """

    def __init__(self, evaluations: int, limit: float) -> None:
        self.gaps: list[float] = []
        self._evaluations, self._limit = evaluations, limit
        self._last = process_time()

    def __call__(self, arm: Problem, params: Mapping[str, Any]) -> float:
        """Value of a point, lower is better."""
        self.gaps.append(process_time() - self._last)
        if len(self.gaps) >= self._evaluations or sum(self.gaps) > self._limit:
            raise _EnoughError
        value = arm.score(dict(params))
        self._last = process_time()
        return value


def _cash_meta(module: str) -> Callable[[Sequence[Problem], Clock, int, int], None]:
    """The MetaTuner of Mango, or of the tinynas module that keeps to its interface."""

    def run(arms: Sequence[Problem], clock: Clock, evaluations: int, seed: int) -> None:
        from importlib import import_module

        np.random.seed(seed)  # noqa: NPY002  # as above
        random.seed(seed)

        def objective_of(arm: Problem) -> Callable[[list[Params]], list[float]]:
            return lambda points: [-clock(arm, params) for params in points]

        objectives = [objective_of(arm) for arm in arms]
        spaces = [_uniforms(arm) for arm in arms]
        import_module(module).MetaTuner(spaces, objectives, n_iter=evaluations, log_progress=False).run()

    return run


def _cash_optuna(arms: Sequence[Problem], clock: Clock, evaluations: int, seed: int) -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def objective(trial: Any) -> float:
        arm = arms[trial.suggest_categorical("arm", list(range(len(arms))))]
        uniforms = {name: p for name, p in arm.space.items() if isinstance(p, Uniform)}
        point = {name: trial.suggest_float(f"{arm.name}.{name}", p.low, p.high) for name, p in uniforms.items()}
        return clock(arm, point)

    optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed)).optimize(objective, n_trials=evaluations)


def _cash_hyperopt(arms: Sequence[Problem], clock: Clock, evaluations: int, seed: int) -> None:
    from hyperopt import fmin, hp, tpe

    options = []
    for i, arm in enumerate(arms):
        uniforms = {name: p for name, p in arm.space.items() if isinstance(p, Uniform)}
        options.append((i, {name: hp.uniform(f"{arm.name}.{name}", p.low, p.high) for name, p in uniforms.items()}))
    fmin(
        lambda choice: clock(arms[choice[0]], choice[1]),
        hp.choice("arm", options),
        algo=tpe.suggest,
        max_evals=evaluations,
        rstate=np.random.default_rng(seed),
        show_progressbar=False,
        verbose=False,
    )


CASH: dict[str, tuple[str, Callable[[Sequence[Problem], Clock, int, int], None]]] = {
    "tinynas": ("tinynas.tuner.metatuner", _cash_meta("tinynas.tuner.metatuner")),
    "mango": ("mango", _cash_meta("mango")),
    "optuna-tpe": ("optuna", _cash_optuna),
    "hyperopt": ("hyperopt", _cash_hyperopt),
}


def cash(name: str, counts: Sequence[int], seeds: Sequence[int], limit: float) -> dict[str, float | None]:
    """Median CPU milliseconds between evaluations around each number of observations; None where no run came so far."""
    arms = [problem(arm) for arm in ARMS]
    found: dict[int, list[float]] = {count: [] for count in counts}
    for seed in seeds:
        evaluations = max(counts) + AROUND + 1
        clock = Clock(evaluations, limit)
        try:
            CASH[name][1](arms, clock, evaluations, seed)
        except _EnoughError:
            pass
        for count in counts:
            # The gap before evaluation `count` + 1 is that of the suggestion made with `count` observations.
            found[count] += clock.gaps[max(count - AROUND, 0) : count + AROUND + 1] if len(clock.gaps) > count else []
    return {str(count): _milliseconds(gaps) if gaps else None for count, gaps in found.items()}


# -- the rest ----------------------------------------------------------------------------------------------------------


def large(seeds: Sequence[int]) -> float:
    """Median CPU milliseconds of the tuner for one point, given many observations in many dimensions."""
    count, dimension = LARGE
    space = {f"x{i:02}": Uniform(-1.0, 1.0) for i in range(dimension)}
    what = Problem("bowl", space, lambda params: sum((x - 0.3) ** 2 for x in params.values()), 0.0)
    found = []
    for seed in seeds:
        told = observations(what, count, np.random.default_rng(seed_of(what.name, seed)))
        found.append(seconds_of(_tinynas, what, told, 1, seed))
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
            notes.append(f"{name} is left out of CASH: it has no conditional parameters")
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
