"""Learned constraints: how probable it is that a point is feasible."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.history import Observation
from tinynas.tuner.surrogate.surrogate import GaussianProcess, fit

__all__ = ["fit_limits", "log_feasibility"]

Array = NDArray[np.float64]

# A constraint this many times its typical size is as far out as any.
FAR_OUT = 1e12
LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)


def fit_limits(Z: Array, observations: Sequence[Observation], groups: NDArray[np.int64]) -> tuple[GaussianProcess, ...]:
    """A Gaussian process for each constraint, fitted to all evaluations that tell of it, failed ones too.

    Values are scaled by their typical size and compressed far from 0, which stays where it is.

    Args:
        Z: Features of all evaluations, shape (n, features).
        observations: The evaluations, in the same order.
        groups: Length scale of each feature column, shape (features,).
    """
    known = np.array([bool(one.constraints) for one in observations])
    if not known.any():
        return ()
    values = np.array([one.constraints for one in observations if one.constraints], dtype=float)
    size = np.median(np.abs(values), axis=0)
    with np.errstate(over="ignore"):  # of an absurd value nothing counts but that it is far out
        ratios = np.clip(values / np.where(size > 0, size, 1.0), -FAR_OUT, FAR_OUT)
    scaled = np.arcsinh(ratios)
    # Where a constraint is nearly active decides what is feasible.
    return tuple(fit(Z[known], column, groups, rank=np.abs(column)) for column in scaled.T)


def log_feasibility(mean: Array, deviation: Array) -> tuple[Array, Array, Array]:
    """Logarithm of the probability that a normal value is not above 0, and its derivatives.

    Args:
        mean: Shape (n,).
        deviation: Above 0, shape (n,).

    Returns:
        The logarithm, its derivative by the mean and by the deviation, each of shape (n,).
    """
    from scipy.special import log_ndtr  # slow to import, and only constraints need it

    z = -mean / deviation
    value = log_ndtr(z)
    by_z = np.exp(-0.5 * z**2 - LOG_SQRT_2PI - value)
    return value, -by_z / deviation, -by_z * z / deviation
