"""What the observations say: the surrogate over the space, in standardised and warped values to be minimised."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.history import Observation
from tinynas.tuner.space import PointCode, Space
from tinynas.tuner.surrogate.failures import blame
from tinynas.tuner.surrogate.limits import fit_limits
from tinynas.tuner.surrogate.scalar import scalarised
from tinynas.tuner.surrogate.subset import choose_subset
from tinynas.tuner.surrogate.surrogate import GaussianProcess, fit
from tinynas.tuner.surrogate.warp import Warp

__all__ = ["Model"]

Array = NDArray[np.float64]

# Best known points around which candidates are drawn.
ANCHORS = 5
# Reach of a failure in a unit cube, for one dimension; distances grow with the square root of the dimension.
FAILURE_REACH = 0.08


@dataclass(frozen=True)
class Model:
    """Surrogates fitted to what was told; a pure function of it.

    A failed evaluation has no value. It enters the surrogate, after its hyperparameters have been fitted without it,
    with a value between what is expected there and the worst ever seen: nearer to the worst, the more of the
    evaluations around it failed too. So a region that fails is avoided, and failures that strike at random do not spoil
    the best region.

    Evaluations of lower fidelity lie beside the others along one more coordinate, the fidelity, whose length scale the
    data decide (Kandasamy et al. 2017, "Multi-fidelity Bayesian optimisation with continuous approximations");
    predictions are those at fidelity 1.

    Attributes:
        space: The space searched.
        observations: What was told.
        signs: For each objective -1 when it is to be maximised, else 1.
        surrogate: Posterior given the successful evaluations.
        limits: Posterior of each constraint; feasible where not above 0.
        warp: From the values (negated when maximising) to the surrogate's.
        y: Values that the surrogate was fitted to, before warping, to be minimised, shape (successes,).
        told: Coordinates of everything told, shape (n, dimension).
        fidelities: Fidelity of each, shape (n,).
        succeeded: Which of them have a value, shape (n,).
        best: Lowest posterior mean at a feasible point evaluated in full; None where there is no feasible point.
        anchors: The points of lowest posterior mean, shape (at most 5, dimension).
    """

    space: Space
    observations: Sequence[Observation]
    signs: tuple[float, ...]
    surrogate: GaussianProcess
    limits: tuple[GaussianProcess, ...]
    warp: Warp
    y: Array
    told: Array
    fidelities: Array
    succeeded: NDArray[np.bool_]
    best: float | None
    anchors: Array

    @classmethod
    def fit(
        cls,
        space: Space,
        observations: Sequence[Observation],
        signs: Sequence[float],
        rng: np.random.Generator | None = None,
    ) -> Model:
        """Fit to evaluations, at least one of which succeeded.

        Args:
            space: The space searched.
            observations: What was told, in order.
            signs: For each objective -1 when it is to be maximised, 1 when minimised.
            rng: Weighs several objectives; None weighs them alike. Not used for a single one.
        """
        observations = list(observations)
        told = space.coordinates([one.code for one in observations])
        fidelities = np.array([one.fidelity for one in observations])
        succeeded = np.array([one.values is not None for one in observations])
        Y = np.array([one.values for one in observations if one.values is not None], dtype=float) * np.array(signs)
        y = scalarised(Y, rng)
        warp = Warp.fit(y)
        faithful = bool(np.all(fidelities == 1.0))
        features, groups, promise = space.features(told), space.groups, space.promise(told)
        if not faithful:
            features, groups = np.column_stack([features, fidelities]), np.append(groups, space.dimension)
        Z = np.hstack([features, promise])
        surrogate = fit(Z[succeeded], warp.forward(y), groups)
        feasible = np.array([one.feasible for one in observations])
        allowed = feasible[succeeded]
        X = told[succeeded]
        at_full = Z[succeeded].copy()
        if not faithful:
            at_full[:, len(groups) - 1] = 1.0
        mean, _ = surrogate.predict(at_full)
        order = np.lexsort((mean, ~allowed))[:ANCHORS]
        full = allowed & (fidelities[succeeded] == 1.0)
        counted = mean[full] if full.any() else mean[allowed]
        best = float(counted.min()) if len(counted) else None
        limits = fit_limits(features, observations, groups)
        return cls(
            space, observations, tuple(signs), surrogate, limits, warp, y, told, fidelities, succeeded, best, X[order]
        )

    def features(self, X: Array) -> Array:
        """What the surrogate reads of coordinates, shape (n, dimension): features at fidelity 1, and the promise."""
        Z = self.space.features(X)
        if len(self.surrogate.kernel.groups) > len(Z.T):
            Z = np.column_stack([Z, np.ones(len(Z))])
        return np.hstack([Z, self.space.promise(X)])

    @cached_property
    def known(self) -> Array:
        """Coordinates of what need not be evaluated again, shape (k, dimension): evaluated in full, or failed."""
        return np.asarray(self.told[~self.succeeded | (self.fidelities == 1.0)])

    @property
    def exact(self) -> tuple[Array, Array]:
        """Coordinates and values, to be minimised, of the successful evaluations in full."""
        full = self.fidelities[self.succeeded] == 1.0
        return self.told[self.succeeded][full], self.y[full]

    @cached_property
    def values(self) -> Array:
        """What the surrogate sees of the successful evaluations: warped values, to be minimised, shape (successes,)."""
        return self.warp.forward(self.y)

    @property
    def stagnation(self) -> int:
        """Number of successful evaluations since the best one."""
        return len(self.y) - 1 - int(np.argmin(self.y))

    @property
    def plain(self) -> bool:
        """Whether there is one objective and no constraint to learn."""
        return len(self.signs) == 1 and not self.limits

    @cached_property
    def cautious(self) -> GaussianProcess:
        """The surrogate with the failed points in it."""
        if self.succeeded.all():
            return self.surrogate
        failed = self.features(self.told[~self.succeeded])
        share = blame(self.space.features(self.told), self.succeeded, FAILURE_REACH * math.sqrt(self.space.dimension))
        mean, _ = self.surrogate.predict(failed)
        kernel = self.surrogate.kernel
        kept = choose_subset(kernel.scaled(failed), mean)
        values = mean + share * np.maximum(self.values.max() - mean, 0.0)
        return self.surrogate.condition(failed[kept], values[kept])

    @property
    def recommended(self) -> tuple[PointCode, float]:
        """Of the feasible points evaluated in full that of the lowest posterior mean, and this in the user's units."""
        codes = list(dict.fromkeys(one.code for one in self.observations if one.feasible and one.fidelity == 1.0))
        mean, _ = self.surrogate.predict(self.features(self.space.coordinates(codes)))
        chosen = int(np.argmin(mean))
        return codes[chosen], float(self.predict(codes[chosen : chosen + 1])[0][0])

    def predict(self, codes: Sequence[PointCode]) -> tuple[Array, Array]:
        """Mean and standard deviation in the user's units and sign, each of shape (n,), or (n, objectives) for several.

        The mean is the median of the warped posterior, the deviation half the width of its central 68 %.
        """
        if len(self.signs) > 1:
            each = [model.predict(codes) for model in self._single]
            return np.column_stack([mean for mean, _ in each]), np.column_stack([spread for _, spread in each])
        mean, deviation = self.surrogate.predict(self.features(self.space.coordinates(codes)))
        upper, lower = self.warp.inverse(mean + deviation), self.warp.inverse(mean - deviation)
        return self.signs[0] * self.warp.inverse(mean), (upper - lower) / 2.0

    @cached_property
    def _single(self) -> list[Model]:
        """A model of each objective by itself."""
        return [
            Model.fit(
                self.space,
                [replace(one, values=None if one.values is None else (one.values[i],)) for one in self.observations],
                (sign,),
            )
            for i, sign in enumerate(self.signs)
        ]
