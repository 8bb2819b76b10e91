"""`tinynas explain`, as a user runs it."""

import json

import pytest

from tests.cli.commands._library import make_study
from tinynas.cli import main


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("explained") / "study")


def run(capsys, *arguments):
    code = main(["explain", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_study_in_words_and_as_json(study, capsys):
    code, out, _ = run(capsys, study)
    assert code == 0
    for words in ("2 done, 1 infeasible", "What limits the networks", "What to try next", "SRAM"):
        assert words in " ".join(out.split())
    code, out, _ = run(capsys, study, "--json")
    found = json.loads(out)
    assert set(found) == {"study", "trial", "trials", "best", "bounds", "reasons", "importances", "tie", "steps"}
    assert (found["best"], found["trials"]) == (1, {"done": 2, "infeasible": 1})
    assert all(set(step) == {"why", "what"} for step in found["steps"])


def test_a_network_that_does_not_fit(study, capsys):
    code, out, _ = run(capsys, study, "--trial", 2)
    words = " ".join(out.split())
    assert code == 0
    assert "trial 2 is infeasible and does not fit: SRAM 900000 of 100000 bytes" in words
    assert "What would make it fit" in words
    code, out, _ = run(capsys, study, "--trial", 2, "--json")
    found = json.loads(out)
    sram = next(cost for cost in found["costs"] if cost["cost"] == "sram")
    assert sram["over"] == pytest.approx(sram["used"] - sram["limit"])
    assert found["peak_bytes"] == sum(size for _, size in found["peak_holds"])


def test_what_is_not_there_is_said(study, tmp_path, capsys):
    code, _, err = run(capsys, study, "--trial", 9)
    assert (code, "there is no trial 9" in err) == (1, True)
    code, _, _ = run(capsys, tmp_path)
    assert code == 1
