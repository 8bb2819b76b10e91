"""The attitude filter on motions whose attitude is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tinynas.errors import ConfigError, DatasetError
from tinynas.odometry import AttitudeOptions, track_attitude
from tinynas.odometry.attitude import replay_attitude

RATE_HZ = 100.0
G = np.array([0, 0, 9.81])
FIELD = np.array([18.0, 0, -45.0])  # x along the horizontal field: magnetic north in Europe


def tumble(seconds, seed, start=None, rate_rad_s=1.0):
    """A smooth motion in every axis: attitude, and the rate that turns each sample's attitude into the next."""
    generator = np.random.default_rng(seed)
    n = round(seconds * RATE_HZ)
    knots = generator.normal(0, rate_rad_s, (int(seconds) + 2, 3))
    knots[:2] = 0  # at rest first
    at = np.arange(n) / RATE_HZ
    rate = np.stack([np.interp(at, np.arange(len(knots)), knots[:, k]) for k in range(3)], 1)
    attitude = [start or Rotation.identity()]
    for w in rate[1:]:
        attitude.append(attitude[-1] * Rotation.from_rotvec(w / RATE_HZ))
    return Rotation.concatenate(attitude), rate


def errors_deg(rotations, truth):
    return np.degrees((Rotation.from_matrix(rotations) * truth.inv()).magnitude())


@pytest.mark.parametrize("start", [Rotation.identity(), Rotation.from_euler("xyz", [100, 40, 170], degrees=True)])
def test_north_follows_a_tumbling_device(start):
    truth, rate = tumble(30, 1, start)
    rotations = track_attitude(truth.inv().apply(G), rate, truth.inv().apply(FIELD), RATE_HZ)
    assert errors_deg(rotations, truth).max() < 0.3


def test_level_keeps_the_yaw_of_the_gyroscope():
    truth, rate = tumble(30, 2)
    rotations = track_attitude(truth.inv().apply(G), rate, None, RATE_HZ)
    assert errors_deg(rotations, truth).max() < 0.3


def test_a_lasting_turn_of_the_field_is_followed_in_its_time():
    resting = np.zeros((6000, 3))
    field = np.tile(FIELD, (6000, 1))
    field[3000:] = Rotation.from_euler("z", 20, degrees=True).apply(FIELD)
    options = AttitudeOptions(field_tolerance=0)
    rotations = track_attitude(np.tile(G, (6000, 1)), resting, field, RATE_HZ, options)
    yaw = np.degrees(np.arctan2(rotations[:, 1, 0], rotations[:, 0, 0]))
    assert abs(yaw[2999]) < 0.01
    assert yaw[3999] == pytest.approx(-20 * (1 - np.exp(-1)), abs=0.3)  # after one time constant


def test_a_magnet_that_passes_does_not_turn_the_heading():
    truth, rate = tumble(60, 6, rate_rad_s=0.5)
    magnet = np.zeros((6000, 3))
    magnet[3000:4000] = [0, 40, 0]
    force, field = truth.inv().apply(G), truth.inv().apply(FIELD + magnet)
    rejecting = errors_deg(track_attitude(force, rate, field, RATE_HZ), truth)
    trusting = errors_deg(track_attitude(force, rate, field, RATE_HZ, AttitudeOptions(field_tolerance=0)), truth)
    assert rejecting.max() < 0.5
    assert trusting[3900] > 15


def test_accelerations_do_not_tilt_the_vertical():
    """Ten seconds of steps at 2 Hz and 4 m/s2: a gravity of the moment would swing by 20 degrees."""
    n = 2000
    push = 4 * np.sin(2 * np.pi * 2 * np.arange(n) / RATE_HZ)[:, None] * [1, 0, 0]
    rotations = track_attitude(G + np.where(np.arange(n)[:, None] < 1000, 0, push), np.zeros((n, 3)), None, RATE_HZ)
    assert np.degrees(np.arccos(rotations[:, 2, 2])).max() < 0.6


@pytest.mark.slow
@pytest.mark.parametrize("rests", [True, False])
def test_the_bias_of_the_gyroscope_is_learned(rests):
    truth, rate = tumble(600, 8, rate_rad_s=0.0 if rests else 0.5)
    bias = np.radians([0.5, -0.4, 0.3])
    found = replay_attitude(truth.inv().apply(G), rate + bias, truth.inv().apply(FIELD), RATE_HZ).gyro_bias_rad_s
    np.testing.assert_allclose(np.degrees(found), np.degrees(bias), atol=0.02 if rests else 0.15)


def test_an_upside_down_device_that_starts_without_force_still_finds_up():
    force = np.tile(-G, (1000, 1))
    force[:3] = 0  # in free fall nothing tells the vertical
    rotations = track_attitude(force, np.zeros((1000, 3)), None, RATE_HZ)
    assert rotations[-1, 2, 2] < -0.999


def test_is_causal():
    truth, rate = tumble(10, 3)
    force, field = truth.inv().apply(G), truth.inv().apply(FIELD)
    whole = track_attitude(force, rate, field, RATE_HZ)
    part = track_attitude(force[:600], rate[:600], field[:600], RATE_HZ)
    np.testing.assert_array_equal(whole[:600], part)


def test_results_are_rotations():
    generator = np.random.default_rng(4)
    rotations = track_attitude(*(generator.normal(0, s, (500, 3)) for s in (10, 5, 40)), 50.0)
    np.testing.assert_allclose(rotations @ rotations.transpose(0, 2, 1), np.tile(np.eye(3), (500, 1, 1)), atol=3e-6)
    np.testing.assert_allclose(np.linalg.det(rotations), 1, atol=3e-6)


def test_refuses_what_is_no_recording():
    with pytest.raises(DatasetError, match="expected"):
        track_attitude(np.zeros((5, 2)), np.zeros((5, 3)), None, RATE_HZ)
    with pytest.raises(DatasetError, match="differ in length"):
        track_attitude(np.zeros((5, 3)), np.zeros((4, 3)), None, RATE_HZ)
    with pytest.raises(DatasetError, match="not finite"):
        track_attitude(np.full((5, 3), np.nan), np.zeros((5, 3)), None, RATE_HZ)
    with pytest.raises(DatasetError, match="10 to 10,000 Hz"):
        track_attitude(np.zeros((5, 3)), np.zeros((5, 3)), None, 0)
    with pytest.raises(ConfigError, match="tilt_time_s"):
        AttitudeOptions(tilt_time_s=-1)
