"""How plausible hyperparameters of the surrogate are: marginal likelihood times prior, with its gradient."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.surrogate.kernel import Kernel, matern52
from tinynas.tuner.surrogate.mean import basis, estimate, log_prior

__all__ = ["Likelihood", "cholesky", "hyperparameters", "lapack", "log_posterior", "presets"]

Array = NDArray[np.float64]

# Bounds of the logarithms of length scale (unit cube), signal variance and noise variance (standardised outputs), and
# of the logit of the additive share.
LENGTH_BOUNDS = (math.log(0.01), math.log(100.0))
SIGNAL_BOUNDS = (math.log(0.05), math.log(30.0))
NOISE_BOUNDS = (math.log(1e-7), math.log(1.0))
ADDITIVE_BOUNDS = (-6.0, 6.0)
# Normal priors on those numbers: (mean, standard deviation). The length scale's mean grows with the square root of
# the dimension, as distances in the cube do (Hvarfner et al. 2024, "Vanilla Bayesian optimization performs great in
# high dimensions").
LENGTH_PRIOR = (math.log(0.35), 1.0)
SIGNAL_PRIOR = (0.0, 1.0)
NOISE_PRIOR = (math.log(1e-4), 2.5)
ADDITIVE_PRIOR = (-1.0, 2.0)
JITTER = 1e-10


class Likelihood:
    """Negative logarithm of marginal likelihood times prior, as a function of the hyperparameters.

    A vector theta of hyperparameters holds the logarithms of the length scales, of the signal variance and of the noise
    variance, and the logit of the additive share (absent where there is only one group).

    Args:
        Z: Features, and beside them the columns of a trend, shape (n, features + trends).
        y: Values, shape (n,).
        groups: Length scale of each feature column, shape (features,).
    """

    def __init__(self, Z: Array, y: Array, groups: NDArray[np.int64]) -> None:
        self.y = y
        self.n = len(y)
        self.count = int(groups.max()) + 1
        self.additive = self.count > 1
        self.basis = basis(Z, groups)
        Z = Z[:, : len(groups)]
        # Distances are laid out once, for the pairs i < j only, in row-major order: LAPACK, column-major, sees the
        # lower triangle.
        self.pairs = np.triu_indices(self.n, 1)
        squared = (Z[self.pairs[0]] - Z[self.pairs[1]]).T ** 2
        self.D = np.empty((self.count, squared.shape[1]))
        for group in range(self.count):
            self.D[group] = squared[groups == group].sum(axis=0)
        self.flat = self.pairs[0] * self.n + self.pairs[1]
        self.bounds = [LENGTH_BOUNDS] * self.count + [SIGNAL_BOUNDS, NOISE_BOUNDS]
        typical = (LENGTH_PRIOR[0] + 0.5 * math.log(self.count), LENGTH_PRIOR[1])
        priors = [typical] * self.count + [SIGNAL_PRIOR, NOISE_PRIOR]
        if self.additive:
            self.bounds.append(ADDITIVE_BOUNDS)
            priors.append(ADDITIVE_PRIOR)
        self.prior_mean, self.prior_spread = np.array(priors).T

    def __call__(self, theta: Array, gradient: bool = True) -> tuple[float, Array]:
        """Value (up to a constant) and gradient, shape (len(theta),); Rasmussen & Williams 2006, eq. 2.30 and 5.9.

        The gradient costs as much again, and is empty where it is not wanted.
        """
        G = self.count
        precision, signal, noise = np.exp(-2.0 * theta[:G]), math.exp(theta[G]), math.exp(theta[G + 1])
        share = _logistic(theta[G + 2]) if self.additive else 0.0
        together, slope = matern52(precision @ self.D)
        # One group after another: what they need stays in the cache.
        alone = [matern52(p * D) for p, D in zip(precision, self.D, strict=True)] if self.additive else []
        correlation = together
        if self.additive:
            mean = alone[0][0].copy()
            for k, _ in alone[1:]:
                mean += k
            mean *= 1.0 / G
            correlation = together + share * (mean - together)
        K = np.zeros((self.n, self.n))
        K.ravel()[self.flat] = signal * correlation
        K.ravel()[:: self.n + 1] = signal + noise
        # K.T is the same memory in column-major order: its lower triangle is filled.
        factor = cholesky(K.T, clean=False)
        solved = lapack().dpotrs(factor, np.column_stack([self.y, self.basis]), lower=1)[0]
        coefficients = estimate(self.basis.T @ solved[:, 1:], self.basis.T @ solved[:, 0])
        weights = solved[:, 0] - solved[:, 1:] @ coefficients
        deviation = (theta - self.prior_mean) / self.prior_spread
        value = (
            0.5 * float((self.y - self.basis @ coefficients) @ weights)
            + float(np.log(factor.diagonal()).sum())
            - log_prior(coefficients)
            + 0.5 * float(deviation @ deviation)
        )
        if not gradient:
            return value, np.empty(0)
        inverse = lapack().dpotri(factor, lower=1)[0].T
        off = weights[self.pairs[0]] * weights[self.pairs[1]] - inverse.ravel()[self.flat]
        trace = float(weights @ weights - np.trace(inverse))
        slopes = np.empty_like(theta)
        # d r^2 / d log(length) = -2 D / length^2
        by_length = (1.0 - share) * (self.D @ (off * slope))
        for group, (_, single) in enumerate(alone):
            single *= off
            by_length[group] += share / G * float(self.D[group] @ single)
        slopes[:G] = -2.0 * signal * precision * by_length
        slopes[G] = signal * (float(off @ correlation) + 0.5 * trace)
        slopes[G + 1] = 0.5 * noise * trace
        if self.additive:
            slopes[G + 2] = signal * share * (1.0 - share) * float(off @ (mean - together))
        return value, deviation / self.prior_spread - slopes


def log_posterior(theta: Array, Z: Array, y: Array, groups: NDArray[np.int64]) -> tuple[float, Array]:
    """Logarithm of marginal likelihood times prior (up to a constant), and its gradient; see `Likelihood`."""
    value, gradient = Likelihood(Z, y, groups)(theta)
    return -value, -gradient


def hyperparameters(theta: Array, groups: NDArray[np.int64]) -> tuple[Kernel, float]:
    """The kernel and the noise variance that a vector stands for."""
    G = int(groups.max()) + 1
    share = _logistic(theta[G + 2]) if len(theta) > G + 2 else 0.0
    # Less than this changes no suggestion, but doubles the time for one.
    return Kernel(np.exp(theta[:G]), groups, math.exp(theta[G]), share if share > 0.01 else 0.0), math.exp(theta[G + 1])


def presets(groups: int) -> Array:
    """Hyperparameters to start from, shape (m, ...); the prior's centre first: it also serves without a fit."""
    typical = LENGTH_PRIOR[0] + 0.5 * math.log(groups)
    alone: list[list[float]] = [[]] if groups == 1 else [[-2.0], [2.0]]
    shifts = [(0.0, -1.0, 1.0), (-0.5, -1.5)]
    rows = [
        [typical + shift] * groups + [0.0, noise, *share]
        for share, choices in zip(alone, shifts, strict=False)
        for shift in choices
        for noise in (math.log(1e-4), math.log(1e-2))
    ]
    return np.array(rows)


def _logistic(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


@cache
def lapack() -> Any:
    """SciPy's LAPACK, loaded at the first use: it is slow to import."""
    from scipy.linalg import lapack as module

    return module


def cholesky(K: Array, clean: bool = True) -> Array:
    """Lower Cholesky factor, with as little added to the diagonal as it takes.

    Raises:
        FloatingPointError: If the matrix holds values that are not finite.
    """
    jitter = JITTER * float(K[0, 0])
    while True:
        K.ravel(order="K")[:: len(K) + 1] += jitter
        factor, info = lapack().dpotrf(K, lower=1, clean=clean)
        if info == 0:
            return np.asarray(factor)
        jitter *= 10.0
        if not np.isfinite(jitter) or jitter > 1e3 * float(K[0, 0]):
            raise FloatingPointError("the covariance matrix holds values that are not finite")
