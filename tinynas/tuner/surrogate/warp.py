"""Output warping: makes observed values look normal before a Gaussian process is fitted to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Warp"]

Array = NDArray[np.float64]

# With fewer values than this a shape cannot be told from chance.
MIN_VALUES = 5
POWERS = np.linspace(-2.0, 4.0, 61)
# Standard deviation of the normal prior on the power about 1, the identity: weak, but it holds small samples.
POWER_SPREAD = 0.7
# Values further than this many robust deviations from the median are all the same to the surrogate.
FAR = 1e9


@dataclass(frozen=True)
class Warp:
    """A monotone map to standardised values: median and interquartile range, Yeo-Johnson power, mean and deviation.

    The power is the maximum of the profile likelihood of Yeo & Johnson 2000 ("A new family of power transformations",
    Biometrika 87), with a weak prior, found on a grid. Penalties and outliers thereby lose their grip on the surrogate
    while every ordering is kept.

    Example:
        >>> warp = Warp.fit(np.array([0.1, 0.2, 0.3, 0.4, 0.5, 1000.0]))
        >>> bool(warp.forward(np.array([1000.0]))[0] < 4)
        True
    """

    center: float
    scale: float
    power: float
    mean: float
    deviation: float

    @classmethod
    def fit(cls, y: Array) -> Warp:
        """Choose the map for values of shape (n,), n >= 1, all finite."""
        center = float(np.median(y))
        low, high = np.percentile(y, [25, 75])
        # Halves first: the difference of two huge values overflows.
        scale = float(2 * (high / 2 - low / 2) / 1.349)
        if not np.isfinite(scale) or scale <= 1e-12 * max(abs(center), 1e-290):
            scale = float(np.mean(np.abs(y / 2 - center / 2)) * 2)
        if not np.isfinite(scale) or scale <= 1e-12 * max(abs(center), 1e-290):
            scale = max(abs(center), 1.0) if np.ptp(y / 2) == 0 else max(float(np.max(np.abs(y / 2))), 1e-290)
        z = _standard(y, center, scale)
        power = _power(z) if len(y) >= MIN_VALUES and np.ptp(z) > 0 else 1.0
        warped = _yeo_johnson(z, np.array([power]))[0]
        deviation = float(np.std(warped))
        return cls(center, scale, power, float(np.mean(warped)), deviation if deviation > 1e-12 else 1.0)

    def forward(self, y: Array) -> Array:
        """Values to standardised values."""
        z = _standard(y, self.center, self.scale)
        return np.asarray((_yeo_johnson(z, np.array([self.power]))[0] - self.mean) / self.deviation)

    def inverse(self, t: Array) -> Array:
        """Standardised values back to values; beyond the range of the power map, its end."""
        v = t * self.deviation + self.mean
        p, q = self.power, 2.0 - self.power
        above = np.expm1(v) if abs(p) < 1e-9 else np.maximum(1 + p * v, 1e-9) ** (1 / p) - 1
        below = -np.expm1(-v) if abs(q) < 1e-9 else 1 - np.maximum(1 - q * v, 1e-9) ** (1 / q)
        return np.asarray(self.center + self.scale * np.where(v >= 0, above, below))


def _standard(y: Array, center: float, scale: float) -> Array:
    with np.errstate(over="ignore"):
        return np.clip((y - center) / scale, -FAR, FAR)


def _yeo_johnson(z: Array, powers: Array) -> Array:
    # Shape (powers, n). log1p of the distance from 0 once, then one exponential per power.
    log = np.log1p(np.abs(z))
    exponent = np.where(z >= 0, powers[:, None], 2.0 - powers[:, None])
    small = np.abs(exponent) < 1e-9
    safe = np.where(small, 1.0, exponent)
    return np.asarray(np.sign(z) * np.where(small, log, np.expm1(safe * log) / safe))


def _power(z: Array) -> float:
    warped = _yeo_johnson(z, POWERS)
    jacobian = (POWERS - 1) * float(np.sum(np.sign(z) * np.log1p(np.abs(z))))
    variance = np.maximum(np.var(warped, axis=1), 1e-300)
    score = -0.5 * len(z) * np.log(variance) + jacobian - 0.5 * ((POWERS - 1) / POWER_SPREAD) ** 2
    # Rounded, so that symmetric values, whose scores tie, get the same power in any units.
    return float(POWERS[int(np.argmax(np.round(score, 6)))])
