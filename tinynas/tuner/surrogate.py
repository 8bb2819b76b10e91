"""The surrogate: a Gaussian process with a Matern-5/2 kernel and one length scale per parameter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.kernel import matern52, squared_distances

__all__ = ["GaussianProcess", "Hyperparameters", "fit", "log_posterior"]

Array = NDArray[np.float64]

# Bounds of the logarithms of length scale (unit cube), signal variance and noise variance (standardised outputs).
LENGTH_BOUNDS = (math.log(0.01), math.log(100.0))
SIGNAL_BOUNDS = (math.log(0.05), math.log(30.0))
NOISE_BOUNDS = (math.log(1e-7), math.log(1.0))
# Normal priors on those logarithms: (mean, standard deviation). The length scale's mean grows with the square root of
# the dimension, as distances in the cube do (Hvarfner et al. 2024, "Vanilla Bayesian optimization performs great in
# high dimensions").
LENGTH_PRIOR = (math.log(0.35), 1.0)
SIGNAL_PRIOR = (0.0, 1.0)
NOISE_PRIOR = (math.log(1e-4), 2.5)
# Hyperparameters are fitted to at most this many observations; the posterior always uses all of them.
FIT_LIMIT = 256
MAX_STEPS = 40
JITTER = 1e-10


@dataclass(frozen=True)
class Hyperparameters:
    """What the marginal likelihood decides.

    Attributes:
        length_scales: One per group of features, shape (groups,).
        signal_variance: Variance of the function.
        noise_variance: Variance of one observation about the function.
    """

    length_scales: Array
    signal_variance: float
    noise_variance: float


@dataclass(frozen=True)
class GaussianProcess:
    """Posterior of a Gaussian process with constant mean, given observations.

    Attributes:
        Z: Features of the observed points, shape (n, features).
        y: Observed values, shape (n,), standardised.
        groups: Length scale of each feature column, shape (features,).
        hyper: Hyperparameters.
        center: Constant mean, estimated with a standard normal prior.
        root: Inverse of the lower Cholesky factor of the covariance of the observations, shape (n, n).
        weights: Inverse covariance times centred values, shape (n,).
    """

    Z: Array
    y: Array
    groups: NDArray[np.int64]
    hyper: Hyperparameters
    center: float
    root: Array
    weights: Array

    @classmethod
    def of(cls, Z: Array, y: Array, groups: NDArray[np.int64], hyper: Hyperparameters) -> GaussianProcess:
        """Condition on observations under given hyperparameters."""
        scaled = Z / hyper.length_scales[groups]
        K = hyper.signal_variance * matern52(squared_distances(scaled, scaled))[0]
        K[np.diag_indices_from(K)] = hyper.signal_variance + hyper.noise_variance
        root = np.tril(_lapack().dtrtri(_cholesky(K), lower=1)[0])
        ones, whitened = root @ np.ones(len(y)), root @ y
        center = float(ones @ whitened / (ones @ ones + 1.0))
        return cls(Z, y, groups, hyper, center, root, root.T @ (whitened - center * ones))

    @cached_property
    def _scaled(self) -> Array:
        return np.asarray(self.Z / self.hyper.length_scales[self.groups])

    def predict(self, Z: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the function (without noise) at features Z, shape (m, features)."""
        cross, _ = self._cross(Z)
        mean = self.center + cross @ self.weights
        whitened = cross @ self.root.T
        return mean, self._deviation(np.einsum("ij,ij->i", whitened, whitened))

    def predict_gradient(self, Z: Array) -> tuple[Array, Array, Array, Array]:
        """Mean and standard deviation, shape (m,), and their gradients by the features, shape (m, features)."""
        cross, slope = self._cross(Z)
        whitened = cross @ self.root.T
        mean = self.center + cross @ self.weights
        deviation = self._deviation(np.einsum("ij,ij->i", whitened, whitened))
        precision = 2.0 / self.hyper.length_scales[self.groups] ** 2
        d_mean = self._pull(slope * self.weights, Z) * precision
        d_variance = -2.0 * self._pull(slope * (whitened @ self.root), Z) * precision
        return mean, deviation, d_mean, d_variance / (2.0 * deviation[:, None])

    def condition(self, Z: Array, y: Array | None = None) -> GaussianProcess:
        """Posterior with further observations and the same hyperparameters.

        Args:
            Z: Features, shape (m, features).
            y: Values, shape (m,). None takes the present mean: the mean function stays, the deviation shrinks
                (hallucinated observations, Desautels et al. 2014).
        """
        if len(Z) == 0:
            return self
        values = self.predict(Z)[0] if y is None else y
        return self.of(np.vstack([self.Z, Z]), np.concatenate([self.y, values]), self.groups, self.hyper)

    def _cross(self, Z: Array) -> tuple[Array, Array]:
        correlation, slope = matern52(squared_distances(Z / self.hyper.length_scales[self.groups], self._scaled))
        return self.hyper.signal_variance * correlation, self.hyper.signal_variance * slope

    def _pull(self, W: Array, Z: Array) -> Array:
        # sum over observations i of W[:, i] * (z - z_i), without the three-dimensional array of differences
        return np.asarray(Z * W.sum(axis=1, keepdims=True) - W @ self.Z)

    def _deviation(self, explained: Array) -> Array:
        floor = 1e-12 * self.hyper.signal_variance
        return np.sqrt(np.maximum(self.hyper.signal_variance - explained, floor))


def fit(Z: Array, y: Array, groups: NDArray[np.int64]) -> GaussianProcess:
    """Fit hyperparameters by maximum a posteriori and condition on all observations.

    Pure: the same observations give the same result, whatever was fitted before. The climb starts from the best two of
    a fixed set of settings, which takes the place of random restarts.

    Args:
        Z: Features, shape (n, features), n >= 1.
        y: Values, shape (n,), of about zero mean and unit variance.
        groups: Length scale of each feature column, shape (features,).

    Returns:
        The posterior.
    """
    start = _presets(int(groups.max()) + 1)
    if len(y) < 3 or np.ptp(y) == 0.0:
        return GaussianProcess.of(Z, y, groups, _hyperparameters(start[0]))
    chosen = _representatives(y)
    likelihood = _Likelihood(Z[chosen], y[chosen], groups)
    from scipy.optimize import minimize  # slow to import, needed from the third observation on

    bounds = [LENGTH_BOUNDS] * (start.shape[1] - 2) + [SIGNAL_BOUNDS, NOISE_BOUNDS]
    order = np.argsort([likelihood(theta, gradient=False)[0] for theta in start], kind="stable")
    best, best_value = start[order[0]], math.inf
    for theta in start[order[:2]]:
        result = minimize(
            likelihood, theta, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": MAX_STEPS, "ftol": 1e-5}
        )
        if result.fun < best_value:
            best, best_value = result.x, float(result.fun)
    return GaussianProcess.of(Z, y, groups, _hyperparameters(best))


def log_posterior(theta: Array, Z: Array, y: Array, groups: NDArray[np.int64]) -> tuple[float, Array]:
    """Logarithm of marginal likelihood times prior (up to a constant), and its gradient.

    Args:
        theta: Logarithms of the length scales, the signal variance and the noise variance, shape (groups + 2,).
        Z: Features, shape (n, features).
        y: Values, shape (n,).
        groups: Length scale of each feature column, shape (features,).

    Returns:
        The value (Rasmussen & Williams 2006, eq. 2.30, with the constant mean at its best value) and the gradient,
        shape (groups + 2,).
    """
    value, gradient = _Likelihood(Z, y, groups)(theta)
    return -value, -gradient


class _Likelihood:
    """Negative log posterior of the hyperparameters; distances are laid out once, for the pairs i < j only."""

    def __init__(self, Z: Array, y: Array, groups: NDArray[np.int64]) -> None:
        self.y = y
        self.n = len(y)
        # Row-major order of the pairs (i, j), i < j: LAPACK, column-major, sees the lower triangle.
        self.pairs = np.triu_indices(self.n, 1)
        squared = (Z[self.pairs[0]] - Z[self.pairs[1]]).T ** 2
        count = int(groups.max()) + 1
        self.D = np.empty((count, squared.shape[1]))
        for group in range(count):
            self.D[group] = squared[groups == group].sum(axis=0)
        self.flat = self.pairs[0] * self.n + self.pairs[1]
        self.prior_mean = np.array(
            [LENGTH_PRIOR[0] + 0.5 * math.log(count)] * count + [SIGNAL_PRIOR[0], NOISE_PRIOR[0]]
        )
        self.prior_spread = np.array([LENGTH_PRIOR[1]] * count + [SIGNAL_PRIOR[1], NOISE_PRIOR[1]])

    def __call__(self, theta: Array, gradient: bool = True) -> tuple[float, Array]:
        precision = np.exp(-2.0 * theta[:-2])
        signal, noise = math.exp(theta[-2]), math.exp(theta[-1])
        correlation, slope = matern52(precision @ self.D)
        K = np.zeros((self.n, self.n))
        K.ravel()[self.flat] = signal * correlation
        K.ravel()[:: self.n + 1] = signal + noise
        # K.T is the same memory in column-major order: its lower triangle is filled.
        factor = _cholesky(K.T, clean=False)
        solved = _lapack().dpotrs(factor, np.column_stack([self.y, np.ones(self.n)]), lower=1)[0]
        center = float(solved[:, 0].sum() / (solved[:, 1].sum() + 1.0))
        weights = solved[:, 0] - center * solved[:, 1]
        deviation = (theta - self.prior_mean) / self.prior_spread
        value = (
            0.5 * float((self.y - center) @ weights)
            + float(np.log(factor.diagonal()).sum())
            + 0.5 * center**2
            + 0.5 * float(deviation @ deviation)
        )
        if not gradient:
            return value, np.empty(0)
        inverse = _lapack().dpotri(factor, lower=1)[0].T
        off = weights[self.pairs[0]] * weights[self.pairs[1]] - inverse.ravel()[self.flat]
        trace = float(weights @ weights - np.trace(inverse))
        slopes = np.empty_like(theta)
        # d r^2 / d log(length) = -2 D / length^2
        slopes[:-2] = -2.0 * signal * precision * (self.D @ (off * slope))
        slopes[-2] = signal * (float(off @ correlation) + 0.5 * trace)
        slopes[-1] = 0.5 * noise * trace
        return value, deviation / self.prior_spread - slopes


def _presets(groups: int) -> Array:
    # The prior's centre first: it also serves where there is too little data to fit.
    typical = LENGTH_PRIOR[0] + 0.5 * math.log(groups)
    rows = [
        [typical + shift] * groups + [0.0, noise]
        for shift in (0.0, -1.0, 1.0)
        for noise in (math.log(1e-4), math.log(1e-2), math.log(0.2))
    ]
    return np.array(rows)


def _hyperparameters(theta: Array) -> Hyperparameters:
    return Hyperparameters(np.exp(theta[:-2]), math.exp(theta[-2]), math.exp(theta[-1]))


def _representatives(y: Array) -> NDArray[np.int64]:
    """Observations to fit hyperparameters to: all, or the best quarter of the limit and the rest evenly spread."""
    if len(y) <= FIT_LIMIT:
        return np.arange(len(y))
    order = np.argsort(y, kind="stable")
    best, rest = order[: FIT_LIMIT // 4], order[FIT_LIMIT // 4 :]
    spread = rest[np.linspace(0, len(rest) - 1, FIT_LIMIT - len(best)).astype(np.int64)]
    return np.sort(np.concatenate([best, spread]))


@cache
def _lapack() -> Any:
    from scipy.linalg import lapack  # slow to import, needed at the first suggestion

    return lapack


def _cholesky(K: Array, clean: bool = True) -> Array:
    """Lower Cholesky factor, with as little added to the diagonal as it takes."""
    jitter = JITTER * float(K[0, 0])
    while True:
        K.ravel(order="K")[:: len(K) + 1] += jitter
        factor, info = _lapack().dpotrf(K, lower=1, clean=clean)
        if info == 0:
            return np.asarray(factor)
        jitter *= 10.0
        if not np.isfinite(jitter) or jitter > 1e3 * float(K[0, 0]):
            raise FloatingPointError("the covariance matrix holds values that are not finite")
