"""The confidence bound."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.acquisition.registry import register

__all__ = ["ConfidenceBound", "confidence_factor"]

Array = NDArray[np.float64]


def confidence_factor(alpha: float | None, candidates: int, step: int) -> float:
    """Weight of the standard deviation in the confidence bound.

    Args:
        alpha: A fixed weight, or None for sqrt(2 log(candidates * step^2 * pi^2 / 0.6)) (Srinivas et al. 2010, theorem
            1 with delta = 0.1).
        candidates: Number of points to choose from.
        step: Number of the suggestion, from 1.

    Example:
        >>> confidence_factor(2.0, 1000, 5)
        2.0
    """
    if alpha is not None:
        return float(alpha)
    return math.sqrt(2.0 * math.log(candidates * step**2 * math.pi**2 / 0.6))


@register("ucb")
class ConfidenceBound:
    """The lower end of the confidence interval, negated (Mango calls it upper: it maximises)."""

    label = "confidence<br>bound"
    logarithmic = False
    polishes = False
    # Mango's rate at the start, taken over together with its acquisition.
    exploration = 1.0

    def __call__(self, mean: Array, deviation: Array, best: float, factor: float) -> tuple[Array, Array, Array]:  # noqa: ARG002 (one signature for all)
        """See `Acquisition`."""
        return factor * deviation - mean, np.full_like(mean, -1.0), np.full_like(mean, factor)
