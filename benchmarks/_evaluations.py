"""One evaluator for every search: a network is costed, trained, converted, measured and scored as tinynas does it.

Whatever suggests the networks, their trials lie in a study, and what a search came to is read off their ends, each with
the CPU time of the search at which it was known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from tinynas.board import Board
from tinynas.config import Config
from tinynas.objective import score
from tinynas.search import Task
from tinynas.search.candidate import CandidatePipeline
from tinynas.search.problem import Problem
from tinynas.study import Study, Trial, TrialState

__all__ = ["Ends", "Evaluator", "StopTraining", "TimeIsUp", "hypervolume", "make_study", "standing_still"]

Params = Mapping[str, Any]


class StopTraining(Exception):  # no error: an optimiser's decision
    """An optimiser ends a training before its time."""


class TimeIsUp(Exception):  # no error: the end of a search
    """The CPU time of a search is used up."""


@dataclass
class Ends:
    """Observes a search: what trials came to, and when by the CPU's clock.

    Attributes:
        since: What the clock said when the search began.
        found: CPU seconds and number of each trial that is done.
    """

    since: float = field(default_factory=process_time)
    found: list[tuple[float, int]] = field(default_factory=list)

    def epoch(self, *_news: float) -> None:
        """An epoch ended."""

    def state(self, trial: Trial) -> None:
        """A trial entered another state."""
        if trial.state is TrialState.DONE and trial.duplicate_of is None:
            self.found.append((process_time() - self.since, trial.id))

    def steps(self, study: Study, problem: Problem, task: Task) -> list[dict[str, Any]]:
        """Trials that fit and were trained to the end, in their order; with test errors where one was the best so far.

        Args:
            study: That has them.
            problem: What was searched.
            task: Its data.
        """
        pipeline = CandidatePipeline(study, problem.config, problem.limits, task, lambda *_news: None, problem.engine)
        found: list[dict[str, Any]] = []
        best = float("inf")
        for cpu_s, number in self.found:
            trial = study.trial(number)
            cost, metrics = trial.measurement or {}, trial.metrics or {}
            if not trial.feasible or trial.objective is None:
                continue
            step = {
                "cpu_s": round(cpu_s, 2),
                "trial": number,
                "objective": trial.objective,
                "error_int8": metrics["error_int8"],
                "flash_bytes": cost["flash_bytes"],
                "sram_bytes": cost["sram_bytes"],
                "network": trial.key,
            }
            if trial.objective < best:
                best = trial.objective
                summary, _ = pipeline.evaluate(trial)
                step["test_error_int8"] = summary["error_int8"]
            found.append(step)
        return found


def standing_still(task: Task) -> float:
    """Joint RMSE on the validation recordings of who always says that nothing moves."""
    return float(task.evaluation(np.zeros_like(task.valid.targets), "valid").velocity.joint)


def make_study(folder: Path, config: Config, board: Board) -> Study:
    """A new study of a search."""
    return Study.create(folder, config=config.to_dict(), board=board.to_dict(), provenance={})


@dataclass
class Evaluator:
    """Evaluates what another optimiser suggests, within a limit of CPU time.

    Attributes:
        study: Where the trials lie; new.
        problem: What is searched.
        cpu_s: CPU time of the search.
        ends: What its trials came to.
        suggested: Networks that were asked about.
        rejected: Those that do not fit, which costs next to nothing.
    """

    study: Study
    problem: Problem
    cpu_s: float
    ends: Ends = field(default_factory=Ends)
    suggested: int = 0
    rejected: int = 0
    _pipeline: CandidatePipeline | None = None

    def __post_init__(self) -> None:
        p = self.problem
        self._pipeline = CandidatePipeline(self.study, p.config, p.limits, p.task, self._hear, p.engine)
        self._on_epoch: Callable[[int, float], None] = lambda _epoch, _value: None

    @property
    def spent_s(self) -> float:
        """CPU time since the search began."""
        return process_time() - self.ends.since

    def excess(self, params: Params) -> list[float]:
        """Use of flash and SRAM above the limits, as shares; not positive where a network fits."""
        network = self.problem.architecture_or_none(params)
        if network is None:
            return [1.0, 1.0]
        cost, limits = self.problem.cost(network), self.problem.limits
        return [cost.flash_bytes / limits.flash_bytes - 1.0, cost.sram_bytes / limits.sram_bytes - 1.0]

    def __call__(self, params: Params, on_epoch: Callable[[int, float], None] | None = None) -> float | None:
        """Evaluate a network.

        Args:
            params: Parameters of the search space.
            on_epoch: Called with the number of epochs and f_opt after each; may raise `StopTraining`.

        Returns:
            f_opt; None of a network that does not fit, or that the space does not have.

        Raises:
            TimeIsUp: Before or during its training.
            StopTraining: As `on_epoch` says.
        """
        if self.spent_s > self.cpu_s:
            raise TimeIsUp
        self.suggested += 1
        network = self.problem.architecture_or_none(params)
        if network is None or not self.problem.fits(network, params):
            self.rejected += 1
            return None
        self._on_epoch = on_epoch or (lambda _epoch, _value: None)
        seed = int(np.random.SeedSequence([self.problem.config.seed, self.suggested]).generate_state(1)[0])
        trial = self.study.propose(
            params=params, architecture=network.to_dict(), key=self.problem.key(params), seed=seed
        )
        assert self._pipeline is not None
        while not trial.at_rest:
            trial = self._pipeline.step(trial)
        self.ends.state(trial)
        return trial.objective if trial.feasible else None

    def _hear(self, trial: int, epoch: int, rmse: float) -> None:
        if self.spent_s > self.cpu_s:
            raise TimeIsUp
        cost = self.problem.cost(self.problem.architecture(self.study.trial(trial).params or {}))
        value = score(rmse, cost, self.problem.limits, self.problem.config.objective).value
        self._on_epoch(epoch + 1, value)


def hypervolume(points: Sequence[Sequence[float]], reference: Sequence[float]) -> float:
    """Volume between a reference point and what three quantities, all to be low, dominate; as a share of the box.

    Example:
        >>> hypervolume([(0.5, 0.5, 0.5), (0.5, 0.75, 0.25)], (1, 1, 1)), hypervolume([(2, 0.5, 0.5)], (1, 1, 1))
        (0.15625, 0.0)
    """
    inside = sorted(tuple(point) for point in points if all(a < b for a, b in zip(point, reference, strict=True)))
    if not inside:
        return 0.0
    edges = [*sorted({point[0] for point in inside}), reference[0]]
    volume = 0.0
    for left, right in pairwise(edges):
        volume += (right - left) * _area([point[1:] for point in inside if point[0] <= left], reference[1:])
    return volume / float(np.prod(reference))


def _area(points: Sequence[Sequence[float]], reference: Sequence[float]) -> float:
    """The same in two dimensions, in their units."""
    area, height = 0.0, reference[1]
    for x, y in sorted((float(x), float(y)) for x, y in points):
        if y < height:
            area += (reference[0] - x) * (height - y)
            height = y
    return area
