"""The tuner's Gaussian process behind scikit-learn's interface."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.checks import ConfigValueError
from tinynas.tuner.surrogate.surrogate import GaussianProcess, fit

__all__ = ["GaussianProcessRegressor"]

Array = NDArray[np.float64]


class GaussianProcessRegressor:
    """Fits the columns of any array, scaled to the unit cube by the range of what was observed.

    Example:
        >>> X = np.linspace(0, 5, 12)[:, None]
        >>> model = GaussianProcessRegressor().fit(X, np.sin(X[:, 0]))
        >>> bool(abs(model.predict(np.array([[1.6]]))[0] - np.sin(1.6)) < 0.02)
        True
    """

    def __init__(self) -> None:
        self._process: GaussianProcess | None = None

    def fit(self, X: Array, y: Array) -> GaussianProcessRegressor:
        """Fit to observations.

        Args:
            X: Points, shape (n, columns), n >= 1.
            y: Values, shape (n,) or (n, 1).
        """
        X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float).ravel()
        span = np.ptp(X, axis=0)
        self._low, self._span = X.min(axis=0), np.where(span > 0, span, 1.0)
        deviation = float(np.std(y))
        self._center, self._unit = float(np.mean(y)), deviation if deviation > 0 else 1.0
        columns = np.arange(X.shape[1], dtype=np.int64)
        self._process = fit((X - self._low) / self._span, (y - self._center) / self._unit, columns)
        return self

    def predict(self, X: Array, return_std: bool = False) -> Any:
        """Means, shape (n,), at points of shape (n, columns); with `return_std` standard deviations too.

        Raises:
            ConfigValueError: If nothing was fitted before.
        """
        if self._process is None:
            raise ConfigValueError("the surrogate has not been fitted yet")
        mean, deviation = self._process.predict((np.asarray(X, dtype=float) - self._low) / self._span)
        mean = mean * self._unit + self._center
        return (mean, deviation * self._unit) if return_std else mean
