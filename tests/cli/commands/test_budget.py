"""Limits of time and trials, and warm starts, as a user gives them."""

import json
import shutil

import pytest

from tinynas.cli import main
from tinynas.study import Study


@pytest.fixture
def copied(finished, tmp_path):
    """A finished search of four trials, to be gone on with."""
    return shutil.copytree(finished.folder, tmp_path / "study")


def config_of(folder):
    with Study.open(folder, readonly=True) as study:
        return study.config


def test_fewer_trials_or_minutes_than_there_were_are_refused(copied, capfd):
    assert main(["resume", str(copied), "--trials", "3"]) == 2
    assert "the study has 4 trials already" in capfd.readouterr().err
    assert main(["resume", str(copied), "--minutes", "0.0001"]) == 2
    assert "minutes already" in capfd.readouterr().err
    assert config_of(copied)["trials"] == 4


@pytest.mark.parametrize("minutes", ["0", "-1", "nan"])
def test_a_limit_of_time_is_above_zero(config_file, tmp_path, minutes):
    args = ["search", "--board", "nucleo_f446re", "--config", str(config_file), "--out", str(tmp_path / "study")]
    assert main([*args, "--minutes", minutes]) == 2
    assert not (tmp_path / "study").exists()


@pytest.mark.exhaustive
def test_a_finished_search_is_given_more_trials(copied, capfd):
    assert main(["resume", str(copied), "--trials", "5", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["trials"] == 5
    assert config_of(copied)["trials"] == 5  # a resume without options goes on to there, too


@pytest.mark.exhaustive
def test_a_search_with_minutes_starts_warm_and_ends_with_a_tested_network(finished, config_file, tmp_path, capfd):
    folder = tmp_path / "study"
    args = ["search", "--board", "nucleo_l476rg", "--config", str(config_file), "--out", str(folder), "--seed", "9"]
    assert main([*args, "--minutes", "0.5", "--warm-start", str(finished.folder), "--json"]) == 0
    captured = capfd.readouterr()
    found = json.loads(captured.out)
    assert "warm start: 4 networks" in captured.err or "warm start: 3 networks" in captured.err
    assert found["best"] is not None
    assert found["test"]["error_int8"] > 0
    with Study.open(finished.folder, readonly=True) as earlier, Study.open(folder, readonly=True) as study:
        best = earlier.best()
        assert study.trial(0).params == best.params
        assert study.config["trials"] is None
