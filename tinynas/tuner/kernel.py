"""The covariance function of the surrogate."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["matern52", "squared_distances"]

Array = NDArray[np.float64]

SQRT5 = math.sqrt(5.0)


def matern52(squared_distance: Array) -> tuple[Array, Array]:
    """Matern-5/2 correlation and its derivative by the squared distance.

    Args:
        squared_distance: Squared distances in units of the length scale, any shape.

    Returns:
        k = (1 + sqrt(5) r + 5 r^2 / 3) exp(-sqrt(5) r), and dk/d(r^2) = -5/6 (1 + sqrt(5) r) exp(-sqrt(5) r)
        (Rasmussen & Williams 2006, eq. 4.17).

    Example:
        >>> float(matern52(np.zeros(1))[0][0])
        1.0
    """
    scaled = SQRT5 * np.sqrt(squared_distance)
    decay = np.exp(-scaled)
    slope = (1.0 + scaled) * decay
    return slope + (5.0 / 3.0) * squared_distance * decay, (-5.0 / 6.0) * slope


def squared_distances(A: Array, B: Array) -> Array:
    """Squared Euclidean distances between the rows of A, shape (m, d), and of B, shape (n, d); shape (m, n)."""
    cross = A @ B.T
    cross *= -2.0
    cross += np.einsum("ij,ij->i", A, A)[:, None]
    cross += np.einsum("ij,ij->i", B, B)
    np.maximum(cross, 0.0, out=cross)
    return np.asarray(cross)
