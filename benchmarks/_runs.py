"""Runs of optimisers: timed, in processes of their own, and kept in a file so that none is made twice."""

from __future__ import annotations

import json
import logging
import multiprocessing
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from time import process_time

from _peers import Optimiser, find
from _problems import Evaluations, Problem, problem, seed_of

__all__ = ["Job", "Run", "collect", "jobs_of", "minimise", "versions_elsewhere"]

# Enough for every optimiser to load what it loads late, before the clock runs.
WARM_UP = ("Branin01", 15)
_warm: set[str] = set()


@dataclass(frozen=True)
class Job:
    """One search to make; whatever has the same fields has the same result.

    Attributes:
        optimiser: Name, with configuration, as `_peers.find` takes it.
        version: Of its package.
        problem: Name.
        evaluations: Points to evaluate, the initial ones included.
        seed: Number of the repetition; the run's own seed is made of it and the problem's name.
    """

    optimiser: str
    version: str
    problem: str
    evaluations: int
    seed: int


@dataclass(frozen=True)
class Run:
    """One search.

    Attributes:
        values: Values in the order evaluated; fewer than asked for if the optimiser gave up.
        seconds: CPU time spent outside the objective.
        proposals: Points proposed, those that were not allowed included.
        error: What the optimiser died of, if it did.
    """

    values: list[float]
    seconds: float
    proposals: int
    error: str | None = None


def minimise(optimiser: Optimiser, problem: Problem, evaluations: int, seed: int) -> Run:
    """Search once, and time it.

    Args:
        optimiser: How.
        problem: What for.
        evaluations: Points to evaluate, the initial ones included.
        seed: Of all randomness.
    """
    watched = Evaluations(problem, evaluations)
    logging.disable(logging.WARNING)
    start, error = process_time(), None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optimiser.search(watched, seed)
    except Exception as failure:  # a peer's fault is a result like another, and the other runs go on
        error = f"{type(failure).__name__}: {failure}"
    seconds = process_time() - start - watched.seconds
    logging.disable(logging.NOTSET)
    return Run(watched.values[:evaluations], seconds, watched.proposals, error)


def jobs_of(
    optimisers: Sequence[str],
    problems: Sequence[str],
    seeds: Sequence[int],
    evaluations: int,
    elsewhere: Mapping[str, str] | None = None,
) -> list[Job]:
    """All runs, an optimiser after the other, so that an interrupted benchmark has whole ones.

    Args:
        optimisers: Names.
        problems: Names.
        seeds: Numbers of the repetitions.
        evaluations: Points a run.
        elsewhere: Versions of those optimisers that ran in another environment.
    """
    of = {name: (elsewhere or {}).get(name) or find(name).version for name in optimisers}
    return [
        Job(optimiser, of[optimiser], name, evaluations, seed)
        for optimiser, seed, name in product(optimisers, seeds, problems)
    ]


def execute(job: Job) -> Run:
    """Make a run, in this process."""
    optimiser = find(job.optimiser)
    if job.optimiser not in _warm:
        minimise(optimiser, problem(WARM_UP[0]), WARM_UP[1], 0)
        _warm.add(job.optimiser)
    return minimise(optimiser, problem(job.problem), job.evaluations, seed_of(job.problem, job.seed))


def collect(jobs: Sequence[Job], caches: Sequence[Path], processes: int) -> dict[Job, Run]:
    """Runs from the files, and those that are missing made.

    Args:
        jobs: What is wanted.
        caches: Files of JSON lines; new runs are added to the first. There may be none.
        processes: How many to use; 0 makes nothing, and leaves out what is missing.
    """
    found = read(caches)
    missing = [job for job in dict.fromkeys(jobs) if job not in found] if processes else []
    if missing:
        # New processes, not forks: each loads its libraries with the number of threads set by then.
        with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
            futures = {pool.submit(execute, job): job for job in missing}
            for done, future in enumerate(as_completed(futures), start=1):
                job, run = futures[future], future.result()
                found[job] = run
                if caches:
                    append(caches[0], job, run)
                told = f" ({run.error})" if run.error else ""
                text = (
                    f"[{done}/{len(missing)}] {job.optimiser} {job.problem} {job.seed}: {run.seconds:.1f} s CPU{told}"
                )
                print(text, file=sys.stderr, flush=True)
    return {job: found[job] for job in jobs if job in found}


def versions_elsewhere(caches: Iterable[Path]) -> dict[str, str]:
    """Versions of the optimisers that files have runs of and that are not installed here; the last run's counts."""
    return {job.optimiser: job.version for job in read(caches) if not find(job.optimiser).installed}


def append(cache: Path, job: Job, run: Run) -> None:
    """Add a run to a file of JSON lines."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    with cache.open("a", encoding="utf-8") as file:
        file.write(json.dumps({**asdict(job), **asdict(run)}) + "\n")


def read(caches: Iterable[Path]) -> dict[Job, Run]:
    """Runs in files of JSON lines; what a killed benchmark wrote half of is left out."""
    found = {}
    for cache in caches:
        if not cache.exists():
            continue
        for line in cache.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue
            job = Job(**{name: record.pop(name) for name in Job.__dataclass_fields__})
            found[job] = Run(**record)
    return found
