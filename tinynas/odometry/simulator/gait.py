"""How a person walks and how a phone rides along: the true motion behind the synthetic dataset.

Frames: the world has z up; the heading frame has x forward, y left, z up; the phone has x to its right, y to its top
edge, z out of the screen.

The trunk is an inverted pendulum over the standing leg (W. Zijlstra and A. L. Hof, Gait & Posture 6, 1997): it is
slowest where it is highest. At the step frequency the fore-aft acceleration therefore runs a quarter of a period ahead
of the vertical one, and that is what tells forward from backward. A limb that swings lowers the phone where the trunk
is highest; a wide swing turns the vertical motion over, and with it that phase.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from tinynas.odometry.recording import STANDARD_GRAVITY_M_S2
from tinynas.odometry.simulator.carrying import CarryingMode, Grip
from tinynas.odometry.simulator.noise import band_noise, heave_noise, slow_noise
from tinynas.odometry.simulator.people import Pedestrian

__all__ = ["Motion", "walk"]

Array = NDArray[np.float64]

Harmonics = tuple[tuple[float, float], ...]

_UP = np.array([0.0, 0.0, 1.0])
_STEP_M = 0.65
"""The step length at which amplitudes are given."""

# What a step looks like in OxIOD's four hand-carried recordings at 0.8 m/s, which agree to some 15 degrees: amplitude,
# relative to the first, and phase in degrees of the first five harmonics of the step frequency. Phases count from that
# of vertical acceleration. First the accelerations, then the pitch rate.
_VERTICAL = ((1.0, 0.0), (0.25, -40.0), (0.05, -90.0), (0.07, -150.0), (0.06, -175.0))
_FORE_AFT = ((1.0, 90.0), (0.14, 20.0), (0.11, -50.0), (0.16, -85.0), (0.12, -125.0))
_PITCH = ((1.0, 160.0), (0.6, -117.0), (0.4, -120.0), (0.65, -160.0), (0.4, 150.0))
# What a step does to a trolley is its push alone; the second harmonic is that of seven recordings.
_PUSH = ((1.0, 90.0), (0.09, 145.0))
_YAW_PHASE_RAD = np.radians(150.0)  # at half the step frequency, against lateral motion
_SWING_PHASE_RAD = np.radians(3.0)
_TREMOR_BAND_HZ = (1.5, 8.0)


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


@dataclass(frozen=True)
class _Sway:
    """What a gait does to the phone: offset (N, 3) in the heading frame in m; angles (N,) in rad."""

    offset: Array
    swing: Array  # of the limb, the phone going forward
    nod: Array  # the front going down
    yaw: Array  # to the left


def walk(
    person: Pedestrian,
    mode: CarryingMode,
    *,
    duration_s: float,
    rate_hz: float,
    rng: np.random.Generator,
    grip: Grip | None = None,
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
        grip: Mean attitude of the phone; None for the first of the mode.
    """
    rows = round(duration_s * rate_hz)
    dt = 1 / rate_hz
    # One row more at each end for the central differences.
    time_s: Array = np.arange(-1, rows + 1, dtype=np.float64) * dt
    speed, heading = _speed_and_heading(time_s, person, rng)
    speed = speed * _slow_down(heading, mode.slowing_s, rate_hz)
    forward = np.stack([np.cos(heading), np.sin(heading), np.zeros_like(heading)], axis=1)
    path = np.cumsum(speed[:, None] * forward, axis=0) * dt
    sway = _gait(speed, person, mode, rate_hz, rng)
    position = path + _about("z", heading).apply(sway.offset)
    held = mode.grips[0] if grip is None else grip
    attitude = _attitude(heading, speed, sway, held, person.side, mode, rate_hz, rng)
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
        leg_s = rng.uniform(3.0, 8.0)
        target = max(0.0, person.speed_m_s * (1 + rng.normal(0, 0.15)))
        if rng.random() < 0.08:
            leg_s, target = rng.uniform(2.0, 5.0), 0.0
        speed[(time_s >= now) & (time_s < now + leg_s)] = target
        # Rooms are walked in loops: of what people walk, a quarter only is straight.
        turn_rate[(time_s >= now) & (time_s < now + leg_s)] += rng.normal(0, 0.28) if target > 0 else 0.0
        corner_rad = np.pi / 2 * rng.choice([-1, 1]) if rng.random() < 0.7 else 0.0
        # People take a corner as they walk, not before they start or after they stop.
        width_s = rng.uniform(2.0, 4.0)
        if target > 0:
            angle_rad = corner_rad + rng.normal(0, np.radians(25))
            turn_rate += _pulse(time_s, now + 0.5 + width_s / 2, width_s) * angle_rad
        now += leg_s
    rate_hz = 1 / (time_s[1] - time_s[0])
    meander = np.radians(8) * slow_noise(len(time_s), 1.5 * rate_hz, rng)
    turn_rate = gaussian_filter1d(turn_rate, 0.35 * rate_hz, mode="nearest")
    heading = rng.uniform(-np.pi, np.pi) + np.cumsum(turn_rate) / rate_hz + meander
    return gaussian_filter1d(speed, 0.35 * rate_hz, mode="nearest"), heading


def _slow_down(heading: Array, slowing_s: float, rate_hz: float) -> Array:
    """Share of the speed that is left in turns: people slow down as they begin one, and a trolley more than a hand."""
    turn_rad_s = np.abs(np.gradient(heading) * rate_hz)
    return np.asarray(np.maximum(1 - slowing_s * gaussian_filter1d(turn_rad_s, 0.3 * rate_hz, mode="nearest"), 0.4))


def _pulse(time_s: Array, centre_s: float, width_s: float) -> Array:
    """A raised cosine of unit area."""
    phase = (time_s - centre_s) / width_s
    return np.where(np.abs(phase) < 0.5, (1 + np.cos(2 * np.pi * phase)) / width_s, 0.0)


def _gait(speed: Array, person: Pedestrian, mode: CarryingMode, rate_hz: float, rng: np.random.Generator) -> _Sway:
    """What the steps do to the phone."""
    rows = len(speed)
    # Both follow from the walk ratio w: speed = length * frequency and length = w * frequency.
    frequency_hz = np.sqrt(speed / person.walk_ratio_m_s) * (1 + 0.015 * slow_noise(rows, rate_hz, rng))
    step_m = np.sqrt(speed * person.walk_ratio_m_s)
    stretch = step_m / _STEP_M
    # 0 where the trunk is highest, in the middle of a step.
    phase = 2 * np.pi * (rng.random() + np.cumsum(frequency_hz) / rate_hz)
    vary = 1 + 0.08 * slow_noise(rows, 0.7 * rate_hz, rng)
    limb = np.minimum(stretch, 1.4) * vary
    rise_m = person.bounce * step_m**2 / (16 * person.leg_m)
    vertical = rise_m * vary * _displace(phase, _VERTICAL, person.impact)
    surge_m = person.surge_m * stretch * vary
    thrust = _PUSH if mode.pushed else _FORE_AFT
    fore_aft = surge_m * _displace(phase, thrust, person.impact, lag_rad=person.surge_lag_rad)
    lateral = person.side * person.sway_m * stretch * np.cos(phase / 2)
    # The limb hangs straight in the middle of a step and is out where both feet stand.
    swing = np.radians(mode.swing_deg) * limb * np.sin(phase / 2 + _SWING_PHASE_RAD)
    swing += np.radians(mode.swing_mean_deg) * limb
    nod = np.radians(mode.nod_deg) * limb * _tilt(phase, _PITCH, person.impact)
    yaw = person.side * np.radians(mode.yaw_sway_deg) * limb * np.cos(phase / 2 + _YAW_PHASE_RAD)
    offset = np.array(mode.lever_m) * [1, person.side, 1]
    shares = (mode.surge, mode.bounce, mode.bounce)
    offset = offset + np.stack([fore_aft, lateral, vertical], axis=1) * shares
    offset[:, 0] += mode.swing_arm_m * np.sin(swing)
    offset[:, 2] += mode.swing_arm_m * (1 - np.cos(swing))
    # Vibration vanishes with the speed.
    shake_m = [mode.rattle_m_s2 * speed * heave_noise(rows, rate_hz, mode.rattle_band_hz, rng) for _ in range(3)]
    tied = mode.rattle_thrust
    offset[:, 0] += 0.8 * (tied * shake_m[2] + np.sqrt(1 - tied**2) * shake_m[0])
    offset[:, 1] += 0.6 * shake_m[1]
    offset[:, 2] += shake_m[2]
    # The rate goes with the acceleration, so the angle with the velocity.
    nod += mode.rattle_pitch_s_m * np.gradient(shake_m[2]) * rate_hz
    return _Sway(offset=offset, swing=swing, nod=nod, yaw=yaw)


def _displace(phase: Array, harmonics: Harmonics, impact: float, *, lag_rad: float = 0.0) -> Array:
    """Displacement of unit first amplitude whose acceleration has these harmonics; upwards it is 1 at phase 0."""
    moved = np.zeros_like(phase)
    for order, (share, degrees) in enumerate(harmonics, start=1):
        angle = order * (phase + np.pi) + np.radians(degrees) - (lag_rad if order == 1 else 0.0)
        # Accelerations are -(order * frequency)^2 of the displacement.
        moved -= (share if order == 1 else impact * share) / order**2 * np.cos(angle)
    return moved


def _tilt(phase: Array, harmonics: Harmonics, impact: float) -> Array:
    """Angle of unit first amplitude whose rate has these harmonics."""
    turned = np.zeros_like(phase)
    for order, (share, degrees) in enumerate(harmonics, start=1):
        angle = order * (phase + np.pi) + np.radians(degrees)
        turned += (share if order == 1 else impact * share) / order * np.sin(angle)
    return turned


def _attitude(
    heading: Array,
    speed: Array,
    sway: _Sway,
    grip: Grip,
    side: int,
    mode: CarryingMode,
    rate_hz: float,
    rng: np.random.Generator,
) -> Rotation:
    """Phone to world: heading, limb, the way the phone is held with its slow wandering, and tremor."""
    rows = len(heading)
    held = rng.normal(0, mode.spread_deg, 3)
    tilt = grip.tilt_deg + held[0] + mode.wobble_deg * slow_noise(rows, 1.2 * rate_hz, rng)
    roll = side * grip.roll_deg + held[1] + mode.wobble_deg * slow_noise(rows, 1.2 * rate_hz, rng)
    yaw = side * grip.yaw_deg + 0.7 * held[2] + 0.7 * mode.wobble_deg * slow_noise(rows, 1.5 * rate_hz, rng)
    facing = _about("z", heading + sway.yaw)
    limb = _about("y", sway.nod - sway.swing)
    # At yaw 0 the top edge (y) points forward (x): a quarter turn to the right.
    holding = Rotation.from_euler("ZXY", np.stack([yaw - 90.0, tilt, roll], axis=1), degrees=True)
    # An angle of 1 rad in the band turns at about 2 pi times its middle frequency.
    angle = mode.tremor_rad_s / (2 * np.pi * float(np.mean(_TREMOR_BAND_HZ)))
    tremor = np.stack([band_noise(rows, rate_hz, _TREMOR_BAND_HZ, rng) for _ in range(3)], axis=1)
    return facing * limb * holding * Rotation.from_rotvec(angle * speed[:, None] * tremor)


def _about(axis: str, angle_rad: Array) -> Rotation:
    # SciPy before and after 1.15 disagree on the shape from_euler takes for one axis; rotation vectors are plain.
    return Rotation.from_rotvec(angle_rad[:, None] * np.eye(3)["xyz".index(axis)])
