from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.odometry.builders import CSV_HEADER, csv_text
from tinynas.errors import DatasetError
from tinynas.odometry import WindowSpec, load_dataset, make_windows, read_table
from tinynas.odometry.readers.columns import read_table_recording


@pytest.fixture
def write(tmp_path):
    def _write(text, name="walk.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return _write


def test_reads_the_documented_columns(write):
    recording = read_table_recording(write(csv_text()))
    assert (recording.name, recording.rate_hz, recording.channels, len(recording)) == ("walk", 100.0, 9, 300)
    assert recording.accel[0].tolist() == [0, 0, 9.81]
    assert recording.position[-1].tolist() == pytest.approx([2.99, 0, 0])
    assert recording.mode is None


def test_units_are_converted_by_suffix(write):
    header = CSV_HEADER.replace("time_s", "time_ms").replace("m_s2", "g").replace("rad_s", "deg_s")
    header = header.replace("uT", "nT").replace("_m,", "_cm,").replace("z_m", "z_cm")

    def edit(lines):
        for row, line in enumerate(lines):
            line[0], line[3], line[6], line[7], line[10] = str(row * 5), "1.0", "180", "20000", str(row * 0.5)

    recording = read_table_recording(write(csv_text(header=header, edit=edit)))
    assert recording.rate_hz == 200.0
    assert recording.accel[0, 2] == 9.80665
    assert recording.gyro[0, 2] == pytest.approx(np.pi)
    assert recording.mag[0, 0] == pytest.approx(20)
    assert recording.position[100, 0] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("documented", "other", "factor"),
    [
        ("time_s", "time_ms", 1e3),
        ("time_s", "time_us", 1e6),
        ("time_s", "time_ns", 1e9),
        ("accel_{}_m_s2", "accel_{}_g", 1 / 9.80665),
        ("accel_{}_m_s2", "accel_{}_mg", 1000 / 9.80665),
        ("gyro_{}_rad_s", "gyro_{}_deg_s", 180 / np.pi),
        ("gyro_{}_rad_s", "gyro_{}_mdeg_s", 180_000 / np.pi),
        ("mag_{}_uT", "mag_{}_nT", 1000),
        ("mag_{}_uT", "mag_{}_gauss", 0.01),
        ("mag_{}_uT", "mag_{}_mgauss", 10),
        ("position_{}_m", "position_{}_cm", 100),
        ("position_{}_m", "position_{}_mm", 1000),
    ],
)
def test_every_unit_gives_the_same_recording(write, documented, other, factor):
    names = CSV_HEADER.split(",")
    columns = [names.index(name) for name in dict.fromkeys(documented.format(axis) for axis in "xyz")]
    header = ",".join(name.replace(documented.split("{}")[-1], other.split("{}")[-1]) if index in columns else name
                      for index, name in enumerate(names))  # fmt: skip

    def edit(lines):
        for line in lines:
            for column in columns:
                line[column] = repr(float(line[column]) * factor)

    expected = read_table_recording(write(csv_text()))
    actual = read_table_recording(write(csv_text(header=header, edit=edit), "other.csv"))
    assert actual.rate_hz == expected.rate_hz
    for field in ("time_s", "accel", "gyro", "mag", "position"):
        np.testing.assert_allclose(getattr(actual, field), getattr(expected, field), rtol=1e-12, atol=1e-12)


def test_optional_columns_may_be_absent_and_others_are_ignored(write):
    text = "\n".join(
        ",".join([*line.split(",")[:7], *line.split(",")[10:12], "note" if row == 0 else "5"])
        for row, line in enumerate(csv_text().splitlines())
    )
    recording = read_table_recording(write(text))
    assert recording.mag is None
    assert recording.orientation is None
    assert (recording.position[:, 2] == 0).all()


def test_orientation_and_valid_are_read(write):
    header = CSV_HEADER + ",orientation_x,orientation_y,orientation_z,orientation_w,valid"

    def edit(lines):
        for row, line in enumerate(lines):
            line += ["0", "0", "0", "1", "0" if row < 10 else "1"]

    recording = read_table_recording(write(csv_text(header=header, edit=edit)))
    assert np.flatnonzero(~recording.valid).tolist() == list(range(10))
    assert recording.orientation[5].tolist() == [0, 0, 0, 1]


def test_missing_ground_truth_masks_rows(write):
    def edit(lines):
        lines[100][10] = ""
        lines[101][10] = "nan"

    recording = read_table_recording(write(csv_text(edit=edit)))
    assert np.flatnonzero(~recording.valid).tolist() == [100, 101]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"walk\.csv: the file is empty"),
        ("\n\n", r"walk\.csv: the file is empty"),
        (CSV_HEADER + "\n", r"walk\.csv: the file holds no rows"),
        (csv_text(1), r"walk\.csv:2: a single row"),
        (csv_text().replace("time_s", "t"), r"walk\.csv:time_s: the column is missing.*ms, us, ns"),
        (csv_text().replace("accel_x_m_s2", "ax"), r"walk\.csv:accel_x_m_s2: the column is missing"),
        (csv_text().replace("gyro_y_rad_s", "gyro_y_deg_s"), r"walk\.csv:gyro_y_rad_s: the column is missing"),
        (csv_text().replace("position_y_m", "y"), r"walk\.csv:position_y_m: the column is missing"),
        (csv_text().replace("mag_z_uT", "mag_y_uT"), r"walk\.csv:mag_y_uT: the column is given twice"),
        (csv_text().replace("9.81", "fast", 1), r"walk\.csv:2: 'fast' in column 4 is not a number"),
        (csv_text()[:-30], r"walk\.csv:301: \d+ column\(s\) where 13 are expected"),
        (csv_text(edit=lambda lines: lines[50].pop()), r"walk\.csv:52: 12 column"),
        (csv_text(edit=lambda lines: [lines[row].__setitem__(4, "nan") for row in range(40, 140)]),
         r"walk\.csv:42: gyro is missing or NaN in 100 row\(s\), here for 100 in a row"),
        (csv_text(edit=lambda lines: lines.__delitem__(slice(60, 160))), r"walk\.csv:62: time jumps by 1.01 s"),
        (csv_text(edit=lambda lines: lines[9].__setitem__(0, "0.07")), r"walk\.csv:11: time does not advance"),
        (csv_text(edit=lambda lines: [lines[row].__setitem__(0, "0.1") for row in range(10, 100)]),
         r"walk\.csv:13: time does not advance"),
    ],
)  # fmt: skip
def test_bad_files_are_refused_with_file_and_place(write, text, message):
    with pytest.raises(DatasetError, match=message):
        read_table_recording(write(text))


def test_binary_and_truncated_gzip_are_refused(tmp_path):
    path = tmp_path / "walk.csv"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(DatasetError, match="not a text file"):
        read_table_recording(path)
    path = tmp_path / "walk.csv.gz"
    path.write_bytes(gzip.compress(csv_text().encode())[:-9])
    with pytest.raises(DatasetError, match="ends early"):
        read_table_recording(path)


@pytest.mark.parametrize(
    ("rate_hz", "jitter_s", "expected"),
    [
        (100.0, 0, pytest.approx(100.0, rel=1e-12)),
        (100.4, 0, pytest.approx(100.4, rel=1e-5)),
        (49.71, 0, pytest.approx(49.71, rel=1e-5)),
        (52.083, 0, pytest.approx(52.083, rel=1e-5)),
        (104.17, 0.003, pytest.approx(104.17, rel=1e-3)),  # 3 ms in 3 s
    ],
)
def test_rate_follows_from_time_and_is_not_rounded(write, rate_hz, jitter_s, expected):
    rng = np.random.default_rng(0)

    def edit(lines):
        for row, line in enumerate(lines):
            line[0] = f"{row / rate_hz + rng.uniform(0, jitter_s):.6f}"

    assert read_table_recording(write(csv_text(edit=edit))).rate_hz == expected


def test_a_walk_at_1_m_s_has_targets_of_1_m_s_at_an_odd_rate(write):
    """A rate of 25.24 Hz that is taken for 25 makes every velocity 1 % too small."""

    def edit(lines):
        for row, line in enumerate(lines):
            line[0], line[10] = f"{row / 25.24:.6f}", f"{row / 25.24:.6f}"

    recording = read_table_recording(write(csv_text(400, edit=edit)))
    windows = make_windows([recording], WindowSpec(window=50, stride=50))
    np.testing.assert_allclose(windows.targets, np.tile([1.0, 0.0], (len(windows), 1)), atol=1e-4)


def test_split_is_drawn_by_recording_and_by_seed(csv_folder):
    names = [[recording.name for recording in part] for part in read_table(csv_folder, seed=3)]
    assert [len(part) for part in names] == [3, 1, 1]
    assert sorted(name for part in names for name in part) == [f"walk{index}" for index in range(5)]
    assert names == [[recording.name for recording in part] for part in read_table(csv_folder, seed=3)]
    drawn = {tuple(r.name for r in read_table(csv_folder, seed=seed).test) for seed in range(12)}
    assert len(drawn) > 1


def test_split_lists_are_honoured_by_full_or_short_name(csv_folder):
    for split, entry in (("Train", "walk0.csv\nwalk1"), ("Valid", "walk4"), ("Test", "walk4.csv.gz")):
        (csv_folder / f"{split}.txt").write_text(entry)
    splits = read_table(csv_folder)
    assert [recording.name for recording in splits.train] == ["walk0", "walk1"]
    with pytest.raises(DatasetError, match="walk4: the recording is in the valid split and in the test split"):
        load_dataset(f"csv:{csv_folder}")
    (csv_folder / "Test.txt").write_text("walk7")
    with pytest.raises(DatasetError, match="'walk7' is not a csv file"):
        read_table(csv_folder)
    (csv_folder / "Test.txt").unlink()
    with pytest.raises(DatasetError, match=r"Test\.txt: a split list is missing"):
        read_table(csv_folder)


def test_two_files_of_one_recording_are_refused(csv_folder):
    (csv_folder / "walk0.csv.gz").write_bytes(gzip.compress(csv_text(305).encode()))
    with pytest.raises(DatasetError, match=r"walk0\.csv and walk0\.csv\.gz are two files of one recording"):
        read_table(csv_folder)
    for split, name in (("Train", "walk0.csv"), ("Valid", "walk1"), ("Test", "walk0.csv.gz")):
        (csv_folder / f"{split}.txt").write_text(name)
    with pytest.raises(DatasetError, match="two files of one recording"):
        read_table(csv_folder)
    (csv_folder / "Test.txt").write_text("walk2")  # the one that is not listed does no harm
    assert [recording.name for recording in read_table(csv_folder).train] == ["walk0"]


def test_a_recording_is_named_by_its_file_without_the_ending(tmp_path):
    (tmp_path / "my.csv_files").mkdir()
    for index in range(3):
        (tmp_path / "my.csv_files" / f"w.{index}.csv").write_text(csv_text(20))
    names = {recording.name for split in read_table(tmp_path) for recording in split}
    assert names == {f"my.csv_files/w.{index}" for index in range(3)}


def test_sub_folders_are_modes(tmp_path):
    for mode in ("hand", "pocket"):
        (tmp_path / mode).mkdir()
        for index in range(3):
            (tmp_path / mode / f"w{index}.csv").write_text(csv_text(20))
    data = load_dataset(f"csv:{tmp_path}", modes=["hand"])
    assert {(recording.mode, recording.name[:5]) for recording in data.recordings} == {("hand", "hand/")}
    with pytest.raises(DatasetError, match=r"no mode 'bag'.*hand, pocket"):
        read_table(tmp_path, modes=["bag"])


def test_too_few_recordings_cannot_be_parted(tmp_path):
    with pytest.raises(DatasetError, match="holds no csv files"):
        read_table(tmp_path)
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(csv_text(20))
    with pytest.raises(DatasetError, match="2 recording"):
        read_table(tmp_path)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_damage_ends_in_a_dataset_error_or_a_sound_recording(data, tmp_path_factory):
    text = csv_text(12)
    start = data.draw(st.integers(0, len(text) - 1))
    stop = data.draw(st.integers(start, min(len(text), start + 200)))
    junk = data.draw(st.text(alphabet='0123456789.,-eE"\n x\x00', max_size=12))
    path = tmp_path_factory.getbasetemp() / "damaged.csv"
    path.write_text(text[:start] + junk + text[stop:])
    where, finite = path.name, True
    try:
        finite = np.isfinite(read_table_recording(path).accel).all()
    except DatasetError as error:
        where = error.where or "nowhere"
    assert finite
    assert "damaged" in where
