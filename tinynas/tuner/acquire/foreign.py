"""A surrogate of the user's in place of the Gaussian process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.acquire.bayesian_learning import BayesianLearning
from tinynas.tuner.config import TunerConfig
from tinynas.tuner.history import Observation
from tinynas.tuner.space import DomainSpace, PointCode
from tinynas.tuner.surrogate import Model

__all__ = ["ForeignModel", "RunSurrogate", "optimizer_of"]

Array = NDArray[np.float64]

# Random candidates, unless `domain_size` says how many.
CANDIDATES = 2_000


@dataclass(frozen=True)
class ForeignModel:
    """What the observations say, in the words of a surrogate that is not the tuner's.

    Failed evaluations are left out, as in Mango; they are never suggested again. Points that violate a constraint count
    as no better than the worst of the others. Fidelity is not known to such a surrogate.

    Attributes:
        ds: Turns points into columns.
        optimizer: Holds the surrogate.
        sign: 1 when maximising, else -1: the surrogate's values are to be maximised.
        X: Columns of the evaluated points, shape (n, columns).
        y: Their values times the sign, shape (n,).
    """

    ds: DomainSpace
    optimizer: BayesianLearning
    sign: float
    X: Array
    y: Array

    @classmethod
    def fit(
        cls, ds: DomainSpace, observations: Sequence[Observation], maximise: bool, config: TunerConfig
    ) -> ForeignModel:
        """Fit the user's surrogate to evaluations, at least one of which succeeded."""
        sign = 1.0 if maximise else -1.0
        told = [(one, one.value) for one in observations if one.value is not None]
        X = ds.convert_GP_space([ds.space.params(one.code) for one, _ in told])
        y = np.array([sign * value for _, value in told])
        feasible = np.array([one.feasible for one, _ in told])
        if feasible.any():
            y[~feasible] = np.minimum(y[~feasible], y[feasible].min())
        optimizer = optimizer_of(config, config.surrogate)
        optimizer.fit(X, y)
        return cls(ds, optimizer, sign, X, y)

    def suggest(
        self, pending: Sequence[PointCode], taken: set[PointCode], n: int, rng: np.random.Generator, config: TunerConfig
    ) -> list[PointCode]:
        """Choose among random candidates, given the pending points with their predicted values for outcomes.

        Returns:
            At least one code; fewer than n when the space runs out.

        Raises:
            ExhaustedError: If no point is left.
            SpaceError: If no point was found that satisfies the constraint.
        """
        space = self.ds.space
        rows = space.random_allowed(rng, config.domain_size or CANDIDATES, taken)
        codes = space.codes(rows)
        X, y = self.X, self.y
        if pending:
            waiting = self.ds.convert_GP_space([space.params(code) for code in pending])
            X, y = np.vstack([X, waiting]), np.append(y, self.optimizer.predict(waiting)[0])
        tries = self.ds.convert_GP_space([space.params(code) for code in codes])
        spread = n > 1 and config.strategy_is_clustering
        choose = self.optimizer.clustered if spread else self.optimizer.penalised
        chosen = choose(X, y, tries, n)
        # Later predictions are to come from the observations alone.
        self.optimizer.fit(self.X, self.y)
        return [codes[index] for index in chosen]

    def predict(self, codes: Sequence[PointCode]) -> tuple[Array, Array]:
        """Mean and standard deviation in the user's sign, each of shape (n,)."""
        mean, deviation = self.optimizer.predict(self.ds.convert_GP_space([self.ds.space.params(c) for c in codes]))
        return self.sign * mean, deviation


@dataclass(frozen=True)
class RunSurrogate:
    """The tuner's own surrogate at the end of a run, behind scikit-learn's `predict`.

    Attributes:
        ds: Turns columns into points.
        model: What was fitted last.
    """

    ds: DomainSpace
    model: Model

    def predict(self, X: Array, return_std: bool = False) -> Any:
        """Means at rows of `DomainSpace.convert_GP_space`, in the user's units and sign; deviations on request."""
        points = self.ds.convert_PS_space(X)
        mean, deviation = self.model.predict([self.ds.space.code(point) for point in points])
        return (mean, deviation) if return_std else mean


def optimizer_of(config: TunerConfig, surrogate: Any) -> BayesianLearning:
    """The chooser among candidates, as a configuration wants it."""
    size = config.domain_size or CANDIDATES
    return BayesianLearning(surrogate, config.alpha, size, acquisition=config.acquisition)
