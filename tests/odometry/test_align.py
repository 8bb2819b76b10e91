from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.odometry.builders import arc, csv_text, make_recording
from tinynas.errors import ConfigError, DatasetError
from tinynas.odometry import (
    AlignOptions,
    DatasetOptions,
    SyntheticOptions,
    align,
    load_dataset,
    preparation,
    resample,
    synthesize,
)
from tinynas.odometry.check import check_recording


@pytest.fixture(scope="module")
def hand():
    size = SyntheticOptions(n_train=1, n_valid=1, n_test=1, duration_s=60.0, modes=["handheld"])
    return synthesize(size, seed=3).train[0]


def late(recording, delay_s, stretch=0.0):
    then = recording.time_s * (1 - stretch) - delay_s
    position = np.stack([np.interp(then, recording.time_s, axis) for axis in recording.position.T], axis=1)
    orientation = np.stack([np.interp(then, recording.time_s, axis) for axis in recording.orientation.T], axis=1)
    orientation /= np.linalg.norm(orientation, axis=1, keepdims=True)
    return dataclasses.replace(recording, position=position, orientation=orientation)


def angle_deg(one, other, rows):
    first, second = (Rotation.from_quat(r.orientation[rows].copy()) for r in (one, other))
    return np.degrees((first.inv() * second).magnitude())


@pytest.mark.parametrize(("delay_s", "stretch"), [(0.1, 0.0), (-0.07, 0.0), (-0.04, 0.0015)])
def test_time_brings_the_truth_back(hand, delay_s, stretch):
    mended = align(late(hand, delay_s, stretch), AlignOptions(time=True))
    rows = slice(300, -300)
    assert mended.valid[rows].all()
    # At 0.9 m/s an offset of 100 ms is 9 cm; 5 mm stand for 6 ms.
    assert np.abs(mended.position[rows, :2] - hand.position[rows, :2]).max() < 0.01
    assert np.sqrt(((mended.position[rows] - hand.position[rows]) ** 2).sum(axis=1).mean()) < 0.005
    # What the truth does not reach is not made up.
    if delay_s < -0.05:
        assert not mended.valid[:5].any() or not mended.valid[-5:].any()


def test_frame_brings_the_orientation_back(hand):
    rotation = Rotation.from_euler("xyz", [30, -50, 120], degrees=True)
    turned = (Rotation.from_quat(hand.orientation.copy()) * rotation).as_quat()
    mended = align(dataclasses.replace(hand, orientation=turned), AlignOptions(frame=True))
    assert angle_deg(mended, hand, slice(0, None)).mean() < 4
    assert (mended.position == hand.position).all()


def test_nothing_is_changed_where_nothing_is_wrong(hand):
    assert align(hand, AlignOptions()) is hand
    kept = align(hand, AlignOptions(time=True, frame=True))
    assert angle_deg(kept, hand, slice(0, None)).mean() < 4
    rows = slice(100, -100)
    np.testing.assert_allclose(kept.position[rows, :2], hand.position[rows, :2], atol=0.005)


@pytest.mark.parametrize("held", [True, False])
def test_a_slow_truth_is_interpolated(hand, held):
    position = np.repeat(hand.position[::10], 10, axis=0)
    valid = np.ones(len(hand), bool)
    if not held:
        position = np.full_like(hand.position, np.nan)
        position[::10] = hand.position[::10]
        valid = np.isfinite(position[:, 0])
    mended = align(dataclasses.replace(hand, position=position, valid=valid), AlignOptions())
    rows = slice(0, len(hand) - 10)
    assert mended.valid[rows].all()
    assert np.abs(mended.position[rows] - hand.position[rows]).max() < 0.02  # held it is up to 10 cm off
    left = align(dataclasses.replace(hand, position=position, valid=valid), AlignOptions(truth=False))
    np.testing.assert_array_equal(left.valid, valid)


def test_a_frozen_truth_is_masked_but_a_person_who_stands_is_not(hand):
    position = hand.position.copy()
    position[2000:2120] = position[2000]
    mended = align(dataclasses.replace(hand, position=position), AlignOptions())
    assert np.flatnonzero(~mended.valid).tolist() == list(range(2001, 2120))
    still = dataclasses.replace(
        hand,
        position=position,
        accel=np.where((np.arange(len(hand)) // 200 == 10)[:, None], [0, 0, 9.8], hand.accel),
    )
    assert align(still, AlignOptions()).valid.all()


@pytest.mark.parametrize("rate_hz", [50.0, 37.0, 200.0])
def test_resampling_keeps_the_motion(rate_hz):
    """A circle of 5 m at 1 m/s, sensors that are smooth functions of time."""
    n = 2001
    recording = make_recording(arc(n))
    wave = np.stack([np.sin(2 * np.pi * f * recording.time_s) for f in (0.5, 1.0, 2.0)], axis=1)
    recording = dataclasses.replace(recording, accel=wave, gyro=2 * wave, mag=3 * wave)
    turned = resample(recording, rate_hz)
    assert turned.rate_hz == rate_hz
    assert len(turned) == int(20 * rate_hz) + 1
    assert turned.valid.all()
    angle = turned.time_s / 5
    np.testing.assert_allclose(turned.position[:, 0], 5 * np.sin(angle), atol=1e-3)
    middle = slice(20, -20)
    for axis, frequency in enumerate((0.5, 1.0, 2.0)):
        expected = np.sin(2 * np.pi * frequency * turned.time_s)
        assert np.abs(turned.accel[middle, axis] - expected[middle]).max() < 0.05


def test_vibration_does_not_come_back_as_motion():
    n = 4000
    recording = make_recording(arc(n))
    shaking = np.sin(2 * np.pi * 48.0 * recording.time_s)  # sampled at 50 Hz it would look like 2 Hz
    turned = resample(dataclasses.replace(recording, accel=np.stack([shaking] * 3, axis=1)), 50.0)
    assert turned.accel[50:-50].std() < 0.15


def test_gaps_are_bridged_up_to_a_limit_and_masked_beyond():
    recording = make_recording(arc(2000))
    time_s = recording.time_s + 0.07 * (np.arange(2000) >= 500) + 0.4 * (np.arange(2000) >= 1000)
    rates = {"rate_hz": 1999 / time_s[-1]}
    even = resample(dataclasses.replace(recording, time_s=time_s, **rates), 100.0, gap_s=0.1)
    masked_s = even.time_s[~even.valid]
    assert masked_s.min() == pytest.approx(time_s[999] + 0.01, abs=0.011)
    assert masked_s.max() == pytest.approx(time_s[1000] - 0.01, abs=0.011)
    assert resample(dataclasses.replace(recording, time_s=time_s, **rates), 100.0, gap_s=0.5).valid.all()


def test_a_rate_that_is_not_the_nominal_one_is_mended_by_resampling():
    """25.24 Hz called 25: a walk at 1 m/s seems slower by 1 %."""
    n = 1000
    line = np.stack([np.arange(n) / 25.24, np.zeros(n)], axis=1)
    recording = dataclasses.replace(make_recording(line, rate_hz=25.0), time_s=np.arange(n) / 25.24)
    even = resample(recording, 25.0)
    speed = np.diff(even.position[:, 0]) * even.rate_hz
    np.testing.assert_allclose(speed, 1.0, rtol=1e-6)


def test_a_configuration_brings_recordings_of_several_rates_together(tmp_path):
    for index, rate_hz in enumerate((100, 50, 80)):
        (tmp_path / f"walk{index}.csv").write_text(csv_text(400, rate_hz=rate_hz))
    with pytest.raises(DatasetError, match=r"dataset\.rate_hz"):
        load_dataset(f"csv:{tmp_path}")
    data = load_dataset(f"csv:{tmp_path}", each=preparation(DatasetOptions(rate_hz=50.0)))
    assert [recording.rate_hz for recording in data.recordings] == [50.0] * 3
    for recording in data.recordings:
        speed = np.diff(recording.position[:, 0]) * 50.0
        np.testing.assert_allclose(speed, 50.0 * speed[0] / 50.0, rtol=1e-6)


def test_preparation_aligns(hand):
    ready = preparation(DatasetOptions(align=AlignOptions(time=True)))(late(hand, 0.1))
    assert abs(check_recording(ready).lag_ms) < 6
    assert preparation(DatasetOptions())(hand) is hand


def test_bad_options_are_refused():
    with pytest.raises(ConfigError, match="align"):
        AlignOptions(gap_s=-1)
    with pytest.raises(ConfigError, match="rate_hz"):
        DatasetOptions(rate_hz=1.0)
