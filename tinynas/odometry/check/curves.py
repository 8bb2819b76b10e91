"""What a picture of a recording shows: the offset to its ground truth, its heading, and gravity in the world."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinynas.odometry.check.field import horizontal_field
from tinynas.odometry.check.findings import Curve, Curves
from tinynas.odometry.check.lag import compare, correlate
from tinynas.odometry.frames import Motion, Mounting
from tinynas.odometry.recording import Recording

__all__ = ["draw_curves"]

Array = NDArray[np.float64]

# A line of so many points: as many as a small picture shows, and a study of many recordings stays small.
_POINTS = 60


def draw_curves(recording: Recording, motion: Motion | None, mounting: Mounting | None) -> Curves:
    """Draw the three curves of a recording, as it was recorded.

    Args:
        recording: In the body frame.
        motion: What the ground truth tells; None: nothing.
        mounting: How its body is turned against the sensor; None without orientation.
    """
    if motion is None:
        return Curves()
    time_s = recording.time_s - recording.time_s[0]
    heading = gravity = None
    if motion.matrices is not None:
        up = np.einsum("nj,nj->n", motion.matrices[:, 2], recording.accel)
        gravity = _thin(time_s, up, motion.known, 3)
        if mounting is not None and recording.mag is not None:
            field = horizontal_field(motion.matrices @ mounting.rotation, recording.mag)
            known = field[motion.known]
            middle = known.mean() if known.size else 1.0
            apart = np.degrees(np.angle(field * np.conj(middle)))
            heading = _thin(time_s, apart, motion.known, 1)
    return Curves(_offset(recording, motion), heading, gravity)


def _offset(recording: Recording, motion: Motion) -> Curve | None:
    """Lags of the sensors behind the ground truth in ms, and the correlation at each."""
    pair = compare(recording, motion)
    if pair is None or not motion.known.any():
        return None
    lags, values = correlate(pair[0], pair[1], motion.known, recording.rate_hz)
    step = max(1, len(lags) // (2 * _POINTS))
    return _numbers(1e3 * lags[::step], 1), _numbers(values[::step], 3)


def _thin(time_s: Array, values: Array, known: NDArray[np.bool_], digits: int) -> Curve | None:
    """Means over pieces of equal length; pieces without a known row are left out."""
    pieces = np.array_split(np.arange(len(values)), min(_POINTS, len(values)))
    there = [piece[known[piece]] for piece in pieces]
    kept = [rows for rows in there if rows.size]
    if not kept:
        return None
    return (
        _numbers(np.array([time_s[rows].mean() for rows in kept]), 1),
        _numbers(np.array([values[rows].mean() for rows in kept]), digits),
    )


def _numbers(values: Array, digits: int) -> tuple[float, ...]:
    return tuple(round(float(value), digits) for value in values)
