"""How a person walks and how a phone rides along: the true motion behind the synthetic dataset.

Frames: the world has z up; the heading frame has x forward, y left, z up; the phone has x to its right, y to its top
edge, z out of the screen.

Sources: N. Sekiya and H. Nagasaki, "Reproducibility of the walking patterns of normal young adults", Gait & Posture 7,
1998 (step length over cadence, the walk ratio, is constant for a person); W. Zijlstra and A. L. Hof, "Displacement of
the pelvis during human walking: experimental data and model predictions", Gait & Posture 6, 1997 (vertical excursion of
an inverted pendulum).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from tinynas.odometry.recording import STANDARD_GRAVITY_M_S2

__all__ = ["CARRYING_MODES", "CarryingMode", "Motion", "Pedestrian", "draw_pedestrian", "walk"]

Array = NDArray[np.float64]

_UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Pedestrian:
    """What tells one walker from another."""

    leg_m: float
    speed_m_s: float  # the speed this person likes to walk at
    walk_ratio_m_s: float  # step length over step frequency, in m/Hz
    bounce: float  # vertical excursion relative to the inverted pendulum
    sway_m: float  # lateral amplitude at a step length of 0.65 m


@dataclass(frozen=True)
class CarryingMode:
    """How the phone is held: its mean attitude and the share of the gait that reaches it."""

    name: str
    tilt_deg: float  # about the phone's x: 0 lies flat with the top edge forward, 90 stands upright
    roll_deg: float  # about the phone's y
    yaw_deg: float  # of the top edge against the heading
    lever_m: tuple[float, float, float]  # place in the heading frame, from the ground below the body
    bounce: float  # share of the body's vertical, fore-aft and lateral motion
    swing_deg: float  # amplitude of the limb's swing at half the step frequency
    swing_arm_m: float  # distance from the phone to the joint it swings about
    wobble_deg: float  # slow wandering of tilt and roll
    spread_deg: float  # how differently people hold it
    rattle_m_s2: float = 0.0  # vibration of wheels on the floor at 1 m/s, standard deviation


CARRYING_MODES: dict[str, CarryingMode] = {
    mode.name: mode
    for mode in (
        CarryingMode("handheld", 25.0, 0.0, 0.0, (0.30, 0.0, 1.15), 0.9, 2.0, 0.30, 4.0, 5.0),
        CarryingMode("pocket", -80.0, 15.0, 0.0, (0.10, -0.15, 0.75), 0.9, 20.0, 0.20, 2.0, 7.0),
        CarryingMode("bag", 75.0, 10.0, 90.0, (-0.05, 0.25, 0.85), 0.8, 6.0, 0.40, 4.0, 7.0),
        CarryingMode("swinging", 10.0, 80.0, 0.0, (0.0, -0.25, 0.75), 0.9, 25.0, 0.60, 3.0, 6.0),
        CarryingMode("trolley", 4.0, 0.0, 0.0, (0.60, 0.0, 0.65), 0.08, 0.0, 0.0, 0.5, 2.0, rattle_m_s2=0.35),
    )
}


@dataclass(frozen=True)
class Motion:
    """The true motion of the phone at N instants.

    Args:
        time_s: (N,) in s.
        position: (N, 3) world position in m.
        orientation: (N, 4) unit quaternion x, y, z, w, phone to world.
        accel: (N, 3) specific force R^T (a - g) in the phone frame in m/s2.
        gyro: (N, 3) angular rate in the phone frame in rad/s.
    """

    time_s: Array
    position: Array
    orientation: Array
    accel: Array
    gyro: Array


def draw_pedestrian(rng: np.random.Generator) -> Pedestrian:
    """Draw a walker: legs 53 % of a height of 1.70 +- 0.09 m, walk ratio 0.0064 m/(steps/min) for a tall person."""
    height_m = float(np.clip(rng.normal(1.70, 0.09), 1.45, 1.98))
    return Pedestrian(
        leg_m=0.53 * height_m,
        speed_m_s=float(np.clip(rng.normal(1.05, 0.15), 0.6, 1.6)),
        walk_ratio_m_s=60 * 0.0064 * (height_m / 1.75) * float(np.exp(rng.normal(0, 0.05))),
        bounce=float(np.clip(rng.normal(0.80, 0.10), 0.5, 1.1)),
        sway_m=float(np.clip(rng.normal(0.020, 0.004), 0.008, 0.035)),
    )


def walk(
    person: Pedestrian, mode: CarryingMode, *, duration_s: float, rate_hz: float, rng: np.random.Generator
) -> Motion:
    """Let a person walk freely with a phone.

    Specific force and angular rate are central differences of the pose that is returned, so the three agree: summing
    the world acceleration twice gives the position back to rounding, and the trapezoidal rule over the angular rate
    gives the attitude back to second order in the sample interval.

    Args:
        person: Who walks.
        mode: How the phone is carried.
        duration_s: Length in s.
        rate_hz: Sample rate in Hz.
        rng: Source of the path, the stops and the way this person holds the phone.
    """
    rows = round(duration_s * rate_hz)
    dt = 1 / rate_hz
    # One row more at each end for the central differences.
    time_s: Array = np.arange(-1, rows + 1, dtype=np.float64) * dt
    speed, heading = _speed_and_heading(time_s, person, rng)
    forward = np.stack([np.cos(heading), np.sin(heading), np.zeros_like(heading)], axis=1)
    path = np.cumsum(speed[:, None] * forward, axis=0) * dt
    offset, swing = _gait(speed, person, mode, dt, rng)
    position = path + _about("z", heading).apply(offset)
    attitude = _attitude(heading, swing, mode, rate_hz, rng)
    accel_world = (position[2:] - 2 * position[1:-1] + position[:-2]) / dt**2
    turn = (attitude[:-2].inv() * attitude[2:]).as_rotvec()
    here = attitude[1:-1]
    return Motion(
        time_s=time_s[1:-1],
        position=position[1:-1] - [*position[1, :2], 0.0],
        orientation=here.as_quat(),
        accel=here.inv().apply(accel_world + _UP * STANDARD_GRAVITY_M_S2),
        gyro=turn / (2 * dt),
    )


def _speed_and_heading(time_s: Array, person: Pedestrian, rng: np.random.Generator) -> tuple[Array, Array]:
    """Speed in m/s and heading in rad: legs of a few seconds, turns between them, now and then a stop."""
    speed = np.zeros_like(time_s)
    turn_rate = np.zeros_like(time_s)
    now = float(time_s[0])
    while now < time_s[-1]:
        leg_s = rng.uniform(4.0, 11.0)
        target = max(0.0, person.speed_m_s * (1 + rng.normal(0, 0.18)))
        if rng.random() < 0.12:
            leg_s, target = rng.uniform(2.0, 5.0), 0.0
        speed[(time_s >= now) & (time_s < now + leg_s)] = target
        corner_rad = np.pi / 2 * rng.choice([-1, 1]) if rng.random() < 0.5 else 0.0
        # People take a corner as they walk, not before they start or after they stop.
        width_s = rng.uniform(1.2, 3.0)
        if target > 0:
            angle_rad = corner_rad + rng.normal(0, np.radians(25))
            turn_rate += _pulse(time_s, now + 0.5 + width_s / 2, width_s) * angle_rad
        now += leg_s
    rate_hz = 1 / (time_s[1] - time_s[0])
    meander = np.radians(8) * _slow_noise(len(time_s), 1.5 * rate_hz, rng)
    heading = rng.uniform(-np.pi, np.pi) + np.cumsum(turn_rate) / rate_hz + meander
    return gaussian_filter1d(speed, 0.35 * rate_hz, mode="nearest"), heading


def _pulse(time_s: Array, centre_s: float, width_s: float) -> Array:
    """A raised cosine of unit area."""
    phase = (time_s - centre_s) / width_s
    return np.where(np.abs(phase) < 0.5, (1 + np.cos(2 * np.pi * phase)) / width_s, 0.0)


def _slow_noise(rows: int, sigma_rows: float, rng: np.random.Generator) -> Array:
    """Gaussian noise of unit standard deviation, correlated over `sigma_rows` rows."""
    smooth = gaussian_filter1d(rng.standard_normal(rows), sigma_rows, mode="wrap")
    # White noise smoothed by a Gaussian of width s keeps the variance 1 / (2 s sqrt(pi)).
    return np.asarray(smooth * np.sqrt(2 * sigma_rows * np.sqrt(np.pi)))


def _gait(
    speed: Array, person: Pedestrian, mode: CarryingMode, dt: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Offset of the phone in the heading frame in m, and the limb's swing in rad."""
    # Both follow from the walk ratio w: speed = length * frequency and length = w * frequency.
    frequency_hz = np.sqrt(speed / person.walk_ratio_m_s) * (1 + 0.015 * _slow_noise(len(speed), 1.0 / dt, rng))
    step_m = np.sqrt(speed * person.walk_ratio_m_s)
    phase = 2 * np.pi * (rng.random() + np.cumsum(frequency_hz) * dt)
    rise_m = person.bounce * step_m**2 / (16 * person.leg_m)
    vary = 1 + 0.08 * _slow_noise(len(speed), 0.7 / dt, rng)
    vertical = rise_m * vary * (np.cos(phase) + 0.18 * np.cos(2 * phase + 0.6) + 0.05 * np.cos(3 * phase + 1.1))
    fore_aft = 0.018 * step_m / 0.65 * vary * np.sin(phase + 0.5)
    lateral = person.sway_m * step_m / 0.65 * np.cos(phase / 2)
    swing = np.radians(mode.swing_deg) * np.minimum(step_m / 0.65, 1.4) * vary * np.sin(phase / 2 + 0.9)
    offset = np.array(mode.lever_m) + mode.bounce * np.stack([fore_aft, lateral, vertical], axis=1)
    offset[:, 0] += mode.swing_arm_m * np.sin(swing)
    offset[:, 2] += mode.swing_arm_m * (1 - np.cos(swing))
    if mode.rattle_m_s2:
        # The second difference of white noise has 6 times its variance. Vibration vanishes with the speed.
        heave_m = mode.rattle_m_s2 * dt**2 / np.sqrt(6)
        offset += heave_m * speed[:, None] * [0.5, 0.5, 1.0] * rng.standard_normal((len(speed), 3))
    return offset, swing


def _attitude(heading: Array, swing: Array, mode: CarryingMode, rate_hz: float, rng: np.random.Generator) -> Rotation:
    """Phone to world: heading, the way the phone is held with its slow wandering, and the limb's swing."""
    rows = len(heading)
    held = rng.normal(0, mode.spread_deg, 3)
    tilt = mode.tilt_deg + held[0] + mode.wobble_deg * _slow_noise(rows, 1.2 * rate_hz, rng)
    roll = mode.roll_deg + held[1] + mode.wobble_deg * _slow_noise(rows, 1.2 * rate_hz, rng)
    yaw = mode.yaw_deg + 0.7 * held[2] + 0.7 * mode.wobble_deg * _slow_noise(rows, 1.5 * rate_hz, rng)
    facing = _about("z", heading + np.radians(yaw))
    limb = _about("y", -swing)
    # At yaw 0 the top edge (y) points forward (x): a quarter turn to the right.
    holding = Rotation.from_euler("ZXY", np.stack([np.full(rows, -90.0), tilt, roll], axis=1), degrees=True)
    return facing * limb * holding


def _about(axis: str, angle_rad: Array) -> Rotation:
    # SciPy before and after 1.15 disagree on the shape from_euler takes for one axis; rotation vectors are plain.
    return Rotation.from_rotvec(angle_rad[:, None] * np.eye(3)["xyz".index(axis)])
