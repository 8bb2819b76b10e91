"""Calibrations that find what was put in."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.odometry.test_attitude import FIELD, RATE_HZ, G, tumble
from tinynas.errors import DatasetError
from tinynas.odometry import AttitudeOptions, calibrate_magnetometer
from tinynas.odometry.attitude import replay_attitude


def test_hard_iron_of_a_device_that_turns_in_every_axis():
    truth, rate = tumble(60, 1)
    bias = np.array([12.0, -7.0, 25.0])
    np.testing.assert_allclose(calibrate_magnetometer(rate, truth.inv().apply(FIELD) + bias, RATE_HZ), bias, atol=0.5)


def test_the_component_along_a_single_axis_of_rotation_stays_zero():
    n = 6000
    rate = np.tile([0, 0, 0.7], (n, 1))
    truth = Rotation.from_rotvec(rate * np.arange(n)[:, None] / RATE_HZ)
    found = calibrate_magnetometer(rate, truth.inv().apply(FIELD) + np.array([5.0, -3.0, 8.0]), RATE_HZ)
    np.testing.assert_allclose(found, [5, -3, 0], atol=0.3)


def test_a_recording_too_short_tells_nothing():
    assert calibrate_magnetometer(np.ones((20, 3)), np.ones((20, 3)), RATE_HZ).tolist() == [0, 0, 0]
    with pytest.raises(DatasetError, match="must both be"):
        calibrate_magnetometer(np.ones((20, 3)), np.ones((19, 3)), RATE_HZ)


@pytest.mark.parametrize("known", [(0, 0, 0), (11.0, -6.0, 22.0)])
def test_hard_iron_is_learned_online_too(known):
    truth, rate = tumble(60, 9)
    bias = np.array([12.0, -7.0, 25.0])
    force, field = truth.inv().apply(G), truth.inv().apply(FIELD) + bias
    options = AttitudeOptions(hard_iron="online")
    learned = replay_attitude(force, rate, field, RATE_HZ, options, hard_iron_ut=known)
    np.testing.assert_allclose(learned.hard_iron_ut, bias, atol=0.6)
    resting = replay_attitude(
        np.tile(G, (500, 1)), np.zeros((500, 3)), field[:500], RATE_HZ, options, hard_iron_ut=known
    )
    np.testing.assert_allclose(resting.hard_iron_ut, known, atol=0.01)  # nothing turned: what was known stays
