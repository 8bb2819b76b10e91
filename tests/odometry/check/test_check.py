from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tinynas.odometry import Dataset, Splits, SyntheticOptions, resample, synthesize
from tinynas.odometry.check import check_dataset, check_recording

TO_DEGREES = 180 / np.pi


@pytest.fixture(scope="module")
def walks():
    """One minute each of a hand, of a trolley, and of other people."""
    size = SyntheticOptions(n_train=2, n_valid=1, n_test=1, duration_s=60.0, modes=["handheld", "trolley"])
    return synthesize(size, seed=3)


@pytest.fixture(scope="module")
def hand(walks):
    return walks.train[0]


def change(recording, **fields):
    return dataclasses.replace(recording, **fields)


def kinds(recording, **options):
    return {finding.kind for finding in check_recording(recording, **options).problems}


def delay_truth(recording, delay_s, stretch=0.0):
    """The ground truth shows everything later: at time t what happened at t - delay - stretch * t."""
    then = recording.time_s * (1 - stretch) - delay_s
    position = np.stack([np.interp(then, recording.time_s, axis) for axis in recording.position.T], axis=1)
    orientation = np.stack([np.interp(then, recording.time_s, axis) for axis in recording.orientation.T], axis=1)
    orientation /= np.linalg.norm(orientation, axis=1, keepdims=True)
    return change(recording, position=position, orientation=orientation)


def turn_truth(recording, rotation):
    attitude = Rotation.from_quat(recording.orientation.copy()) * rotation
    return change(recording, orientation=attitude.as_quat())


def test_a_sound_recording_has_the_hard_iron_that_it_was_given_and_no_other_problem(hand):
    check = check_recording(hand)
    assert {finding.kind for finding in check.problems} <= {"mag_bias"}
    assert check.lag_ms == pytest.approx(0, abs=3)
    assert check.misalignment_deg < 4
    assert check.rotation_deg < 5
    assert check.unobservable_axis is None
    assert check.lost_windows == 0
    assert check.duration_s == 60.0
    walked = np.linalg.norm(np.diff(hand.position[::100, :2], axis=0), axis=1).sum()
    assert check.length_m == pytest.approx(walked, rel=0.05)


@pytest.mark.parametrize("delay_s", [-0.12, 0.033, 0.08])
def test_an_offset_of_the_ground_truth_is_found(hand, delay_s):
    check = check_recording(delay_truth(hand, delay_s))
    assert check.lag_ms == pytest.approx(-1000 * delay_s, abs=4)
    assert "time_offset" in {finding.kind for finding in check.problems}


def test_an_offset_is_found_without_orientation(hand):
    late = change(delay_truth(hand, 0.08), orientation=None)
    assert check_recording(late).lag_ms == pytest.approx(-80, abs=8)


def test_a_clock_that_runs_away_is_found(hand):
    check = check_recording(delay_truth(hand, -0.05, stretch=0.0015))
    assert check.lag_drift_ms == pytest.approx(-90, abs=15)
    assert "time_drift" in {finding.kind for finding in check.problems}


def test_the_curves_show_what_is_wrong(hand):
    sound = check_recording(hand).curves
    (lags, correlation), (_, up) = sound.offset, sound.gravity
    assert abs(lags[int(np.argmax(correlation))]) <= 10
    np.testing.assert_allclose(up, 9.8, atol=0.3)
    assert max(map(abs, check_recording(change(hand, mag=hand.mag + np.array([25.0, 0, 0]))).curves.heading[1])) > 30
    late = turn_truth(delay_truth(hand, 0.08), Rotation.from_rotvec([np.radians(50), 0, 0]))
    lags, correlation = check_recording(late).curves.offset
    assert lags[int(np.argmax(correlation))] == pytest.approx(-80, abs=10)
    assert np.median(check_recording(late).curves.gravity[1]) < 8
    bare = check_recording(change(hand, orientation=None, mag=None)).curves
    assert bare.offset is not None
    assert bare.heading is bare.gravity is None
    blind = change(hand, valid=np.zeros(len(hand), bool))
    assert check_recording(blind).curves == type(bare)()


@pytest.mark.parametrize(("axis", "angle_deg"), [((1, 0, 0), 35), ((0, 1, 0), -60), ((0.6, 0, 0.8), 45)])
def test_a_constant_rotation_of_the_tracked_body_is_found(hand, axis, angle_deg):
    turned = turn_truth(hand, Rotation.from_rotvec(np.radians(angle_deg) * np.array(axis, float)))
    check = check_recording(turned)
    assert check.rotation_deg == pytest.approx(abs(angle_deg), abs=4)
    assert "misaligned" in {finding.kind for finding in check.problems}
    if axis == (1, 0, 0):  # the phone is tilted about its x: this axis is level, and all of the angle is seen as tilt
        assert check.misalignment_deg == pytest.approx(angle_deg, abs=4)


def test_what_a_trolley_cannot_tell_is_said(walks):
    trolley = walks.train[1]
    check = check_recording(trolley)
    assert check.rotation_deg is None
    assert abs(check.unobservable_axis[2]) > 0.95
    about_vertical = turn_truth(trolley, Rotation.from_euler("z", 70, degrees=True))
    assert "misaligned" not in kinds(about_vertical)
    tilted = turn_truth(trolley, Rotation.from_euler("x", 30, degrees=True))
    assert check_recording(tilted).misalignment_deg == pytest.approx(30, abs=4)


def test_a_body_that_moves_against_the_device_is_told_from_one_that_is_turned(hand):
    angle = np.radians(50) * np.sin(2 * np.pi * hand.time_s / 20)
    wandering = turn_truth(hand, Rotation.from_rotvec(angle[:, None] * [1.0, 0, 0]))
    assert "turning_truth" in kinds(wandering)


@pytest.mark.parametrize(
    ("unit", "factor", "says"),
    [("accel", 1 / 9.80665, "in g"), ("accel", 1000 / 9.80665, "in mg"), ("accel", 1.5, "expected"),
     ("gyro", TO_DEGREES, "degrees"), ("mag", 1000.0, "in nT"), ("mag", 0.01, "in gauss")],
)  # fmt: skip
@pytest.mark.parametrize("oriented", [True, False])
def test_units_are_found_by_plausibility(hand, unit, factor, says, oriented):
    wrong = change(hand, **{unit: getattr(hand, unit) * factor}, **({} if oriented else {"orientation": None}))
    (finding,) = (f for f in check_recording(wrong).problems if f.kind == f"{unit}_unit")
    assert says in finding.message
    if says != "expected":
        # What the advice says must be the cure.
        number = next(float(word.rstrip(",")) for word in finding.advice.split() if word[0].isdigit())
        assert number * factor == pytest.approx(1, rel=0.01)


def test_removed_gravity_is_found(hand):
    attitude = Rotation.from_quat(hand.orientation.copy())
    linear = hand.accel - attitude.inv().apply([0, 0, 9.80665])
    (finding,) = (f for f in check_recording(change(hand, accel=linear)).problems if f.kind == "accel_unit")
    assert "removed" in finding.message


@pytest.mark.parametrize("oriented", [True, False])
def test_a_wrong_sign_of_gravity_is_told_from_a_sensor_that_points_down(hand, oriented):
    base = hand if oriented else change(hand, orientation=None)
    assert "gravity_sign" in kinds(change(base, accel=-hand.accel))
    down = np.array([1.0, -1.0, -1.0])
    turned = change(base, accel=hand.accel * down, gyro=hand.gyro * down, mag=hand.mag * down)
    found = kinds(turned)
    assert "gravity_sign" not in found
    if oriented:
        assert "z_down" in found


def test_a_face_down_device_is_found_without_orientation(walks):
    down = np.array([1.0, -1.0, -1.0])
    trolley = walks.train[1]
    turned = change(trolley, orientation=None, accel=trolley.accel * down, gyro=trolley.gyro * down, mag=None)
    assert "z_down" in kinds(turned)
    assert "z_down" not in kinds(change(trolley, orientation=None))


def test_hard_iron_and_field(hand):
    check = check_recording(change(hand, mag=hand.mag + np.array([0, 25.0, 0])))
    before = check_recording(hand)
    assert check.mag_bias_ut > 18
    assert check.heading_consistency < before.heading_consistency
    assert check.heading_consistency_calibrated == pytest.approx(before.heading_consistency_calibrated, abs=0.01)
    assert "mag_axes" in kinds(change(hand, mag=hand.mag[:, [1, 0, 2]]))
    rng = np.random.default_rng(0)
    wild = hand.mag + 60 * np.cumsum(rng.standard_normal(hand.mag.shape), axis=0) / np.sqrt(len(hand))
    assert "heading_scatter" in kinds(change(hand, mag=wild))
    assert "no_magnetometer" in kinds(change(hand, mag=None))
    assert "no_magnetometer" not in kinds(change(hand, mag=None), target="speed_heading")


def test_a_frozen_track_a_slow_track_and_a_jump(hand):
    frozen = hand.position.copy()
    frozen[2000:2120] = frozen[2000]
    (finding,) = (f for f in check_recording(change(hand, position=frozen)).problems if f.kind == "frozen_truth")
    assert finding.where.endswith(":2000")
    assert "1.19 s" in finding.message
    slow = np.repeat(hand.position[::10], 10, axis=0)
    (finding,) = (f for f in check_recording(change(hand, position=slow)).problems if f.kind == "truth_rate")
    assert "10 Hz" in finding.message
    jump = hand.position.copy()
    jump[3000:] += [2.0, 0, 0]
    (finding,) = (f for f in check_recording(change(hand, position=jump)).problems if f.kind == "truth_jump")
    # The person walks on by less than 2 cm in that row.
    assert float(finding.message.partition("farthest by ")[2].split()[0]) == pytest.approx(2.0, abs=0.02)
    assert finding.where.endswith(":2999")
    sparse = np.full_like(hand.position, np.nan)
    sparse[::5] = hand.position[::5]
    valid = np.isfinite(sparse[:, 0])
    assert "truth_rate" in kinds(change(hand, position=sparse, valid=valid))
    assert "speed" in kinds(change(hand, position=hand.position * 10))


def test_windows_lost_to_masks_are_counted(hand):
    valid = np.ones(len(hand), bool)
    valid[3000:3100] = False
    check = check_recording(change(hand, valid=valid), window=200)
    # Windows that begin in rows 2801 to 3099 touch the gap: 299 of 6000 - 199.
    assert check.lost_windows == pytest.approx(299 / 5801, abs=1e-4)
    assert "lost_windows" in {finding.kind for finding in check.problems}


def test_clocks_and_rows(hand):
    n = len(hand)
    assert "rate" in kinds(change(hand, time_s=np.arange(n) / 100.9))
    rng = np.random.default_rng(1)
    assert "irregular_time" in kinds(change(hand, time_s=(np.arange(n) + rng.uniform(-0.3, 0.3, n)) / 100))
    gap = np.arange(n) / 100 + 0.2 * (np.arange(n) >= 1500)
    (finding,) = (f for f in check_recording(change(hand, time_s=gap)).problems if f.kind == "gap")
    assert finding.where.endswith(":1500")
    accel, gyro = hand.accel.copy(), hand.gyro.copy()
    accel[1::2], gyro[1::2] = accel[::2], gyro[::2]
    assert "duplicate_rows" in kinds(change(hand, accel=accel, gyro=gyro))
    held = hand.gyro.copy()
    held[500:560] = held[500]
    (finding,) = (f for f in check_recording(change(hand, gyro=held)).problems if f.kind == "frozen_sensor")
    assert "gyroscope" in finding.message
    assert finding.where.endswith(":500")


def test_a_walk_in_two_splits_is_found(walks):
    first, test = walks.train[0], walks.test[0]
    copied = change(first, name="copied")
    data = Dataset("made", (first,), (walks.valid[0],), (copied,))
    (finding,) = (f for f in check_dataset(data).problems if f.kind == "repeated_walk")
    assert finding.where == "copied"
    assert "100%" in finding.message
    half = {name: getattr(first, name)[2500:] for name in ("accel", "gyro", "mag", "position", "orientation", "valid")}
    part = change(first, name="part", time_s=first.time_s[2500:] - first.time_s[2500], **half)
    assert "repeated_walk" in {f.kind for f in check_dataset(Dataset("made", (first,), (part,), (test,))).problems}
    # Two devices on one person: other samples, the same way.
    other = change(test, name="other", position=first.position, orientation=first.orientation)
    problems = check_dataset(Dataset("made", (first,), (walks.valid[0],), (other,))).problems
    assert any(f.kind == "repeated_walk" and "positions" in f.message for f in problems)
    sound = Dataset("made", walks.train, walks.valid, walks.test)
    assert not any(f.kind == "repeated_walk" for f in check_dataset(sound).problems)


def test_recordings_of_several_rates_are_told(walks):
    slow = resample(walks.test[0], 50.0)
    findings = check_dataset(Splits(walks.train, walks.valid, (slow,)), source="mixed").problems
    (finding,) = (f for f in findings if f.kind == "rate")
    assert finding.where == slow.name
    assert "50 Hz" in finding.message


def test_the_json_has_the_promised_keys(walks):
    found = json.loads(json.dumps(check_dataset(Dataset("made", *walks)).to_dict()))
    promised = {"name", "split", "rate_hz", "duration_s", "length_m", "lag_ms", "misalignment_deg", "mag_bias_ut",
                "heading_consistency", "problems"}  # fmt: skip
    assert all(promised <= set(recording) for recording in found["recordings"])
    assert {key for r in found["recordings"] for p in r["problems"] for key in p} == {
        "kind",
        "where",
        "message",
        "advice",
    }
    assert [recording["split"] for recording in found["recordings"]] == ["train", "train", "valid", "test"]


def test_every_advice_about_the_configuration_names_a_key_that_exists(walks):
    """A stopped truth, an offset and a rotation at once: what the advice says can be configured."""
    from tinynas.odometry import DatasetOptions

    late = turn_truth(delay_truth(walks.train[0], 0.1), Rotation.from_euler("x", 30, degrees=True))
    slow = change(late, position=np.repeat(late.position[::10], 10, axis=0))
    advice = " ".join(finding.advice for finding in check_recording(slow).problems)
    for key in ("time", "frame", "truth"):
        assert f"dataset.align.{key}" in advice
        assert hasattr(DatasetOptions().align, key)


@pytest.mark.slow
def test_the_oxiod_subset_has_what_is_known_of_it(oxiod_subset):
    """Figures measured independently (Vicon body about 45 degrees off in the hand, offsets of -50 to +30 ms)."""
    from tinynas.odometry import load_dataset

    found = {check.name: check for check in check_dataset(load_dataset(f"oxiod:{oxiod_subset}")).recordings}
    for name, check in found.items():
        hand = name.startswith("handheld")
        assert 40 < check.misalignment_deg < 57 if hand else check.misalignment_deg < 10
        assert ("misaligned" in {f.kind for f in check.problems}) == hand
        assert (check.unobservable_axis is None) == hand
        assert -55 < check.lag_ms < 40
        assert check.heading_consistency_calibrated > 0.985
    assert max(check.mag_bias_ut for check in found.values()) > 10
    assert 0.89 < min(check.heading_consistency for check in found.values()) < 0.92
    assert "time_drift" in {f.kind for f in found["trolley/data2/imu1"].problems}
    assert found["handheld/data1/imu3"].lost_windows == pytest.approx(0.07, abs=0.01)
