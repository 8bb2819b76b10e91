from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from tests.odometry.builders import RONIN_INFO, write_ronin_sequence
from tinynas.errors import DatasetError
from tinynas.odometry import read_ronin


def sequence(folder):
    return folder / "train_dataset_1" / "a000_1"


def test_reads_its_own_lists_and_sub_folders(ronin_folder):
    splits = read_ronin(ronin_folder)
    assert [[recording.name for recording in part] for part in splits] == [["a000_1"], ["a001_1"], ["a000_3"]]


def test_own_split_files_come_first(ronin_folder):
    (ronin_folder / "Train.txt").write_text("a000_3\n")
    assert read_ronin(ronin_folder).train[0].name == "a000_3"


def test_calibration_start_frame_and_units(ronin_folder):
    recording = read_ronin(ronin_folder).train[0]
    assert (len(recording), recording.rate_hz, recording.time_s[0]) == (550, 200.0, 0.0)
    np.testing.assert_allclose(recording.accel[0], [1.01 * 0.0, 0.99 * 0.0, 9.8], atol=1e-12)
    assert np.abs(recording.gyro).max() < 0.01  # the bias is gone
    assert recording.position[0, 0] == pytest.approx(50 / 200)
    assert recording.mag is not None
    assert recording.valid.all()


def test_attitude_is_the_phones_in_the_tango_frame(ronin_folder):
    # tango_ori is a quarter turn about z stored as w, x, y, z; the phone did not move since.
    half = np.sqrt(0.5)
    np.testing.assert_allclose(read_ronin(ronin_folder).train[0].orientation[10], [0, 0, half, half], atol=1e-12)


def test_attitude_follows_the_game_rotation_vector(tmp_path):
    path = write_ronin_sequence(tmp_path, "s", rows=300, info={**RONIN_INFO, "start_calibration": [0, 1, 0, 0]})
    angle = (0.3 + np.linspace(0, 1, 300)) / 2
    with h5py.File(path / "data.hdf5", "a") as file:
        file["synced/game_rv"][...] = np.stack([np.cos(angle), 0 * angle, np.sin(angle), 0 * angle], axis=1)
    from scipy.spatial.transform import Rotation

    for split in ("Train", "Valid", "Test"):
        (tmp_path / f"{split}.txt").write_text("s\n")
    recording = read_ronin(tmp_path).train[0]
    start = Rotation.from_euler("z", 90, degrees=True) * Rotation.from_euler("x", 180, degrees=True)
    expected = start * Rotation.from_rotvec([0, 2 * (angle[200] - angle[0]), 0])
    actual = Rotation.from_quat(recording.orientation[200 - 50])
    assert (expected.inv() * actual).magnitude() < 1e-6


def test_without_the_uncalibrated_rate_the_calibrated_one_is_taken(tmp_path, ronin_folder):
    path = sequence(ronin_folder) / "data.hdf5"
    with h5py.File(path, "a") as file:
        del file["synced/gyro_uncalib"], file["synced/magnet"]
        file["synced/gyro"] = np.full((600, 3), 0.5)
    recording = read_ronin(ronin_folder).train[0]
    assert (recording.gyro == 0.5).all()
    assert recording.mag is None


@pytest.mark.parametrize("key", ["synced/time", "synced/acce", "synced/gyro_uncalib", "pose/tango_pos"])
def test_a_missing_data_set_is_named(ronin_folder, key):
    with h5py.File(sequence(ronin_folder) / "data.hdf5", "a") as file:
        del file[key]
    with pytest.raises(DatasetError, match=f"data.hdf5:{key}.*missing"):
        read_ronin(ronin_folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"imu_acce_scale": None}, r"info\.json:imu_acce_scale: None is not a list of 3"),
        ({"imu_acce_bias": [1, 2]}, "imu_acce_bias"),
        ({"imu_init_gyro_bias": ["a", 0, 0]}, "imu_init_gyro_bias"),
        ({"start_frame": 600}, r"info\.json:start_frame: 600 is not a row"),
        ({"start_frame": "5"}, "start_frame"),
        ({"start_frame": -1}, "start_frame"),
    ],
)
def test_bad_calibration_is_refused_with_its_key(ronin_folder, change, message):
    (sequence(ronin_folder) / "info.json").write_text(json.dumps({**RONIN_INFO, **change}))
    with pytest.raises(DatasetError, match=message):
        read_ronin(ronin_folder)


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_broken_json_is_refused(ronin_folder, text):
    (sequence(ronin_folder) / "info.json").write_text(text)
    with pytest.raises(DatasetError, match=r"info\.json"):
        read_ronin(ronin_folder)


def test_a_missing_key_is_named(ronin_folder):
    info = {key: value for key, value in RONIN_INFO.items() if key != "imu_acce_bias"}
    (sequence(ronin_folder) / "info.json").write_text(json.dumps(info))
    with pytest.raises(DatasetError, match="'imu_acce_bias' is missing"):
        read_ronin(ronin_folder)


def test_truncated_hdf5_and_wrong_shapes_are_refused(ronin_folder):
    path = sequence(ronin_folder) / "data.hdf5"
    with h5py.File(path, "a") as file:
        del file["synced/acce"]
        file["synced/acce"] = np.zeros((599, 3))
    with pytest.raises(DatasetError, match="599 rows where synced/time has 600"):
        read_ronin(ronin_folder)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DatasetError, match="not a readable HDF5"):
        read_ronin(ronin_folder)


def test_missing_list_sequence_and_modes(ronin_folder):
    with pytest.raises(DatasetError, match="no modes"):
        read_ronin(ronin_folder, modes=["handheld"])
    (ronin_folder / "list_val.txt").write_text("a999_9\n")
    with pytest.raises(DatasetError, match="'a999_9' is not there"):
        read_ronin(ronin_folder)
    (ronin_folder / "list_val.txt").unlink()
    with pytest.raises(DatasetError, match=r"Valid\.txt.*list_val\.txt"):
        read_ronin(ronin_folder)
