"""What no sensor and no walker reaches.

A value beyond is a damaged file. Single precision may not hold it, which would end a search after its last trial.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import DatasetError

__all__ = ["HIGHEST_RATE_HZ", "LOWEST_RATE_HZ", "require_physical", "require_rate"]

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1.0, 10_000.0

# 1000 g and 570,000 degrees a second; the bore of a magnet; the Earth's circumference, for coordinates of a map grid;
# 30,000 years. Rotations have a check of their own: a quaternion is of unit length.
_BOUNDS = {
    "time_s": (1e12, "s"),
    "accel": (1e4, "m/s2"),
    "gyro": (1e4, "rad/s"),
    "mag": (1e6, "uT"),
    "position": (1e8, "m"),
}


def require_physical(fields: Mapping[str, NDArray[np.float64] | None], where: Callable[[int], str]) -> None:
    """Refuse values that nothing measures. Missing ones (NaN, infinite) have checks of their own.

    Args:
        fields: (N,) or (N, 3) in SI units (mag: uT), by the name that a `Recording` gives them.
        where: The place of a row, counted from 0.

    Raises:
        DatasetError: At the first row that holds such a value.

    Example:
        >>> rows = np.array([[0.0, 0.0, 0.1], [0.0, 0.0, 1e39]])
        >>> try:
        ...     require_physical({"gyro": rows}, lambda row: f"walk.csv:{row + 2}")
        ... except DatasetError as error:
        ...     f"{error.where}: {error.message}"
        'walk.csv:3: gyro is 1e+39 rad/s: no sensor measures more than 10000 rad/s'
    """
    for name, (limit, unit) in _BOUNDS.items():
        values = fields.get(name)
        if values is None:
            continue
        size = np.abs(values if values.ndim == 2 else values[:, None])
        beyond = (np.isfinite(size) & (size > limit)).any(axis=1)
        if beyond.any():
            row = int(np.argmax(beyond))
            found = float(np.nanmax(np.where(np.isfinite(size[row]), size[row], np.nan)))
            message = f"{name} is {found:g} {unit}: no sensor measures more than {limit:g} {unit}"
            advice = f"{int(beyond.sum())} such row(s); check the column's unit, or cut the recording there"
            raise DatasetError(message, where=where(row), advice=advice)


def require_rate(rate_hz: float, where: str) -> None:
    """Refuse a sample rate that no inertial sensor has.

    Raises:
        DatasetError: It is not between `LOWEST_RATE_HZ` and `HIGHEST_RATE_HZ`.
    """
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        message = f"a sample rate of {rate_hz:.4g} Hz; {LOWEST_RATE_HZ:g} to {HIGHEST_RATE_HZ:g} Hz are possible"
        raise DatasetError(message, where=where, advice="check the unit of the time, or resample the recording")
