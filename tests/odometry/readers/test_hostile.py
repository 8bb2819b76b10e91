"""Files that are damaged, or made to do harm: always a DatasetError, in bounded time and memory."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import textwrap

import h5py
import numpy as np
import pytest

from tests.odometry.builders import CSV_HEADER, RONIN_INFO, csv_text, write_oxiod_pair, write_ronin_sequence
from tinynas.errors import DatasetError
from tinynas.odometry import read_oxiod
from tinynas.odometry.readers.columns import read_table_recording
from tinynas.odometry.readers.ronin import read_ronin_recording


@pytest.fixture
def sequence(tmp_path):
    return write_ronin_sequence(tmp_path, "s", rows=300)


def peak_mib(program):
    """Peak memory of a Python program in MiB, and what it printed.

    By VmHWM: ru_maxrss also counts the process that a program was started from, here that of pytest.
    """
    program = textwrap.dedent(program) + (
        "\nimport re; print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    said, peak = run.stdout.rsplit("\n", 2)[:2]
    return int(peak) / 1024, said


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_a_bomb_of_2_mb_that_unpacks_to_2_gb_is_refused(tmp_path):
    path = tmp_path / "walk.csv.gz"
    block = gzip.compress(b"0" * (1 << 20) + b"\n")
    path.write_bytes(block * 2000)
    peak, said = peak_mib(f"""
        from pathlib import Path
        from tinynas.errors import DatasetError
        from tinynas.odometry.readers.columns import read_table_recording
        try:
            read_table_recording(Path({str(path)!r}))
        except DatasetError as error:
            print(error)
    """)
    assert path.stat().st_size < 3_000_000
    assert f"{path}: more than 256 MiB of text (cut the recording into several files)" in said
    assert peak < 1000


@pytest.mark.parametrize("name", ["walk.csv", "walk.csv.gz"])
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_is_not_waited_for_and_a_device_not_read(tmp_path, name):
    path = tmp_path / name
    os.mkfifo(path)
    with pytest.raises(DatasetError, match="not a regular file"):
        read_table_recording(path)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(DatasetError, match="not a regular file"):
        read_table_recording(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_the_same_of_hdf5_and_json(sequence):
    for name in ("data.hdf5", "info.json"):
        kept = (sequence / name).read_bytes()
        (sequence / name).unlink()
        (sequence / name).symlink_to("/dev/zero")
        with pytest.raises(DatasetError, match="not a regular file"):
            read_ronin_recording(sequence)
        (sequence / name).unlink()
        (sequence / name).write_bytes(kept)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time_s," * 100_000, r"walk\.csv:1: the header is no line of column names: it is too long"),
        (csv_text(5) + "1," * 100_000 + "\n", r"walk\.csv:7: the line is too long"),
        (csv_text(5).replace("9.81", "9" * 5000, 1), r"walk\.csv:2: accel is missing or NaN"),
        (csv_text(5).replace("9.81", "\x1b]0;pwned\x07", 1), r"walk\.csv:2: '\\x1b\]0;pwned\\x07' in column 4"),
    ],
)
def test_lines_and_fields_beyond_reason(tmp_path, text, message):
    path = tmp_path / "walk.csv"
    path.write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_table_recording(path)


@pytest.mark.parametrize("rate_hz", [1e9, 20_000.0, 0.5])
def test_sample_rates_that_no_sensor_has(tmp_path, rate_hz):
    path = tmp_path / "walk.csv"
    path.write_text(csv_text(300, rate_hz=rate_hz))
    with pytest.raises(DatasetError, match=r"walk\.csv:time_s: a sample rate of .*1 to 10000 Hz are possible"):
        read_table_recording(path)


@pytest.mark.slow
def test_a_high_rate_takes_no_longer_than_a_low_one(tmp_path):
    """The running median of half a second is of 5,000 rows there."""
    path = tmp_path / "walk.csv"
    path.write_text(csv_text(60_000, rate_hz=9000.0))
    program = f"""
        from pathlib import Path
        from tinynas.odometry.readers.columns import read_table_recording
        print(read_table_recording(Path({str(path)!r})).valid.mean())
    """
    assert peak_mib(program)[1] == "1.0"


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (1, "1e39", r"walk\.csv:42: accel is 1e\+39 m/s2: no sensor measures more than 10000 m/s2 \(2 such row"),
        (5, "-2e5", r"walk\.csv:42: gyro is 200000 rad/s"),
        (8, "1e7", r"walk\.csv:42: mag is 1e\+07 uT"),
        (10, "1e300", r"walk\.csv:42: position is 1e\+300 m"),
    ],
)
def test_values_beyond_what_can_be_measured_are_refused_at_file_and_row(tmp_path, column, value, message):
    def edit(lines):
        for row in (40, 60):
            lines[row][column] = value

    path = tmp_path / "walk.csv"
    path.write_text(csv_text(edit=edit))
    with pytest.raises(DatasetError, match=message):
        read_table_recording(path)


def test_blank_lines_do_not_shift_the_row_that_is_blamed(tmp_path):
    lines = csv_text(edit=lambda lines: lines[40].__setitem__(1, "1e39")).splitlines()
    path = tmp_path / "walk.csv"
    path.write_text("\n".join([lines[0], "", *lines[1:30], "", "", *lines[30:]]))
    with pytest.raises(DatasetError, match=r"walk\.csv:45: accel is 1e\+39"):
        read_table_recording(path)


@pytest.mark.parametrize(("kind", "column"), [("imu", 4), ("imu", 13), ("vi", 2)])
def test_oxiod_files_name_the_row_too(tmp_path, kind, column):
    imu, truth = write_oxiod_pair(tmp_path, "handheld", "data1", 1)
    for split in ("Train", "Valid", "Test"):
        (tmp_path / "handheld" / f"{split}.txt").write_text("data1/syn/imu1.csv\n")
    path = imu if kind == "imu" else truth
    lines = [line.split(",") for line in path.read_text().splitlines()]
    lines[17][column] = "1e39"
    path.write_text("\n".join(map(",".join, lines)))
    with pytest.raises(DatasetError, match=rf"{kind}1\.csv:18: .* is 1e\+39"):
        read_oxiod(tmp_path)


def replace_data(path, key, make):
    with h5py.File(path / "data.hdf5", "a") as file:
        del file[key]
        make(file, key)


def terabytes(file, key):
    file.create_dataset(key, shape=(320_000_000_000, 3), chunks=(1000, 3), dtype="f8")


def unwritten(file, key):
    file.create_dataset(key, shape=(300, 3), dtype="f8")


def huge_chunks(file, key):
    file.create_dataset(key, shape=(300, 3), chunks=(300, 3), maxshape=(None, 3), dtype="f8")[:] = 1
    copy = file.create_dataset("big", shape=(100_000_000, 3), chunks=(10_000_000, 3), dtype="f8")
    assert copy.chunks == (10_000_000, 3)
    del file[key]
    file[key] = copy


def external(file, key):
    file.create_dataset(key, shape=(300, 3), dtype="f8", external=[("/etc/passwd", 0, 7200)])


def external_link(file, key):
    file[key] = h5py.ExternalLink("/etc/passwd", "/x")


def virtual(file, key):
    layout = h5py.VirtualLayout(shape=(300, 3), dtype="f8")
    layout[:] = h5py.VirtualSource("other.hdf5", "x", shape=(300, 3))
    file.create_virtual_dataset(key, layout)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (terabytes, "320000000000 rows; at most 5000000 are read"),
        (unwritten, "the values are not in the file"),
        (huge_chunks, "100000000 rows"),
        (external, "the data lie in another file"),
        (external_link, "the data lie in another file"),
        (virtual, "the data lie in another file"),
        (lambda file, key: file.create_group(key), "not a data set"),
        (lambda file, key: file.__setitem__(key, np.array([[b"abc"] * 3] * 300)), "are no numbers"),
        (lambda file, key: file.__setitem__(key, np.zeros((300, 3), complex)), "are no numbers"),
        (lambda file, key: file.__setitem__(key, np.zeros(300, [("x", "f8")])), r"shape \(300,\), expected \(N, 3\)"),
        (lambda file, key: file.__setitem__(key, h5py.Empty("f8")), "shape None"),
        (lambda file, key: file.__setitem__(key, h5py.SoftLink("/nowhere")), "not a readable HDF5 file"),
    ],
)
def test_hdf5_that_promises_what_it_does_not_hold(sequence, make, message):
    replace_data(sequence, "synced/acce", make)
    assert (sequence / "data.hdf5").stat().st_size < 200_000
    with pytest.raises(DatasetError, match=rf"data\.hdf5.*{message}"):
        read_ronin_recording(sequence)


def test_a_value_beyond_single_precision_in_hdf5(sequence):
    with h5py.File(sequence / "data.hdf5", "a") as file:
        file["synced/acce"][120, 1] = 1e39
    with pytest.raises(DatasetError, match=r"data\.hdf5:row 120: accel is"):
        read_ronin_recording(sequence)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, r"info\.json: nested too deeply"),
        ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", r"info\.json"),
        (json.dumps(RONIN_INFO).replace("50", "9" * 5000, 1), r"info\.json"),
        (json.dumps(RONIN_INFO).replace("1.01", "9" * 400, 1), r"info\.json:imu_acce_scale: .*is not a list of 3"),
        (json.dumps({**RONIN_INFO, "start_frame": 10**300}), r"info\.json:start_frame: 1000.*\.\.\. is not a row"),
        (json.dumps({**RONIN_INFO, "imu_acce_bias": {"x": [1]}}), r"info\.json:imu_acce_bias"),
        (json.dumps({**RONIN_INFO, "imu_acce_bias": [[1], 2, 3]}), r"info\.json:imu_acce_bias"),
    ],
)
def test_json_beyond_reason(sequence, text, message):
    (sequence / "info.json").write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_ronin_recording(sequence)


def test_a_header_with_a_semicolon_names_the_separator(tmp_path):
    for separator, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        path = tmp_path / "walk.csv"
        path.write_text(csv_text(5).replace(",", separator))
        with pytest.raises(DatasetError, match=rf"walk\.csv:1: the columns are separated by {name}, not by commas"):
            read_table_recording(path)
    path.write_text(f'"{CSV_HEADER}"\n')  # quoted as a whole
    with pytest.raises(DatasetError, match=r"time_s: the column is missing"):
        read_table_recording(path)
