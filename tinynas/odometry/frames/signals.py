"""Signals that sensors and ground truth have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from tinynas.odometry.recording import Recording

__all__ = ["Motion", "smooth", "to_matrices", "true_motion"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_FASTEST_TURN_RAD_S = 15.0


@dataclass(frozen=True)
class Motion:
    """The true motion of a recording of N rows, interpolated over untrusted rows.

    Args:
        position: (N, 3) in m.
        velocity: (N, 3) in m/s, smoothed over half a second.
        matrices: (N, 3, 3) ground-truth body to world, or None.
        rate: (N, 3) angular rate in the ground truth's body in rad/s, or None.
        known: (N,) rows whose neighbourhood can be trusted.
    """

    position: Array
    velocity: Array
    matrices: Array | None
    rate: Array | None
    known: Mask


def smooth(values: Array, seconds: float, rate_hz: float) -> Array:
    """Return `values` smoothed along the first axis by a Gaussian of a standard deviation in s."""
    return np.asarray(gaussian_filter1d(values, max(seconds * rate_hz, 1e-3), axis=0, mode="nearest"))


def true_motion(recording: Recording) -> Motion | None:
    """Return the motion that the ground truth tells; None where no row can be trusted."""
    rows, rate_hz = np.arange(len(recording)), recording.rate_hz
    trusted = np.flatnonzero(recording.valid)
    if trusted.size < 2:
        return None
    position = np.stack([np.interp(rows, trusted, recording.position[trusted, axis]) for axis in range(3)], axis=1)
    velocity = np.gradient(smooth(position, 0.25, rate_hz), axis=0) * rate_hz
    bad = smooth((~recording.valid).astype(np.float64), 0.02, rate_hz) > 1e-3
    known = ~bad
    if recording.orientation is None:
        return Motion(position, velocity, None, None, known)
    nearest = trusted[np.clip(np.searchsorted(trusted, rows), 0, len(trusted) - 1)]
    matrices = to_matrices(recording.orientation[nearest])
    turn = np.einsum("nji,njk->nik", matrices[:-2], matrices[2:])
    # The rotation vector of a small turn; exact to the third order, and a glitch is masked below.
    vector = np.stack([turn[:, 2, 1] - turn[:, 1, 2], turn[:, 0, 2] - turn[:, 2, 0], turn[:, 1, 0] - turn[:, 0, 1]], 1)
    rate = np.zeros((len(rows), 3))
    rate[1:-1] = vector * (rate_hz / 4)
    fast = np.linalg.norm(rate, axis=1) > min(_FASTEST_TURN_RAD_S, 0.8 * rate_hz / 2)
    known &= smooth(fast.astype(np.float64), 0.02, rate_hz) < 1e-3
    rate[~known] = 0.0
    return Motion(position, velocity, matrices, rate, known)


def to_matrices(quaternions: Array) -> Array:
    """Return (N, 3, 3) rotation matrices of (N, 4) unit quaternions x, y, z, w."""
    x, y, z, w = (quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.ascontiguousarray(np.moveaxis(np.array(rows), -1, 0))
