"""Expected improvement, in its logarithm."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.acquisition.registry import register

__all__ = ["LogExpectedImprovement", "log_expected_improvement"]

Array = NDArray[np.float64]

LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)


def log_expected_improvement(mean: Array, deviation: Array, best: float) -> tuple[Array, Array, Array]:
    """Logarithm of the expected improvement below `best`, and its derivatives.

    Stays informative where the expected improvement itself underflows (Ament et al. 2023, "Unexpected improvements to
    expected improvement for Bayesian optimization", eq. 9).

    Args:
        mean: Posterior means, shape (n,).
        deviation: Posterior standard deviations, above 0, shape (n,).
        best: The value to improve on.

    Returns:
        log EI, d log EI / d mean and d log EI / d deviation, each of shape (n,).

    Example:
        >>> value, _, _ = log_expected_improvement(np.zeros(1), np.ones(1), 0.0)
        >>> round(float(np.exp(value[0])), 6)  # 1 / sqrt(2 pi)
        0.398942
    """
    from scipy.special import erfcx, log_ndtr  # half of the package's import time, needed at the first suggestion

    z = (best - mean) / deviation
    log_density = -0.5 * z**2 - LOG_SQRT_2PI
    log_h = np.empty_like(z)
    near = z > -1.0
    density = np.exp(log_density[near])
    log_h[near] = np.log(density + z[near] * np.exp(log_ndtr(z[near])))
    # Below -1 the two terms cancel. h = density * (1 - |z| * mills), and 1 - |z| * mills tends to 1 / z^2.
    tail = -z[~near]
    mills = math.sqrt(math.pi / 2.0) * erfcx(tail / math.sqrt(2.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        cancelled = np.log1p(-tail * mills)
    series = -2.0 * np.log(tail) + np.log1p(-3.0 / np.maximum(tail, 10.0) ** 2)
    log_h[~near] = log_density[~near] + np.where(tail < 1e3, cancelled, series)
    by_mean = -np.exp(log_ndtr(z) - log_h) / deviation
    by_deviation = np.exp(log_density - log_h) / deviation
    return np.log(deviation) + log_h, by_mean, by_deviation


@register("log_ei")
class LogExpectedImprovement:
    """How much a point is expected to improve on the best one; balances exploration by itself."""

    label = "expected<br>improvement"
    logarithmic = True
    polishes = True
    exploration = 0.0

    def __call__(self, mean: Array, deviation: Array, best: float, factor: float) -> tuple[Array, Array, Array]:  # noqa: ARG002 (one signature for all)
        """See `Acquisition`."""
        return log_expected_improvement(mean, deviation, best)
