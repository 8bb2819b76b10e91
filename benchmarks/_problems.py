"""Problems in words that every optimiser's own can be translated from: parameters, a score, maybe a constraint."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import process_time
from typing import Any
from zlib import crc32

import numpy as np
from _networks import NETWORKS, PENALTY
from testfunctions import FUNCTIONS, TestFunction

__all__ = [
    "MAX_PROPOSALS",
    "Choice",
    "Evaluations",
    "Integers",
    "Params",
    "Problem",
    "Space",
    "Uniform",
    "problem",
    "random_params",
    "seed_of",
]

Params = dict[str, Any]

# An optimiser without constraints that proposes nothing allowed is stopped after so many proposals per evaluation.
MAX_PROPOSALS = 20
# Groups of ten random points whose median best is the unit of regret.
REFERENCE_GROUPS = 300
GROUP = 10


@dataclass(frozen=True)
class Uniform:
    """A real number between two others, uniform at random."""

    low: float
    high: float


@dataclass(frozen=True)
class Integers:
    """An integer from `low` to `high`, both included."""

    low: int
    high: int


@dataclass(frozen=True)
class Choice:
    """One of some values without an order."""

    values: tuple[Any, ...]


Space = Mapping[str, Uniform | Integers | Choice]


@dataclass(frozen=True)
class Problem:
    """What is to be minimised.

    Attributes:
        name: Its name, by which `problem` finds it.
        space: The parameters.
        score: Value of a point, lower is better.
        minimum: The lowest value there is.
        allows: Whether a point may be evaluated; None allows all.
        penalty: For optimisers without constraints, the value of a point that is not allowed.
    """

    name: str
    space: Space
    score: Callable[[Params], float]
    minimum: float
    allows: Callable[[Params], bool] | None = None
    penalty: float = math.inf

    def reference(self) -> float:
        """Median, over groups of ten random points, of the best value less the minimum: the unit of regret.

        The points depend on the problem's name alone, and so are the same for every optimiser and seed.
        """
        rng = np.random.default_rng(crc32(self.name.encode()))
        values = [self.score(random_params(self, rng)) for _ in range(REFERENCE_GROUPS * GROUP)]
        return float(np.median(np.reshape(values, (REFERENCE_GROUPS, GROUP)).min(axis=1))) - self.minimum


@dataclass
class Evaluations:
    """The objective of one run, as an optimiser sees it: counts, and keeps the time it takes apart."""

    problem: Problem
    budget: int
    values: list[float] = field(default_factory=list)
    proposals: int = 0
    seconds: float = 0.0

    @property
    def done(self) -> bool:
        """Whether the budget is used up, or there is no hope of that."""
        return len(self.values) >= self.budget or self.proposals >= MAX_PROPOSALS * self.budget

    def __call__(self, params: Params) -> float:
        """Value of a point; the penalty for one that is not allowed."""
        start = process_time()
        self.proposals += 1
        if self.problem.allows is None or self.problem.allows(params):
            value = self.problem.score(params)
            self.values.append(value)
        else:
            value = self.problem.penalty
        self.seconds += process_time() - start
        return value


def random_params(problem: Problem, rng: np.random.Generator) -> Params:
    """An allowed point, uniform at random."""
    while True:
        point = {name: _draw(parameter, rng) for name, parameter in problem.space.items()}
        if problem.allows is None or problem.allows(point):
            return point


def _draw(parameter: Uniform | Integers | Choice, rng: np.random.Generator) -> Any:
    if isinstance(parameter, Uniform):
        return float(rng.uniform(parameter.low, parameter.high))
    if isinstance(parameter, Integers):
        return int(rng.integers(parameter.low, parameter.high, endpoint=True))
    return parameter.values[rng.integers(len(parameter.values))]


def seed_of(name: str, seed: int) -> int:
    """Seed of a run: without the problem's name, every problem would be searched from the same design."""
    return crc32(f"{name}/{seed}".encode()) & 0x7FFFFFFF


def problem(name: str) -> Problem:
    """The test function, network space or classifier ("svm iris") of a name.

    Raises:
        KeyError: If there is none.
    """
    for function in FUNCTIONS:
        if function.name == name:
            return _of_function(function)
    learner, _, dataset = name.partition(" ")
    if dataset:
        from _learners import shared  # which needs this module

        return shared().problem(dataset, learner)
    network = NETWORKS[name]
    space: dict[str, Uniform | Integers | Choice] = {
        "filters": Integers(*network.filters),
        "kernel_size": Integers(*network.kernel_size),
        **{bit: Choice((False, True)) for bit in network.bits},
        "dropout": Uniform(*network.dropout),
        "skip_connections": Choice((False, True)),
        "norm": Choice(network.norms),
    }
    return Problem(name, space, network.score, network.minimum, network.allows, PENALTY)


def _of_function(function: TestFunction) -> Problem:
    space = {name: Uniform(low, high) for name, (low, high) in zip(function.names, function.bounds, strict=True)}
    return Problem(function.name, space, function.at, function.minimum)
