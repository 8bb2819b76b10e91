from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.odometry.builders import RIDI_HEADER, write_ridi_recording
from tinynas.errors import DatasetError
from tinynas.odometry import load_dataset, read_ridi


def test_own_lists_and_a_validation_part(ridi_folder):
    splits = read_ridi(ridi_folder)
    assert [[recording.name for recording in part] for part in splits] == [
        ["hao_handheld1", "huayi_body1"],
        ["dan_bag1"],
        ["hang_leg1"],
    ]
    assert [recording.mode for recording in splits.train + splits.valid + splits.test] == [
        "handheld", "body", "bag", "leg"
    ]  # fmt: skip
    assert load_dataset(f"ridi:{ridi_folder}").rate_hz == 200.0
    assert [r.name for part in read_ridi(ridi_folder, modes=["bag", "leg"]) for r in part] == ["dan_bag1", "hang_leg1"]


def test_a_list_for_validation_is_used(ridi_folder):
    (ridi_folder / "Valid.txt").write_text("huayi_body1\n")
    assert [r.name for r in read_ridi(ridi_folder).valid] == ["huayi_body1"]


def test_every_sixth_training_recording_validates(tmp_path):
    names = [f"dan_bag{index}" for index in range(13)]
    for name in names:
        write_ridi_recording(tmp_path, name, rows=20)
    (tmp_path / "Train.txt").write_text("\n".join(names[:12]))
    (tmp_path / "Test.txt").write_text(names[12])
    assert [r.name for r in read_ridi(tmp_path).valid] == ["dan_bag5", "dan_bag11"]


def test_values(ridi_folder):
    recording = read_ridi(ridi_folder).train[0]
    assert recording.time_s[[0, 1, -1]].tolist() == pytest.approx([0, 0.005, 399 / 200])
    assert recording.accel[0].tolist() == [0, 0, 9.81]
    assert recording.mag[0].tolist() == [20.0, 0.0, -40.0]
    turned = Rotation.from_quat(recording.orientation.copy()).as_rotvec()
    np.testing.assert_allclose(turned[0], [0, 0, np.pi / 2], atol=1e-6)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(DatasetError, match="no list of the Train"):
        read_ridi(tmp_path)
    (tmp_path / "Train.txt").write_text("a\n")
    (tmp_path / "Test.txt").write_text("b\n")
    with pytest.raises(DatasetError, match="not there") as caught:
        read_ridi(tmp_path)
    assert caught.value.where == str(tmp_path / "a" / "processed" / "data.csv")
    write_ridi_recording(tmp_path, "a", header=RIDI_HEADER.replace("pos_y", "pos_q"))
    with pytest.raises(DatasetError, match="column is missing") as caught:
        read_ridi(tmp_path)
    assert caught.value.where.endswith(":pos_y")
