"""Recordings in a level or north frame: sensors, ground truth, and what windows make of them."""

import dataclasses

import numpy as np
import pytest

from tests.odometry.builders import line, make_recording
from tinynas.errors import DatasetError
from tinynas.odometry import (
    AttitudeOptions,
    Normalization,
    SyntheticOptions,
    WindowSpec,
    choose_frame,
    express,
    load_dataset,
    make_windows,
    quarter_turn,
)

FIELD_UT = np.array([20.0, 0.0, -40.0])  # magnetic north is x


def quaternions(yaw, pitch=0.0):
    """Attitudes x, y, z, w: pitched about y first, then turned about the vertical."""
    yaw, pitch = np.broadcast_arrays(yaw, pitch)
    z, y = (np.sin(yaw / 2), np.cos(yaw / 2)), (np.sin(pitch / 2), np.cos(pitch / 2))
    return np.stack([-z[0] * y[0], z[1] * y[0], z[0] * y[1], z[1] * y[1]], axis=1)


def matrices(q):
    x, y, z, w = q.T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def turning(seconds=60, *, rate_dps=12.0, pitch_deg=40.0, speed_m_s=1.0, yaw_offset=0.0, drift_dps=0.0, mount=None):
    """A pitched device that turns steadily on a straight walk along x; the gyroscope may drift about the vertical."""
    n = seconds * 100
    yaw = yaw_offset + np.radians(rate_dps) * np.arange(n) / 100
    attitude = quaternions(yaw, np.full(n, np.radians(pitch_deg)))
    rotation = matrices(attitude)
    up = rotation[:, 2, :]
    true = attitude if mount is None else mount(attitude)
    recording = make_recording(line(n, speed_m_s=speed_m_s), orientation=true)
    return dataclasses.replace(
        recording,
        accel=9.81 * up,
        gyro=np.radians(rate_dps + drift_dps) * up,
        mag=np.einsum("nji,j->ni", rotation, FIELD_UT),
    )


def nodding(*, mount=None):
    """A device that also nods, so that every axis turns."""
    n, rate = 6000, np.radians(12.0)
    time = np.arange(n) / 100
    pitch = np.radians(20) * np.sin(2 * time)
    rotation = matrices(quaternions(rate * time, pitch))
    recording = turning(mount=mount)
    attitude = quaternions(rate * time, pitch)
    gyro = rate * rotation[:, 2, :] + np.radians(40) * np.cos(2 * time)[:, None] * [0.0, 1.0, 0.0]
    return dataclasses.replace(
        recording,
        accel=9.81 * rotation[:, 2, :],
        gyro=gyro,
        mag=np.einsum("nji,j->ni", rotation, FIELD_UT),
        orientation=attitude if mount is None else mount(attitude),
    )


def test_in_the_north_frame_force_is_up_and_the_turning_is_about_the_vertical_however_the_device_is_held():
    framed = express(turning(yaw_offset=1.0), "north", AttitudeOptions())
    settled = slice(2000, None)
    np.testing.assert_allclose(framed.recording.accel[settled], np.tile([0, 0, 9.81], (4000, 1)), atol=0.05)
    np.testing.assert_allclose(framed.recording.gyro[settled], np.tile([0, 0, np.radians(12)], (4000, 1)), atol=0.01)
    assert framed.recording.mag is None
    assert framed.recording.channels == 6
    # The world's x is magnetic north here: the truth's yaw is the filter's.
    assert np.abs(np.degrees(framed.heading_error_rad[settled])).max() < 2.0


@pytest.mark.parametrize("frame", ["level", "north"])
def test_a_fixed_mounting_shows_where_the_devices_axes_point(frame):
    free, fixed = (express(nodding(), frame, AttitudeOptions(), mounting=mounting) for mounting in ("free", "fixed"))
    assert free.recording.axes is None
    axes = fixed.recording.axes.reshape(-1, 3, 3)  # [n, axis, component]
    np.testing.assert_allclose(np.einsum("nac,na->nc", axes, nodding().accel), free.recording.accel, atol=1e-9)
    np.testing.assert_allclose(axes[-1] @ axes[-1].T, np.eye(3), atol=1e-5)


def test_the_north_frame_leaves_the_truth_alone():
    recording = turning()
    np.testing.assert_array_equal(express(recording, "north", AttitudeOptions()).recording.position, recording.position)


def test_in_the_level_frame_the_path_bends_as_the_gyroscope_drifts():
    """A drift of 1 degree a second: a straight walk of 60 s becomes an arc of 60 degrees, clockwise in the frame."""
    recording = dataclasses.replace(turning(drift_dps=1.0), mag=None)
    framed = express(recording, "level", AttitudeOptions(gyro_bias_start_deg_s=1e-6))
    step = np.diff(framed.recording.position[:, :2], axis=0) * 100
    heading = np.degrees(np.unwrap(np.arctan2(step[:, 1], step[:, 0])))
    assert framed.yaw_drift_deg == pytest.approx(60.0, abs=1.5)
    assert heading[-1] - heading[0] == pytest.approx(60.0, abs=1.5)
    np.testing.assert_allclose(np.linalg.norm(step, axis=1), 1.0, atol=1e-3)


def test_a_ground_truth_body_that_is_turned_against_the_device_makes_no_heading_error():
    half = np.sqrt(0.5)

    def turned(attitude):
        """A body whose x is the device's z: the attitude times a quarter turn about y."""
        x, y, z, w = attitude.T
        return half * np.stack([x - z, w + y, z + x, w - y], axis=1)

    upright, tilted = (nodding(mount=mount) for mount in (None, turned))
    straight, through = (express(recording, "north", AttitudeOptions()) for recording in (upright, tilted))
    np.testing.assert_allclose(
        straight.heading_error_rad[2000:-200], through.heading_error_rad[2000:-200], atol=np.radians(1.0)
    )


def test_targets_in_the_level_frame_turn_with_it():
    """The same walk, the device turned by a quarter at the start: level inputs and targets turn by minus a quarter."""
    spec = WindowSpec(200, 100)
    first, second = (
        make_windows([express(turning(yaw_offset=offset), "level", AttitudeOptions()).recording], spec)
        for offset in (0.0, np.pi / 2)
    )
    assert first.frame == "level"
    assert first.target_turns
    np.testing.assert_allclose(quarter_turn(second.targets, 1, width=2), first.targets, atol=0.02)
    np.testing.assert_allclose(quarter_turn(second.inputs, 1), first.inputs, atol=0.05)


def test_an_untrusted_row_stays_untrusted_and_its_gap_is_bridged():
    valid = np.ones(6000, bool)
    valid[3000:3050] = False
    recording = turning(drift_dps=1.0)
    broken = dataclasses.replace(
        recording,
        valid=valid,
        position=np.where(valid[:, None], recording.position, np.nan),
        orientation=np.where(valid[:, None], recording.orientation, np.nan),
    )
    whole, bridged = (express(r, "level", AttitudeOptions()).recording for r in (recording, broken))
    np.testing.assert_allclose(bridged.position[valid], whole.position[valid], atol=0.02)
    np.testing.assert_array_equal(bridged.valid, valid)


@pytest.mark.parametrize(
    ("choice", "mag", "orientation", "target", "use_mag", "expected"),
    [
        ("auto", True, False, "velocity", None, "north"),
        ("auto", True, True, "velocity", False, "level"),
        ("auto", False, True, "velocity", None, "level"),
        ("auto", False, False, "velocity", None, "body"),
        ("auto", False, False, "speed_heading", None, "level"),
        ("body", True, True, "velocity", None, "body"),
        ("level", True, True, "velocity", None, "level"),
    ],
)
def test_auto_takes_the_best_frame_that_the_data_allow(choice, mag, orientation, target, use_mag, expected):
    quaternion = np.tile([0.0, 0, 0, 1], (50, 1)) if orientation else None
    recordings = [make_recording(line(50), mag=mag, orientation=quaternion)]
    assert choose_frame(choice, recordings, target=target, use_mag=use_mag) == expected


@pytest.mark.parametrize(
    ("frame", "mag", "use_mag", "message"),
    [
        ("north", False, None, "no magnetometer"),
        ("north", True, False, "use_mag is false"),
        ("level", True, None, "no orientation"),
    ],
)
def test_a_frame_that_the_data_do_not_have_is_refused(frame, mag, use_mag, message):
    with pytest.raises(DatasetError, match=message) as caught:
        choose_frame(frame, [make_recording(line(50), mag=mag)], target="velocity", use_mag=use_mag)
    assert caught.value.where == "frame"
    assert caught.value.advice


def test_a_recording_is_turned_once():
    turned = express(turning(10), "north", AttitudeOptions()).recording
    with pytest.raises(DatasetError, match="north frame already"):
        express(turned, "level", AttitudeOptions())


def test_windows_of_two_frames_do_not_mix():
    recording = turning(10)
    other = dataclasses.replace(express(recording, "north", AttitudeOptions()).recording, name="other")
    with pytest.raises(DatasetError, match="north frame, where r is in the body frame"):
        make_windows([recording, other], WindowSpec(50, 50))


def test_x_and_y_share_a_scale_and_have_no_offset_in_a_frame():
    size = SyntheticOptions(n_train=2, n_valid=1, n_test=1, duration_s=20.0)
    recordings = [
        express(r, "north", AttitudeOptions()).recording for r in load_dataset("synthetic", synthetic=size).train
    ]
    windows = make_windows(recordings, WindowSpec(100, 50))
    scale = Normalization.fit(windows)
    values = windows.inputs.astype(float)
    for x in (0, 3):
        assert scale.mean[x] == scale.mean[x + 1] == 0.0
        assert (
            scale.std[x] == scale.std[x + 1] == pytest.approx(np.sqrt(np.mean(values[:, :, x : x + 2] ** 2)), rel=1e-6)
        )
    assert scale.mean[2] == pytest.approx(values[:, :, 2].mean(), rel=1e-6)
    # So a quarter turn of the walk is a quarter turn of what the network sees.
    np.testing.assert_array_equal(
        quarter_turn(scale.apply(windows.inputs), 1), scale.apply(quarter_turn(windows.inputs, 1))
    )


@pytest.mark.parametrize(("turns", "expected"), [(0, [1, 2]), (1, [-2, 1]), (2, [-1, -2]), (3, [2, -1]), (-1, [2, -1])])
def test_quarter_turns(turns, expected):
    values = np.array([[1, 2, 9, 1, 2, 8]], np.float32)
    assert quarter_turn(values, turns).tolist() == [[*expected, 9, *expected, 8]]
    assert quarter_turn(values[:, :2], turns, width=2).tolist() == [expected]
