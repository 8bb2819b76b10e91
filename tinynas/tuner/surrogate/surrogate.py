"""The surrogate: a Gaussian process, fitted by maximum a posteriori."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.surrogate.kernel import Kernel
from tinynas.tuner.surrogate.likelihood import Likelihood, cholesky, hyperparameters, lapack, presets
from tinynas.tuner.surrogate.mean import basis, estimate
from tinynas.tuner.surrogate.subset import choose_subset

__all__ = ["GaussianProcess", "fit"]

Array = NDArray[np.float64]

# Hyperparameters are fitted to at most this many observations; the posterior uses more of them (`choose_subset`).
FIT_LIMIT = 160
SCOUT_STEPS = 8
MAX_STEPS = 30


@dataclass(frozen=True)
class GaussianProcess:
    """Posterior of a Gaussian process, given observations. Its mean is constant, or linear in what is known beforehand.

    Attributes:
        Z: Features of the observed points and, beside them, the columns of a trend, shape (n, features + trends).
        y: Observed values, shape (n,), standardised.
        kernel: Covariance function.
        noise: Variance of one observation about the function.
        mean: Coefficients of the mean: of one, and of each trend, shape (1 + trends,).
        root: Inverse of the lower Cholesky factor of the covariance of the observations, shape (n, n).
        weights: Inverse covariance times the values less their mean, shape (n,).
    """

    Z: Array
    y: Array
    kernel: Kernel
    noise: float
    mean: Array
    root: Array
    weights: Array

    @classmethod
    def of(cls, Z: Array, y: Array, kernel: Kernel, noise: float) -> GaussianProcess:
        """Condition on observations under given hyperparameters."""
        K = kernel(Z, Z)
        K[np.diag_indices_from(K)] = kernel.variance + noise
        return cls._with_root(Z, y, kernel, noise, _invert(K))

    @classmethod
    def _with_root(cls, Z: Array, y: Array, kernel: Kernel, noise: float, root: Array) -> GaussianProcess:
        functions, whitened = root @ basis(Z, kernel.groups), root @ y
        mean = estimate(functions.T @ functions, functions.T @ whitened)
        return cls(Z, y, kernel, noise, mean, root, root.T @ (whitened - functions @ mean))

    def predict(self, Z: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the function (without noise) at Z, shape (m, features + trends)."""
        cross = self.kernel(Z, self.Z)
        whitened = cross @ self.root.T
        return self._mean(Z) + cross @ self.weights, self._deviation(np.einsum("ij,ij->i", whitened, whitened))

    def predict_gradient(self, Z: Array) -> tuple[Array, Array, Array, Array]:
        """Mean and standard deviation, shape (m,), and their gradients by the features, shape (m, features).

        The trend's part of the gradient is left out: nothing is known of its derivatives.
        """
        cross, by_feature = self.kernel.with_gradient(Z, self.Z)
        whitened = cross @ self.root.T
        deviation = self._deviation(np.einsum("ij,ij->i", whitened, whitened))
        pull = whitened @ self.root
        d_variance = -2.0 * np.einsum("jmn,mn->mj", by_feature, pull)
        mean = self._mean(Z) + cross @ self.weights
        return mean, deviation, (by_feature @ self.weights).T, d_variance / (2.0 * deviation[:, None])

    def condition(self, Z: Array, y: Array | None = None) -> GaussianProcess:
        """Posterior with further observations and the same hyperparameters.

        Args:
            Z: Shape (m, features + trends).
            y: Values, shape (m,). None takes the present mean: the mean function stays, the deviation shrinks
                (hallucinated observations, Desautels et al. 2014).
        """
        if len(Z) == 0:
            return self
        cross = self.kernel(Z, self.Z)
        values = self._mean(Z) + cross @ self.weights if y is None else y
        # The factor of what was known stays; the new rows alone are worked out. A batch of 64 points asks for 64 of
        # these.
        W = cross @ self.root.T
        K = self.kernel(Z, Z)
        K[np.diag_indices_from(K)] = self.kernel.variance + self.noise
        rest = K - W @ W.T
        if rest.diagonal().min() < 0.5 * self.noise:  # below the noise: rounding has eaten it
            return self.of(np.vstack([self.Z, Z]), np.concatenate([self.y, values]), self.kernel, self.noise)
        corner = _invert(rest)
        n, m = len(self.Z), len(Z)
        root = np.zeros((n + m, n + m))
        root[:n, :n], root[n:, :n], root[n:, n:] = self.root, -corner @ (W @ self.root), corner
        return self._with_root(np.vstack([self.Z, Z]), np.concatenate([self.y, values]), self.kernel, self.noise, root)

    def _mean(self, Z: Array) -> Array:
        return np.asarray(basis(Z, self.kernel.groups)[:, : len(self.mean)] @ self.mean)

    def _deviation(self, explained: Array) -> Array:
        floor = 1e-12 * self.kernel.variance
        return np.sqrt(np.maximum(self.kernel.variance - explained, floor))


def _invert(K: Array) -> Array:
    """Inverse of the lower Cholesky factor."""
    return np.tril(lapack().dtrtri(cholesky(K), lower=1)[0])


def fit(Z: Array, y: Array, groups: NDArray[np.int64], rank: Array | None = None) -> GaussianProcess:
    """Fit hyperparameters by maximum a posteriori and condition on the observations, on a subset of very many.

    Pure: the same observations give the same result, whatever was fitted before. Short climbs start from the best two
    of a fixed set of settings, which takes the place of random restarts, and the better one goes on.

    Args:
        Z: Features, and beside them the columns of a trend, shape (n, features + trends), n >= 1.
        y: Values, shape (n,), of about zero mean and unit variance.
        groups: Length scale of each feature column, shape (features,).
        rank: Which observations matter most when there are very many, lowest first, shape (n,). None takes the values.

    Returns:
        The posterior.
    """
    start = presets(int(groups.max()) + 1)
    if len(y) < 3 or np.ptp(y) == 0.0:
        return GaussianProcess.of(Z, y, *hyperparameters(start[0], groups))
    chosen = _representatives(y)
    likelihood = Likelihood(Z[chosen], y[chosen], groups)
    order = np.argsort([likelihood(theta, gradient=False)[0] for theta in start], kind="stable")
    scouts = [_climb(likelihood, theta, SCOUT_STEPS) for theta in start[order[:2]]]
    theta, _ = min(scouts, key=lambda end: end[1])
    theta, _ = _climb(likelihood, theta, MAX_STEPS)
    kernel, noise = hyperparameters(theta, groups)
    kept = choose_subset(kernel.scaled(Z), y if rank is None else rank)
    return GaussianProcess.of(Z[kept], y[kept], kernel, noise)


def _climb(likelihood: Likelihood, theta: Array, steps: int) -> tuple[Array, float]:
    from scipy.optimize import minimize  # slow to import, needed from the third observation on

    options = {"maxiter": steps, "ftol": 1e-5}
    result = minimize(likelihood, theta, jac=True, method="L-BFGS-B", bounds=likelihood.bounds, options=options)
    return np.asarray(result.x), float(result.fun) if math.isfinite(result.fun) else math.inf


def _representatives(y: Array) -> NDArray[np.int64]:
    """Observations to fit hyperparameters to: all, or the best quarter of the limit and the rest evenly spread."""
    if len(y) <= FIT_LIMIT:
        return np.arange(len(y))
    order = np.argsort(y, kind="stable")
    best, rest = order[: FIT_LIMIT // 4], order[FIT_LIMIT // 4 :]
    spread = rest[np.linspace(0, len(rest) - 1, FIT_LIMIT - len(best)).astype(np.int64)]
    return np.sort(np.concatenate([best, spread]))
