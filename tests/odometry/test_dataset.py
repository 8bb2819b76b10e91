from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest

from tinynas.errors import DatasetError
from tinynas.odometry import Dataset, SyntheticOptions, load_dataset

from .builders import csv_text, line, make_recording


def dataset(**changes):
    parts = {split: (make_recording(line(50), name=split),) for split in ("train", "valid", "test")}
    return Dataset("d", **{**parts, **changes})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("oxoid:/data", "^dataset.source: 'oxoid:/data' is not a dataset specification.*oxiod:FOLDER"),
        ("", "not a dataset specification"),
        ("synthetic:5", "not a dataset specification"),
        ("oxiod:", "names no folder"),
        ("csv", "names no folder"),
        ("ronin:/no/such/folder", "/no/such/folder: the dataset folder does not exist"),
    ],
)
def test_a_wrong_specification_says_what_is_right(spec, message):
    with pytest.raises(DatasetError, match=message):
        load_dataset(spec)


def test_rate_and_magnetometer():
    assert dataset().rate_hz == 100.0
    assert dataset().has_mag
    assert [recording.name for recording in dataset().recordings] == ["train", "valid", "test"]


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_an_empty_split_is_refused(split):
    with pytest.raises(DatasetError, match=f"the {split} split is empty"):
        dataset(**{split: ()})


def test_recordings_must_go_together():
    with pytest.raises(DatasetError, match="other: sampled at 50 Hz where train has 100 Hz"):
        dataset(test=(make_recording(line(50), name="other", rate_hz=50.0),))
    with pytest.raises(DatasetError, match="other has no magnetometer where train has one"):
        dataset(valid=(make_recording(line(50), name="other", mag=False),))
    with pytest.raises(DatasetError, match="train split and in the test split"):
        dataset(test=(make_recording(line(50), name="train"),))


def test_fingerprint_follows_content_and_split_but_not_place(csv_folder, tmp_path_factory):
    first = load_dataset(f"csv:{csv_folder}")
    copy = tmp_path_factory.mktemp("copy") / "data"
    shutil.copytree(csv_folder, copy)
    assert load_dataset(f"csv:{copy}").fingerprint == first.fingerprint
    assert len(first.fingerprint) == 64
    assert load_dataset(f"csv:{copy}", seed=1).fingerprint != first.fingerprint
    (copy / "walk0.csv").write_text(csv_text(300).replace("9.81", "9.82", 1))
    assert load_dataset(f"csv:{copy}").fingerprint != first.fingerprint


def test_fingerprint_sees_every_field():
    base = dataset()
    recording = base.test[0]
    changes = {
        "accel": recording.accel + 1e-9,
        "valid": ~recording.valid,
        "mode": "pocket",
        "orientation": np.tile([0.0, 0.0, 0.0, 1.0], (50, 1)),
    }
    prints = {dataset(test=(dataclasses.replace(recording, **{k: v}),)).fingerprint for k, v in changes.items()}
    assert len(prints | {base.fingerprint}) == 5


def test_synthetic_options_are_refused_elsewhere(csv_folder):
    with pytest.raises(DatasetError, match="make no sense for 'csv'"):
        load_dataset(f"csv:{csv_folder}", synthetic=SyntheticOptions(n_train=3))


def test_home_is_expanded(csv_folder, monkeypatch):
    monkeypatch.setenv("HOME", str(csv_folder.parent))
    assert len(load_dataset(f"csv:~/{csv_folder.name}").recordings) == 5


def test_what_recordings_are_for_is_a_short_line_a_split():
    few = load_dataset("synthetic", synthetic=SyntheticOptions(n_train=8, n_valid=2, n_test=1, duration_s=5.0)).parts
    assert few[0].count("train0") == 8
    assert few[1:] == ("valid: handheld/valid00, pocket/valid01", "test: handheld/test00")
    many = load_dataset("synthetic", synthetic=SyntheticOptions(n_train=9, n_valid=1, n_test=1, duration_s=5.0)).parts
    assert many[0] == "train: 9 recordings, handheld/train00, pocket/train01, swinging/train02 and so on"
