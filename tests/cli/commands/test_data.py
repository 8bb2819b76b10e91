"""`tinynas data check`, as a user runs it."""

import json

import numpy as np

from tinynas.cli import main
from tinynas.odometry import SyntheticOptions, synthesize


def write_walks(folder, *, factor=1.0):
    """Three walks as csv files, the accelerometer times `factor`."""
    size = SyntheticOptions(n_train=1, n_valid=1, n_test=1, duration_s=20.0, modes=["handheld"])
    names = ["time_s"]
    for sensor, unit in (("accel", "m_s2"), ("gyro", "rad_s"), ("mag", "uT"), ("position", "m")):
        names += [f"{sensor}_{axis}_{unit}" for axis in "xyz"]
    for index, recording in enumerate(sum(synthesize(size, seed=1), ())):
        columns = (
            recording.time_s[:, None],
            recording.accel * factor,
            recording.gyro,
            recording.mag,
            recording.position,
        )
        table = np.column_stack(columns)
        np.savetxt(folder / f"walk{index}.csv", table, "%.6f", ",", header=",".join(names), comments="")


def test_problems_are_printed_with_what_to_do(tmp_path, capsys):
    write_walks(tmp_path, factor=1 / 9.80665)
    assert main(["data", "check", f"csv:{tmp_path}"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].split()[:2] == ["recording", "split"]
    assert sum(line.startswith("walk") for line in out.splitlines()) == 3
    assert "accel_unit: multiply the accelerometer by 9.80665" in out
    assert "accel_unit in 3" in out.splitlines()[-1]


def test_json_for_programs(tmp_path, capsys):
    write_walks(tmp_path)
    assert main(["data", "check", f"csv:{tmp_path}", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {recording["name"] for recording in found["recordings"]} == {"walk0", "walk1", "walk2"}
    assert {recording["split"] for recording in found["recordings"]} == {"train", "valid", "test"}
    kinds = {problem["kind"] for recording in found["recordings"] for problem in recording["problems"]}
    assert kinds <= {"mag_bias"}
    for recording in found["recordings"]:
        assert recording["rate_hz"] == 100.0
        assert abs(recording["lag_ms"]) < 15
        assert recording["misalignment_deg"] is None  # there is no orientation


def test_the_configuration_says_how_the_data_are_used(tmp_path, capsys):
    write_walks(tmp_path)
    config = tmp_path / "my.yaml"
    config.write_text("dataset: {target: speed_heading, use_mag: false, window: 1500}\n")
    assert main(["data", "check", f"csv:{tmp_path}", "--config", str(config), "--json"]) == 0
    capsys.readouterr()
    assert main(["data", "check", f"csv:{tmp_path}/nowhere"]) == 2
    assert "does not exist" in capsys.readouterr().err
