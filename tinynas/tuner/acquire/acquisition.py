"""What an acquisition function is, and the names of those there are."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.acquire.log_ei import LogExpectedImprovement
from tinynas.tuner.acquire.ucb import ConfidenceBound

__all__ = ["ACQUISITIONS", "Acquisition"]

Array = NDArray[np.float64]


class Acquisition(Protocol):
    """How promising a point is, given what the surrogate says of it.

    Attributes:
        label: Name in a figure.
        logarithmic: Whether values are logarithms.
        polishes: Whether some suggestions may refine the best point instead.
    """

    label: str
    logarithmic: bool
    polishes: bool

    def __call__(self, mean: Array, deviation: Array, best: float, factor: float) -> tuple[Array, Array, Array]:
        """Values to be maximised, and their derivatives by mean and deviation; each of shape (n,).

        Args:
            mean: Posterior means of values to be minimised, shape (n,).
            deviation: Posterior standard deviations, above 0, shape (n,).
            best: The value to improve on.
            factor: Weight of the deviation, where there is one.
        """
        ...


ACQUISITIONS: dict[str, Acquisition] = {"log_ei": LogExpectedImprovement(), "ucb": ConfidenceBound()}
