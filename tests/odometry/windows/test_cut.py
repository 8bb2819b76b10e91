from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.odometry.builders import arc, line, make_recording
from tinynas.errors import DatasetError
from tinynas.odometry import Normalization, WindowSpec, make_windows


def test_inputs_are_the_rows_of_the_recording_in_channel_order():
    recording = make_recording(line(100))
    windows = make_windows([recording], WindowSpec(window=20, stride=7))
    assert windows.inputs.shape == (12, 20, 9)
    assert windows.inputs.dtype == windows.targets.dtype == np.float32
    assert windows.start.tolist() == list(range(0, 81, 7))
    np.testing.assert_allclose(windows.inputs[3, 5], 3 * 7 + 5 + np.arange(1, 10) / 10, rtol=1e-6)
    assert windows.channels[0] == "accel_x (m/s2)"
    assert windows.channels[-1] == "mag_z (uT)"


def test_velocity_is_displacement_over_the_time_between_first_and_last_row():
    recording = make_recording(line(500, speed_m_s=1.3, angle_rad=0.5))
    windows = make_windows([recording], WindowSpec(200, 10))
    np.testing.assert_allclose(windows.targets, np.tile([1.3 * np.cos(0.5), 1.3 * np.sin(0.5)], (31, 1)), rtol=1e-5)


def test_windows_of_several_recordings_are_told_apart():
    recordings = [make_recording(line(n), name=str(n)) for n in (100, 30, 50)]
    windows = make_windows(recordings, WindowSpec(40, 10))
    assert windows.names == ("100", "30", "50")  # the middle one is too short and gives none
    assert windows.recording.tolist() == [0] * 7 + [2] * 2
    assert windows.start.tolist() == [0, 10, 20, 30, 40, 50, 60, 0, 10]


def test_windows_that_touch_untrusted_rows_are_dropped():
    valid = np.ones(100, bool)
    valid[50] = False
    windows = make_windows([make_recording(line(100), valid=valid)], WindowSpec(10, 1))
    assert set(range(91)) - set(windows.start.tolist()) == set(range(41, 51))


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.booleans(), min_size=5, max_size=60), window=st.integers(2, 8), stride=st.integers(1, 9))
def test_starts_agree_with_a_plain_loop(rows, window, stride):
    recording = make_recording(line(len(rows)), valid=rows)
    expected = [s for s in range(0, len(rows) - window + 1, stride) if all(rows[s : s + window])]
    if not expected:
        with pytest.raises(DatasetError):
            make_windows([recording], WindowSpec(window, stride))
    else:
        assert make_windows([recording], WindowSpec(window, stride)).start.tolist() == expected


def test_use_of_the_magnetometer():
    with_mag, without = make_recording(line(50), name="a"), make_recording(line(50), name="b", mag=False)
    for recordings, use_mag, channels in (
        ([with_mag], None, 9),
        ([with_mag], False, 6),
        ([without], None, 6),
        ([with_mag, without], None, 6),
    ):
        assert make_windows(recordings, WindowSpec(10, 10, use_mag=use_mag)).inputs.shape[2] == channels
    with pytest.raises(DatasetError, match=r"use_mag \(recording b\): a magnetometer is asked for"):
        make_windows([with_mag, without], WindowSpec(10, 10, use_mag=True))


def test_the_devices_axes_come_last():
    axes = np.arange(50 * 9, dtype=float).reshape(50, 9)
    seen = dataclasses.replace(make_recording(line(50), mag=False), axes=axes)
    windows = make_windows([seen], WindowSpec(10, 5))
    np.testing.assert_array_equal(windows.inputs[2, :, 6:], axes[10:20].astype(np.float32))
    assert len(windows.channels) == len(set(windows.channels)) == seen.channels == 15
    assert windows.channels[7] == "device_x along y (1)"
    with pytest.raises(DatasetError, match=r"other: the recording lacks the device's axes"):
        make_windows([seen, make_recording(line(50), name="other", mag=False)], WindowSpec(10, 5))


def test_a_window_longer_than_every_recording_names_the_longest():
    recordings = [make_recording(line(n), name=f"r{n}") for n in (30, 80)]
    with pytest.raises(
        DatasetError, match=r"window \(recording r80\): a window of 81 samples.*the longest has 80.*at most 80"
    ):
        make_windows(recordings, WindowSpec(81, 1))
    assert len(make_windows(recordings, WindowSpec(80, 1))) == 1


def test_nothing_to_cut():
    with pytest.raises(DatasetError, match="no recordings"):
        make_windows([], WindowSpec(10, 1))
    with pytest.raises(DatasetError, match="untrusted ground truth"):
        make_windows([make_recording(line(50), valid=np.zeros(50, bool))], WindowSpec(10, 1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 1}, "window: 1 is not"),
        ({"window": 2.0}, "window: 2.0 is not"),
        ({"stride": 0}, "stride: 0 is not"),
        ({"stride": True}, "stride: True is not"),
        ({"window": 2, "target": "speed_heading"}, "at least 3"),
        ({"target": "pose"}, "unknown target 'pose'"),
    ],
)
def test_a_spec_that_makes_no_window_is_refused(arguments, message):
    with pytest.raises(DatasetError, match=message):
        WindowSpec(**{"window": 10, "stride": 1, **arguments})


def test_speed_heading_on_a_circle():
    windows = make_windows([make_recording(arc(401))], WindowSpec(201, 100, "speed_heading"))
    # 1 s of arc is 0.2 rad: the chords of the halves are 0.2 rad apart and 2 r sin(0.1) long.
    np.testing.assert_allclose(windows.targets, np.tile([10 * np.sin(0.1), 0.2], (3, 1)), rtol=1e-5)
    mirrored = arc(401) * [1, -1]
    windows = make_windows([make_recording(mirrored)], WindowSpec(201, 100, "speed_heading"))
    np.testing.assert_allclose(windows.targets[:, 1], -0.2, rtol=1e-5)


def test_speed_heading_does_not_depend_on_the_frame():
    turn = np.array([[np.cos(2), -np.sin(2)], [np.sin(2), np.cos(2)]])
    one, other = (
        make_windows([make_recording(path)], WindowSpec(50, 7, "speed_heading"))
        for path in (arc(300), arc(300) @ turn.T)
    )
    np.testing.assert_allclose(one.targets, other.targets, atol=1e-5)


def test_standing_still_has_no_heading_change_and_no_warning():
    still = np.zeros((300, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        windows = make_windows([make_recording(still)], WindowSpec(50, 10, "speed_heading"))
    assert (windows.targets == 0).all()


def test_turning_on_the_spot_is_the_devices_turn():
    yaw = 0.4 * np.arange(300) / 100
    half = yaw / 2
    # Held tilted by 40 degrees: only the turn about the vertical counts.
    tilt = np.radians(40) / 2
    orientation = np.stack(
        [
            np.cos(half) * np.sin(tilt),
            np.sin(half) * np.sin(tilt),
            np.sin(half) * np.cos(tilt),
            np.cos(half) * np.cos(tilt),
        ],
        axis=1,
    )
    recording = make_recording(np.zeros((300, 2)), orientation=orientation)
    windows = make_windows([recording], WindowSpec(201, 20, "speed_heading"))
    np.testing.assert_allclose(windows.targets, np.tile([0.0, 0.4], (5, 1)), atol=1e-6)


def test_normalization_standardises_each_channel():
    windows = make_windows([make_recording(line(300))], WindowSpec(50, 10))
    scale = Normalization.fit(windows)
    out = scale.apply(windows.inputs)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out.mean(axis=(0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(out.std(axis=(0, 1)), 1, rtol=1e-4)


def test_normalization_leaves_constant_channels_finite():
    # Constant but for the last bit of float32, which is all that is left of a slow drift at such an offset.
    gyro = np.full((100, 3), 1234.5678) + np.spacing(np.float32(1234.5678)) * (np.arange(100) % 2)[:, None]
    recording = dataclasses.replace(make_recording(line(100)), gyro=gyro)
    windows = make_windows([recording], WindowSpec(10, 5))
    out = Normalization.fit(windows).apply(windows.inputs)
    assert np.isfinite(out).all()
    np.testing.assert_allclose(out[:, :, 3:6], 0, atol=1e-3)


def test_normalization_refuses_another_number_of_channels():
    windows = make_windows([make_recording(line(100))], WindowSpec(10, 5))
    with pytest.raises(DatasetError, match=r"6 channels.*fitted on 9"):
        Normalization.fit(windows).apply(windows.inputs[:, :, :6])
