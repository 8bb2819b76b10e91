"""`tinynas init`, as a user runs it; and what a shell completes."""

import json
import os
import subprocess
from typing import get_args

import jsonschema
import pytest
import yaml

from tests.cli.commands.test_data import write_walks
from tests.cli.walks import write_csv
from tinynas.cli import main
from tinynas.config import config_schema, load_config
from tinynas.odometry.check import FindingKind


def run(capsys, *arguments):
    code = main(["init", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def folder_of_walks(folder, write):
    folder.mkdir()
    write(folder)
    return f"csv:{folder}"


def write_three(folder):
    for name in "abc":
        write_csv(folder / f"{name}.csv", rows=300)


def test_the_file_says_what_the_data_ask_for_and_is_read_back(tmp_path, capsys):
    source = folder_of_walks(tmp_path / "walks", write_walks)
    code, out, err = run(capsys, "--board", "nucleo_f446re", "--dataset", source, "--out", tmp_path / "my.yaml")
    assert code == 0
    assert f"next: tinynas search --config {tmp_path / 'my.yaml'} --dry-run" in out
    assert err.startswith("data: 3 recordings")
    config = load_config(tmp_path / "my.yaml")
    assert (config.board, config.dataset.source, config.dataset.window) == ("nucleo_f446re", source, 200)
    text = (tmp_path / "my.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=tinynas.schema.json\n")
    # Every key that is set has its reason beside it, or its meaning.
    keys = [line for line in text.splitlines() if ":" in line and not line.lstrip().startswith("#") and line[-1] != ":"]
    assert all("  # " in line for line in keys), keys
    schema = json.loads((tmp_path / "tinynas.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(text))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["my.yaml", "tinynas.schema.json", "walks"]


def test_short_recordings_without_magnetometer_get_what_they_allow(tmp_path, capsys):
    source = folder_of_walks(tmp_path / "it's # a: walk", write_three)
    code, out, _ = run(capsys, "--board", "nucleo_l073rz", "--dataset", source, "--out", tmp_path / "x.yml", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["settings"] == load_config(tmp_path / "x.yml").to_dict()
    dataset = found["settings"]["dataset"]
    # 300 rows at 100 Hz: half of them are a window; without magnetometer and orientation no velocity can be learned.
    assert (dataset["source"], dataset["window"], dataset["stride"]) == (source, 150, 15)
    assert (dataset["target"], dataset["frame"]) == ("speed_heading", "level")
    assert {one["kind"] for one in found["left"]} <= set(get_args(FindingKind))


def test_recordings_of_two_rates_are_resampled_to_the_lower(tmp_path, capsys):
    folder = tmp_path / "walks"
    source = folder_of_walks(folder, write_walks)
    first = sorted(folder.glob("*.csv"))[0]
    lines = first.read_text().splitlines()
    first.write_text("\n".join([lines[0], *lines[1::2]]) + "\n")  # 50 Hz
    assert run(capsys, "--board", "nucleo_f446re", "--dataset", source, "--out", tmp_path / "my.yaml")[0] == 0
    dataset = load_config(tmp_path / "my.yaml").dataset
    assert dataset.rate_hz == pytest.approx(50, rel=0.01)
    assert dataset.window == 100
    assert "all are resampled to the lowest rate" in (tmp_path / "my.yaml").read_text()


def test_nothing_is_written_over(tmp_path, capsys):
    source = folder_of_walks(tmp_path / "walks", write_three)
    options = ("--board", "nucleo_f446re", "--dataset", source, "--out", tmp_path / "my.yaml")
    (tmp_path / "tinynas.schema.json").write_text("{}")
    code, _, err = run(capsys, *options)
    assert (code, "is not the schema of tinynas" in err) == (2, True)
    assert (tmp_path / "tinynas.schema.json").read_text() == "{}"
    (tmp_path / "tinynas.schema.json").unlink()
    assert run(capsys, *options)[0] == 0
    before = (tmp_path / "my.yaml").read_bytes()
    code, _, err = run(capsys, *options)
    assert (code, "is there already" in err) == (2, True)
    assert (tmp_path / "my.yaml").read_bytes() == before
    assert run(capsys, *options[:-1], tmp_path / "second.yaml")[0] == 0  # the schema may be ours


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "--board: is not given"),
        (("--board", "nucleo_f446re"), "--dataset: is not given"),
        (("--board", "nucleo_f4", "--dataset", "synthetic"), "nucleo_f4"),
        (("--board", "nucleo_f446re", "--dataset", "csv:/nowhere"), "/nowhere"),
        (("--board", "nucleo_f446re", "--dataset", "synthetic", "--out", "my.json"), "is no name of a YAML file"),
    ],
)
def test_what_is_wrong_is_said(options, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, *options)
    assert (code, words in " ".join(err.split())) == (2, True), err
    assert list(tmp_path.iterdir()) == []


def test_the_schema_alone(capsys):
    code, out, _ = run(capsys, "--schema")
    assert (code, json.loads(out)) == (0, config_schema())


def complete(command, words, shell="complete_bash"):
    typed = words.split(" ")
    variables = {"_TINYNAS_COMPLETE": shell, "COMP_WORDS": words, "COMP_CWORD": str(len(typed) - 1)}
    done = subprocess.run(
        command(), env={**os.environ, **variables}, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout.split()


def test_shells_complete_commands_options_and_boards(command):
    assert complete(command, "tinynas exp") == ["explain", "export"]
    assert complete(command, "tinynas export --form") == ["--format"]
    assert complete(command, "tinynas search --board nucleo_f44") == ["nucleo_f446re"]
    assert complete(command, "tinynas export --format ard") == ["arduino"]
