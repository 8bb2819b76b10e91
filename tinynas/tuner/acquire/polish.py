"""The last digits: a local quadratic model, where the surrogate's own precision ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.surrogate import Model

__all__ = ["polished"]

Array = NDArray[np.float64]

# Above this share of noise, differences between neighbours say nothing.
MAX_NOISE = 1e-2
# A step that promises less than this share of the typical value above the best is not worth an evaluation.
LEAST_GAIN = 1e-10
# The step ends within so many times the distance to the nearest points that can span a simplex.
REACH = 2.0
# Two points closer than this are one.
SAME = 1e-9


def polished(model: Model, pending: Array) -> Array | None:
    """The minimum of a quadratic through the points around the best one, within reach of them.

    Of all quadratics that (almost) interpolate, the one of least norm: second-order terms appear only as the points ask
    for them (Powell 2004, "Least Frobenius norm updating of quadratic models that satisfy interpolation conditions").
    Values are taken as they are, for output warping would bend a quadratic valley. On smooth functions this gains
    several digits where expected improvement creeps; on others it promises no gain, or costs the evaluations that its
    caller grants.

    Args:
        model: What is known of a continuous space.
        pending: Coordinates of points under evaluation, shape (k, dimension).

    Returns:
        The point, shape (dimension,); None where there is nothing to gain: observations are noisy or few, the point is
        known or pending, or the promised improvement is negligible.
    """
    X, y = model.exact
    n, dimension = X.shape
    if n < 2 * dimension + 2 or model.surrogate.noise > MAX_NOISE:
        return None
    best = int(np.argmin(y))
    scales = model.surrogate.kernel.length_scales[:dimension]
    scales = np.clip(scales / np.exp(np.mean(np.log(scales))), 0.1, 10.0)
    steps = (X - X[best]) / scales
    distance = np.linalg.norm(steps, axis=1)
    # As many as a quadratic has coefficients, and a few more.
    count = max((dimension + 1) * (dimension + 2) // 2 + dimension, 2 * dimension + 3)
    nearest = np.argsort(distance, kind="stable")[:count]
    radius = max(float(distance[nearest[min(dimension + 1, len(nearest) - 1)]]), SAME)
    above = y[nearest] - y[best]
    unit = float(np.median(above))
    if unit <= 0.0 or not np.isfinite(unit):
        return None
    low, high = -X[best] / (scales * radius), (1.0 - X[best]) / (scales * radius)
    S = steps[nearest] / radius
    bounds = np.column_stack([np.clip(low, -REACH, 0.0), np.clip(high, 0.0, REACH)])
    step, gain = _least(S, above / unit, bounds)
    if not gain > LEAST_GAIN:
        return None
    row = np.asarray(model.space.snap((X[best] + step * radius * scales)[None, :])[0])
    others = np.vstack([model.known, pending])
    return None if np.abs(others - row).max(axis=1).min() < SAME else row


def _least(S: Array, values: Array, bounds: Array) -> tuple[Array, float]:
    """Minimum of the quadratic of least norm through values at S, and how far it is below its value at the origin."""
    from scipy.optimize import minimize  # slow to import, not needed before

    products = S @ S.T
    # The kernel of quadratics; what is far away need not be met: the function is not a quadratic there.
    slack = 1e-9 + 1e-4 * np.minimum((S**2).sum(axis=1), 1e6) ** 3
    weights = np.linalg.solve(1.0 + products + 0.5 * products**2 + np.diag(slack), values)

    def quadratic(x: Array) -> tuple[float, Array]:
        along = S @ x
        return float((1.0 + along + 0.5 * along**2) @ weights), ((1.0 + along) * weights) @ S

    start = np.zeros(S.shape[1])
    value, slope = quadratic(start)
    ends = [
        minimize(quadratic, np.clip(x, *bounds.T), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 60})
        for x in (start, -0.3 * np.sign(slope))
    ]
    end = min(ends, key=lambda result: float(result.fun))
    return np.asarray(end.x), value - float(end.fun)
