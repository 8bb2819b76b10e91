from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tinynas.errors import DatasetError
from tinynas.odometry import Recording

from .builders import line, make_recording


def test_knows_its_length_duration_and_channels():
    recording = make_recording(line(250), mag=False)
    assert (len(recording), recording.duration_s, recording.channels) == (250, 2.5, 6)
    assert make_recording(line(250)).channels == 9


def test_is_frozen_and_does_not_lock_the_callers_array():
    gyro = np.zeros((10, 3))
    recording = dataclasses.replace(make_recording(line(10)), gyro=gyro)
    with pytest.raises(ValueError, match="read-only"):
        recording.gyro[0, 0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        recording.name = "other"
    gyro[0, 0] = 1.0
    assert gyro.flags.writeable


@pytest.mark.parametrize("field", ["accel", "gyro", "mag", "time_s"])
def test_refuses_a_value_that_is_not_finite_and_names_the_row(field):
    values = np.array(getattr(make_recording(line(20), name="walk"), field))
    values[7:9] = np.nan
    with pytest.raises(DatasetError, match=r"walk:7: .*2 row\(s\), first in row 7") as caught:
        dataclasses.replace(make_recording(line(20), name="walk"), **{field: values})
    assert caught.value.where == "walk:7"


def test_ground_truth_may_be_missing_where_it_is_not_trusted_only():
    position = np.column_stack([line(20), np.zeros(20)])
    position[5] = np.nan
    valid = np.ones(20, bool)
    valid[5] = False
    assert len(make_recording(position, valid=valid)) == 20
    with pytest.raises(DatasetError, match="position is not finite"):
        make_recording(position)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("gyro", np.zeros((19, 3)), r"gyro has shape \(19, 3\), expected \(20, 3\)"),
        ("accel", np.zeros((20, 2)), "accel has shape"),
        ("valid", np.ones(3, bool), "valid has shape"),
        ("orientation", np.zeros((20, 4)), "not a unit quaternion"),
        ("time_s", np.zeros(20), "time_s does not increase"),
        ("time_s", np.arange(20) / 50, "runs at 50 Hz, not at 100 Hz"),
        ("rate_hz", 0.0, "not a positive number"),
        ("rate_hz", float("nan"), "not a positive number"),
    ],
)
def test_refuses_what_does_not_go_together(field, value, message):
    with pytest.raises(DatasetError, match=message):
        dataclasses.replace(make_recording(line(20)), **{field: value})


def test_refuses_a_single_row():
    with pytest.raises(DatasetError, match="too few"):
        Recording("r", 100.0, np.zeros(1), *[np.zeros((1, 3))] * 2, None, np.zeros((1, 3)), None, np.ones(1, bool))
