"""What a whole recording tells about its magnetometer: the hard iron."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinynas.errors import DatasetError

__all__ = ["calibrate_magnetometer"]

Array = NDArray[np.float64]

_CUTOFF_HZ = 1.0
_RIDGE = 1e-3  # of the samples' number: an axis about which the device never turns keeps the bias 0


def calibrate_magnetometer(gyro: ArrayLike, mag: ArrayLike, rate_hz: float) -> Array:
    """Find the hard-iron bias of a magnetometer from how its reading turns with the gyroscope.

    A field m that is constant in the world obeys dm/dt = -w x (m - b). Least squares over the recording of
    w x b = dm/dt + w x m, on signals below 1 Hz, with a little ridge: only components across axes that the device
    turned about are found; the others, which do no harm, stay near 0.

    Args:
        gyro: (N, 3) angular rate in rad/s.
        mag: (N, 3) magnetic flux density in uT.
        rate_hz: Sample rate in Hz.

    Returns:
        (3,) bias in uT, to be taken off `mag`.

    Raises:
        DatasetError: Shapes differ or are not (N, 3).
    """
    rate, field = np.asarray(gyro, np.float64), np.asarray(mag, np.float64)
    if rate.ndim != 2 or rate.shape[1] != 3 or rate.shape != field.shape:
        raise DatasetError(f"gyro {rate.shape} and mag {field.shape} must both be (N, 3)", where="calibration")
    from scipy.signal import butter, sosfiltfilt  # slow to import, and only needed here

    cutoff = min(_CUTOFF_HZ / (rate_hz / 2), 0.9)
    sections = butter(2, cutoff, output="sos")
    if len(rate) <= 3 * round(rate_hz):
        return np.zeros(3)
    w, m = sosfiltfilt(sections, rate, axis=0), sosfiltfilt(sections, field, axis=0)
    target = np.gradient(m, 1 / rate_hz, axis=0) + np.cross(w, m)
    # w x b = S b; S'S = |w|2 I - w w', S' target = -w x target = target x w
    square = np.einsum("ni,nj->ij", w, w)
    normal = np.trace(square) * np.eye(3) - square
    return np.linalg.solve(normal + _RIDGE * len(w) * np.eye(3), np.cross(target, w).sum(axis=0))
