"""The contract of `Reader`, which every implementation passes."""

from __future__ import annotations

import pytest

from tinynas.errors import DatasetError
from tinynas.odometry import Splits, read_idol, read_oxiod, read_ridi, read_ronin, read_table

READERS = {"oxiod": read_oxiod, "ronin": read_ronin, "ridi": read_ridi, "idol": read_idol, "csv": read_table}


@pytest.fixture(params=READERS)
def case(request):
    return READERS[request.param], request.getfixturevalue(f"{request.param}_folder")


def test_returns_three_parts_of_recordings_with_unique_names(case):
    reader, folder = case
    splits = reader(folder)
    assert isinstance(splits, Splits)
    assert all(splits)
    names = [recording.name for part in splits for recording in part]
    assert len(set(names)) == len(names)


def test_reading_twice_gives_the_same(case):
    reader, folder = case
    first, second = (reader(folder, seed=1) for _ in range(2))
    for one, other in zip(sum(first, ()), sum(second, ()), strict=True):
        assert one.name == other.name
        assert (one.accel == other.accel).all()


def test_at_rest_specific_force_is_gravity_upward(case):
    reader, folder = case
    for recording in sum(reader(folder), ()):
        x, y, z = recording.accel.mean(axis=0)
        assert abs(x) < 0.3
        assert abs(y) < 0.3
        assert 8 < z < 11


def test_walking_along_x_at_1_m_s(case):
    reader, folder = case
    recording = reader(folder).train[0]
    travelled = recording.position[-1] - recording.position[0]
    assert travelled[:2].tolist() == pytest.approx([(len(recording) - 1) / recording.rate_hz, 0.0])


def test_missing_folder_and_file_in_its_place(case, tmp_path):
    reader, _ = case
    with pytest.raises(DatasetError, match="does not exist"):
        reader(tmp_path / "nowhere")
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(DatasetError, match="not a folder"):
        reader(path)


def test_unknown_mode(case):
    reader, folder = case
    with pytest.raises(DatasetError, match="mode") as caught:
        reader(folder, modes=["rocket"])
    assert caught.value.where == "dataset.modes"
    with pytest.raises(DatasetError, match="mode") as caught:
        reader(folder, modes=[])
    assert caught.value.where == "dataset.modes"
