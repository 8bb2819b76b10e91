"""The command line, the result and the tables that comparisons of optimisers share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _common import add_output_options, environment, limit_threads, report
from _peers import BY_DEFAULT, NAMES, find
from _problems import problem
from _ranking import SIGNIFICANCE, best_seen, summary
from _runs import Job, Run, collect, jobs_of, versions_elsewhere
from rich.console import Group
from rich.table import Table

__all__ = ["FULL", "QUICK", "add_options", "compare_optimisers", "installed"]

QUICK, FULL = 5, 30
MARKS = (20, 40, 80)
OURS = ("tinynas", "tinynas-batch")


def add_options(parser: argparse.ArgumentParser, problems: Sequence[str], what: str) -> None:
    """Add what both comparisons can be told."""
    named = f"{', '.join(NAMES)}; with configuration as in mango:domain_size=None"
    parser.add_argument(
        f"--{what}", dest="problems", nargs="+", metavar="NAME", default=list(problems), choices=problems
    )
    parser.add_argument("--optimisers", nargs="+", metavar="NAME", default=list(BY_DEFAULT), help=named)
    parser.add_argument("--repetitions", type=int, default=QUICK, help=f"runs each (default {QUICK})")
    parser.add_argument("--full", action="store_const", const=FULL, dest="repetitions", help=f"{FULL} repetitions")
    parser.add_argument("--evaluations", type=int, default=MARKS[-1], help="points per run, initial ones included")
    parser.add_argument("--seed", type=int, default=0, help="of the first repetition; the others follow")
    parser.add_argument("--jobs", type=int, default=1, help="processes; 0 reports what the cache has")
    parser.add_argument("--cache", type=Path, nargs="+", default=[], metavar="FILE", help="runs to take up and add to")
    parser.add_argument("--per-problem", "--per-function", action="store_true", help="a table of the problems as well")
    add_output_options(parser)


def compare_optimisers(options: argparse.Namespace, benchmark: str, notes: Sequence[str] = ()) -> None:
    """Make the runs, and print what they say."""
    limit_threads(1)
    elsewhere = {} if options.jobs else versions_elsewhere(options.cache)
    optimisers = installed(options.optimisers, elsewhere)
    seeds = list(range(options.seed, options.seed + options.repetitions))
    jobs = jobs_of(optimisers, options.problems, seeds, options.evaluations, elsewhere)
    runs = collect(jobs, options.cache, options.jobs)
    curves, units = _curves(runs, options.evaluations)
    marks = sorted({n for n in MARKS if n < options.evaluations} | {options.evaluations})
    peers = {find(job.optimiser).package: job.version for job in runs}
    result: dict[str, Any] = {
        "benchmark": benchmark,
        "environment": {**peers, **environment("numpy", "scipy")},
        "evaluations": options.evaluations,
        "seeds": seeds,
        "seed_of_a_run": "crc32 of '<problem>/<seed>', without the highest bit",
        "notes": list(notes),
        "units": units,
        **summary(curves, marks),
    }
    for name, figures in result["optimisers"].items():
        figures.update(_costs([run for job, run in runs.items() if job.optimiser == name], options.evaluations))
    tables = [_main_table(result, marks)]
    if any(name in curves for name in OURS):
        tables.append(_losses(result))
    if options.per_problem:
        tables.append(_per_problem(result))
    report(options, result, Group(*tables, *notes))


def installed(names: Sequence[str], elsewhere: Container[str] = ()) -> list[str]:
    """Those of the optimisers whose package is installed, or whose runs another environment made; others are named."""
    kept = []
    for name in names:
        optimiser = find(name)
        if name in elsewhere or optimiser.installed:
            kept.append(name)
        else:
            print(f"{name} is left out: {optimiser.package} is not installed", file=sys.stderr)
    return kept


def _curves(runs: dict[Job, Run], evaluations: int) -> tuple[dict[str, dict[str, Any]], dict[str, float]]:
    problems = {job.problem: problem(job.problem) for job in runs}
    units = {name: what.reference() for name, what in problems.items()}
    rows: dict[str, dict[str, list[Any]]] = {}
    for job, run in runs.items():
        curve = best_seen(run.values, problems[job.problem].minimum, units[job.problem], evaluations)
        rows.setdefault(job.optimiser, {}).setdefault(job.problem, []).append(curve)
    return {name: {key: np.array(some) for key, some in of_one.items()} for name, of_one in rows.items()}, units


def _costs(runs: Sequence[Run], evaluations: int) -> dict[str, Any]:
    evaluated = sum(len(run.values) for run in runs)
    return {
        "cpu_ms_per_evaluation": round(1e3 * sum(run.seconds for run in runs) / max(1, evaluated), 3),
        "proposals_per_evaluation": round(sum(run.proposals for run in runs) / max(1, evaluated), 3),
        "errors": sorted({run.error for run in runs if run.error}),
        "runs_cut_short": sum(len(run.values) < evaluations for run in runs),
    }


def _main_table(result: dict[str, Any], marks: Sequence[int]) -> Table:
    title = f"{result['benchmark']}: regret after n evaluations (1: ten random points, geometric mean of medians)"
    table = Table(title=title, title_justify="left")
    table.add_column("optimiser")
    names = [
        *(f"n = {n}" for n in marks),
        "runs to 1 %",
        "evaluations",
        "CPU ms",
        "Borda",
        "problems",
        "runs",
        "cut short",
    ]
    for name in names:
        table.add_column(name, justify="right")
    for name, figures in sorted(result["optimisers"].items(), key=lambda item: item[1]["regret"][str(marks[-1])]):
        needed = figures["evaluations_to_1_percent"]
        table.add_row(
            name,
            *(f"{figures['regret'][str(n)]:.2g}" for n in marks),
            f"{figures['share_to_1_percent']:.0%}",
            f"{needed:.0f}" if needed is not None else f"> {marks[-1]}",
            f"{figures['cpu_ms_per_evaluation']:.1f}",
            *(str(figures[key]) for key in ("borda", "problems", "runs", "runs_cut_short")),
        )
    return table


def _losses(result: dict[str, Any]) -> Table:
    chance = f"equals would lose {SIGNIFICANCE / 2:.1%} of the comparisons by chance"
    table = Table(title=f"Mann-Whitney, {SIGNIFICANCE:.0%} two-sided; {chance}", title_justify="left")
    for name in ("optimiser", "against", "better", "by area", "worse", "by area", "worse in final regret on"):
        table.add_column(name, overflow="fold")
    for ours in (name for name in result["optimisers"] if name.partition(":")[0] in OURS):
        figures = result["optimisers"][ours]
        for other in (name for name in result["optimisers"] if name != ours):
            empty: dict[str, list[str]] = {"final": [], "area": []}
            won, lost = figures["better_than"].get(other, empty), figures["worse_than"].get(other, empty)
            counts = (len(group[how]) for group in (won, lost) for how in ("final", "area"))
            table.add_row(ours, other, *map(str, counts), ", ".join(lost["final"]))
    return table


def _per_problem(result: dict[str, Any]) -> Table:
    table = Table(title="median final regret; ! significantly higher than the best one's", title_justify="left")
    table.add_column("problem")
    for name in result["optimisers"]:
        table.add_column(name, justify="right")
    for name, regrets in result["final_regret"].items():
        best = min(regrets, key=lambda optimiser: regrets[optimiser])
        cells = []
        for optimiser, figures in result["optimisers"].items():
            worse = name in figures["worse_than"].get(best, {}).get("final", [])
            cells.append(f"{regrets[optimiser]:.1e}{'!' if worse else ' '}" if optimiser in regrets else "")
        table.add_row(name, *cells)
    return table
