"""How promising a point is: expected improvement and confidence bounds.

The tuner minimises inside; acquisitions are to be maximised.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.limits import LOG_SQRT_2PI, log_feasibility
from tinynas.tuner.space import Space
from tinynas.tuner.surrogate import GaussianProcess

__all__ = ["Acquisition", "confidence_factor", "log_expected_improvement"]

Array = NDArray[np.float64]


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
    from scipy.special import erfcx, log_ndtr  # half of the package's import time, needed at the first suggestion

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
class Acquisition:
    """The function of a point that the next suggestion maximises.

    Learned constraints weigh it by the probability that they are met (Gardner et al. 2014, "Bayesian optimization with
    inequality constraints"): its logarithm is added.

    Attributes:
        space: The space searched.
        surrogate: Posterior, with pending and failed points hallucinated.
        best: Incumbent: the lowest posterior mean at an evaluated or pending point. The mean, for noise cannot fake it.
            None where no point is feasible yet: then only that counts.
        kind: "log_ei" or "ucb".
        factor: Weight of the standard deviation for "ucb".
        limits: Posterior of each learned constraint.
        features: Turns coordinates into the surrogate's features; None takes those of the space.
    """

    space: Space
    surrogate: GaussianProcess
    best: float | None
    kind: Literal["log_ei", "ucb"] = "log_ei"
    factor: float = 2.0
    limits: tuple[GaussianProcess, ...] = ()
    features: Callable[[Array], Array] | None = None

    def __call__(self, X: Array) -> Array:
        """Values at snapped points X, shape (n, dimension)."""
        Z = self._features(X)
        value = np.zeros(len(Z)) if self.best is None else self._value(*self.surrogate.predict(Z))[0]
        for limit in self.limits:
            value = value + log_feasibility(*limit.predict(Z))[0]
        return value

    def with_gradient(self, X: Array) -> tuple[Array, Array]:
        """Values, shape (n,), and gradients by the coordinates, shape (n, dimension); 0 for columns not continuous."""
        Z = self._features(X)
        value, slope = np.zeros(len(Z)), np.zeros(Z.shape)
        terms = [] if self.best is None else [(self.surrogate, self._value)]
        for posterior, term in [*terms, *((limit, log_feasibility) for limit in self.limits)]:
            mean, deviation, d_mean, d_deviation = posterior.predict_gradient(Z)
            more, by_mean, by_deviation = term(mean, deviation)
            value = value + more
            slope += by_mean[:, None] * d_mean + by_deviation[:, None] * d_deviation
        slope = slope[:, : self.space.dimension]
        return value, np.where(self.space.continuous & self.space.present(X), slope, 0.0)

    def _features(self, X: Array) -> Array:
        return self.space.features(X) if self.features is None else self.features(X)

    def _value(self, mean: Array, deviation: Array) -> tuple[Array, Array, Array]:
        if self.kind == "log_ei":
            assert self.best is not None
            return log_expected_improvement(mean, deviation, self.best)
        return self.factor * deviation - mean, np.full_like(mean, -1.0), np.full_like(mean, self.factor)
