"""Failed evaluations: what to make of points that have no value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.surrogate.kernel import matern52

__all__ = ["blame", "success_odds"]

Array = NDArray[np.float64]

# Weight of the overall success rate against one evaluation at the very place.
PRIOR_WEIGHT = 0.5


def success_odds(Z: Array, told: Array, succeeded: NDArray[np.bool_], reach: float) -> Array:
    """Probability that an evaluation succeeds, from which ones did nearby.

    A kernel average with the overall rate as prior (Nadaraya 1964; Watson 1964).

    Args:
        Z: Features of the points in question, shape (m, features).
        told: Features of all told points, shape (n, features).
        succeeded: Which of those succeeded, shape (n,).
        reach: Distance over which an outcome counts, in the units of the features.

    Returns:
        Probabilities in (0, 1), shape (m,).
    """
    rate = (np.sum(succeeded) + 1.0) / (len(succeeded) + 2.0)
    squared = np.stack([((told - z) ** 2).sum(axis=1) for z in Z])
    weight, _ = matern52(squared / reach**2)
    return np.asarray((PRIOR_WEIGHT * rate + weight @ succeeded) / (PRIOR_WEIGHT + weight.sum(axis=1)))


def blame(told: Array, succeeded: NDArray[np.bool_], reach: float) -> Array:
    """How far each failure is to be laid at the door of its place, rather than of chance.

    0 where as many evaluations succeed nearby as anywhere, towards 1 where all around has failed.

    Args:
        told: Features of all told points, shape (n, features), at least one of which failed.
        succeeded: Which of them succeeded, shape (n,).
        reach: See `success_odds`.

    Returns:
        One share in [0, 1] per failure, in order.
    """
    rate = (np.sum(succeeded) + 1.0) / (len(succeeded) + 2.0)
    return np.asarray(np.clip(1.0 - success_odds(told[~succeeded], told, succeeded, reach) / rate, 0.0, 1.0))
