"""What the observations say: the surrogate over the space, in standardised and warped values to be minimised."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.acquisition import Acquisition, confidence_factor
from tinynas.tuner.config import TunerConfig
from tinynas.tuner.failures import blame
from tinynas.tuner.observation import Observation, PointCode
from tinynas.tuner.space import Space
from tinynas.tuner.surrogate import GaussianProcess, fit
from tinynas.tuner.warp import Warp

__all__ = ["Model"]

Array = NDArray[np.float64]

# Best known points around which candidates are drawn.
ANCHORS = 5
# Reach of a failure in a unit cube, for one dimension; distances grow with the square root of the dimension.
FAILURE_REACH = 0.08


@dataclass(frozen=True)
class Model:
    """A surrogate fitted to what was told; a pure function of it.

    A failed evaluation has no value. It enters the surrogate, after its hyperparameters have been fitted without it,
    with a value between what is expected there and the worst ever seen: nearer to the worst, the more of the
    evaluations around it failed too. So a region that fails is avoided, and failures that strike at random do not spoil
    the best region.

    Attributes:
        space: The space searched.
        surrogate: Posterior given the successful evaluations.
        warp: From the values (negated when maximising) to the surrogate's.
        sign: -1 when maximising, else 1.
        known: Coordinates of everything told, shape (n, dimension).
        succeeded: Which of them have a value, shape (n,).
        best: Lowest posterior mean at a successful point.
        anchors: The points of lowest posterior mean, shape (at most 5, dimension).
    """

    space: Space
    surrogate: GaussianProcess
    warp: Warp
    sign: float
    known: Array
    succeeded: NDArray[np.bool_]
    best: float
    anchors: Array

    @classmethod
    def fit(cls, space: Space, observations: Sequence[Observation], signs: Sequence[float]) -> Model:
        """Fit to evaluations, at least one of which succeeded.

        Args:
            space: The space searched.
            observations: What was told, in order.
            signs: For each objective -1 when it is to be maximised, 1 when minimised.
        """
        [sign] = signs
        known = space.coordinates([told.code for told in observations])
        succeeded = np.array([told.values is not None for told in observations])
        y = sign * np.array([told.value for told in observations if told.value is not None], dtype=float)
        warp = Warp.fit(y)
        X = known[succeeded]
        Z = space.features(X)
        surrogate = fit(Z, warp.forward(y), space.groups)
        mean, _ = surrogate.predict(Z)
        order = np.argsort(mean, kind="stable")[:ANCHORS]
        return cls(space, surrogate, warp, sign, known, succeeded, float(mean[order[0]]), X[order])

    def acquisition(self, pending: Array, config: TunerConfig, candidates: int) -> Acquisition:
        """Acquisition given points under evaluation, shape (k, dimension)."""
        Z = self.space.features(pending)
        surrogate = self.cautious.condition(Z)
        # A pending point counts with its prediction: an incumbent without it would promise the same improvement again,
        # for certain, right beside it.
        best = min([self.best, *self.cautious.predict(Z)[0].tolist()])
        factor = confidence_factor(config.alpha, candidates, len(self.known) + 1)
        return Acquisition(self.space, surrogate, best, config.acquisition, factor)

    @cached_property
    def cautious(self) -> GaussianProcess:
        """The surrogate with the failed points in it."""
        if self.succeeded.all():
            return self.surrogate
        told = self.space.features(self.known)
        failed = told[~self.succeeded]
        share = blame(told, self.succeeded, FAILURE_REACH * math.sqrt(self.space.dimension))
        mean, _ = self.surrogate.predict(failed)
        return self.surrogate.condition(failed, mean + share * np.maximum(self.surrogate.y.max() - mean, 0.0))

    def predict(self, codes: Sequence[PointCode]) -> tuple[Array, Array]:
        """Mean and standard deviation in the user's units and sign, each of shape (n,).

        The mean is the median of the warped posterior, the deviation half the width of its central 68 %.
        """
        mean, deviation = self.surrogate.predict(self.space.features(self.space.coordinates(codes)))
        upper, lower = self.warp.inverse(mean + deviation), self.warp.inverse(mean - deviation)
        return self.sign * self.warp.inverse(mean), (upper - lower) / 2.0
