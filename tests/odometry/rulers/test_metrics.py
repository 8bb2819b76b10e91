from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.odometry.builders import line, make_recording
from tinynas.errors import DatasetError
from tinynas.odometry import (
    SyntheticOptions,
    VelocityError,
    WindowSpec,
    absolute_trajectory_error,
    evaluate,
    load_dataset,
    make_windows,
    relative_trajectory_error,
    velocity_rmse,
)


def test_velocity_rmse_by_hand():
    error = velocity_rmse(np.array([[1.0, 0.0], [2.0, 2.0]]), np.array([[0.0, 0.0], [0.0, 0.0]]))
    assert error.x == pytest.approx(np.sqrt((1 + 4) / 2))
    assert error.y == pytest.approx(np.sqrt((0 + 4) / 2))
    assert error.joint == pytest.approx(np.sqrt((1 + 8) / 2))


def test_speed_heading_errors_are_those_of_the_velocity_they_stand_for():
    # Walking at 2 m/s, a heading wrong by 60 degrees leads astray by 2 m/s; standing, by nothing.
    error = velocity_rmse(np.array([[2.0, np.pi / 3]]), np.array([[2.0, 0.0]]), target="speed_heading")
    assert error.joint == pytest.approx(2.0)
    assert error.x == pytest.approx(1.0)
    standing = velocity_rmse(np.array([[0.0, 3.0]]), np.array([[0.0, 0.0]]), target="speed_heading")
    assert standing.joint == 0.0
    wrapped = velocity_rmse(np.array([[1.0, np.pi]]), np.array([[1.0, -np.pi]]), target="speed_heading")
    assert wrapped.joint == pytest.approx(0.0, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(1, 20), st.just(2)), elements=st.floats(-10, 10)))
def test_joint_is_the_norm_of_the_axes_and_zero_for_the_truth(values):
    error = velocity_rmse(values, np.zeros_like(values))
    assert error.joint == pytest.approx(np.hypot(error.x, error.y))
    assert velocity_rmse(values, values) == VelocityError(0.0, 0.0, 0.0)


@pytest.mark.parametrize("shapes", [((3, 2), (4, 2)), ((0, 2), (0, 2)), ((3, 3), (3, 3)), ((3,), (3,))])
def test_shapes_that_cannot_be_compared(shapes):
    with pytest.raises(DatasetError, match="cannot compare"):
        velocity_rmse(np.zeros(shapes[0]), np.zeros(shapes[1]))
    with pytest.raises(DatasetError, match="cannot compare"):
        absolute_trajectory_error(np.zeros(shapes[0]), np.zeros(shapes[1]))


def test_ate_by_hand():
    predicted = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]])
    true = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 2.0]])
    assert absolute_trajectory_error(predicted, true) == pytest.approx(np.sqrt((0 + 1 + 4) / 3))


def test_rte_of_a_constant_drift_is_the_drift_of_a_minute():
    time = np.arange(0, 181.0)
    true = line(181, rate_hz=1.0)
    predicted = true + 0.05 * time[:, None] * [0.6, 0.8]
    assert relative_trajectory_error(time, predicted, true) == pytest.approx(3.0)
    assert relative_trajectory_error(time, predicted, true, horizon_s=10.0) == pytest.approx(0.5)


def test_rte_by_hand_over_exactly_one_minute_and_one_instant_more():
    time = np.array([0.0, 30.0, 60.0, 90.0])
    error = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0], [5.0, 0.0]])
    # Drifts 0 -> 60: 3 m, 30 -> 90: 4 m.
    assert relative_trajectory_error(time, error, np.zeros((4, 2))) == pytest.approx(np.sqrt((9 + 16) / 2))
    assert relative_trajectory_error(time[:3], error[:3], np.zeros((3, 2))) == pytest.approx(3.0)


def test_rte_of_a_short_path_is_scaled_to_a_minute():
    assert relative_trajectory_error(np.array([5.0, 25.0]), np.array([[0, 0], [0, 1.0]]), np.zeros((2, 2))) == 3.0


def test_rte_of_the_last_minute_survives_rounding_of_time():
    time = np.arange(1001) / 10
    time[-1] = np.nextafter(100.0, 0.0)
    drift = np.zeros((1001, 2))
    drift[-1] = [6.0, 0.0]
    # 401 stretches of a minute, of which the very last one drifts.
    assert relative_trajectory_error(time, drift, np.zeros((1001, 2))) == pytest.approx(6.0 / np.sqrt(401))


def test_rte_does_not_see_an_offset():
    time, path = np.arange(100.0), line(100, rate_hz=1.0)
    assert relative_trajectory_error(time, path + np.array([7.0, -2.0]), path) == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(DatasetError, match="at least 2"):
        relative_trajectory_error(np.zeros(1), np.zeros((1, 2)), np.zeros((1, 2)))


def test_errors_are_sqrt_2_times_those_averaged_over_coordinates():
    # As RoNIN's code does: the mean over instants and coordinates together.
    time, rng = np.arange(100.0), np.random.default_rng(0)
    error = rng.normal(size=(100, 2)).cumsum(axis=0)
    drift = error[60:] - error[:-60]
    true = line(100, rate_hz=1.0)
    ate, rte = np.sqrt((error**2).mean()), np.sqrt((drift**2).mean())
    assert absolute_trajectory_error(true + error, true) == pytest.approx(np.sqrt(2) * ate)
    assert relative_trajectory_error(time, true + error, true) == pytest.approx(np.sqrt(2) * rte)


@pytest.mark.slow
@pytest.mark.parametrize(("stride", "least_m", "greatest_m"), [(200, 0.0, 0.04), (10, 0.03, 0.51)])
def test_what_the_true_velocities_leave_is_what_the_documentation_says(stride, least_m, greatest_m):
    data = load_dataset("synthetic", seed=1, synthetic=SyntheticOptions(n_train=4))
    windows = make_windows(data.train, WindowSpec(200, stride))
    for recording in evaluate(windows.targets, windows, data.train).recordings:
        assert least_m < recording.ate_m < greatest_m


def test_evaluate_by_hand():
    recordings = [make_recording(line(6101), name="east"), make_recording(line(50), name="short")]
    windows = make_windows(recordings, WindowSpec(101, 100))
    evaluation = evaluate(windows.targets + np.float32([0.0, 0.1]), windows, recordings)
    assert evaluation.velocity.y == pytest.approx(0.1, rel=1e-5)
    assert evaluation.velocity.x == 0.0
    (only,) = evaluation.recordings  # the short one has no window
    assert only.name == "east"
    # The path leaves by 0.1 m every s for 61 s: drift over 60 s is 6 m, ATE the root mean square of 0, 0.1 ... 6.1.
    assert only.rte_m == pytest.approx(6.0, rel=1e-5)
    assert only.ate_m == pytest.approx(np.sqrt(np.mean((0.1 * np.arange(62)) ** 2)), rel=1e-5)
    assert only.length_m == pytest.approx(61.0)
    assert only.path.time_s[[0, -1]].tolist() == [0.0, 61.0]


def test_evaluate_tells_recordings_apart():
    recordings = [make_recording(line(300, angle_rad=a), name=str(a)) for a in (0.0, 2.0)]
    windows = make_windows(recordings, WindowSpec(100, 20))
    predicted = windows.targets.copy()
    predicted[windows.recording == 1] = 0.0
    first, second = evaluate(predicted, windows, recordings).recordings
    assert (first.velocity.joint, second.velocity.joint) == (0.0, pytest.approx(1.0, rel=1e-5))
    with pytest.raises(DatasetError, match="other recordings"):
        evaluate(predicted, windows, recordings[::-1])


@pytest.mark.slow
@pytest.mark.parametrize("target", ["velocity", "speed_heading"])
def test_the_truth_evaluates_to_next_to_nothing_on_real_recordings(oxiod_subset, target):
    data = load_dataset(f"oxiod:{oxiod_subset}", modes=["trolley"])
    windows = make_windows(data.test, WindowSpec(200, 10, target))
    evaluation = evaluate(windows.targets, windows, data.test)
    assert evaluation.velocity.joint == 0.0
    (imu6,) = evaluation.recordings
    assert imu6.ate_m < 0.15  # what is left is the path's curvature within a window
    assert imu6.length_m == pytest.approx(157.5, rel=0.02)


@pytest.mark.slow
def test_windows_of_the_real_subset(oxiod_subset):
    data = load_dataset(f"oxiod:{oxiod_subset}")
    windows = make_windows(data.train, WindowSpec(200, 10))
    assert windows.inputs.shape[1:] == (200, 9)
    # sequences.csv counts 11414 windows at stride 10, of them 127 with a jump; the mask takes a few rows more.
    assert 11_200 < len(windows) < 11_414 - 100
    assert np.abs(windows.targets).max() < 1.6
