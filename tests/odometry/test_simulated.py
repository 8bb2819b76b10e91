"""Simulated walkers beside recorded ones."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from tinynas.errors import DatasetError
from tinynas.odometry import (
    AttitudeOptions,
    SyntheticOptions,
    express,
    load_dataset,
    simulate_walkers,
)
from tinynas.odometry.frames import compare_accelerations, turn_truth

from .builders import line, make_recording

NORTH = partial(express, frame="north", options=AttitudeOptions())


def truth_angle(recordings):
    return float(np.angle(compare_accelerations(recordings)))


@pytest.fixture(scope="module")
def framed():
    size = SyntheticOptions(n_train=4, n_valid=1, n_test=1, duration_s=50.0)
    return [NORTH(recording) for recording in load_dataset("synthetic", seed=2, synthetic=size).train]


def angle_between(a, b):
    return abs(np.angle(np.exp(1j * (a - b))))


def test_walkers_lie_as_the_recorded_truth_does_and_have_its_rate(framed):
    like = [replace(one, recording=turn_truth(one.recording, 2.2)) for one in framed]
    walkers = simulate_walkers(3, like, NORTH, seed=5)
    assert [walker.mode for walker in walkers] == ["handheld", "pocket", "swinging"]
    assert {(walker.frame, walker.rate_hz, walker.orientation) for walker in walkers} == {("north", 100.0, None)}
    assert angle_between(truth_angle(walkers), truth_angle([one.recording for one in like])) < 1e-6


def test_walkers_are_other_people_than_those_of_the_built_in_data_and_follow_the_seed(framed):
    first, again, other = (simulate_walkers(1, framed, NORTH, seed=seed)[0] for seed in (2, 2, 3))
    np.testing.assert_array_equal(first.accel, again.accel)
    assert not np.allclose(first.accel, other.accel)
    assert not np.allclose(first.accel, framed[0].recording.accel)


def test_the_body_frame_is_refused():
    recording = make_recording(line(200))
    with pytest.raises(DatasetError, match=r"simulated: .*body frame.*set dataset\.frame to level or north"):
        simulate_walkers(2, [express(recording, "body", AttitudeOptions())], NORTH, seed=0)
