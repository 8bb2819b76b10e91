from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.odometry.builders import write_idol_recording
from tinynas.errors import DatasetError
from tinynas.odometry import load_dataset, read_idol


def test_the_split_is_known_and_unknown_people(idol_folder):
    splits = read_idol(idol_folder)
    assert [[recording.name for recording in part] for part in splits] == [
        ["building1/train/0"],
        ["building1/known/1"],
        ["building1/unknown/2", "building2/unknown/3"],
    ]
    assert load_dataset(f"idol:{idol_folder}").rate_hz == 100.0


def test_values_are_in_si_units_and_of_the_phone(idol_folder):
    recording = read_idol(idol_folder).train[0]
    assert recording.accel[0].tolist() == pytest.approx([0, 0, 9.80665])
    assert recording.mag[0].tolist() == [20.0, 0.0, -40.0]
    assert recording.time_s[[0, -1]].tolist() == pytest.approx([0.0, 2.99])
    # The rig is half a turn from the world here, and half a turn from the phone: the phone's axes are the world's.
    assert Rotation.from_quat(recording.orientation.copy()).magnitude().max() == pytest.approx(0, abs=1e-9)


def test_the_second_building_is_turned_back(idol_folder):
    second = read_idol(idol_folder).test[1]
    way = second.position[-1] - second.position[0]
    assert np.arctan2(way[1], way[0]) == pytest.approx(1.8510)
    turned = Rotation.from_quat(second.orientation.copy()).as_rotvec()
    np.testing.assert_allclose(turned[0], [0, 0, 1.8510], atol=1e-9)


def test_a_building_alone_trains_on_known_people(tmp_path):
    for index in range(7):
        write_idol_recording(tmp_path, "building3", "known", f"{index}", seed=index)
    write_idol_recording(tmp_path, "building3", "unknown", "other")
    splits = read_idol(tmp_path / "building3")
    assert [len(part) for part in splits] == [6, 1, 1]
    assert splits.valid[0].name == "building3/known/4"
    assert len(read_idol(tmp_path, modes=["building3"]).train) == 6


def test_damaged_files_are_named(tmp_path, idol_folder):
    path = write_idol_recording(tmp_path / "a", "building1", "train", "x", drop=("iphoneMagY",))
    with pytest.raises(DatasetError, match="column 'iphoneMagY' is missing") as caught:
        read_idol(tmp_path / "a")
    assert caught.value.where == f"{path}:iphoneMagY"
    whole = (idol_folder / "building1" / "known" / "1.feather").read_bytes()
    for content in (b"", b"ARROW1\0\0", whole[:400], whole[:-40], bytes(100)):
        path.write_bytes(content)
        with pytest.raises(DatasetError, match=r"not a readable feather file|missing|rows"):
            read_idol(tmp_path / "a")


def test_without_pyarrow_the_advice_says_what_to_install(idol_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DatasetError, match=r"tinynas\[idol\]"):
        read_idol(idol_folder)


def test_a_folder_without_parts(tmp_path):
    with pytest.raises(DatasetError, match="known, unknown or train") as caught:
        read_idol(tmp_path)
    assert caught.value.where == str(tmp_path)
