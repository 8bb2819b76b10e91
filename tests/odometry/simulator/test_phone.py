from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tinynas.odometry.simulator import CARRYING_MODES, EarthField, PhoneSensors, draw_pedestrian, measure, walk

G = 9.80665


def test_noise_free_sensors_read_the_truth_and_the_field_points_north_and_down():
    motion = walk(
        draw_pedestrian(np.random.default_rng(0)),
        CARRYING_MODES["pocket"],
        duration_s=5.0,
        rate_hz=100.0,
        rng=np.random.default_rng(1),
    )
    perfect = PhoneSensors(**{field.name: 0.0 for field in dataclasses.fields(PhoneSensors)})
    field = EarthField(indoor_ut=0.0)
    accel, gyro, mag = measure(motion, 100.0, np.random.default_rng(2), sensors=perfect, field=field)
    np.testing.assert_allclose(accel, motion.accel)
    np.testing.assert_allclose(gyro, motion.gyro)
    world = Rotation.from_quat(motion.orientation).apply(mag)
    np.testing.assert_allclose(np.linalg.norm(mag, axis=1), 49.0)
    assert world[0, 2] == pytest.approx(-49 * np.sin(np.radians(66.5)))
    assert np.degrees(np.arctan2(world[0, 1], world[0, 0])) == pytest.approx(60.0)


def test_sensor_noise_has_the_density_of_the_data_sheet():
    still = np.zeros((20_000, 3))
    motion = dataclasses.replace(
        walk(draw_pedestrian(np.random.default_rng(0)), CARRYING_MODES["trolley"], duration_s=200.0, rate_hz=100.0,
             rng=np.random.default_rng(0)), accel=still, gyro=still,
    )  # fmt: skip
    accel, gyro, _ = measure(motion, 100.0, np.random.default_rng(3), sensors=PhoneSensors(), field=EarthField())
    # Rounding to the sensor's resolution adds lsb^2 / 12.
    expected = np.hypot(180e-6 * G * np.sqrt(50), G / 4096 / np.sqrt(12))
    assert accel.std(axis=0) == pytest.approx([expected] * 3, rel=0.05)
    assert np.degrees(gyro.std(axis=0)) == pytest.approx(
        [np.hypot(0.007 * np.sqrt(50), 1 / 16.4 / 12**0.5)] * 3, rel=0.05
    )
