"""Predictors that look at no network: standing still, the training mean, and a compass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinynas.odometry.frames import Framed
from tinynas.odometry.windows import STANDING_M_S, Windows

__all__ = ["Baselines", "fit_baselines"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Baselines:
    """What is known without a network; one that does not beat these has learned nothing.

    Args:
        mean: (2,) mean of the training targets.
        compass: (6,) weights of the directions in which the device's axes point, or None where no attitude is known.
            For `speed_heading` (1,): the mean speed.
    """

    mean: Array
    compass: Array | None

    def to_dict(self) -> dict[str, list[float] | None]:
        """JSON-ready data."""
        return {"mean": self.mean.tolist(), "compass": None if self.compass is None else self.compass.tolist()}

    def predict(self, windows: Windows, framed: Sequence[Framed]) -> dict[str, Array]:
        """Predict the targets of windows.

        Args:
            windows: Windows.
            framed: The recordings they were cut from, in the same order.

        Returns:
            (n, 2) by name: `zero`, standing still; `mean`, the training mean; and, where an attitude is known,
            `compass`: a constant velocity in the device's axes, turned into the frame by the attitude filter.
        """
        count = len(windows)
        found = {"zero": np.zeros((count, 2)), "mean": np.tile(self.mean, (count, 1))}
        if self.compass is not None and all(one.rotation is not None for one in framed):
            if windows.spec.target == "velocity":
                found["compass"] = np.einsum("nij,j->ni", _directions(windows, framed), self.compass)
            else:
                found["compass"] = np.stack([np.full(count, self.compass[0]), _turns(windows, framed)], axis=1)
        return found


def fit_baselines(windows: Windows, framed: Sequence[Framed]) -> Baselines:
    """Fit the mean and the compass on training windows.

    The compass is least squares on the horizontal parts of the device's three axes, and of these turned by a quarter:
    any constant velocity in the device's axes, with any constant angle between the frame's north and the truth's.

    Args:
        windows: Windows of the training recordings.
        framed: The recordings they were cut from, in the same order.
    """
    mean = windows.targets.mean(axis=0, dtype=np.float64)
    if any(one.rotation is None for one in framed):
        return Baselines(mean, None)
    if windows.spec.target == "speed_heading":
        speed = windows.targets[:, 0].astype(np.float64)
        return Baselines(
            mean, np.array([speed[speed >= STANDING_M_S].mean() if (speed >= STANDING_M_S).any() else 0.0])
        )
    features = _directions(windows, framed).reshape(-1, 6)
    # A little ridge: an axis that always stands upright has no horizontal part.
    ridge = 1e-3 * len(windows) * np.eye(6)
    compass = np.linalg.solve(features.T @ features + ridge, features.T @ windows.targets.reshape(-1))
    return Baselines(mean, np.asarray(compass))


def _directions(windows: Windows, framed: Sequence[Framed]) -> Array:
    """(n, 2, 6): horizontal parts of the device's x, y and z, and of these turned by a quarter; means over the span."""
    means = _means(windows, framed, windows.spec.span_start, windows.spec.window)[:, :2, :]
    turned = np.stack([-means[:, 1], means[:, 0]], axis=1)
    return np.concatenate([means, turned], axis=2)


def _turns(windows: Windows, framed: Sequence[Framed]) -> Array:
    """(n,) turn of the device about the vertical between the halves of the span, in rad."""
    low, high = windows.spec.span_start, windows.spec.window
    middle = (low + high) // 2
    first, second = _means(windows, framed, low, middle), _means(windows, framed, middle, high)
    between = np.einsum("nij,nkj->nik", second, first)
    return np.asarray(np.arctan2(between[:, 1, 0] - between[:, 0, 1], between[:, 0, 0] + between[:, 1, 1]))


def _means(windows: Windows, framed: Sequence[Framed], begin: int, end: int) -> Array:
    """(n, 3, 3) mean rotation over the rows begin to end of each window."""
    out = np.zeros((len(windows), 3, 3))
    for index, one in enumerate(framed):
        mine = windows.recording == index
        if one.rotation is not None:
            sums = np.concatenate([np.zeros((1, 3, 3)), np.cumsum(one.rotation, axis=0)])
            start = windows.start[mine]
            out[mine] = (sums[start + end] - sums[start + begin]) / (end - begin)
    return out
