from __future__ import annotations

import pytest

from tests.odometry.builders import csv_text, write_oxiod_pair
from tinynas.errors import DatasetError
from tinynas.odometry import load_recordings


@pytest.mark.parametrize(("layout", "count"), [("oxiod", 6), ("ronin", 3), ("ridi", 4), ("idol", 4), ("csv", 5)])
def test_all_recordings_of_every_layout(layout, count, request):
    folder = request.getfixturevalue(f"{layout}_folder")
    names = [recording.name for recording in load_recordings(f"{layout}:{folder}")]
    assert len(names) == len(set(names)) == count


def test_a_folder_without_lists_or_with_one(tmp_path):
    for index in (1, 2):
        write_oxiod_pair(tmp_path, "handheld", "data1", index, seed=index)
    assert [r.name for r in load_recordings(f"oxiod:{tmp_path}")] == ["handheld/data1/imu1", "handheld/data1/imu2"]
    (tmp_path / "handheld" / "Test.txt").write_text("data1/syn/imu2.csv\n")
    assert [r.name for r in load_recordings(f"oxiod:{tmp_path}")] == ["handheld/data1/imu2"]
    with pytest.raises(DatasetError, match="no recording"):
        load_recordings(f"oxiod:{tmp_path}", modes=["trolley"])


def test_one_csv_file(tmp_path):
    path = tmp_path / "walk.csv"
    path.write_text(csv_text())
    (recording,) = load_recordings(f"csv:{path}")
    assert recording.name == "walk"
