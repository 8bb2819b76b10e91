"""How promising a point is: expected improvement, confidence bounds, and the odds that it can be evaluated at all.

The tuner minimises inside; acquisitions are to be maximised.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, log_ndtr

from tinynas.tuner.space import Space
from tinynas.tuner.surrogate import GaussianProcess, matern52

__all__ = ["Acquisition", "SuccessModel", "confidence_factor", "log_expected_improvement"]

Array = NDArray[np.float64]

LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)


def log_expected_improvement(mean: Array, deviation: Array, best: float) -> tuple[Array, Array, Array]:
    """Logarithm of the expected improvement below `best`, and its derivatives.

    Stays informative where the expected improvement itself underflows (Ament et al. 2023, "Unexpected improvements to
    expected improvement for Bayesian optimization", eq. 9).

    Args:
        mean: Posterior means, shape (n,).
        deviation: Posterior standard deviations, above 0, shape (n,).
        best: The value to improve on.

    Returns:
        log EI, d log EI / d mean and d log EI / d deviation, each of shape (n,).

    Example:
        >>> value, _, _ = log_expected_improvement(np.zeros(1), np.ones(1), 0.0)
        >>> round(float(np.exp(value[0])), 6)  # 1 / sqrt(2 pi)
        0.398942
    """
    z = (best - mean) / deviation
    log_density = -0.5 * z**2 - LOG_SQRT_2PI
    log_h = np.empty_like(z)
    near = z > -1.0
    density = np.exp(log_density[near])
    log_h[near] = np.log(density + z[near] * np.exp(log_ndtr(z[near])))
    # Below -1 the two terms cancel. h = density * (1 - |z| * mills), and 1 - |z| * mills tends to 1 / z^2.
    tail = -z[~near]
    mills = math.sqrt(math.pi / 2.0) * erfcx(tail / math.sqrt(2.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        cancelled = np.log1p(-tail * mills)
    series = -2.0 * np.log(tail) + np.log1p(-3.0 / np.maximum(tail, 10.0) ** 2)
    log_h[~near] = log_density[~near] + np.where(tail < 1e3, cancelled, series)
    by_mean = -np.exp(log_ndtr(z) - log_h) / deviation
    by_deviation = np.exp(log_density - log_h) / deviation
    return np.log(deviation) + log_h, by_mean, by_deviation


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


@dataclass(frozen=True)
class SuccessModel:
    """Odds that an evaluation succeeds, from which ones did nearby.

    A kernel average of successes with one overall rate as prior (a Nadaraya-Watson estimate): failures that fall
    anywhere lower the odds everywhere alike and so do not matter, failures that share a region push the search out of
    it.

    Attributes:
        Z: Features of all told points, shape (n, features).
        succeeded: Which of them succeeded, shape (n,).
        length_scale: Reach of an outcome, in the units of the features.
    """

    Z: Array
    succeeded: NDArray[np.bool_]
    length_scale: float

    prior_weight = 0.5

    def log_odds(self, Z: Array) -> tuple[Array, Array]:
        """Logarithm of the probability of success, shape (m,), and its gradient, shape (m, features)."""
        rate = (np.sum(self.succeeded) + 1.0) / (len(self.succeeded) + 2.0)
        difference = Z[:, None, :] - self.Z
        weight, slope = matern52(np.einsum("ijk,ijk->ij", difference, difference) / self.length_scale**2)
        good = self.prior_weight * rate + weight @ self.succeeded
        total = self.prior_weight + weight.sum(axis=1)
        by_weight = self.succeeded / good[:, None] - 1.0 / total[:, None]
        gradient = np.einsum("ij,ijk->ik", by_weight * slope * 2.0 / self.length_scale**2, difference)
        return np.log(good / total), gradient


@dataclass(frozen=True)
class Acquisition:
    """The function of a point that the next suggestion maximises.

    Where evaluations have failed, the log odds of success are added: with "log_ei" the sum is the logarithm of the
    expected improvement by an evaluation that may fail, with "ucb" a penalty in units of the standardised objective.

    Attributes:
        space: Turns coordinates into features.
        surrogate: Posterior, with pending and failed points hallucinated.
        best: Incumbent: the lowest posterior mean at an evaluated point, which noise cannot fake.
        kind: "log_ei" or "ucb".
        factor: Weight of the standard deviation for "ucb".
        success: Odds of success; None while nothing has failed.
    """

    space: Space
    surrogate: GaussianProcess
    best: float
    kind: Literal["log_ei", "ucb"] = "log_ei"
    factor: float = 2.0
    success: SuccessModel | None = None

    def __call__(self, X: Array) -> Array:
        """Values at snapped points X, shape (n, dimension)."""
        Z = self.space.features(X)
        mean, deviation = self.surrogate.predict(Z)
        value = self._value(mean, deviation)[0]
        return value if self.success is None else value + self.success.log_odds(Z)[0]

    def with_gradient(self, X: Array) -> tuple[Array, Array]:
        """Values, shape (n,), and gradients by the coordinates, shape (n, dimension); 0 for columns not continuous."""
        Z = self.space.features(X)
        mean, deviation, d_mean, d_deviation = self.surrogate.predict_gradient(Z)
        value, by_mean, by_deviation = self._value(mean, deviation)
        slope = by_mean[:, None] * d_mean + by_deviation[:, None] * d_deviation
        if self.success is not None:
            log_odds, d_odds = self.success.log_odds(Z)
            value, slope = value + log_odds, slope + d_odds
        return value, np.where(self.space.continuous, slope[:, : self.space.dimension], 0.0)

    def _value(self, mean: Array, deviation: Array) -> tuple[Array, Array, Array]:
        if self.kind == "log_ei":
            return log_expected_improvement(mean, deviation, self.best)
        return self.factor * deviation - mean, np.full_like(mean, -1.0), np.full_like(mean, self.factor)
