"""Several objectives as one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["scalarised"]

Array = NDArray[np.float64]

# Weight of the sum beside the maximum: ties go to the point that no other dominates (Knowles 2006, eq. 2).
SUM_WEIGHT = 0.05


def scalarised(losses: Array, rng: np.random.Generator | None) -> Array:
    """One loss for several: an augmented Chebyshev distance with random weights.

    Fresh weights for every suggestion lead to all parts of the front (ParEGO: Knowles 2006, "ParEGO: a hybrid algorithm
    with on-line landscape approximation for expensive multiobjective optimization problems").

    Args:
        losses: To be minimised, shape (n, objectives).
        rng: Draws the weights, uniformly from the simplex; None weighs all alike.

    Returns:
        Losses, shape (n,); the only column as it is where there is one.

    Example:
        >>> int(scalarised(np.array([[0.0, 1.0], [1.0, 0.0], [0.2, 0.2]]), None).argmin())
        2
    """
    count = losses.shape[1]
    if count == 1:
        return np.asarray(losses[:, 0])
    span = np.ptp(losses, axis=0)
    unit = (losses - losses.min(axis=0)) / np.where(span > 0, span, 1.0)
    weights = np.full(count, 1.0 / count) if rng is None else rng.dirichlet(np.ones(count))
    return np.asarray((unit * weights).max(axis=1) + SUM_WEIGHT * unit @ weights)
