"""How a ground truth lies in a frame, by accelerations."""

from dataclasses import replace

import numpy as np
import pytest

from tinynas.odometry import AttitudeOptions, SyntheticOptions, express, load_dataset
from tinynas.odometry.frames import compare_accelerations, turn_truth


@pytest.fixture(scope="module")
def recordings():
    size = SyntheticOptions(n_train=4, n_valid=1, n_test=1, duration_s=50.0)
    return load_dataset("synthetic", seed=2, synthetic=size).train


@pytest.fixture(scope="module")
def framed(recordings):
    return [express(recording, "north", AttitudeOptions()) for recording in recordings]


def truth_angle(recordings):
    return float(np.angle(compare_accelerations(recordings)))


def angle_between(a, b):
    return abs(np.angle(np.exp(1j * (a - b))))


def test_accelerations_tell_what_the_orientation_tells(framed):
    for one in framed:
        known = np.angle(np.exp(1j * one.heading_error_rad).mean())
        assert angle_between(truth_angle([one.recording]), known) < np.radians(10)
        assert abs(compare_accelerations([one.recording])) > 0.6


@pytest.mark.parametrize("angle", [-2.0, 0.7, 3.0])
def test_the_angle_turns_with_the_truth(framed, angle):
    recordings = [one.recording for one in framed]
    after = [turn_truth(recording, angle) for recording in recordings]
    assert angle_between(truth_angle(after), truth_angle(recordings) + angle) < 1e-6
    assert abs(compare_accelerations(after)) == pytest.approx(abs(compare_accelerations(recordings)))


def test_what_is_short_or_untrusted_tells_nothing(framed):
    recordings = [one.recording for one in framed]
    lost = replace(recordings[0], valid=np.zeros(len(recordings[0]), bool))
    assert compare_accelerations([lost]) == 0
    assert compare_accelerations([*recordings, lost]) == compare_accelerations(recordings)


def test_untrusted_positions_are_not_looked_at(framed):
    one = framed[0].recording
    valid = np.ones(len(one), bool)
    valid[2000:2100] = False
    wild = one.position.copy()
    wild[2000:2100] = 1e6
    expected = compare_accelerations([replace(one, valid=valid)])
    assert compare_accelerations([replace(one, valid=valid, position=wild)]) == expected


@pytest.mark.parametrize("angle_deg", [0.0, 90.0, 180.0])
def test_in_the_level_frame_a_body_that_is_turned_about_the_vertical_does_not_matter(recordings, angle_deg):
    """A truth's marker that points backwards: its orientation says so, its positions do not."""
    for recording in recordings:
        half = np.radians(angle_deg) / 2
        x, y, z, w = recording.orientation.T
        sin, cos = np.sin(half), np.cos(half)
        about_vertical = np.stack([cos * x - sin * y, cos * y + sin * x, cos * z + sin * w, cos * w - sin * z], axis=1)
        straight = express(recording, "level", AttitudeOptions())
        mounted = express(replace(recording, orientation=about_vertical), "level", AttitudeOptions())
        way, other = (np.diff(one.recording.position[::100, :2], axis=0) @ [1, 1j] for one in (straight, mounted))
        assert abs(np.angle(np.vdot(way, other))) < np.radians(20)
