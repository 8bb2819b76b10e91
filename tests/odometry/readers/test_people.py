"""Datasets as people have them: lists in any case, archives from a Mac, deep folders, names in Latin-1."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from tests.odometry.builders import csv_text, write_oxiod_pair, write_ronin_sequence
from tinynas.errors import DatasetError
from tinynas.odometry import load_dataset, read_oxiod, read_ronin, read_table


@pytest.fixture
def walks(tmp_path):
    for index in range(6):
        (tmp_path / f"walk{index}.csv").write_text(csv_text(100 + index))
    return tmp_path


def parted(folder):
    return [[recording.name for recording in part] for part in read_table(folder)]


def write_lists(folder, train, valid, test, case=str):
    for split, names in (("Train", train), ("Valid", valid), ("Test", test)):
        (folder / f"{case(split + '.txt')}").write_text("\n".join(names) + "\n")


@pytest.mark.parametrize("case", [str, str.lower, str.upper])
def test_lists_are_read_in_any_case(walks, case):
    write_lists(walks, ["walk0.csv", "./walk1.csv", "walk2"], ["WALK3.csv".lower()], ["walk5.CSV"], case)
    assert parted(walks) == [["walk0", "walk1", "walk2"], ["walk3"], ["walk5"]]


@pytest.mark.skipif(sys.platform != "linux", reason="names differ by case alone")
def test_two_lists_that_differ_by_case_alone_are_refused(walks):
    write_lists(walks, ["walk0"], ["walk1"], ["walk2"])
    (walks / "train.txt").write_text("walk4\n")
    with pytest.raises(DatasetError, match=r"Train\.txt and train\.txt are two lists of one name"):
        read_table(walks)


@pytest.mark.parametrize("name", ["training.txt", "val.txt", "Tset.txt", "split.TXT"])
def test_a_list_that_nobody_reads_is_an_error(walks, name):
    (walks / "README.txt").write_text("Walks in the park.\nRecorded by hand.\n")
    (walks / name).write_text("walk4\nwalk5.csv\n")
    with pytest.raises(DatasetError, match=rf"{name}: a list of recordings that is not read"):
        read_table(walks)


def test_texts_about_the_data_are_no_lists(walks):
    (walks / "README.txt").write_text("walk0 was recorded in the park, walk1 at home.\n")
    (walks / "empty.txt").write_text("")
    (walks / "image.txt").write_bytes(bytes(range(256)))
    assert sum(map(len, parted(walks))) == 6


def test_all_that_is_missing_is_named_at_once(walks):
    write_lists(walks, ["walk0", "walk7", "walk8.csv"], ["walk1"], ["walk2"])
    with pytest.raises(DatasetError, match=r"Train\.txt: 'walk7', 'walk8\.csv' are not a csv file of this folder"):
        read_table(walks)
    write_lists(walks, ["walk0", *[f"gone{index}" for index in range(30)]], ["walk1"], ["walk2"])
    with pytest.raises(DatasetError, match="'gone19' and 10 more are not"):
        read_table(walks)


def test_missing_sequences_of_the_other_layouts_are_named_at_once(tmp_path):
    write_ronin_sequence(tmp_path, "a0")
    for split in ("train", "VALID", "Test"):
        (tmp_path / f"{split}.txt").write_text("a0\na8\na9\n")
    with pytest.raises(DatasetError, match=r"train\.txt: 'a8', 'a9' are not there"):
        read_ronin(tmp_path)
    folder = tmp_path / "oxiod"
    write_oxiod_pair(folder, "handheld", "data1", 1)
    for split in ("train", "valid", "test"):
        (folder / "handheld" / f"{split}.txt").write_text(
            "./data1/syn/imu1.csv\ndata1/syn/imu8.csv\ndata2/syn/imu1.csv"
        )
    with pytest.raises(DatasetError, match=r"train\.txt: 'data1/syn/imu8\.csv', 'data2/syn/imu1\.csv' are not a file"):
        read_oxiod(folder)
    for split in ("train", "valid", "test"):
        (folder / "handheld" / f"{split}.txt").write_text("./data1/syn/imu1.csv\n")
    assert read_oxiod(folder).train[0].name == "handheld/data1/imu1"


def test_what_a_mac_packs_beside_the_files_is_passed_over(walks):
    (walks / "__MACOSX").mkdir()
    (walks / "__MACOSX" / "._walk0.csv").write_bytes(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X")
    (walks / "._walk0.csv").write_bytes(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X")
    (walks / ".cache").mkdir()
    (walks / ".cache" / "walk9.csv").write_text("")
    assert sum(map(len, parted(walks))) == 6


def test_endings_in_any_case_and_folders_two_levels_down(tmp_path):
    for index, name in enumerate(("a/p1/w.CSV", "a/p2/w.csv", "b/p1/w.Csv", "c.csv")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(csv_text(50 + index))
    recordings = [recording for part in read_table(tmp_path) for recording in part]
    assert {(r.name, r.mode) for r in recordings} == {("a/p1/w", "a"), ("a/p2/w", "a"), ("b/p1/w", "b"), ("c", None)}
    assert {r.mode for r in load_dataset(f"csv:{tmp_path}").recordings} == {"a", "b", None}


def test_nothing_is_read_twice_by_a_link_that_leads_back_up(walks):
    (walks / "up").symlink_to(walks, target_is_directory=True)
    assert sum(map(len, parted(walks))) == 6


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_not_utf_8(tmp_path):
    for index in range(3):
        name = os.fsdecode(b"Fu\xdfg\xe4nger_%d.csv" % index)
        (tmp_path / name).write_text(csv_text(50))
    data = load_dataset(f"csv:{tmp_path}")
    assert sorted(recording.name for recording in data.recordings) == [rf"Fu\xdfg\xe4nger_{i}" for i in range(3)]
    assert len(data.fingerprint) == 64
    assert "".join(recording.name for recording in data.recordings).encode().isascii()


def test_names_hold_no_control_characters(tmp_path):
    for index in range(3):
        (tmp_path / f"w\x1b[31m\n{index}.csv").write_text(csv_text(50))
    data = load_dataset(f"csv:{tmp_path}")
    assert sorted(recording.name for recording in data.recordings) == [rf"w\x1b[31m\x0a{i}" for i in range(3)]


def test_a_magnetometer_that_is_not_used_may_be_absent(walks):
    def without(lines):
        for line in lines:
            del line[7:10]

    (walks / "walk5.csv").write_text(csv_text(105, edit=without, header=csv_text(1).split("\n")[0].replace(
        "mag_x_uT,mag_y_uT,mag_z_uT,", "")))  # fmt: skip
    with pytest.raises(DatasetError, match=r"walk5 has no magnetometer.*set use_mag: false"):
        load_dataset(f"csv:{walks}")
    assert {recording.mag is None for recording in load_dataset(f"csv:{walks}", use_mag=False).recordings} == {True}


def test_a_magnetometer_without_a_value_is_none(walks):
    def empty(lines):
        for line in lines:
            line[7:10] = ["", "nan", ""]

    for index in range(6):
        (walks / f"walk{index}.csv").write_text(csv_text(100, edit=empty))
    assert not load_dataset(f"csv:{walks}").has_mag
    (walks / "walk0.csv").write_text(
        csv_text(100, edit=lambda lines: [line.__setitem__(7, "") for line in lines[3:50]])
    )
    with pytest.raises(DatasetError, match=r"walk0\.csv:5: mag is missing"):
        load_dataset(f"csv:{walks}")


def test_a_folder_of_everything_is_refused_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr("tinynas.odometry.readers.table._MOST_FILES", 10)
    for index in range(11):
        (tmp_path / f"{index}.dat").touch()
    with pytest.raises(DatasetError, match="more than 10 files"):
        read_table(tmp_path)


def test_recordings_of_slightly_different_clocks_go_together(walks):
    (walks / "walk0.csv").write_text(csv_text(100, rate_hz=100.3))
    data = load_dataset(f"csv:{walks}")
    assert {round(recording.rate_hz, 3) for recording in data.recordings} == {100.0, 100.3}
    assert np.isclose(data.rate_hz, 100, rtol=0.01)


def test_a_name_in_a_list_that_is_none(walks):
    write_lists(walks, ["walk0", "w" * 300], ["walk1"], ["walk2"])
    with pytest.raises(DatasetError, match=r"Train\.txt:2: 'w{40}\.\.\.' is too long for the name of a file"):
        read_table(walks)


@pytest.mark.parametrize("source", ["csv:" + "x" * 5000, "ronin:a\0b", "oxiod:~nobody_of_that_name/x"])
def test_a_folder_that_cannot_be(source):
    with pytest.raises(DatasetError):
        load_dataset(source)
