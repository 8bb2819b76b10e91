from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.odometry.builders import arc, line, make_recording
from tinynas.errors import DatasetError
from tinynas.odometry import SyntheticOptions, WindowSpec, load_dataset, make_windows, trajectory


def follow(recording, spec):
    windows = make_windows([recording], spec)
    return trajectory(windows.targets, windows.start, spec, recording)


@settings(max_examples=60, deadline=None)
@given(
    window=st.integers(3, 60),
    stride=st.integers(1, 70),
    target=st.sampled_from(["velocity", "speed_heading"]),
    speed=st.floats(0.3, 2.0),
)
def test_a_straight_walk_is_followed_exactly_for_any_window_and_stride(window, stride, target, speed):
    recording = make_recording(line(400, speed_m_s=speed, angle_rad=1.0))
    path = follow(recording, WindowSpec(window, stride, target))
    inside = (path.time_s >= 0) & (path.time_s <= 3.99)
    walked = path.predicted - path.predicted[0]
    np.testing.assert_allclose(
        walked, speed * np.outer(path.time_s - path.time_s[0], [np.cos(1), np.sin(1)]), atol=1e-4
    )
    assert (np.diff(path.time_s) > 0).all()
    assert np.abs(path.predicted - path.true)[inside].max() < 0.5 * stride * speed / 100 + 1e-4


def test_overlapping_windows_do_not_trail_the_truth():
    path = follow(make_recording(arc(3001)), WindowSpec(200, 10))
    assert len(path.time_s) == 282
    # A trailing path would be off by half a window of walking, 1 m.
    assert np.linalg.norm(path.predicted - path.true, axis=1).max() < 0.1


@pytest.mark.parametrize("stride", [10, 20, 25, 50, 100])
def test_half_overlapping_chains_of_heading_are_exact(stride):
    recording = make_recording(arc(3001, radius_m=2.0))
    path = follow(recording, WindowSpec(201, stride, "speed_heading"))
    assert np.linalg.norm(path.predicted - path.true, axis=1).max() < 0.06


@pytest.mark.parametrize("stride", [10, 25])
def test_every_chain_of_heading_starts_from_the_truth(stride):
    # The turn lies within the first window: chains that began from each other's changes would disagree for good.
    position = np.concatenate([line(130), line(130)[-1] + line(1871, angle_rad=2.0)[1:]])
    path = follow(make_recording(position), WindowSpec(201, stride, "speed_heading"))
    off = path.predicted - path.true
    assert np.linalg.norm(off - off[len(off) // 2], axis=1)[len(off) // 2 :].max() < 1e-3


def test_the_truth_enters_a_path_of_headings_at_its_start_only():
    spec = WindowSpec(201, 20, "speed_heading")
    straight, bent = line(2001), line(2001)
    bent[400:] = bent[400] + line(1601, angle_rad=1.0)
    windows = make_windows([make_recording(straight)], spec)
    paths = [trajectory(windows.targets, windows.start, spec, make_recording(p)) for p in (straight, bent)]
    np.testing.assert_allclose(paths[0].predicted, paths[1].predicted, atol=1e-9)


def test_half_a_window_is_the_longest_stride_of_headings():
    heading = np.cumsum(np.sin(np.arange(4001) / 90) / 60)
    recording = make_recording(np.cumsum(0.01 * np.stack([np.cos(heading), np.sin(heading)], axis=1), axis=0))
    halves, wholes = (follow(recording, WindowSpec(201, stride, "speed_heading")) for stride in (100, 200))
    assert np.linalg.norm(halves.predicted[-1] - halves.true[-1]) < 0.5
    assert np.linalg.norm(wholes.predicted[-1] - wholes.true[-1]) > 2.0


def test_heading_chain_is_exact_on_a_jagged_path():
    corners = np.array([[0, 0], [1, 0], [1, 1], [3, 1], [2.5, 0.2], [2.5, 2.0], [0, 2.2], [-1, -1]])
    time = np.arange(701) / 100
    position = np.stack([np.interp(time, range(8), corners[:, axis]) for axis in (0, 1)], axis=1)
    path = follow(make_recording(position), WindowSpec(201, 100, "speed_heading"))
    np.testing.assert_allclose(path.predicted, corners[1:], atol=1e-5)


def test_heading_starts_from_the_first_window_that_moves():
    # Turns on the spot for 4 s, stands for 1 s, walks off: the turn before the walk must not bend it.
    position = np.concatenate([np.zeros((500, 2)), line(800, angle_rad=2.0)])
    yaw = 0.3 * np.minimum(np.arange(1300), 400) / 100
    orientation = np.stack([0 * yaw, 0 * yaw, np.sin(yaw / 2), np.cos(yaw / 2)], axis=1)
    path = follow(make_recording(position, orientation=orientation), WindowSpec(201, 100, "speed_heading"))
    assert np.linalg.norm(path.predicted - path.true, axis=1).max() < 0.6


def test_a_gap_is_bridged_by_dead_reckoning_alone():
    valid = np.ones(1000, bool)
    valid[495:505] = False
    recording = make_recording(line(1000), valid=valid)
    spec = WindowSpec(100, 10)
    windows = make_windows([recording], spec)
    path = trajectory(windows.targets, windows.start, spec, recording)
    steps = np.diff(path.time_s)
    assert (steps > 0.11).sum() == 1
    np.testing.assert_allclose(path.predicted, path.true, atol=1e-4)
    # The truth does not enter: predictions of zero stay where they started, across the gap too.
    still = trajectory(np.zeros_like(windows.targets), windows.start, spec, recording)
    assert (still.predicted == still.predicted[0]).all()


def test_a_gap_takes_the_mean_of_its_neighbours():
    recording = make_recording(line(500))
    spec = WindowSpec(100, 100)
    path = trajectory(np.array([[1.0, 0.0], [3.0, 0.0]]), np.array([0, 300]), spec, recording)
    assert np.diff(path.time_s).tolist() == pytest.approx([1.0, 2.0, 1.0])
    assert np.diff(path.predicted[:, 0]).tolist() == pytest.approx([1.0, 4.0, 3.0])


def test_a_single_window_is_a_path():
    path = follow(make_recording(line(50)), WindowSpec(50, 10))
    assert len(path.time_s) == 2


@pytest.mark.parametrize(
    ("predicted", "start"),
    [(np.zeros((0, 2)), []), (np.zeros((2, 2)), [0]), (np.zeros((2, 2)), [10, 0]), (np.zeros((2, 2)), [0, 5])],
)
def test_windows_that_are_not_those_of_one_recording_are_refused(predicted, start):
    with pytest.raises(DatasetError):
        trajectory(predicted, np.array(start, int), WindowSpec(20, 10), make_recording(line(100)))


def test_a_simulated_walk_is_followed_through_its_turns():
    data = load_dataset("synthetic", synthetic=SyntheticOptions(n_train=3, duration_s=60.0))
    for recording in data.train:
        path = follow(recording, WindowSpec(200, 10))
        assert np.linalg.norm(path.predicted - path.true, axis=1).max() < 0.6
