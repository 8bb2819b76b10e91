"""How good a prediction is: velocity error per window, path, absolute and relative trajectory error per recording.

Definitions, so that figures can be compared:

- Velocity RMSE: root mean square over windows, per axis; `joint` is that of the error vector's length.
- ATE: root mean square of the distance between predicted and true position at the same time (J. Sturm et al., "A
  Benchmark for the Evaluation of RGB-D SLAM Systems", IROS 2012), both paths starting at the same point and without
  the alignment of that paper, as odometry is used.
- RTE: root mean square, over every stretch of 60 s, of the length of the drift; where a path is shorter, the drift over
  all of it scaled to 60 s. These are the stretches and the scaling of RoNIN (S. Herath et al., "RoNIN: Robust Neural
  Inertial Navigation in the Wild", ICRA 2020).

Figures of others are not always these. The code published with RoNIN takes the mean over stretches (or instants) *and
coordinates* before the root: in the plane its ATE and its RTE are ours / sqrt(2). TinyOdom's code reports mean
distances: as ATE over the whole path, as RTE over its first minute alone (of a shorter path the ATE, scaled to a
minute), so that its RTE is no drift over a stretch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import DatasetError
from tinynas.odometry.windows import STANDING_M_S, Target

__all__ = [
    "SpeedAndDirection",
    "VelocityError",
    "absolute_trajectory_error",
    "relative_trajectory_error",
    "split_error",
    "velocity_rmse",
]

Array = NDArray[np.float64]

RTE_HORIZON_S = 60.0


@dataclass(frozen=True)
class VelocityError:
    """Root-mean-square velocity error in m/s: along x, along y, and of the vector (sqrt(x^2 + y^2))."""

    x: float
    y: float
    joint: float


@dataclass(frozen=True)
class SpeedAndDirection:
    """A velocity error taken apart, over the windows in which the truth moves.

    Args:
        speed_mean_m_s: Predicted minus true speed, mean; negative where the prediction is too slow.
        speed_spread_m_s: Its standard deviation.
        direction_mean_deg: Circular mean of the angle from the true to the predicted velocity; near 180 the prediction
            walks backwards.
        direction_spread_deg: Root mean square of that angle about its mean.
    """

    speed_mean_m_s: float
    speed_spread_m_s: float
    direction_mean_deg: float
    direction_spread_deg: float


def velocity_rmse(
    predicted: NDArray[np.floating], true: NDArray[np.floating], *, target: Target = "velocity"
) -> VelocityError:
    """Root-mean-square error of (n, 2) predictions.

    `speed_heading` targets (s, dpsi) are compared as the velocity s (cos dpsi, sin dpsi) that they stand for, in the
    frame of the window's first heading: x is along that heading, y to its left. An error of heading then counts by how
    far it leads astray, and not at all while standing.

    Args:
        predicted: (n, 2) predictions.
        true: (n, 2) targets.
        target: What the two columns are.

    Raises:
        DatasetError: Shapes differ, or there is nothing to compare.

    Example:
        >>> velocity_rmse(np.array([[3.0, 0.0]]), np.array([[0.0, 4.0]]))
        VelocityError(x=3.0, y=4.0, joint=5.0)
    """
    predicted, true = _pair(predicted, true)
    if target == "speed_heading":
        predicted, true = _planar(predicted), _planar(true)
    mean_square = ((predicted - true) ** 2).mean(axis=0)
    x, y = np.sqrt(mean_square)
    return VelocityError(x=float(x), y=float(y), joint=float(np.sqrt(mean_square.sum())))


def split_error(
    predicted: NDArray[np.floating], true: NDArray[np.floating], *, target: Target = "velocity"
) -> SpeedAndDirection | None:
    """Take the error of (n, 2) predictions apart into speed and direction.

    Args:
        predicted: (n, 2) predictions.
        true: (n, 2) targets.
        target: What the two columns are.

    Returns:
        The parts, or None where the truth nowhere moves at `STANDING_M_S`.

    Raises:
        DatasetError: Shapes differ, or there is nothing to compare.

    Example:
        >>> split_error(np.array([[-0.9, 0.0]]), np.array([[1.0, 0.0]])).direction_mean_deg
        180.0
    """
    predicted, true = _pair(predicted, true)
    if target == "speed_heading":
        predicted, true = _planar(predicted), _planar(true)
    moving = np.linalg.norm(true, axis=1) >= STANDING_M_S
    if not moving.any():
        return None
    predicted, true = predicted[moving], true[moving]
    faster = np.linalg.norm(predicted, axis=1) - np.linalg.norm(true, axis=1)
    cross = true[:, 0] * predicted[:, 1] - true[:, 1] * predicted[:, 0]
    angle = np.arctan2(cross, (true * predicted).sum(axis=1))
    mean = float(np.arctan2(np.sin(angle).mean(), np.cos(angle).mean()))
    about = np.arctan2(np.sin(angle - mean), np.cos(angle - mean))
    return SpeedAndDirection(
        speed_mean_m_s=float(faster.mean()),
        speed_spread_m_s=float(faster.std()),
        direction_mean_deg=float(np.degrees(mean)),
        direction_spread_deg=float(np.degrees(np.sqrt((about**2).mean()))),
    )


def _planar(polar: Array) -> Array:
    return np.asarray(polar[:, :1] * np.stack([np.cos(polar[:, 1]), np.sin(polar[:, 1])], axis=1))


def _pair(predicted: NDArray[np.floating], true: NDArray[np.floating]) -> tuple[Array, Array]:
    if predicted.shape != true.shape or predicted.ndim != 2 or predicted.shape[1] != 2 or not len(predicted):
        message = f"cannot compare predictions of shape {predicted.shape} with targets of shape {true.shape}"
        raise DatasetError(message, where="metrics", advice="both are (n, 2) with n at least 1")
    return predicted.astype(np.float64), true.astype(np.float64)


def absolute_trajectory_error(predicted: NDArray[np.floating], true: NDArray[np.floating]) -> float:
    """ATE in m: sqrt(mean ||predicted - true||^2) over (n, 2) positions at the same instants.

    Raises:
        DatasetError: Shapes differ, or there is nothing to compare.

    Example:
        >>> absolute_trajectory_error(np.array([[0.0, 0.0], [3.0, 4.0]]), np.zeros((2, 2)))
        3.5355339059327378
    """
    predicted, true = _pair(predicted, true)
    return float(np.sqrt(((predicted - true) ** 2).sum(axis=1).mean()))


def relative_trajectory_error(
    time_s: NDArray[np.floating],
    predicted: NDArray[np.floating],
    true: NDArray[np.floating],
    *,
    horizon_s: float = RTE_HORIZON_S,
) -> float:
    """RTE in m: root mean square over t of the drift ||e(t + h) - e(t)||, with e = predicted - true.

    A path shorter than h gives ||e(end) - e(start)|| * h / duration. Between instants e is interpolated linearly. In
    the plane the figure is sqrt(2) times that of RoNIN's code, which takes the mean over coordinates too.

    Args:
        time_s: (n,) increasing instants in s.
        predicted: (n, 2) positions in m.
        true: (n, 2) positions in m.
        horizon_s: The stretch h in s.

    Raises:
        DatasetError: Shapes differ, or fewer than two instants.

    Example:
        >>> time = np.array([0.0, 30.0])
        >>> relative_trajectory_error(time, np.array([[0.0, 0.0], [1.0, 0.0]]), np.zeros((2, 2)))
        2.0
    """
    predicted, true = _pair(predicted, true)
    if len(time_s) != len(true) or len(true) < 2:
        message = f"{len(time_s)} instants for {len(true)} positions; at least 2 are needed"
        raise DatasetError(message, where="metrics")
    time, error = np.asarray(time_s, np.float64), predicted - true
    duration_s = float(time[-1] - time[0])
    if duration_s < horizon_s:
        return float(np.linalg.norm(error[-1] - error[0]) * horizon_s / duration_s)
    # Instants are sums of sample periods: rounding must not cost the last stretch.
    first = np.flatnonzero(time + horizon_s <= time[-1] + 1e-9)
    later = np.stack([np.interp(time[first] + horizon_s, time, error[:, axis]) for axis in (0, 1)], axis=1)
    return float(np.sqrt(((later - error[first]) ** 2).sum(axis=1).mean()))
