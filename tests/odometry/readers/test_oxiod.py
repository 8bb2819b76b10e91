from __future__ import annotations

import csv
import gzip

import numpy as np
import pytest

from tests.odometry.builders import write_oxiod_pair
from tinynas.errors import DatasetError
from tinynas.odometry import load_dataset, read_oxiod


def test_reads_both_modes_plain_and_compressed(oxiod_folder):
    splits = read_oxiod(oxiod_folder)
    assert [recording.name for recording in splits.train] == ["handheld/data1/imu1", "trolley/data1/imu1"]
    assert [recording.mode for recording in splits.test] == ["handheld", "trolley"]
    recording = splits.train[0]
    assert recording.rate_hz == 100.0
    assert recording.time_s[:3].tolist() == [0.0, 0.01, 0.02]
    assert recording.valid.all()


def test_specific_force_points_up_although_ios_reads_down(oxiod_folder):
    recording = read_oxiod(oxiod_folder).train[0]
    np.testing.assert_allclose(recording.accel, np.tile([0, 0, 0.9 * 9.80665], (300, 1)), rtol=1e-5, atol=1e-12)


def test_keeps_the_modes_asked_for(oxiod_folder):
    assert {r.mode for r in load_dataset(f"oxiod:{oxiod_folder}", modes=["trolley"]).recordings} == {"trolley"}
    with pytest.raises(DatasetError, match=r"no mode 'pocket'.*handheld, trolley"):
        read_oxiod(oxiod_folder, modes=["pocket"])
    with pytest.raises(DatasetError, match="no mode is asked for"):
        read_oxiod(oxiod_folder, modes=[])


def test_a_list_may_name_files_with_gz_comments_and_blank_lines(oxiod_folder):
    (oxiod_folder / "handheld" / "Train.txt").write_text("# mine\n\ndata1/syn/imu1.csv.gz  # good\n")
    assert len(read_oxiod(oxiod_folder).train) == 2


def test_a_missing_list_says_which_file_to_write(oxiod_folder):
    (oxiod_folder / "trolley" / "Valid.txt").unlink()
    with pytest.raises(DatasetError, match=r"Valid\.txt: .*no list of its Valid.*data1/syn/imu2\.csv"):
        read_oxiod(oxiod_folder)


def test_no_list_at_all_says_so(tmp_path):
    write_oxiod_pair(tmp_path, "handheld", "data1", 1)
    with pytest.raises(DatasetError, match=r"Train\.txt: no mode folder holds a split list"):
        read_oxiod(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "split list is empty"),
        (
            "data1/syn/imu9.csv\ndata1/syn/imu7.csv",
            r"Train\.txt: .*imu9\.csv', .*imu7\.csv' are not a file",
        ),
        ("../../secret.csv", "points outside"),
        ("/etc/imu1.csv", "points outside"),
        ("data1/syn/imu1.csv\ndata1/syn/imu1.csv", r"Train\.txt:2: .*listed twice"),
        ("data1/syn/vi1.csv", "does not name an IMU file"),
    ],
)
def test_a_bad_list_is_refused(oxiod_folder, content, message):
    (oxiod_folder / "handheld" / "Train.txt").write_text(content)
    with pytest.raises(DatasetError, match=message):
        read_oxiod(oxiod_folder)


def imu_path(folder):
    return folder / "handheld" / "data1" / "syn" / "imu1.csv"


def test_the_partner_file_must_exist(oxiod_folder):
    (imu_path(oxiod_folder).with_name("vi1.csv")).unlink()
    with pytest.raises(DatasetError, match=r"vi1\.csv does not exist.*imu1\.csv"):
        read_oxiod(oxiod_folder)


def test_lengths_must_agree(oxiod_folder):
    path = imu_path(oxiod_folder)
    path.write_text("\n".join(path.read_text().splitlines()[:-5]))
    with pytest.raises(DatasetError, match="300 rows of ground truth for 295 rows"):
        read_oxiod(oxiod_folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "", "holds no rows"),
        (lambda text: text[: len(text) // 2].rsplit(",", 4)[0], r"imu1\.csv:\d+: 1?\d column\(s\) where 16"),
        (lambda text: text.replace("-1,", "-1g,", 1), r"imu1\.csv:1: '-1g' in column 10 is not a number"),
        (lambda text: text + "1,2,3\n", r"imu1\.csv:301: 3 column\(s\) where 16"),
        (lambda text: "\n".join(line + ",7" for line in text.splitlines()), r"imu1\.csv:1: 17 column"),
        (lambda text: text.replace("-1,", "nan,"), r"imu1\.csv:1: 300 row\(s\) hold a value"),
        (lambda text: text.replace("\n", "\n\x00", 1), r"imu1\.csv:2"),
    ],
)
def test_a_damaged_csv_is_refused_with_file_and_row(oxiod_folder, change, message):
    path = imu_path(oxiod_folder)
    path.write_text(change(path.read_text()))
    with pytest.raises(DatasetError, match=message):
        read_oxiod(oxiod_folder)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda raw: raw[:-20], "ends early"),
        (lambda raw: b"plain text", "not a sound gzip file"),
        (lambda raw: raw[:40] + bytes(20) + raw[60:], "gzip"),
        (lambda raw: gzip.compress(b"\xff\xfe\x00binary"), "not a text file"),
    ],
)
def test_a_damaged_gzip_is_refused(oxiod_folder, damage, message):
    path = oxiod_folder / "trolley" / "data1" / "syn" / "imu1.csv.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DatasetError, match=message):
        read_oxiod(oxiod_folder)


def test_the_real_subset_agrees_with_its_table(oxiod_subset):
    data = load_dataset(f"oxiod:{oxiod_subset}")
    with (oxiod_subset / "sequences.csv").open() as file:
        table = {row["imu_file"].replace("/syn", "").split(".")[0]: row for row in csv.DictReader(file)}
    assert len(data.recordings) == len(table) == 11
    for split in ("train", "valid", "test"):
        for recording in getattr(data, split):
            row = table[recording.name]
            assert row["split"] == split
            assert len(recording) == int(row["samples"])
            steps = np.linalg.norm(np.diff(recording.position, axis=0), axis=1) * 100 > 4
            assert steps.sum() == int(row["gt_steps_over_4mps"])
            assert not recording.valid[:-1][steps].any()
            assert not recording.valid[1:][steps].any()
            assert (~recording.valid).mean() < 0.01
            rest = np.linalg.norm(recording.accel, axis=1)
            assert np.median(rest) == pytest.approx(9.80665 * float(row["acc_norm_median_G"]), rel=2e-3)
            assert recording.accel[:, 2].mean() > 8
    # The excursion of z in vi2 lasts 11 rows.
    imu2 = data.train[0]
    assert not imu2.valid[14996:15008].any()
