"""How the axes of a ground truth lie in a frame, by accelerations alone.

The orientation that a ground truth gives may be that of another body than the device: a constant turn about the
vertical between them cannot be seen in angular rates where the device turns about nothing else, as on a trolley. Its
positions are those of the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from tinynas.odometry.recording import Recording

__all__ = ["compare_accelerations", "turn_truth"]

# Slower acceleration is drowned by what a filter's tilt leaves of gravity; faster one is blurred in many a truth.
_BAND_HZ = (0.3, 3.0)
_EDGE_S = 1.0


def compare_accelerations(recordings: Sequence[Recording]) -> complex:
    """Compare the horizontal acceleration that sensors show with the second derivative of the position.

    Args:
        recordings: In a level or north frame.

    Returns:
        Their correlation as complex numbers x + i y. Its angle in rad turns, counter-clockwise, what the sensors show
        into what the truth has. Its magnitude is 1 where both are the same but for a turn, 0 where they are unrelated.
    """
    sums = np.sum([_products(recording) for recording in recordings], axis=0)
    scale = np.sqrt(sums[1].real * sums[2].real)
    return complex(sums[0] / scale) if scale > 0 else 0j


def _products(recording: Recording) -> NDArray[np.complex128]:
    """Inner products of sensed with true acceleration, and of each with itself, over the trusted rows."""
    rate_hz = recording.rate_hz
    edge = round(_EDGE_S * rate_hz)
    if len(recording) < 4 * edge:
        return np.zeros(3, np.complex128)
    rows, known = np.arange(len(recording)), np.flatnonzero(recording.valid)
    if not len(known):
        return np.zeros(3, np.complex128)
    plane = [np.interp(rows, known, recording.position[known, axis]) for axis in (0, 1)]
    band = butter(2, (_BAND_HZ[0], min(_BAND_HZ[1], 0.4 * rate_hz)), "band", fs=rate_hz, output="sos")
    sensed, position = (
        sosfiltfilt(band, x + 1j * y) for x, y in ((recording.accel[:, 0], recording.accel[:, 1]), plane)
    )
    true = np.gradient(np.gradient(position)) * rate_hz**2
    used = known[(known >= edge) & (known < len(recording) - edge)]
    pairs = ((sensed, true), (sensed, sensed), (true, true))
    return np.array([np.vdot(a[used], b[used]) for a, b in pairs])


def turn_truth(recording: Recording, angle_rad: float) -> Recording:
    """Turn the positions about the vertical, counter-clockwise; the orientation stays as it is."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    x, y, z = recording.position.T
    return replace(recording, position=np.stack([cos * x - sin * y, sin * x + cos * y, z], axis=1))
