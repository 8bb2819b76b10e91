"""The covariance function of the surrogate: all parameters together, plus each on its own."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Kernel", "matern52", "squared_distances"]

Array = NDArray[np.float64]

SQRT5 = math.sqrt(5.0)
# Blocks of rows are this large, in numbers: they stay in the cache, and allocating them takes no page faults. Three
# times as fast as whole matrices of a thousand candidates.
BLOCK = 12_000


def matern52(squared_distance: Array) -> tuple[Array, Array]:
    """Matern-5/2 correlation and its derivative by the squared distance.

    Args:
        squared_distance: Squared distances in units of the length scale, any shape.

    Returns:
        k = (1 + sqrt(5) r + 5 r^2 / 3) exp(-sqrt(5) r), and dk/d(r^2) = -5/6 (1 + sqrt(5) r) exp(-sqrt(5) r)
        (Rasmussen & Williams 2006, eq. 4.17).

    Example:
        >>> float(matern52(np.zeros(1))[0][0])
        1.0
    """
    # In place, because it is half of all the time that the tuner takes.
    correlation = squared_distance * 5.0
    np.sqrt(correlation, out=correlation)
    decay = np.negative(correlation)
    np.exp(decay, out=decay)
    slope = correlation + 1.0
    slope *= decay
    correlation *= correlation
    correlation *= decay
    correlation *= 1.0 / 3.0
    correlation += slope
    slope *= -5.0 / 6.0
    return correlation, slope


def squared_distances(A: Array, B: Array) -> Array:
    """Squared Euclidean distances between the rows of A, shape (m, d), and of B, shape (n, d); shape (m, n)."""
    cross = A @ B.T
    cross *= -2.0
    cross += np.einsum("ij,ij->i", A, A)[:, None]
    cross += np.einsum("ij,ij->i", B, B)
    np.maximum(cross, 0.0, out=cross)
    return np.asarray(cross)


@dataclass(frozen=True)
class Kernel:
    """A Matern-5/2 kernel of all features, and a sum of Matern-5/2 kernels of one group of features each.

        k(x, x') = variance * ((1 - additive) * m(sum_g r_g^2) + additive / G * sum_g m(r_g^2))

    with r_g = |x_g - x'_g| / l_g.

    The sum learns what each parameter does by itself from a fraction of the points that the product needs (Duvenaud,
    Nickisch & Rasmussen 2011, "Additive Gaussian processes"); the product learns the rest. The data decide the shares.

    Of what it is given it reads the first columns, as many as `groups` has: others are those of a trend.

    Attributes:
        length_scales: l_g, one per group of features, shape (groups,).
        groups: Group of each feature, shape (features,).
        variance: Variance of the function.
        additive: Share of the sum, in [0, 1).
    """

    length_scales: Array
    groups: NDArray[np.int64]
    variance: float = 1.0
    additive: float = 0.0

    def __call__(self, A: Array, B: Array) -> Array:
        """Covariances between the rows of A, shape (m, features), and of B, shape (n, features); shape (m, n)."""
        A, B = self.scaled(A), self.scaled(B)
        out = np.empty((len(A), len(B)))
        for rows in _blocks(len(A), len(B)):
            block = matern52(squared_distances(A[rows], B))[0]
            if self.additive > 0.0:
                block *= 1.0 - self.additive
                for columns in self._columns():
                    block += self._alone(A[rows], B, columns)
            np.multiply(block, self.variance, out=out[rows])
        return out

    def with_gradient(self, A: Array, B: Array) -> tuple[Array, Array]:
        """Covariances, shape (m, n), and their derivatives by the features of A, shape (features, m, n)."""
        difference = self.scaled(A).T[:, :, None] - self.scaled(B).T[:, None, :]
        squared = difference**2
        k, slope = matern52(squared.sum(axis=0))
        k *= 1.0 - self.additive
        slope = (slope * (1.0 - self.additive))[None]
        if self.additive > 0.0:
            share = self.additive / len(self.length_scales)
            by_group = squared
            if len(self.groups) > len(self.length_scales):
                by_group = np.stack([squared[columns].sum(axis=0) for columns in self._columns()])
            single, single_slope = matern52(by_group)
            k += share * single.sum(axis=0)
            slope = slope + share * single_slope[self.groups]
        difference *= slope
        difference *= (2.0 * self.variance / self.length_scales[self.groups])[:, None, None]
        return self.variance * k, difference

    def scaled(self, A: Array) -> Array:
        """Features in units of their length scales, shape (m, features)."""
        return np.asarray(A[:, : len(self.groups)] / self.length_scales[self.groups])

    def _alone(self, A: Array, B: Array, columns: NDArray[np.int64]) -> Array:
        """The share of one group's own kernel, for features in units of the length scales."""
        share = self.additive / len(self.length_scales)
        if len(columns) > 1:
            return share * matern52(squared_distances(A[:, columns], B[:, columns]))[0]
        # Most groups have one feature, whose distance needs no root: half the work of `matern52`.
        distance = SQRT5 * A[:, columns] - SQRT5 * B[:, columns[0]]
        np.abs(distance, out=distance)
        decay = np.exp(-distance)
        decay *= share
        polynomial = distance * (1.0 / 3.0)
        polynomial += 1.0
        polynomial *= distance
        polynomial += 1.0
        polynomial *= decay
        return np.asarray(polynomial)

    def _columns(self) -> Iterator[NDArray[np.int64]]:
        for group in range(len(self.length_scales)):
            yield np.flatnonzero(self.groups == group)


def _blocks(rows: int, width: int) -> Iterator[slice]:
    size = max(1, BLOCK // max(width, 1))
    for start in range(0, rows, size):
        yield slice(start, start + size)
