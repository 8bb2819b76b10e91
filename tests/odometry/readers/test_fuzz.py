"""Mutants of every kind of file that a reader opens: a DatasetError or a sound recording, and nothing else.

The full count is behind the marker `exhaustive`: `pytest -m exhaustive tests/odometry/readers/test_fuzz.py`.
"""

from __future__ import annotations

import contextlib
import gzip

import numpy as np
import pytest

from tests._mutate import mutants
from tests.odometry.builders import CSV_HEADER, csv_text, write_oxiod_pair, write_ronin_sequence
from tinynas.errors import DatasetError
from tinynas.odometry import read_oxiod, read_ronin, read_table

# Of each layout; a fiftieth of them in every run of the tests.
COUNTS = [100, pytest.param(5000, marks=[pytest.mark.slow, pytest.mark.exhaustive])]
_LISTS = ("Train.txt", "Valid.txt", "Test.txt")


def table(folder):
    header = CSV_HEADER + ",orientation_x,orientation_y,orientation_z,orientation_w,valid"

    def edit(lines):
        for line in lines:
            line += ["0", "0", "0", "1", "1"]

    for name in "abc":
        (folder / f"{name}.csv").write_text(csv_text(60, header=header, edit=edit))
    packed = gzip.compress((folder / "a.csv").read_bytes())
    (folder / "a.csv").unlink()
    (folder / "a.csv.gz").write_bytes(packed)
    for name, entry in zip(_LISTS, "abc", strict=True):
        (folder / name).write_text(f"# mine\n./{entry}\n")
    return read_table, ["a.csv.gz", "b.csv", "b.csv", "Train.txt"]


def oxiod(folder):
    write_oxiod_pair(folder, "hand", "data1", 1, rows=60)
    for name in _LISTS:
        (folder / "hand" / name).write_text("data1/syn/imu1.csv\n")
    return read_oxiod, ["hand/data1/syn/imu1.csv", "hand/data1/syn/vi1.csv", "hand/Train.txt"]


def ronin(folder):
    write_ronin_sequence(folder, "s", rows=120)
    for name in _LISTS:
        (folder / name).write_text("s\n")
    return read_ronin, ["s/data.hdf5", "s/data.hdf5", "s/data.hdf5", "s/info.json"]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("make", [table, oxiod, ronin])
def test_mutants_end_in_a_dataset_error_or_in_sound_recordings(tmp_path, make, count):
    reader, names = make(tmp_path)
    reader(tmp_path)
    refused = 0
    for number, name in enumerate(names):
        path = tmp_path / name
        sound = path.read_bytes()
        for mutant in mutants(sound, count // len(names), seed=number):
            path.write_bytes(mutant)
            with contextlib.suppress(DatasetError):
                refused += 1
                splits = reader(tmp_path)
                refused -= 1
                for recording in (recording for part in splits for recording in part):
                    assert np.isfinite(recording.accel.astype(np.float32)).all()
                    assert np.isfinite(recording.position[recording.valid].astype(np.float32)).all()
        path.write_bytes(sound)
    assert refused > count // 10  # the mutants are not harmless
    reader(tmp_path)
