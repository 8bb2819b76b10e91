"""Points for a search without a surrogate: random, and spread evenly all the same."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.space import MAX_TRIES, PointCode, Space

__all__ = ["spread_points"]

BLOCK = 64


def spread_points(space: Space, seed: int, start: int, n: int, taken: set[PointCode]) -> list[PointCode]:
    """The next points of a randomly shifted additive sequence.

    Every point by itself is uniform, but together they leave smaller gaps than independent ones (Bousquet et al. 2017,
    "Critical hyper-parameters: no random, no cry"). The step in each dimension is the square root of a prime (Richtmyer
    1951), the shift that of Cranley & Patterson 1976. The user's sampler, where there is one, is the source instead.

    Args:
        space: Where the points lie.
        seed: Seed of the shift.
        start: Number of points asked for before; the sequence goes on from there.
        n: Number of points wanted, at least 1.
        taken: Codes to step over.

    Returns:
        At least one code; fewer than n when the space runs out.

    Raises:
        ExhaustedError: If no point is left.
        SpaceError: If no point was found that satisfies the constraint.

    Example:
        >>> space = Space({"depth": range(3, 9), "norm": ["none", "batch"]})
        >>> len(set(spread_points(space, 0, 0, 12, set())))
        12
    """
    rng = np.random.default_rng([seed, 4, start])
    rows: list[NDArray[np.float64]] = []
    if not space.draws_by_sampler:
        rows = list(islice(space.allowed(_blocks(space, seed, start, rng), taken, tries=MAX_TRIES), n))
    found = space.codes(np.array(rows)) if rows else []
    if not found:
        return space.codes(space.random_allowed(rng, n, taken))
    return found


def _blocks(space: Space, seed: int, start: int, rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    shift = np.random.default_rng([seed, 4]).random(space.dimension)
    steps = np.sqrt(_primes(space.dimension))
    while True:
        numbers = np.arange(start, start + BLOCK)
        yield space.place((shift + numbers[:, None] * steps) % 1.0, rng)
        start += BLOCK


@cache
def _primes(count: int) -> NDArray[np.float64]:
    """The first prime numbers, shape (count,)."""
    limit = max(16, int(count * (np.log(count + 1) + np.log(np.log(count + 3)) + 2)))
    sieve = np.ones(limit, dtype=bool)
    sieve[:2] = False
    for number in range(2, int(limit**0.5) + 1):
        if sieve[number]:
            sieve[number**2 :: number] = False
    return np.flatnonzero(sieve)[:count].astype(float)
