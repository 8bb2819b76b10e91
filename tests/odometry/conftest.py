from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from .builders import csv_text, write_idol_recording, write_oxiod_pair, write_ridi_recording, write_ronin_sequence

OXIOD_SUBSET = Path(__file__).parents[2].parent / "shared" / "data" / "oxiod-subset"


@pytest.fixture(scope="session")
def oxiod_subset() -> Path:
    if not OXIOD_SUBSET.is_dir():
        pytest.skip("the OxIOD subset is not beside the repository (shared/data/oxiod-subset)")
    return OXIOD_SUBSET


@pytest.fixture
def oxiod_folder(tmp_path):
    """Two modes, three recordings each; the second mode is compressed."""
    for mode, compress in (("handheld", False), ("trolley", True)):
        for index, split in enumerate(("Train", "Valid", "Test"), start=1):
            write_oxiod_pair(tmp_path, mode, "data1", index, compress=compress, seed=index)
            (tmp_path / mode / f"{split}.txt").write_text(f"data1/syn/imu{index}.csv\n")
    return tmp_path


@pytest.fixture
def ronin_folder(tmp_path):
    """RoNIN's own list names, the archives unpacked into sub-folders."""
    for list_name, sub, name in (
        ("list_train.txt", "train_dataset_1", "a000_1"),
        ("list_val.txt", "train_dataset_2", "a001_1"),
        ("list_test_seen.txt", "seen_subjects_test_set", "a000_3"),
    ):
        write_ronin_sequence(tmp_path / sub, name)
        (tmp_path / list_name).write_text(f"{name}\n")
    return tmp_path


@pytest.fixture
def csv_folder(tmp_path):
    """Five recordings without split lists; one is compressed."""
    for index in range(4):
        (tmp_path / f"walk{index}.csv").write_text(csv_text(300 + index))
    (tmp_path / "walk4.csv.gz").write_bytes(gzip.compress(csv_text(310).encode()))
    return tmp_path


@pytest.fixture
def idol_folder(tmp_path):
    """Two buildings, one with a part for training; the second one is turned."""
    for index, (building, part) in enumerate(
        [("building1", "train"), ("building1", "known"), ("building1", "unknown"), ("building2", "unknown")]
    ):
        write_idol_recording(tmp_path, building, part, f"{index}", seed=index)
    return tmp_path


@pytest.fixture
def ridi_folder(tmp_path):
    """RIDI's own lists, which have the mode after the name."""
    names = ["dan_bag1", "hang_leg1", "hao_handheld1", "huayi_body1"]
    for index, name in enumerate(names):
        write_ridi_recording(tmp_path, name, seed=index)
    (tmp_path / "list_train_publish_v2.txt").write_text("hao_handheld1,handheld\nhuayi_body1,body\ndan_bag1,bag\n")
    (tmp_path / "list_test_publish_v2.txt").write_text("hang_leg1,leg\n")
    return tmp_path
