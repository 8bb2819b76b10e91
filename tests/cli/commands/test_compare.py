"""`tinynas compare` and `tinynas dashboard`, as a user calls them."""

import json
import sys

import pytest

from tinynas.cli import main
from tinynas.study import Study


@pytest.fixture
def studies(tmp_path):
    """Two studies: one with a finished trial, one empty."""
    for name in ("walks", "empty"):
        config = {"seed": 3, "dataset": {"source": "csv:walks"}}
        with Study.create(tmp_path / name, config=config, board={"title": "B[oard]"}, provenance={}) as study:
            if name == "walks":
                study.propose(params=None, architecture={}, key="k", seed=0)
                cost = {"sram_bytes": 10_240, "flash_bytes": 102_400}
                study.advance(0, "costed", measurement=cost)
                for state in ("trained", "converted", "measured"):
                    study.advance(0, state, metrics={"error_int8": 0.25})
                study.advance(0, "done", objective=0.2, feasible=True)
    return [str(tmp_path / name) for name in ("walks", "empty")]


def test_a_table_of_studies(studies, capsys):
    assert main(["compare", *studies]) == 0
    lines = capsys.readouterr().out.splitlines()
    [walks] = [line for line in lines if line.startswith("walks")]
    assert walks.split()[:5] == ["walks", "B[oard]", "csv:walks", "1", "0.250"]
    assert "10" in walks.split()
    assert any(line.startswith("empty") for line in lines)


def test_a_page_and_json(studies, capsys, tmp_path):
    assert main(["compare", *studies, "--json", "--out", str(tmp_path / "c.html")]) == 0
    rows = json.loads(capsys.readouterr().out)["studies"]
    assert [(row["name"], row["error"], row["sram_kib"]) for row in rows] == [
        ("walks", 0.25, 10.0),
        ("empty", None, None),
    ]
    assert (tmp_path / "c.html").read_text().startswith("<!doctype html>")


def test_what_is_no_study(tmp_path, capsys):
    assert main(["compare", str(tmp_path)]) == 1
    assert "not a study" in capsys.readouterr().err


def test_a_dashboard_for_others_needs_the_flag(tmp_path, capsys):
    assert main(["dashboard", str(tmp_path), "--host", "0.0.0.0"]) == 2
    assert "--expose" in capsys.readouterr().err
    assert main(["dashboard", str(tmp_path / "missing")]) == 2
    assert "no such folder" in capsys.readouterr().err


def test_a_dashboard_without_its_packages_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "starlette.applications", None)
    assert main(["dashboard", str(tmp_path)]) == 2
    assert "tinynas[dashboard]" in capsys.readouterr().err
