from __future__ import annotations

import numpy as np
import pytest

from tests.odometry.builders import csv_text
from tinynas.odometry.check import check_recording
from tinynas.odometry.readers.columns import read_table_recording


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "walk.csv"
        path.write_text(text)
        return read_table_recording(path)

    return read


def put(column, value, rows):
    """An edit of a table: `value` in some rows of a column."""
    return lambda lines: [lines[row].__setitem__(column, value) for row in rows]


def ramp(lines):
    """Sensors that grow by 0.01 a row, so that what is interpolated is known."""
    for row, fields in enumerate(lines):
        fields[4] = f"{row / 100:.4f}"


def test_a_lost_sample_is_interpolated_and_told(read):
    def edit(lines):
        ramp(lines)
        lines[40][4] = ""
        lines[90][4] = lines[91][4] = "nan"

    recording = read(csv_text(edit=edit))
    np.testing.assert_allclose(recording.gyro[:, 0], np.arange(300) / 100, atol=1e-9)
    assert recording.valid.all()
    (repair,) = recording.repairs
    assert repair.where.endswith("walk.csv:42")
    assert "3 row(s)" in repair.message
    assert ("repaired", "walk:42") in {(f.kind, f.where) for f in check_recording(recording).problems}


def test_a_long_stretch_is_masked(read):
    def edit(lines):
        ramp(lines)
        put(4, "nan", range(100, 130))(lines)

    recording = read(csv_text(edit=edit))
    assert np.flatnonzero(~recording.valid).tolist() == list(range(100, 130))
    np.testing.assert_allclose(recording.gyro[:, 0], np.arange(300) / 100, atol=1e-9)
    assert "30 of them masked" in recording.repairs[0].message


def test_what_is_lost_at_an_end_is_masked(read):
    recording = read(csv_text(edit=put(1, "", range(5))))
    assert np.flatnonzero(~recording.valid).tolist() == list(range(5))


@pytest.mark.parametrize("column", [1, 5, 8])
def test_a_number_for_missing_is_taken_for_that(read, column):
    recording = read(csv_text(edit=put(column, "-9999", (50, 51))))
    sensors = np.column_stack([recording.accel, recording.gyro, recording.mag])
    assert np.abs(sensors).max() < 30
    assert len(recording.repairs) == 1


def test_a_number_for_missing_in_the_ground_truth_masks_the_row(read):
    recording = read(csv_text(edit=put(10, "-9999", range(100, 180))))
    assert not recording.valid[100:180].any()
    assert recording.valid[:90].all()
    assert recording.valid[190:].all()
    assert np.nanmax(np.abs(recording.position)) < 10


def test_a_value_that_may_be_real_is_left(read):
    recording = read(csv_text(edit=lambda lines: [line.__setitem__(7, "-999" if row % 2 else "800")
                                                  for row, line in enumerate(lines)]))  # fmt: skip
    assert recording.mag[1, 0] == -999.0


@pytest.mark.parametrize(("lost", "masked"), [(5, False), (40, True)])
def test_a_gap_in_time_is_filled(read, lost, masked):
    def edit(lines):
        ramp(lines)
        del lines[100 : 100 + lost]

    recording = read(csv_text(edit=edit))
    assert len(recording) == 300
    assert recording.rate_hz == pytest.approx(100.0, rel=1e-6)
    np.testing.assert_allclose(recording.time_s, np.arange(300) / 100, atol=1e-9)
    np.testing.assert_allclose(recording.gyro[:, 0], np.arange(300) / 100, atol=1e-6)
    hidden = np.flatnonzero(~recording.valid)
    if masked:
        assert set(range(100, 140)) <= set(hidden.tolist()) <= set(range(98, 142))
    else:
        assert hidden.size <= 7  # the step of the truth over the gap is no speed
    assert recording.repairs[0].where.endswith("walk.csv:102")


def test_rows_with_the_time_of_the_row_before_are_dropped(read):
    def edit(lines):
        for row in (200, 100):
            lines.insert(row, list(lines[row]))

    recording = read(csv_text(edit=edit))
    assert len(recording) == 300
    assert "2 row(s)" in recording.repairs[0].message


def test_a_sound_file_is_left_as_it_is(read):
    recording = read(csv_text())
    assert recording.repairs == ()
    assert recording.valid.all()
