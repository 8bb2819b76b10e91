"""How promising a point is: expected improvement and confidence bounds.

The tuner minimises inside; acquisitions are to be maximised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.acquisition import ACQUISITIONS, Acquisition, confidence_factor
from tinynas.tuner.config import TunerConfig
from tinynas.tuner.space import Categorical, Space
from tinynas.tuner.surrogate import GaussianProcess, Model, log_feasibility

__all__ = ["Scorer", "weigh"]

Array = NDArray[np.float64]

# Improvement, in standardised values, that each evaluation without one adds to what the next must promise, and the
# number of evaluations that do.
MARGIN = 0.04
MARGIN_STEPS = 10
SAME_VALUE = 0.05


@dataclass(frozen=True)
class Scorer:
    """The function of a point that the next suggestion maximises.

    Learned constraints weigh it by the probability that they are met (Gardner et al. 2014, "Bayesian optimization with
    inequality constraints"): its logarithm is added.

    Attributes:
        space: The space searched.
        surrogate: Posterior, with pending and failed points hallucinated.
        best: Incumbent: the lowest posterior mean at an evaluated or pending point. The mean, for noise cannot fake it.
            None where no point is feasible yet: then only that counts.
        acquisition: Which acquisition function.
        factor: Weight of the standard deviation in a confidence bound.
        limits: Posterior of each learned constraint.
        features: Turns coordinates into the surrogate's features; None takes those of the space.
    """

    space: Space
    surrogate: GaussianProcess
    best: float | None
    acquisition: Acquisition = ACQUISITIONS["log_ei"]
    factor: float = 2.0
    limits: tuple[GaussianProcess, ...] = ()
    features: Callable[[Array], Array] | None = None

    def __call__(self, X: Array) -> Array:
        """Values at snapped points X, shape (n, dimension)."""
        Z = self._features(X)
        value = np.zeros(len(Z)) if self.best is None else self._value(*self.surrogate.predict(Z))[0]
        for limit in self.limits:
            value = value + log_feasibility(*limit.predict(Z))[0]
        return value - self.space.log_price(X)

    def with_gradient(self, X: Array) -> tuple[Array, Array]:
        """Values, shape (n,), and gradients by the coordinates, shape (n, dimension); 0 for columns not continuous."""
        Z = self._features(X)
        value, slope = np.zeros(len(Z)), np.zeros(X.shape)
        terms = [] if self.best is None else [(self.surrogate, self._value)]
        for posterior, term in [*terms, *((limit, log_feasibility) for limit in self.limits)]:
            mean, deviation, d_mean, d_deviation = posterior.predict_gradient(Z)
            more, by_mean, by_deviation = term(mean, deviation)
            value = value + more
            slope += (by_mean[:, None] * d_mean + by_deviation[:, None] * d_deviation)[:, : self.space.dimension]
        value = value - self.space.log_price(X)
        return value, np.where(self.space.continuous & self.space.present(X), slope, 0.0)

    def _features(self, X: Array) -> Array:
        return self.space.features(X) if self.features is None else self.features(X)

    def _value(self, mean: Array, deviation: Array) -> tuple[Array, Array, Array]:
        assert self.best is not None
        return self.acquisition(mean, deviation, self.best, self.factor)


def weigh(model: Model, pending: Array, config: TunerConfig, candidates: int) -> Scorer:
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
    if best is not None and model.space.held:
        # What is known of the whole space would promise nothing here, and the most uncertain corner would be chosen.
        best = float(model.cautious.predict(model.features(model.space.snap(model.known)))[0].min())
    if best is not None:
        # A pending point counts with its prediction: an incumbent without it would promise the same improvement again,
        # for certain, right beside it.
        best = min([best, *model.cautious.predict(Z)[0].tolist()]) - _margin(model, len(pending))
    factor = confidence_factor(config.alpha, candidates, len(model.told) + 1)
    limits = tuple(one.condition(Z) for one in model.limits)
    return Scorer(model.space, surrogate, best, ACQUISITIONS[config.acquisition], factor, limits, model.features)


def _margin(model: Model, pending: int) -> float:
    """Least improvement that counts at every second point where some parameters are discrete.

    The longer nothing improves, the more. Without it the last digits of a rate, or a choice that makes no difference,
    take all evaluations: a certain gain of next to nothing looks better than a small chance of a better combination.
    """
    count = len(model.y) + pending
    if count % 4 == 0 or not any(isinstance(one, Categorical) for one in model.space.parameters):
        return 0.0
    # Since the first value about as good as the best: another digit is no progress.
    values = model.values
    steps = count - 1 - int(np.argmax(values <= values.min() + SAME_VALUE))
    return MARGIN * min(steps, MARGIN_STEPS)
