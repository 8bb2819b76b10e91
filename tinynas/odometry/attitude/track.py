"""From a recording's raw samples to its attitude."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinynas.errors import DatasetError
from tinynas.odometry.attitude.gains import (
    AttitudeGains,
    MagnetometerGains,
    compute_gains,
    compute_magnetometer_gains,
)
from tinynas.odometry.attitude.iron_twin import MagnetometerTwin
from tinynas.odometry.attitude.native import load_replay
from tinynas.odometry.attitude.options import AttitudeOptions
from tinynas.odometry.attitude.twin import AttitudeTwin

__all__ = ["Attitude", "replay_attitude", "track_attitude"]

Array = NDArray[np.float64]
Single = NDArray[np.float32]

# Far beyond any sensor, and far from where single floats overflow.
_LARGEST = 1e6


class Attitude(NamedTuple):
    """A recording's attitude, and what the filter had learned at its end.

    Attributes:
        rotations: (N, 3, 3) turn the device's axes into the frame's.
        hard_iron_ut: (3,) bias of the magnetometer in uT: known, or learned online.
        gyro_bias_rad_s: (3,) bias of the gyroscope in rad/s.
    """

    rotations: Single
    hard_iron_ut: Single
    gyro_bias_rad_s: Single


def track_attitude(
    accel: ArrayLike,
    gyro: ArrayLike,
    mag: ArrayLike | None,
    rate_hz: float,
    options: AttitudeOptions | None = None,
) -> Array:
    """Follow the attitude of a device through a recording, without looking ahead.

    The result is that of the C filter on a board, bit for bit: docs/frames.md.

    Args:
        accel: (N, 3) specific force in m/s2.
        gyro: (N, 3) angular rate in rad/s.
        mag: (N, 3) magnetic flux density in uT, or None. Its hard iron is gone (`calibrate_magnetometer`), unless
            `options.hard_iron` is `online`.
        rate_hz: Sample rate in Hz, 10 to 10,000.
        options: Gains; None for the defaults.

    Returns:
        (N, 3, 3) rotations: `rotations[i] @ accel[i]` is the force in the frame. z points up. With a magnetometer x
        points along the horizontal field; without one the yaw starts at the device's and follows the gyroscope alone.

    Raises:
        DatasetError: Shapes differ, a value is not finite or absurdly large, or the rate is out of range.

    Example:
        >>> import numpy as np
        >>> on_its_side = track_attitude(np.tile([0, 9.81, 0], (5, 1)), np.zeros((5, 3)), None, 100.0)
        >>> [abs(float(x)) for x in (on_its_side[-1] @ [0, 9.81, 0]).round(2)]
        [0.0, 0.0, 9.81]
    """
    return replay_attitude(accel, gyro, mag, rate_hz, options).rotations.astype(np.float64)


def replay_attitude(
    accel: ArrayLike,
    gyro: ArrayLike,
    mag: ArrayLike | None,
    rate_hz: float,
    options: AttitudeOptions | None = None,
    *,
    hard_iron_ut: ArrayLike = (0.0, 0.0, 0.0),
) -> Attitude:
    """As `track_attitude`, in single floats, with what was learned on the way.

    Args:
        accel: (N, 3) specific force in m/s2.
        gyro: (N, 3) angular rate in rad/s.
        mag: (N, 3) magnetic flux density in uT, or None.
        rate_hz: Sample rate in Hz, 10 to 10,000.
        options: Gains; None for the defaults.
        hard_iron_ut: (3,) hard iron in uT that is known: it is taken off, or online learning begins with it.

    Raises:
        DatasetError: Shapes differ, a value is not finite or absurdly large, or the rate is out of range.
    """
    chosen = options or AttitudeOptions()
    gains = compute_gains(rate_hz, chosen)
    learning = compute_magnetometer_gains(rate_hz, chosen) if chosen.hard_iron == "online" else None
    force, rate = _samples("accel", accel), _samples("gyro", gyro)
    field = None if mag is None else _samples("mag", mag)
    if len(rate) != len(force) or (field is not None and len(field) != len(force)):
        raise DatasetError("accel, gyro and mag differ in length", where="track_attitude")
    known = _samples("hard_iron_ut", np.asarray(hard_iron_ut)[None])[0]
    replay = load_replay() or replay_twin
    rotations, learned = replay(gains, learning, known, force, rate, field)
    return Attitude(rotations.reshape(-1, 3, 3), learned[:3], learned[3:])


def replay_twin(
    gains: AttitudeGains,
    learning: MagnetometerGains | None,
    known: Single,
    accel: Single,
    gyro: Single,
    mag: Single | None,
) -> tuple[Single, Single]:
    """firmware/odometry/replay.c in Python: for machines without a C compiler."""
    filter_, iron = AttitudeTwin(gains), MagnetometerTwin(learning, tuple(known)) if learning else None
    fields = repeat(None, len(accel)) if mag is None else _scalars(mag if iron else mag - known)
    rotations: list[Any] = []
    for force, turning, field in zip(_scalars(accel), _scalars(gyro), fields, strict=True):
        reading = field
        if iron is not None and reading is not None:
            b = filter_.gyro_bias
            reading = iron.update((turning[0] - b[0], turning[1] - b[1], turning[2] - b[2]), reading)
        rotations += filter_.update(force, turning, reading)
    bias = known if iron is None else iron.bias
    return np.fromiter(rotations, np.float32).reshape(-1, 9), np.array([*bias, *filter_.gyro_bias], np.float32)


def _scalars(rows: Single) -> Iterator[tuple[Any, Any, Any]]:
    """Rows as tuples of NumPy's scalars, which round as single floats do; column by column is the fastest way."""
    x, y, z = rows.T
    return zip(x, y, z, strict=True)


def _samples(name: str, values: ArrayLike) -> Single:
    array = np.asarray(values, np.float64)
    if array.ndim != 2 or array.shape[1] != 3:
        raise DatasetError(f"{name} has shape {array.shape}, expected (N, 3)", where="track_attitude")
    bad = np.flatnonzero(~(np.abs(array) <= _LARGEST).all(axis=1))
    if bad.size:
        message = f"{name} holds a value that is not finite, or beyond {_LARGEST:g}, first in row {bad[0]}"
        raise DatasetError(message, where="track_attitude")
    return array.astype(np.float32)
