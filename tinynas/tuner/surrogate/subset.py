"""Which observations a surrogate uses when there are many: an exact posterior costs the cube of their number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["POSTERIOR_LIMIT", "choose_subset"]

Array = NDArray[np.float64]

# The posterior uses at most this many observations; benchmarks/long_runs.py compares other limits.
POSTERIOR_LIMIT = 400


def choose_subset(Z: Array, y: Array, limit: int | None = None) -> NDArray[np.int64]:
    """Choose the observations to condition on: the best half, then those that lie farthest from what is chosen.

    The best ones say where the minimum is. The others cover the space, so that no region that was explored looks
    unknown again (farthest-first traversal, Gonzalez 1985).

    Args:
        Z: Features in units of their length scales, shape (n, features).
        y: Values to be minimised, shape (n,).
        limit: Largest number of observations to use, at least 2; None takes `POSTERIOR_LIMIT`.

    Returns:
        Indices in ascending order, shape (min(n, limit),). Ties go to the earlier observation.

    Example:
        >>> choose_subset(np.array([[0.0], [0.1], [5.0], [0.2]]), np.array([0.0, 1.0, 3.0, 2.0]), limit=2).tolist()
        [0, 2]
    """
    limit = POSTERIOR_LIMIT if limit is None else limit
    if len(y) <= limit:
        return np.arange(len(y))
    chosen = list(np.argsort(y, kind="stable")[: limit // 2])
    distance = np.full(len(y), np.inf)
    for index in chosen:
        distance = np.minimum(distance, ((Z - Z[index]) ** 2).sum(axis=1))
    distance[chosen] = -1.0
    while len(chosen) < limit:
        index = int(distance.argmax())
        chosen.append(index)
        distance = np.minimum(distance, ((Z - Z[index]) ** 2).sum(axis=1))
        distance[index] = -1.0
    return np.sort(np.array(chosen, dtype=np.int64))
