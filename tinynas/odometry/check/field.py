"""The magnetometer: unit, hard iron, axes, and how steady the field's direction is in the world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinynas.odometry.attitude import track_attitude
from tinynas.odometry.frames import Motion, Mounting, calibrate_magnetometer, smooth
from tinynas.odometry.recording import Recording

__all__ = ["FieldCheck", "horizontal_field", "measure_field"]

Array = NDArray[np.float64]

_LEAST_TURN_RAD_S = 0.1


@dataclass(frozen=True)
class FieldCheck:
    """What a magnetometer tells of itself.

    Args:
        bias_ut: (3,) hard iron in uT.
        horizontal_ut: Median horizontal field without the bias, in uT.
        strength_ut: Median strength as recorded, in uT.
        consistency: Length of the mean unit vector of the horizontal field in the world, as recorded.
        consistency_calibrated: The same without the bias.
        agreement: Correlation of how the reading changes with how the gyroscope says that it must; None where the
            device hardly turns.
    """

    bias_ut: Array
    horizontal_ut: float
    strength_ut: float
    consistency: float
    consistency_calibrated: float
    agreement: float | None


def measure_field(recording: Recording, motion: Motion | None, mounting: Mounting | None) -> FieldCheck | None:
    """Look at a recording's magnetometer; None where there is none.

    The direction in the world needs an attitude. It is that of the ground truth, brought to the sensor's axes; without
    one it is the yaw of the gyroscope, less a constant drift.
    """
    if recording.mag is None:
        return None
    bias = calibrate_magnetometer(recording.gyro, recording.mag, recording.rate_hz)
    if motion is not None and motion.matrices is not None and mounting is not None:
        attitude, known = motion.matrices @ mounting.rotation, motion.known
    else:
        attitude = track_attitude(recording.accel, recording.gyro, None, recording.rate_hz)
        known = np.ones(len(recording), bool)
    drifts = motion is None or motion.matrices is None
    raw, clean = (horizontal_field(attitude, recording.mag - offset)[known] for offset in (0.0, bias))
    return FieldCheck(
        bias_ut=bias,
        horizontal_ut=float(np.median(np.abs(clean))),
        strength_ut=float(np.median(np.linalg.norm(recording.mag, axis=1))),
        consistency=_concentration(raw, drifts=drifts),
        consistency_calibrated=_concentration(clean, drifts=drifts),
        agreement=_agreement(recording, bias),
    )


def horizontal_field(attitude: Array, field: Array) -> NDArray[np.complex128]:
    """Return the horizontal part of a field (N, 3) in the world, x + iy; the attitude (N, 3, 3) turns it there."""
    turned = np.einsum("nij,nj->ni", attitude[:, :2], field)
    return np.asarray(turned[:, 0] + 1j * turned[:, 1])


def _concentration(field: NDArray[np.complex128], *, drifts: bool) -> float:
    angle = np.angle(field)
    if drifts and len(angle) > 1:
        angle = np.unwrap(angle)
        time = np.arange(len(angle))
        angle = angle - np.polyval(np.polyfit(time, angle, 1), time)
    return float(abs(np.exp(1j * angle).mean())) if len(angle) else 0.0


def _agreement(recording: Recording, bias: Array) -> float | None:
    """Correlation of dm/dt with -w x m, both below about 1 Hz."""
    assert recording.mag is not None, "asked for only where there is a magnetometer"
    rate_hz = recording.rate_hz
    turn = smooth(recording.gyro, 0.15, rate_hz)
    if np.sqrt((turn**2).sum(axis=1).mean()) < _LEAST_TURN_RAD_S:
        return None
    field = smooth(recording.mag - bias, 0.15, rate_hz)
    changes, expected = np.gradient(field, axis=0) * rate_hz, -np.cross(turn, field)
    power = np.sqrt((changes**2).sum() * (expected**2).sum())
    return float((changes * expected).sum() / power) if power > 0 else None
