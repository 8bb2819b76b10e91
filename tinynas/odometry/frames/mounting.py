"""The constant rotation between the sensor's axes and those of the ground truth's body, and what of it can be known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinynas.odometry.frames.signals import Motion, smooth
from tinynas.odometry.recording import Recording

__all__ = ["Mounting", "measure_mounting"]

Array = NDArray[np.float64]

# A turn rate that both see, in rad/s (RMS) across the vertical: below it nothing tells the rotation about the vertical.
_LEAST_RATE_RAD_S = 0.05
_LEAST_AGREEMENT = 0.5


@dataclass(frozen=True)
class Mounting:
    """How the ground truth's body is turned against the sensor.

    Args:
        rotation: (3, 3) turns the sensor's axes into those of the ground truth's body.
        angle_deg: Its angle.
        tilt_deg: Mean angle between the vertical as recorded and the vertical once the rotation is applied.
        residual_deg: Mean angle between the vertical and gravity once the rotation is applied: near 0 if a constant
            rotation is all there is.
        unobservable_axis: (3,) axis in the sensor's frame about which the rotation is not known; None: all is known.
        rate_correlation: Of the angular rates of both, once the rotation is applied.
    """

    rotation: Array
    angle_deg: float
    tilt_deg: float
    residual_deg: float
    unobservable_axis: Array | None
    rate_correlation: float


def measure_mounting(recording: Recording, motion: Motion, *, lag_s: float = 0.0) -> Mounting | None:
    """Find the rotation from angular rates and the vertical: Wahba's problem, by a singular value decomposition.

    F. L. Markley, "Attitude Determination Using Vector Observations and the Singular Value Decomposition", Journal of
    the Astronautical Sciences 38, 1988. The ground truth is shifted by `lag_s` (see `Lag`) first.

    Returns:
        The rotation; None without orientation.
    """
    if motion.rate is None or motion.matrices is None:
        return None
    rate_hz = recording.rate_hz
    shift = -round(lag_s * rate_hz)
    sensed_rows = np.arange(max(0, -shift), len(recording) - max(0, shift))
    true_rows = sensed_rows + shift
    known = motion.known[true_rows]
    sensed_rows, true_rows = sensed_rows[known], true_rows[known]
    if len(sensed_rows) < rate_hz:
        return None
    sensed = smooth(recording.gyro, 0.06, rate_hz)[sensed_rows]
    true = smooth(motion.rate, 0.06, rate_hz)[true_rows]
    sensed, true = sensed - sensed.mean(axis=0), true - true.mean(axis=0)
    force = smooth(recording.accel, 0.5, rate_hz)[sensed_rows]
    down = force / np.maximum(np.linalg.norm(force, axis=1, keepdims=True), 1e-9)
    up = motion.matrices[true_rows, 2, :]
    power = max(float((sensed**2).sum()), 1e-12)
    # The prior keeps what nothing tells at the smallest rotation.
    pairs = true.T @ sensed / power + up.T @ down / len(up) + 1e-3 * np.eye(3)
    left, _, right = np.linalg.svd(pairs)
    rotation = left @ np.diag([1.0, 1.0, np.linalg.det(left) * np.linalg.det(right)]) @ right
    turned = sensed @ rotation.T
    axis = down.mean(axis=0) / max(float(np.linalg.norm(down.mean(axis=0))), 1e-9)
    return Mounting(
        rotation=rotation,
        angle_deg=float(np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1)))),
        tilt_deg=_apart_deg(up, up @ rotation),
        residual_deg=_tilt_deg(motion.matrices[true_rows] @ rotation, recording.accel[sensed_rows], rate_hz),
        unobservable_axis=None if _tells_about(axis, sensed, true @ rotation) else axis,
        rate_correlation=_correlation(turned, true),
    )


def _apart_deg(one: Array, two: Array) -> float:
    """Mean angle between two sequences of unit vectors in degrees."""
    return float(np.degrees(np.arccos(np.clip((one * two).sum(axis=1), -1, 1)).mean()))


def _tilt_deg(attitude: Array, accel: Array, rate_hz: float) -> float:
    """Mean angle between the vertical and the force in the world, in degrees.

    The force is averaged in the world, where the swing of a limb averages out, over a few steps.
    """
    force = smooth(np.einsum("nij,nj->ni", attitude, accel), 1.0, rate_hz)
    cosine = force[:, 2] / np.maximum(np.linalg.norm(force, axis=1), 1e-9)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1)).mean()))


def _correlation(one: Array, two: Array) -> float:
    power = np.sqrt((one**2).sum() * (two**2).sum())
    return float((one * two).sum() / power) if power > 0 else 0.0


def _tells_about(axis: Array, sensed: Array, true: Array) -> bool:
    """Whether turns across the axis are strong enough, and seen alike by both."""
    across = [rate - np.outer(rate @ axis, axis) for rate in (sensed, true)]
    strong = all(np.sqrt((part**2).sum(axis=1).mean()) > _LEAST_RATE_RAD_S for part in across)
    return strong and _correlation(across[0], across[1]) > _LEAST_AGREEMENT
