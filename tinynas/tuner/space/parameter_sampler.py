"""The default source of random points."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinynas.tuner.config import Params, check_count
from tinynas.tuner.space.parameters import Integer, PointCode
from tinynas.tuner.space.space import Space

__all__ = ["draw", "parameter_sampler"]

# A grid of at most this many points is listed and shuffled; a larger one is drawn from until the points are distinct.
LISTED = 10_000


def parameter_sampler(param_dist: Mapping[str, Any], n_size: int, *, random_state: Any = None) -> list[Params]:
    """Draw random points, without repetition where every parameter is a list or a range.

    Args:
        param_dist: Name to `range`, list, or frozen scipy.stats distribution.
        n_size: How many, at least 0.
        random_state: A numpy Generator, a seed, or None for fresh randomness.

    Returns:
        n_size points; with a warning the whole grid, in random order, where it is smaller.

    Example:
        >>> points = parameter_sampler({"depth": range(3), "norm": ["none", "batch"]}, 6, random_state=1)
        >>> sorted((p["depth"], p["norm"]) for p in points)[:3]
        [(0, 'batch'), (0, 'none'), (1, 'batch')]
    """
    check_count("n_size", n_size, 0, where="")
    space = Space(param_dist)
    return [space.params(code) for code in draw(space, np.random.default_rng(random_state), n_size)]


def draw(space: Space, rng: np.random.Generator, n: int) -> list[PointCode]:
    """Codes of n random points; distinct, or all there are, in a finite space without weights or a sampler.

    Args:
        space: Where to draw; its constraint is not asked.
        rng: Source of randomness.
        n: How many, at least 0.
    """
    weighted = any(isinstance(parameter, Integer) and parameter.edges is not None for parameter in space.parameters)
    if space.size is None or space.draws_by_sampler or weighted:
        return space.codes(space.sample(rng, n)) if n else []
    if n > space.size:
        warnings.warn(f"{n} points were asked for, and the space has {space.size}", UserWarning, stacklevel=3)
        n = space.size
    if space.size <= max(LISTED, 4 * n):
        return space.codes(space.grid()[rng.permutation(space.size)[:n]])
    found: dict[PointCode, None] = {}
    while len(found) < n:
        found |= dict.fromkeys(space.codes(space.sample(rng, n - len(found))))
    return list(found)
