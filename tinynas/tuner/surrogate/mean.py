"""The mean function of the surrogate: a constant, and a trend where something is known beforehand.

The basis functions are one, and the columns that follow the kernel's features: what is thought to go with low values.
Their coefficients are estimated with normal priors (Rasmussen & Williams 2006, section 2.7, "Incorporating explicit
basis functions"); how uncertain they are is not part of the surrogate's deviations.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["basis", "estimate", "log_prior"]

Array = NDArray[np.float64]

# Means and inverse variances of the priors, of the constant and of slopes. Values have unit variance and a trend's
# column mostly lies in the unit interval, so that a slope which explains everything is about -3.
_MEANS = (0.0, -2.0)
_PRECISIONS = (1.0, 1.0 / 4.0)


def basis(Z: Array, groups: NDArray[np.int64]) -> Array:
    """The basis functions at some points, shape (n, 1 + trends).

    Args:
        Z: Features, and beside them the columns of the trend, shape (n, features + trends).
        groups: Of the features, shape (features,).
    """
    return np.column_stack([np.ones(len(Z)), Z[:, len(groups) :]])


def estimate(gram: Array, moment: Array) -> Array:
    """The coefficients of highest posterior density.

    Args:
        gram: B' inv(K) B of the basis functions B, shape (1 + trends, 1 + trends).
        moment: B' inv(K) y, shape (1 + trends,).
    """
    mean, precision = _prior(len(moment))
    return np.asarray(np.linalg.solve(gram + np.diag(precision), moment + precision * mean))


def log_prior(coefficients: Array) -> float:
    """Logarithm of their prior density, up to a constant."""
    mean, precision = _prior(len(coefficients))
    return -0.5 * float(precision @ (coefficients - mean) ** 2)


def _prior(count: int) -> tuple[Array, Array]:
    """Means and inverse variances of so many coefficients."""
    mean, precision = (np.array([first, *[other] * (count - 1)]) for first, other in (_MEANS, _PRECISIONS))
    return mean, precision
