"""The first points: a space-filling sequence that steps over what is forbidden or taken."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import SpaceError
from tinynas.tuner.config import TunerConfig
from tinynas.tuner.space import MAX_TRIES, PointCode, Space

__all__ = ["design_points", "explores"]

# Sobol numbers exist for so many dimensions; a space with more gets plain random points.
MAX_SOBOL_DIMENSIONS = 21_201
FIRST_BLOCK = 32
# Of so many points that many promising ones are tried, and one whatever it promises.
AMONG, PROMISING = 32, 3


def design_points(space: Space, seed: int, n: int, taken: set[PointCode]) -> list[PointCode]:
    """The next points of a randomly shifted Sobol sequence.

    The sequence always starts from its beginning and steps over taken and forbidden points, so the result depends on
    nothing but the arguments. The shift modulo 1 (Cranley & Patterson 1976) makes every single point uniform.

    Args:
        space: Where the points lie.
        seed: Seed of the shift.
        n: Number of points wanted, at least 1.
        taken: Codes to step over.

    Returns:
        At least one code; fewer than n when the space runs out.

    Raises:
        ExhaustedError: If no point is left.
        SpaceError: If no point was found that satisfies the constraint.

    Example:
        >>> space = Space({"depth": range(3, 9), "norm": ["none", "batch"]})
        >>> len(set(design_points(space, 0, 12, set())))
        12
    """
    rng = np.random.default_rng([seed, 0])
    rows = list(islice(_sequence(space, rng, taken), n))
    if len(rows) < n:
        # Either nearly nothing is allowed or nearly everything is taken: what is left is found by enumeration.
        found = space.codes(np.array(rows)) if rows else []
        left = taken | set(found)
        try:
            return found + space.codes(space.random_allowed(rng, n - len(rows), left))
        except SpaceError:
            if found:
                return found
            raise
    return space.codes(np.array(rows))


def _sequence(space: Space, rng: np.random.Generator, taken: set[PointCode]) -> Iterator[NDArray[np.float64]]:
    """Allowed points that are not taken. Where some are thought to be promising, three of four are such points.

    They are the most promising of many. The fourth is any point: from it the surrogate learns how much there is to the
    promise. Where prices differ it is one of the cheaper half, and the first of the four: nobody knows yet what can be
    paid.
    """
    if not space.promises:
        yield from space.allowed(_blocks(space, rng), taken, tries=MAX_TRIES)
        return
    allowed = space.allowed(_blocks(space, rng), set(), tries=MAX_TRIES)
    while group := list(islice(allowed, AMONG)):
        X = np.array(group)
        order = np.argsort(-space.promise(X)[:, 0], kind="stable")
        best, others = order[:PROMISING], np.sort(order[PROMISING:])[:1]
        if space.priced:
            prices = space.log_price(X)
            others = order[prices[order] <= np.median(prices)][:1]
            best = order[order != others[0]][:PROMISING]
            best = best[np.argsort(prices[best], kind="stable")]
        for index in [*others, *best] if space.priced else [*best, *others]:
            if space.codes(X[index : index + 1])[0] not in taken:
                yield X[index]


def _blocks(space: Space, rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    if space.draws_by_sampler or space.dimension > MAX_SOBOL_DIMENSIONS:
        while True:
            yield space.sample(rng, FIRST_BLOCK)
    from scipy.stats import qmc  # half a second to import, needed at the first suggestion only

    shift = rng.random(space.dimension)
    # Powers of two at a time: that is what the sequence is balanced over.
    sequence = qmc.Sobol(space.dimension, scramble=False)
    size = FIRST_BLOCK
    while True:
        yield space.place((sequence.random(size) + shift) % 1.0, rng)
        size = sequence.num_generated


def explores(config: TunerConfig, seed: int, asked: int) -> bool:
    """Whether the next suggestion is a random one, under Mango's epsilon-greedy rule.

    Replayed from the start instead of remembered, so that it follows from the number of points asked for alone.

    Args:
        config: Says how often; never where `exploration` is None.
        seed: Seed of the dice.
        asked: Points asked for so far.
    """
    rate = config.exploration
    if not rate:
        return False
    dice = np.random.default_rng([seed, 2]).random(asked + 1)
    for throw in dice[:-1]:
        if throw < rate and rate > config.exploration_min:
            rate *= config.exploration_decay
    return bool(dice[-1] < rate)
