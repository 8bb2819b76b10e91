"""The search: suggest -> cost -> gate -> train -> convert -> measure -> score -> store, until trials or time run out.

The study is the only state, and this process alone writes it. Suggestions are a function of the finished trials before
them, of those at work and of the seed, and a trial's randomness of the seed and its number, so with one worker a search
that was killed goes on with the same suggestions as one that was not.

A search for several boards has a study for each, with the same trials under the same numbers. The boards' tuners take
turns, and each network is trained once (`sharing`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter

from tinynas.board import Board
from tinynas.config import Config
from tinynas.deploy import load_tensorflow
from tinynas.errors import NoFeasibleCandidate
from tinynas.search.bench import choose_compiler, known_toolchain
from tinynas.search.board_search import BoardSearch
from tinynas.search.budget import Budget
from tinynas.search.candidate import CandidatePipeline
from tinynas.search.conclusion import Tested, conclude
from tinynas.search.crew_watch import watch_crew
from tinynas.search.listeners import announce
from tinynas.search.observer import Observer
from tinynas.search.pace import Pace
from tinynas.search.problem import Problem
from tinynas.search.sharing import align
from tinynas.search.suggestions import Suggestions
from tinynas.search.task import Task
from tinynas.search.under_way import SearchUnderWay
from tinynas.search.workers import Setup, hire
from tinynas.study import Study

__all__ = ["run_search", "run_shared_search"]


def run_search(
    study: Study,
    config: Config,
    board: Board,
    task: Task,
    observer: Observer,
    *,
    workers: int = 1,
    dask: str | None = None,
    clock: Callable[[], float] = perf_counter,
) -> None:
    """Run a search, or what is left of one, and write its summary and the best trial's evaluation into the study.

    Args:
        study: Open for writing; empty, or from a search that was interrupted.
        config: The configuration the study was created with, perhaps with more trials or minutes.
        board: The board the study was created for.
        task: The data.
        observer: What is told about the progress. The configuration's listeners are told as well.
        workers: Processes that run the stages of trials; 1 runs them in this one. With one worker the same seed makes
            the same search; with more, or with a limit of time, suggestions depend on how long trainings take.
        dask: Address of a Dask scheduler: the stages run on its workers instead.
        clock: Seconds, monotonic.

    Raises:
        NoFeasibleCandidate: Nothing in the space fits; the message has the smallest candidate's cost.
        TinynasError: Something that concerns the search as a whole. Every finished step is kept.
    """
    run_shared_search([study], config, [board], task, [observer], workers=workers, dask=dask, clock=clock)


def run_shared_search(
    studies: Sequence[Study],
    config: Config,
    boards: Sequence[Board],
    task: Task,
    observers: Sequence[Observer],
    *,
    workers: int = 1,
    dask: str | None = None,
    clock: Callable[[], float] = perf_counter,
) -> None:
    """Run one search for several boards: each network is trained once, and each board has its own best.

    Args:
        studies: One for each board, open for writing.
        config: As of `run_search`; trials and minutes are those of the whole search.
        boards: In the order of the studies, which is the order in which their tuners suggest.
        task: The data.
        observers: One for each board.
        workers: As of `run_search`.
        dask: As of `run_search`; not with `mode: hil`.
        clock: Seconds, monotonic.

    Raises:
        NoFeasibleCandidate: For one of the boards no network fits. Those of the others are tested before.
        TinynasError: As `run_search`.
    """
    with announce(studies, config, boards, observers) as told:
        began = clock()
        if workers == 1 and dask is None:  # others load it themselves
            load_tensorflow(config.training.threads)
        config = choose_compiler(config)
        problems = [Problem(board, task, config) for board in boards]
        cheapest = [problem.require_feasible() for problem in problems]
        align(studies)
        setup = Setup(config, boards[0], task, studies[0].folder, tuple(boards[1:]))

        def on_epoch(trial: int, epoch: int, rmse: float) -> None:
            for observer in told:
                observer.epoch(trial, epoch, rmse)

        crew = hire(setup, on_epoch, count=workers, dask=dask, toolchain=known_toolchain(studies[0], config))
        try:
            pace = Pace(config.pauses, config.training.epochs)
            earlier = max(float(study.summary.get("seconds", 0.0)) for study in studies)
            budget = Budget(config, pace, clock, began, earlier, crew.count, len(boards))
            shared = len(studies) > 1
            sides = [
                BoardSearch(study, problem, Suggestions(problem, study, params, shared=shared))
                for study, problem, params in zip(studies, problems, cheapest, strict=True)
            ]
            search = SearchUnderWay(sides, crew, budget, told)
            with watch_crew(studies, boards, config, crew):
                search.explore()
                search.train_finally()
        finally:
            crew.close()
        _conclude(sides, task, budget, [search.early(side) for side in sides])


def _conclude(sides: Sequence[BoardSearch], task: Task, budget: Budget, early: Sequence[str | None]) -> None:
    """Conclude for every board, and only then say that there is none for one of them."""
    missed, tested = list[NoFeasibleCandidate](), Tested()
    for side, why in zip(sides, early, strict=True):
        problem = side.problem
        pipeline = CandidatePipeline(side.study, problem.config, problem.limits, task, _unheard, problem.engine)
        try:
            conclude(side.study, problem, pipeline, budget, why, tested)
        except NoFeasibleCandidate as error:
            missed.append(error)
    if missed:
        raise missed[0]


def _unheard(*_epoch: float) -> None:
    """Nothing is trained any more."""
