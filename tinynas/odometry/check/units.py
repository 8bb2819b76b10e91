"""Units and signs by plausibility: gravity, turn rates, the field."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tinynas.odometry.check.field import FieldCheck
from tinynas.odometry.check.findings import Finding, FindingKind
from tinynas.odometry.frames import Motion, smooth
from tinynas.odometry.recording import STANDARD_GRAVITY_M_S2, Recording

__all__ = ["check_units"]

Array = NDArray[np.float64]

_G = STANDARD_GRAVITY_M_S2
_DEGREES = 180 / np.pi

# What the value would be if it had been stored in that unit: the reader took it for the SI unit.
_GRAVITY = (("g", 1.0, _G), ("mg", 1000.0, _G / 1000), ("cm/s2", 100 * _G, 0.01))
_GRAVITY_TOLERANCE = 0.15
_TURN = (("degrees/s", _DEGREES), ("mdegrees/s", 1000 * _DEGREES), ("a unit that is 57 times larger", 1 / _DEGREES))
_FIELD_UT = (10.0, 150.0)
_FIELD = (("nT", 1e3), ("mgauss", 10.0), ("gauss", 0.01))
_WALKING_M_S = 0.4


def check_units(recording: Recording, motion: Motion | None, field: FieldCheck | None) -> Iterator[Finding]:
    """Yield what is wrong with units and signs."""
    down = smooth(recording.accel, 0.5, recording.rate_hz)
    gravity = float(np.median(np.linalg.norm(down, axis=1)))
    yield from _check_gravity(recording.name, gravity)
    pair = None if motion is None else _vertical_turns(recording, motion, down)
    turns = [] if pair is None else list(_check_turns(recording.name, *pair))
    yield from turns
    if not any(finding.kind == "gyro_unit" for finding in turns):
        yield from _check_strength(recording.name, recording.gyro)
    if gravity > 0 and (pair is None or _correlation(*pair) > -0.5) and motion is not None and motion.matrices is None:
        mean_z = float((down[:, 2] / np.maximum(np.linalg.norm(down, axis=1), 1e-9)).mean())
        if mean_z < -0.85:
            message = f"the device lies face down all along: the accelerometer's z reads {mean_z * gravity:.1f} m/s2"
            yield z_down(recording.name, message)
    if field is not None:
        yield from _check_field(recording.name, field)


def z_down(name: str, message: str) -> Finding:
    """A sensor whose z axis points down."""
    advice = (
        "if the sensor's z axis points down, turn all sensors alike: keep x, negate y and z of accel, gyro and mag "
        "(never accel alone); or learn in the level or north frame, where it makes no difference"
    )
    return Finding("z_down", name, message, advice)


def _check_gravity(name: str, gravity: float) -> Iterator[Finding]:
    if abs(gravity / _G - 1) <= _GRAVITY_TOLERANCE:
        return
    for unit, value, factor in _GRAVITY:
        if abs(gravity / value - 1) <= _GRAVITY_TOLERANCE:
            message = f"gravity reads {gravity:.4g} where {_G:.2f} m/s2 is expected: the values are in {unit}"
            yield Finding("accel_unit", name, message, f"multiply the accelerometer by {factor:.6g}, or name its unit")
            return
    if gravity < 0.3 * _G:
        message = f"gravity reads {gravity:.3g} m/s2: it has been removed from the acceleration, or the unit is wrong"
        advice = "give the specific force as the sensor reads it: acceleration plus gravity"
    else:
        message = f"gravity reads {gravity:.4g} m/s2 where {_G:.2f} is expected"
        advice = "check the accelerometer's unit and scale"
    yield Finding("accel_unit", name, message, advice)


def _vertical_turns(recording: Recording, motion: Motion, down: Array) -> tuple[Array, Array] | None:
    """Turn rate about the vertical by the sensors and by the ground truth's orientation, else by the way walked."""
    rate_hz = recording.rate_hz
    up = down / np.maximum(np.linalg.norm(down, axis=1, keepdims=True), 1e-9)
    sensed = smooth((recording.gyro * up).sum(axis=1), 0.3, rate_hz)
    if motion.matrices is not None and motion.rate is not None:
        true = smooth(np.einsum("nj,nj->n", motion.matrices[:, 2], motion.rate), 0.3, rate_hz)
        rows = motion.known
    else:
        speed = np.linalg.norm(motion.velocity[:, :2], axis=1)
        course = np.unwrap(np.arctan2(motion.velocity[:, 1], motion.velocity[:, 0]))
        true = smooth(np.gradient(course) * rate_hz, 0.3, rate_hz)
        rows = motion.known & (smooth((speed < _WALKING_M_S).astype(np.float64), 0.3, rate_hz) < 0.01)
    if rows.sum() < 5 * rate_hz or true[rows].std() < 0.05:
        return None
    return sensed[rows], true[rows]


def _correlation(one: Array, two: Array) -> float:
    one, two = one - one.mean(), two - two.mean()
    power = np.sqrt((one**2).sum() * (two**2).sum())
    return float((one * two).sum() / power) if power > 0 else 0.0


def _check_turns(name: str, sensed: Array, true: Array) -> Iterator[Finding]:
    agreement = _correlation(sensed, true)
    if agreement < -0.5:
        message = "the device turns against the ground truth about the vertical: gravity has the wrong sign"
        advice = (
            "turn the sign of all three axes of the accelerometer, and of it alone: lying face up it must read +9.81 "
            "m/s2 on z"
        )
        yield Finding("gravity_sign", name, f"{message} (correlation {agreement:.2f})", advice)
    if abs(agreement) < 0.5:
        return
    ratio = float(sensed.std() / true.std())
    for unit, factor in _TURN:
        if abs(np.log(ratio / factor)) < 0.4:
            message = f"turns read {ratio:.3g} times those of the ground truth: the values are in {unit}"
            advice = f"multiply the gyroscope by {1 / factor:.6g}, or name its unit"
            yield Finding("gyro_unit", name, message, advice)


def _check_strength(name: str, gyro: Array) -> Iterator[Finding]:
    """Turn rates that no carried device has; where there is ground truth, `_check_turns` knows more."""
    rms = float(np.sqrt((gyro**2).sum(axis=1).mean()))
    if rms > 12:
        message = f"the device turns at {rms:.3g} rad/s on average: the values may be in degrees/s"
        yield Finding("gyro_unit", name, message, f"multiply the gyroscope by {1 / _DEGREES:.6g}, or name its unit")


def _check_field(name: str, field: FieldCheck) -> Iterator[Finding]:
    low, high = _FIELD_UT
    if not low <= field.strength_ut <= high:
        # The Earth's field: 25 to 65 uT. Nickel and steel nearby add to it.
        unit, factor = min(_FIELD, key=lambda known: abs(np.log(max(field.strength_ut, 1e-9) / 48 / known[1])))
        message = f"the field reads {field.strength_ut:.4g} uT where 25 to 65 are expected"
        if abs(np.log(max(field.strength_ut, 1e-9) / 48 / factor)) < 0.7:
            message, advice = f"{message}: the values are in {unit}", f"multiply the magnetometer by {1 / factor:g}"
        else:
            advice = "check the magnetometer's unit, and magnets and steel near the sensor"
        kind: FindingKind = "mag_unit"
        yield Finding(kind, name, message, advice)
