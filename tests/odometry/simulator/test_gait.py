from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, csd, detrend, sosfiltfilt
from scipy.spatial.transform import Rotation

from tinynas.odometry.simulator import CARRYING_MODES, draw_pedestrian, walk

G = 9.80665

motions = st.builds(
    lambda seed, mode, rate_hz: (
        walk(
            draw_pedestrian(np.random.default_rng(seed)),
            CARRYING_MODES[mode],
            duration_s=8.0,
            rate_hz=rate_hz,
            rng=np.random.default_rng(seed + 1),
        ),
        rate_hz,
    ),
    seed=st.integers(0, 10_000),
    mode=st.sampled_from(sorted(CARRYING_MODES)),
    rate_hz=st.sampled_from([50.0, 100.0, 200.0]),
)


@settings(max_examples=20, deadline=None)
@given(case=motions)
def test_integrating_the_true_angular_rate_gives_the_attitude(case):
    motion, rate_hz = case
    attitude = Rotation.from_quat(motion.orientation)
    middle = (motion.gyro[1:] + motion.gyro[:-1]) / 2
    turned = attitude[0]
    for step in Rotation.from_rotvec(middle / rate_hz):
        turned = turned * step
    # Second order in the sample interval; a sign or frame error is a turn of radians.
    assert (turned.inv() * attitude[-1]).magnitude() < 0.03 * (100 / rate_hz) ** 2 + 1e-3


@settings(max_examples=20, deadline=None)
@given(case=motions)
def test_integrating_the_true_specific_force_twice_gives_the_position(case):
    motion, rate_hz = case
    world = Rotation.from_quat(motion.orientation).apply(motion.accel) - [0, 0, G]
    position = motion.position[:2].copy()
    velocity = (position[1] - position[0]) * rate_hz
    track = [position[0], position[1]]
    for accel in world[1:-1]:
        velocity = velocity + accel / rate_hz
        track.append(track[-1] + velocity / rate_hz)
    np.testing.assert_allclose(track, motion.position, atol=1e-6)


def test_a_person_who_stands_feels_gravity_alone():
    person = dataclasses.replace(draw_pedestrian(np.random.default_rng(0)), speed_m_s=0.0)
    mode = dataclasses.replace(CARRYING_MODES["handheld"], wobble_deg=0.0, lever_m=(0.0, 0.0, 1.0))
    motion = walk(person, mode, duration_s=10.0, rate_hz=100.0, rng=np.random.default_rng(1))
    np.testing.assert_allclose(np.linalg.norm(motion.accel, axis=1), G, rtol=1e-6)
    assert np.linalg.norm(motion.position - motion.position[0], axis=1).max() < 1e-6


def test_gait_is_seen_in_the_vertical_force_at_the_step_frequency():
    person = dataclasses.replace(draw_pedestrian(np.random.default_rng(0)), speed_m_s=1.2, walk_ratio_m_s=0.4)
    motion = walk(person, CARRYING_MODES["handheld"], duration_s=60.0, rate_hz=100.0, rng=np.random.default_rng(4))
    vertical = Rotation.from_quat(motion.orientation).apply(motion.accel)[:, 2] - G
    power = np.abs(np.fft.rfft(vertical)) ** 2
    peak_hz = np.fft.rfftfreq(len(vertical), 0.01)[power.argmax()]
    assert 1.2 < peak_hz < 2.4  # sqrt(1.2 / 0.4) = 1.73 at the preferred speed
    assert 0.5 < vertical.std() < 4.0


def _walk_level(seed, mode, **gait):
    """One minute of a walk without stops, in the frame of the walking direction.

    Returns the speed (N,), the acceleration (N, 3) as forward, left, up, and the angular rate alike.
    """
    person = dataclasses.replace(draw_pedestrian(np.random.default_rng(seed)), **gait)
    motion = walk(person, CARRYING_MODES[mode], duration_s=60.0, rate_hz=100.0, rng=np.random.default_rng(seed + 1))
    # Over a whole stride of 1.3 s the gait's own speed averages out.
    smooth = np.apply_along_axis(lambda x: np.convolve(x, np.ones(130) / 130, "same"), 0, motion.position[:, :2])
    velocity = np.gradient(smooth, 0.01, axis=0)
    speed = np.linalg.norm(velocity, axis=1)
    forward = np.column_stack([velocity / np.maximum(speed, 1e-6)[:, None], np.zeros(len(speed))])
    left = np.cross([0, 0, 1.0], forward)
    attitude = Rotation.from_quat(motion.orientation)
    turned = [
        np.stack([(vector * forward).sum(1), (vector * left).sum(1), vector[:, 2]], axis=1)
        for vector in (attitude.apply(motion.accel) - [0, 0, G], attitude.apply(motion.gyro))
    ]
    walking = (speed > 0.4) & (np.arange(len(speed)) > 130) & (np.arange(len(speed)) < len(speed) - 130)
    return speed[walking], turned[0][walking], turned[1][walking]


def _phase_deg(first, second):
    """Phase from one signal to another at the first one's strongest frequency between 1.1 and 2.6 Hz, in degrees."""
    frequency, cross = csd(detrend(first), detrend(second), fs=100.0, nperseg=400)
    power = csd(detrend(first), detrend(first), fs=100.0, nperseg=400)[1].real
    band = (frequency > 1.1) & (frequency < 2.6)
    return np.degrees(np.angle(cross[band][power[band].argmax()]))


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), mode=st.sampled_from(["handheld", "pocket", "bag"]))
def test_forward_acceleration_runs_a_quarter_of_a_step_ahead_of_the_vertical(seed, mode):
    """OxIOD's hand-carried recordings show 77 to 86 degrees, an inverted pendulum 90; a walk backwards -90."""
    _, accel, _ = _walk_level(seed, mode)
    assert 70 < _phase_deg(accel[:, 2], accel[:, 0]) < 98


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_pitch_of_a_hand_follows_the_vertical_acceleration_as_measured(seed):
    """OxIOD: the rate about the left axis is at +150 to +169 degrees from vertical acceleration."""
    _, accel, rate = _walk_level(seed, "handheld")
    assert 145 < _phase_deg(accel[:, 2], rate[:, 1]) < 175


def test_a_hand_at_oxiods_speed_shakes_as_oxiods_hands_do():
    """RMS above 0.7 Hz, over twelve walkers: OxIOD's four recordings span 0.76-1.06, 0.75-0.79, 0.41-0.49 and
    0.22-0.27, 0.17-0.24 rad/s, at median speeds of 0.78 to 0.87 m/s."""
    walks = [_walk_level(seed, "handheld", speed_m_s=0.82) for seed in range(12)]
    figures = []
    for speed, accel, rate in walks:
        spectra = [np.fft.rfft(detrend(signal, axis=0), axis=0) for signal in (accel, rate)]
        slow = np.fft.rfftfreq(len(speed), 0.01) < 0.7
        for spectrum in spectra:
            spectrum[slow] = 0
        accel, rate = (np.fft.irfft(spectrum, len(speed), axis=0).std(axis=0) for spectrum in spectra)
        figures.append([np.median(speed), accel[2], accel[0], accel[1], rate[1], rate[2]])
    speed, vertical, fore_aft, lateral, pitch, yaw = np.mean(figures, axis=0)
    assert 0.72 < speed < 0.90
    assert 0.75 < vertical < 1.10
    assert 0.60 < fore_aft < 0.90
    assert 0.30 < lateral < 0.55
    assert 0.18 < pitch < 0.28
    assert 0.15 < yaw < 0.32


def test_an_arm_that_swings_wide_turns_the_vertical_motion_over():
    """Another walker's phone beside the hip shows -84 degrees: it is lowest where the trunk is highest."""
    still = {"surge_lag_rad": 0.1, "bounce": 0.6, "speed_m_s": 0.9}
    phases = [
        _phase_deg(accel[:, 2], accel[:, 0]) for _, accel, _ in (_walk_level(s, "swinging", **still) for s in range(4))
    ]
    assert all(phase < -60 for phase in phases)


def test_left_handed_people_sway_the_other_way():
    signs = []
    for side in (1, -1):
        person = dataclasses.replace(draw_pedestrian(np.random.default_rng(3)), side=side)
        motion = walk(person, CARRYING_MODES["swinging"], duration_s=20.0, rate_hz=100.0, rng=np.random.default_rng(4))
        screen = Rotation.from_quat(motion.orientation).apply([0, 0, 1.0])
        forward = np.gradient(motion.position[:, :2], axis=0)
        signs.append(np.sign((forward[:, 0] * screen[:, 1] - forward[:, 1] * screen[:, 0]).mean()))
    assert signs == [-1, 1]  # roll 80: the screen looks away from the leg, to the right in a right hand


@pytest.mark.parametrize("rate_hz", [20.0, 100.0, 400.0])
def test_vibration_is_as_strong_as_the_band_that_the_rate_can_show(rate_hz):
    person = dataclasses.replace(draw_pedestrian(np.random.default_rng(0)), speed_m_s=1.0)
    mode = dataclasses.replace(CARRYING_MODES["trolley"], bounce=0.0, wobble_deg=0.0)
    motion = walk(person, mode, duration_s=60.0, rate_hz=rate_hz, rng=np.random.default_rng(2))
    vertical = Rotation.from_quat(motion.orientation).apply(motion.accel)[:, 2] - G
    # A band of 8 to 45 Hz: at 20 Hz only 8 to 10 Hz are left.
    shown = np.sqrt((min(45.0, rate_hz / 2) - 8) / 37)
    assert vertical.std() == pytest.approx(0.65 * shown, rel=0.25)


def test_a_trolley_is_rigid_and_its_vibration_tells_forward_from_backward():
    """OxIOD's trolley, 10 to 20 Hz: vertical force with pitch rate 0.84 to 0.94, with fore-aft force 0.36 to 0.43."""
    person = dataclasses.replace(draw_pedestrian(np.random.default_rng(0)), speed_m_s=0.8)
    motion = walk(person, CARRYING_MODES["trolley"], duration_s=60.0, rate_hz=100.0, rng=np.random.default_rng(2))
    attitude = Rotation.from_quat(motion.orientation)
    velocity = np.gradient(motion.position[:, :2], axis=0)
    heading = Rotation.from_rotvec(np.arctan2(velocity[:, 1], velocity[:, 0])[:, None] * [0, 0, 1.0])
    band = butter(2, [10, 20], "band", fs=100.0, output="sos")
    force, rate = (
        sosfiltfilt(band, heading.inv().apply(attitude.apply(vector)), axis=0) for vector in (motion.accel, motion.gyro)
    )
    assert np.corrcoef(force[:, 2], rate[:, 1])[0, 1] > 0.8
    assert np.corrcoef(force[:, 2], force[:, 0])[0, 1] == pytest.approx(0.35, abs=0.1)
