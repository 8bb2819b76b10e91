"""The choice of the next batch among candidates, given any surrogate with scikit-learn's interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.acquire.batch import PROMISING
from tinynas.tuner.acquisition import ACQUISITIONS, confidence_factor
from tinynas.tuner.optional import load_optional
from tinynas.tuner.surrogate import GaussianProcessRegressor

__all__ = ["BayesianLearning"]

Array = NDArray[np.float64]


class BayesianLearning:
    """Takes from a set of candidates the ones with the highest acquisition. Values are to be maximised.

    Args:
        surrogate: An object with `fit(X, y)` and `predict(X, return_std=True)`; None for the tuner's Gaussian process.
        alpha: Weight of the standard deviation in "ucb"; None is the schedule of Srinivas et al. 2010.
        domain_size: Number of points to choose from, in that schedule.
        acquisition: Name of one of `ACQUISITIONS`.

    Attributes:
        surrogate: What was given or made.

    Example:
        >>> X, grid = np.array([[0.0], [4.0], [10.0]]), np.arange(11.0)[:, None]
        >>> BayesianLearning(alpha=1.0).get_next_batch(X, -((X[:, 0] - 5) ** 2), grid, 2).shape
        (2, 1)
    """

    def __init__(
        self,
        surrogate: Any = None,
        alpha: float | None = None,
        domain_size: int = 1000,
        *,
        acquisition: str = "ucb",
    ) -> None:
        self.surrogate = GaussianProcessRegressor() if surrogate is None else surrogate
        self.alpha, self.domain_size, self.acquisition = alpha, domain_size, acquisition

    def fit(self, X: Array, Y: Array) -> None:
        """Fit the surrogate to points, shape (n, columns), and their values, shape (n,) or (n, 1)."""
        self.surrogate.fit(np.asarray(X, dtype=float), np.asarray(Y, dtype=float).ravel())

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Means and standard deviations at points of shape (n, columns), each of shape (n,)."""
        mean, deviation = self.surrogate.predict(np.asarray(X, dtype=float), return_std=True)
        return np.asarray(mean, dtype=float).ravel(), np.asarray(deviation, dtype=float).ravel()

    def get_next_batch(self, X: Array, Y: Array, X_tries: Array, batch_size: int = 1) -> Array:
        """One candidate after another, each given the earlier ones with their predicted values for outcomes.

        Args:
            X: Evaluated points, shape (n, columns), n >= 1.
            Y: Their values, shape (n,) or (n, 1).
            X_tries: Candidates, shape (m, columns); those that have been evaluated are passed over.
            batch_size: How many to choose.

        Returns:
            Shape (batch_size, columns); fewer rows where there are fewer candidates.
        """
        return self._among_new(self.penalised, X, Y, X_tries, batch_size)

    def get_next_batch_clustering(self, X: Array, Y: Array, X_tries: Array, batch_size: int = 1) -> Array:
        """The best candidate of each cluster of the most promising ones; see `get_next_batch`."""
        return self._among_new(self.clustered, X, Y, X_tries, batch_size)

    def penalised(self, X: Array, Y: Array, X_tries: Array, batch_size: int) -> list[int]:
        """Indices of the candidates that `get_next_batch` would choose if all of them were new."""
        X, y = np.asarray(X, dtype=float), np.asarray(Y, dtype=float).ravel()
        left = np.arange(len(X_tries))
        chosen: list[int] = []
        while len(left) and len(chosen) < batch_size:
            self.fit(X, y)
            index = int(left[np.argmax(self._values(X, X_tries[left]))])
            chosen.append(index)
            left = left[left != index]
            X, y = np.vstack([X, X_tries[index]]), np.append(y, self.predict(X_tries[index][None, :])[0])
        return chosen

    def clustered(self, X: Array, Y: Array, X_tries: Array, batch_size: int) -> list[int]:
        """Indices of the candidates that `get_next_batch_clustering` would choose if all of them were new."""
        clustering = load_optional("sklearn.cluster", "scikit-learn")  # slow to import, and needed here only

        self.fit(X, Y)
        ranked = np.argsort(-self._values(X, X_tries), kind="stable")
        promising = ranked[: max(int(PROMISING * len(ranked)), 4 * batch_size)]
        clusters = min(batch_size, len(np.unique(X_tries[promising], axis=0)))
        if clusters <= 1:
            return [int(index) for index in ranked[:batch_size]]
        labels = clustering.KMeans(n_clusters=clusters, n_init=1, random_state=0).fit(X_tries[promising]).labels_
        # The candidates are ranked, so the first of a cluster is its best.
        best = [int(promising[np.flatnonzero(labels == label)[0]]) for label in range(clusters)]
        return sorted(best, key=ranked.tolist().index)

    def _values(self, X: Array, X_tries: Array) -> Array:
        mean, deviation = self.predict(X_tries)
        best = float(self.predict(X)[0].max())
        # A surrogate that is certain of a point has nothing to gain there, and no deviation to divide by.
        floor = 1e-9 * max(float(np.ptp(mean)), abs(best) * 1e-6, 1e-12)
        factor = confidence_factor(self.alpha, self.domain_size, len(X) + 1)
        return ACQUISITIONS[self.acquisition](-mean, np.maximum(deviation, floor), -best, factor)[0]

    def _among_new(
        self,
        choose: Callable[[Array, Array, Array, int], list[int]],
        X: Array,
        Y: Array,
        X_tries: Array,
        batch_size: int,
    ) -> Array:
        candidates = np.asarray(X_tries, dtype=float)
        known = {tuple(row) for row in np.asarray(X, dtype=float).tolist()}
        new = candidates[[tuple(row) not in known for row in candidates.tolist()]]
        return new[choose(X, Y, new, batch_size)] if len(new) else new
