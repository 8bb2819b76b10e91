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

from tinynas.tuner.config import TunerConfig
from tinynas.tuner.space import Categorical, Space
from tinynas.tuner.surrogate import LOG_SQRT_2PI, GaussianProcess, Model, log_feasibility

__all__ = ["Acquisition", "confidence_factor", "log_expected_improvement", "weigh"]

Array = NDArray[np.float64]

# Improvement, in standardised values, that each evaluation without one adds to what the next must promise, and the
# number of evaluations that do.
MARGIN = 0.04
MARGIN_STEPS = 10
SAME_VALUE = 0.05


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


def weigh(model: Model, pending: Array, config: TunerConfig, candidates: int) -> Acquisition:
    """The acquisition of a model, given points under evaluation.

    Args:
        model: What the observations say.
        pending: Coordinates of the points under evaluation, shape (k, dimension).
        config: Says which acquisition.
        candidates: Number of points to choose from.
    """
    Z = model.features(pending)
    surrogate = model.cautious.condition(Z)
    best = model.best
    if best is not None:
        # A pending point counts with its prediction: an incumbent without it would promise the same improvement again,
        # for certain, right beside it.
        best = min([best, *model.cautious.predict(Z)[0].tolist()]) - _margin(model, len(pending))
    factor = confidence_factor(config.alpha, candidates, len(model.told) + 1)
    limits = tuple(one.condition(Z) for one in model.limits)
    return Acquisition(model.space, surrogate, best, config.acquisition, factor, limits, model.features)


def _margin(model: Model, pending: int) -> float:
    """Least improvement that counts at every second point where some parameters are discrete.

    The longer nothing improves, the more. Without it the last digits of a rate, or a choice that makes no difference,
    take all evaluations: a certain gain of next to nothing looks better than a small chance of a better combination.
    """
    count = len(model.y) + pending
    if count % 4 == 0 or not any(isinstance(one, Categorical) for one in model.space.parameters):
        return 0.0
    # Since the first value about as good as the best: another digit is no progress.
    values = model.surrogate.y
    steps = count - 1 - int(np.argmax(values <= values.min() + SAME_VALUE))
    return MARGIN * min(steps, MARGIN_STEPS)
