"""Errors beside those who look at no network, and a velocity error taken apart."""

import dataclasses

import numpy as np
import pytest

from tests.odometry.builders import line, make_recording
from tinynas.errors import DatasetError
from tinynas.odometry import (
    AttitudeOptions,
    SyntheticOptions,
    WindowSpec,
    evaluate,
    express,
    fit_baselines,
    load_dataset,
    make_windows,
    split_error,
)


def test_a_reversed_walk_is_reversed_and_a_slow_one_is_slow():
    rng = np.random.default_rng(1)
    angle = rng.uniform(-np.pi, np.pi, 200)
    true = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    backwards = split_error(-0.9 * true, true)
    assert abs(backwards.direction_mean_deg) == pytest.approx(180)
    assert backwards.direction_spread_deg == pytest.approx(0, abs=1e-5)
    assert backwards.speed_mean_m_s == pytest.approx(-0.1)
    left = np.stack([-true[:, 1], true[:, 0]], axis=1)
    assert split_error(left, true).direction_mean_deg == pytest.approx(90)
    swaying = split_error(np.cos(0.1) * true + np.sin(0.1) * left * np.where(np.arange(200) % 2, 1, -1)[:, None], true)
    assert swaying.direction_mean_deg == pytest.approx(0, abs=1e-9)
    assert swaying.direction_spread_deg == pytest.approx(np.degrees(0.1))
    assert swaying.speed_spread_m_s == pytest.approx(0, abs=1e-9)


def test_who_stands_has_no_direction():
    assert split_error(np.ones((5, 2)), np.full((5, 2), 0.01)) is None
    mixed = split_error(np.array([[1.0, 0.0], [9.0, 9.0]]), np.array([[1.0, 0.0], [0.0, 0.0]]))
    assert (mixed.speed_mean_m_s, mixed.direction_mean_deg) == (0.0, 0.0)


def test_speed_and_heading_are_taken_apart_as_the_velocity_they_stand_for():
    parts = split_error(np.array([[1.5, 0.3]]), np.array([[1.0, 0.1]]), target="speed_heading")
    assert parts.speed_mean_m_s == pytest.approx(0.5)
    assert parts.direction_mean_deg == pytest.approx(np.degrees(0.2))


def compass_walk(name="walk", *, turn_rate=0.2, seconds=60, held=0.7):
    """A walk at 1 m/s on a circle, the device held at a constant angle to the way, north known."""
    n = seconds * 100
    time = np.arange(n) / 100
    heading = turn_rate * time
    position = np.stack([np.sin(heading), 1 - np.cos(heading)], axis=1) / turn_rate
    yaw = heading + held
    cos, sin = np.cos(yaw), np.sin(yaw)
    gyro = np.stack([0 * yaw, 0 * yaw, np.full(n, turn_rate)], axis=1)
    field = np.stack([20 * cos, -20 * sin, np.full(n, -40.0)], axis=1)
    return dataclasses.replace(
        make_recording(position, name=name), accel=np.tile([0, 0, 9.81], (n, 1)), gyro=gyro, mag=field
    )


@pytest.mark.parametrize("frame", ["body", "north"])
def test_a_compass_knows_a_walk_at_constant_speed_and_mean_and_zero_do_not(frame):
    train, test = (
        [express(compass_walk(name, turn_rate=rate), frame, AttitudeOptions())]
        for name, rate in (("train", 0.2), ("test", -0.3))
    )
    windows = [make_windows([one.recording for one in part], WindowSpec(100, 50)) for part in (train, test)]
    fitted = fit_baselines(windows[0], train)
    predicted = fitted.predict(windows[1], test)
    assert set(predicted) == {"zero", "mean", "compass"}
    found = evaluate(windows[1].targets, windows[1], [test[0].recording], predicted)
    errors = found.baselines
    assert errors["zero"].velocity_rmse == pytest.approx(1.0, rel=0.01)
    assert errors["mean"].velocity_rmse > 0.9
    assert errors["compass"].velocity_rmse < 0.1
    [recording] = found.recordings
    assert recording.baselines["zero"].velocity_rmse == pytest.approx(errors["zero"].velocity_rmse)
    assert found.errors.velocity_rmse == 0.0
    assert found.errors.drift_percent < 1


def test_without_an_attitude_there_is_no_compass():
    framed = [express(make_recording(line(300), mag=False), "body", AttitudeOptions())]
    windows = make_windows([framed[0].recording], WindowSpec(50, 50))
    assert set(fit_baselines(windows, framed).predict(windows, framed)) == {"zero", "mean"}


def test_the_mean_is_that_of_the_training_targets():
    framed = [express(make_recording(line(300, speed_m_s=2.0), mag=False), "body", AttitudeOptions())]
    windows = make_windows([framed[0].recording], WindowSpec(50, 50))
    predicted = fit_baselines(windows, framed).predict(windows, framed)
    np.testing.assert_allclose(predicted["mean"], np.tile([2.0, 0.0], (len(windows), 1)), atol=1e-5)
    assert not predicted["zero"].any()


def test_a_compass_for_speed_and_heading_turns_as_the_device_does():
    walk = [express(compass_walk(turn_rate=0.2), "north", AttitudeOptions())]
    windows = make_windows([walk[0].recording], WindowSpec(101, 50, "speed_heading"))
    predicted = fit_baselines(windows, walk).predict(windows, walk)["compass"]
    np.testing.assert_allclose(predicted[20:, 0], windows.targets[20:, 0], atol=0.02)
    np.testing.assert_allclose(predicted[20:, 1], windows.targets[20:, 1], atol=0.02)


def test_standing_still_ends_as_far_off_as_the_walk_is_long():
    """A straight walk of about 10 m: the ATE of standing still is its root mean square distance from the start."""
    recording = make_recording(line(1000), mag=False)
    windows = make_windows([recording], WindowSpec(100, 10))
    found = evaluate(0 * windows.targets, windows, [recording])
    [only] = found.recordings
    assert only.errors.drift_percent == pytest.approx(100.0, abs=1.0)
    assert only.ate_m == pytest.approx(only.length_m / np.sqrt(3), rel=0.01)
    assert found.errors.ate_m == only.ate_m


def test_where_windows_make_no_path_its_errors_are_not_given():
    data = load_dataset("synthetic", synthetic=SyntheticOptions(n_train=1, n_valid=1, n_test=1, duration_s=30.0))
    for stride, known in ((100, True), (101, False)):
        windows = make_windows(data.test, WindowSpec(200, stride, "speed_heading"))
        errors = evaluate(windows.targets, windows, data.test).errors
        assert (errors.ate_m is not None, errors.rte_m is not None, errors.drift_percent is not None) == (known,) * 3
        assert errors.velocity_rmse == 0.0


def test_the_target_s_span_is_apart_from_the_window():
    """A walk that speeds up: a span of 50 rows at the end of 200 sees the later speed, whatever the window."""
    time = np.arange(2000) / 100
    recording = make_recording(np.stack([time**2 / 2, 0 * time], axis=1), mag=False)
    for window in (50, 100, 200):
        windows = make_windows([recording], WindowSpec(window, 49, target_span=50))
        ends = windows.start + window - 1
        np.testing.assert_allclose(windows.targets[:, 0], time[ends] - 49 / 200, atol=1e-5)
        path = evaluate(windows.targets, windows, [recording]).recordings[0].path
        assert np.abs(path.predicted - path.true).max() < 0.02
    long = make_windows([recording], WindowSpec(50, 100, target_span=200))
    assert long.start[0] == 150
    np.testing.assert_allclose(long.targets[:, 0], time[long.start + 49] - 199 / 200, atol=1e-5)
    with pytest.raises(DatasetError, match="span of 2001") as caught:
        make_windows([recording], WindowSpec(50, 100, target_span=2001))
    assert caught.value.where == "target_span (recording r)"
