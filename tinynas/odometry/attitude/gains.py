"""The filter's coefficients at one sample rate: the same numbers for the host and, as C, for a board."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinynas.errors import DatasetError
from tinynas.odometry.attitude.options import AttitudeOptions

__all__ = ["AttitudeGains", "MagnetometerGains", "compute_gains", "compute_magnetometer_gains", "initialise"]

_MAX_SAMPLES = 1 << 24  # up to here a float counts exactly
_REST_TIME_S = 0.5
_FIELD_TIME_S = 20.0
_FIELD_SETTLE_S = 0.5
_FIRST_FIELD_S = 5.0
_FIELD_TURNING_DEG_S = 20.0
_FIELD_DOUBT = 0.5
# What the gyroscope's bias gains in variance: 0.1 degree/s in 100 s, as a phone's sensor warms up.
_DRIFT_DEG_S = 0.1
_DRIFT_TIME_S = 100.0
# Of the online calibration: time between equations, and their weight, in (rad/s)^2, that outweighs what is known.
_EQUATION_S = 0.1
_RIDGE = 0.3


@dataclass(frozen=True)
class AttitudeGains:
    """`attitude_gains` of firmware/odometry/attitude.h, field by field in its order; each float is a single one."""

    step_s: float
    tilt_damping: float
    tilt_stiffness: float
    heading_gain: float
    field_min_ut: float
    bias_variance: float
    bias_drift: float
    bias_tilt: float
    bias_heading: float
    bias_rest: float
    bias_max: float
    rest_gain: float
    rest_gyro: float
    rest_accel: float
    field_tolerance: float
    field_gain: float
    field_turning: float
    field_doubt: float
    start_samples: int
    tilt_samples: int
    rest_samples: int
    field_samples: int
    reject_samples: int
    accept_samples: int
    first_samples: int


@dataclass(frozen=True)
class MagnetometerGains:
    """`magnetometer_gains` of firmware/odometry/magnetometer.h, field by field in its order."""

    step_s: float
    slow_gain: float
    memory: float
    ridge: float
    interval: int
    start_samples: int


def initialise(gains: AttitudeGains | MagnetometerGains, name: str) -> str:
    """A C definition of gains.

    Example:
        >>> print(initialise(MagnetometerGains(0.5, 1.0, 0.25, 1e-3, 4, 5), "learning"), end="")
        static const magnetometer_gains learning = {
            .step_s = 0.5f,
            .slow_gain = 1.0f,
            .memory = 0.25f,
            .ridge = 0.001f,
            .interval = 4,
            .start_samples = 5,
        };
    """
    kind = "attitude_gains" if isinstance(gains, AttitudeGains) else "magnetometer_gains"
    lines = [f"    .{key} = {_literal(value)}," for key, value in vars(gains).items()]
    return "\n".join([f"static const {kind} {name} = {{", *lines, "};", ""])


def compute_gains(rate_hz: float, options: AttitudeOptions | None = None) -> AttitudeGains:
    """Derive the coefficients from time constants and standard deviations.

    The force's low pass is a Butterworth filter of the second order: with f = sqrt(2) / tilt_time_s in rad/s, its
    motion is that of a mass of 1 on a spring of f^2, damped by sqrt(2) f.

    Args:
        rate_hz: Sample rate in Hz, 10 to 10,000.
        options: What was chosen; None for the defaults.

    Raises:
        DatasetError: The rate is out of range.
    """
    chosen = options or AttitudeOptions()
    step_s = 1 / _check_rate(rate_hz)
    turn = math.sqrt(2) / chosen.tilt_time_s * step_s
    drift = math.radians(_DRIFT_DEG_S) ** 2 * step_s / _DRIFT_TIME_S

    def share(time_s: float) -> float:
        return 1 - math.exp(-step_s / time_s)

    def information(deviation_deg_s: float) -> float:
        """Inverse variance of a measurement whose Kalman filter ends at this standard deviation."""
        variance = math.radians(deviation_deg_s) ** 2
        return 1 / (variance**2 / drift + variance)

    def samples(time_s: float) -> int:
        return min(round(time_s * rate_hz), _MAX_SAMPLES)

    tilt = samples(chosen.tilt_time_s)
    exact = AttitudeGains(
        step_s=step_s,
        tilt_damping=math.sqrt(2) * turn,
        tilt_stiffness=turn**2,
        heading_gain=share(chosen.heading_time_s),
        field_min_ut=chosen.field_min_ut,
        bias_variance=math.radians(chosen.gyro_bias_start_deg_s) ** 2,
        bias_drift=drift,
        bias_tilt=information(chosen.gyro_bias_tilt_deg_s),
        bias_heading=information(chosen.gyro_bias_heading_deg_s),
        bias_rest=information(chosen.gyro_bias_rest_deg_s),
        bias_max=math.radians(chosen.gyro_bias_max_deg_s),
        rest_gain=share(_REST_TIME_S),
        rest_gyro=math.radians(chosen.rest_gyro_deg_s) ** 2,
        rest_accel=chosen.rest_accel_m_s2**2,
        field_tolerance=chosen.field_tolerance**2,
        field_gain=share(_FIELD_TIME_S),
        field_turning=math.radians(_FIELD_TURNING_DEG_S) ** 2,
        field_doubt=_FIELD_DOUBT if chosen.field_tolerance else 1.0,
        start_samples=max(samples(chosen.heading_time_s), tilt + 1),
        tilt_samples=tilt,
        rest_samples=samples(chosen.rest_s),
        field_samples=samples(_FIELD_SETTLE_S),
        # Without a tolerance every field is disturbed, and used nevertheless.
        reject_samples=samples(chosen.field_reject_s) if chosen.field_tolerance else 0,
        accept_samples=samples(chosen.field_accept_s),
        first_samples=min(samples(_FIRST_FIELD_S), samples(chosen.field_accept_s)),
    )
    return AttitudeGains(**_round(exact))


def compute_magnetometer_gains(rate_hz: float, options: AttitudeOptions | None = None) -> MagnetometerGains:
    """Derive the coefficients of the online calibration.

    Args:
        rate_hz: Sample rate in Hz, 10 to 10,000.
        options: What was chosen; None for the defaults.

    Raises:
        DatasetError: The rate is out of range.
    """
    chosen = options or AttitudeOptions()
    step_s = 1 / _check_rate(rate_hz)
    interval = max(1, round(_EQUATION_S * rate_hz))
    exact = MagnetometerGains(
        step_s=step_s,
        slow_gain=1 - math.exp(-step_s / _REST_TIME_S),
        memory=math.exp(-interval * step_s / chosen.hard_iron_time_s),
        ridge=_RIDGE,
        interval=interval,
        start_samples=round(_REST_TIME_S * rate_hz),
    )
    return MagnetometerGains(**_round(exact))


def _check_rate(rate_hz: float) -> float:
    if not 10.0 <= rate_hz <= 10_000.0:
        raise DatasetError(f"the attitude filter runs at 10 to 10,000 Hz, not at {rate_hz} Hz", where="track_attitude")
    return rate_hz


def _round(gains: object) -> dict[str, Any]:
    return {key: value if isinstance(value, int) else float(np.float32(value)) for key, value in vars(gains).items()}


def _literal(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    text = f"{np.float32(value)!s}"
    return f"{text if '.' in text or 'e' in text else text + '.0'}f"
