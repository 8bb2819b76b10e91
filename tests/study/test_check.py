"""Flipped bits: noticed when a study is opened, named by the check; what is whole stays readable."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tinynas.cli import main
from tinynas.errors import StudyError
from tinynas.study import Study, check_study

Finish = Callable[..., int]


@pytest.fixture
def closed(study: Study, finish: Finish) -> Path:
    """The folder of a study of 12 trials; each has a file."""
    study._database.execute("PRAGMA synchronous = OFF")
    for index in range(12):
        finish(0.5 - index / 100, key=f"k{index}", metrics={"pad": "x" * 700}, artefacts={"tflite": b"%d" % index})
    study.set_summary({"best_trial": 11})
    study.close()
    return study.folder


def change(folder: Path, *statement: object) -> None:
    with sqlite3.connect(folder / "study.db") as database:
        database.execute(str(statement[0]), statement[1:])
    database.close()


@pytest.mark.parametrize(
    ("statement", "damaged"),
    [
        ("UPDATE trial SET objective = 0.1 WHERE id = 3", "trial 3"),
        ("UPDATE trial SET state = 'failed' WHERE id = 3", "trial 3"),
        ("UPDATE trial SET feasible = 0 WHERE id = 11", "trial 11"),
        ("UPDATE trial SET artefacts = '{}' WHERE id = 11", "trial 11"),
        ("UPDATE trial SET times = '{}' WHERE id = 0", "trial 0"),
        ("UPDATE trial SET metrics = NULL WHERE id = 3", "trial 3"),
        ("UPDATE trial SET architecture = '[1' WHERE id = 3", "trial 3"),
        ("DELETE FROM trial WHERE id = 11", "trial 11 (it is missing)"),
        ("UPDATE trial SET id = 40 WHERE id = 11", "trial 40"),
        ("UPDATE document SET json = '{\"seed\":2}' WHERE name = 'config'", "document config"),
        ("DELETE FROM document WHERE name = 'summary'", "document summary"),
        ("UPDATE document SET json = '{\"trials\":3}' WHERE name = 'tally'", "document tally"),
    ],
)
def test_a_changed_row_is_noticed_and_named(closed: Path, statement: str, damaged: str) -> None:
    change(closed, statement)
    for readonly in (True, False):
        with pytest.raises(StudyError, match="the database is damaged") as caught:
            Study.open(closed, readonly=readonly)
        assert damaged in caught.value.message
        assert "tinynas study check" in str(caught.value.advice)
    found = check_study(closed)
    assert damaged in found.damaged
    assert len(found.trials) >= 11
    assert all(trial.metrics == {"pad": "x" * 700} for trial in found.trials)


def test_a_sound_study_is_whole(closed: Path) -> None:
    found = check_study(closed)
    assert (found.damaged, [trial.id for trial in found.trials]) == ((), list(range(12)))
    assert found.documents["summary"] == {"best_trial": 11}


def test_lost_and_damaged_files_are_named(closed: Path) -> None:
    with Study.open(closed, readonly=True) as study:
        one, two = (study.trial(number).artefacts["tflite"] for number in (1, 2))
    files = {path.name: path for path in (closed / "artefacts").glob("*/*")}
    files[one].unlink()
    files[two].write_bytes(b"other")
    found = check_study(closed)
    assert found.lost_files == {one, two}
    assert [line.partition(" (")[0] for line in found.damaged] == ["trial 1: tflite", "trial 2: tflite"]


def used_bytes(path: Path) -> np.ndarray:
    """Positions of bytes that hold something: not those between the rows of a page."""
    return np.flatnonzero(np.frombuffer(path.read_bytes(), np.uint8))


@pytest.mark.parametrize("count", [60, pytest.param(600, marks=[pytest.mark.slow, pytest.mark.exhaustive])])
def test_no_flip_changes_what_is_read_unseen(closed: Path, count: int) -> None:
    path = closed / "study.db"
    good = path.read_bytes()

    def content() -> object:
        with Study.open(closed, readonly=True) as study:
            return study.trials(), study.config, study.board, study.provenance, study.summary, study.counts()

    true, rng = content(), np.random.default_rng(7)
    seen, whole = 0, 0
    for position in rng.choice(used_bytes(path), count):
        damaged = bytearray(good)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            assert content() == true, f"byte {position} changes the result unseen"
        except StudyError:
            seen += 1
        try:
            whole += len(check_study(closed).trials)
        except StudyError:
            whole += 0
    assert seen > 0.7 * count
    assert whole > 0.7 * count * 12  # a flip costs one trial, seldom more


def test_the_command_says_what_is_damaged_and_saves_what_is_whole(closed: Path, tmp_path: Path, capsys) -> None:
    assert main(["study", "check", str(closed)]) == 0
    assert capsys.readouterr().out == "12 trials whole, nothing is damaged\n"
    change(closed, "UPDATE trial SET seed = '9' WHERE id = 4")
    assert main(["study", "check", str(closed)]) == 1
    assert capsys.readouterr().out == "damaged: trial 4\n11 trials whole\n"
    assert main(["study", "check", str(closed), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["damaged"], told["whole_trials"]) == (["trial 4"], [0, 1, 2, 3, *range(5, 12)])
    out = tmp_path / "saved.json"
    assert main(["study", "export", str(closed), "--out", str(out)]) == 0
    saved = json.loads(out.read_text())
    assert [trial["objective"] for trial in saved["trials"]][:3] == [0.5, 0.49, 0.48]
    assert (saved["config"], saved["damaged"]) == ({"seed": 1}, ["trial 4"])
    assert main(["study", "export", str(closed), "--out", str(out)]) == 2
