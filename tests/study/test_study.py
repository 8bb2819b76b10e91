from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tinynas.errors import StudyError
from tinynas.study import Study, TrialState, write_file

Finish = Callable[..., int]


def test_documents_come_back_equal(tmp_path: Path) -> None:
    config = {"seed": 2**70, "space": {"dilations": [1, 2]}, "name": "Größe \udcff <b>", "none": None, "flag": True}
    with Study.create(tmp_path, config=config, board={"name": "b"}, provenance={"git": None}) as study:
        assert study.config == config
        assert study.board == {"name": "b"}
        assert study.provenance == {"git": None}
        assert study.summary == {}
        study.set_summary({"seconds": np.float64(1.5)})
    with Study.open(tmp_path, readonly=True) as study:
        assert study.config == config
        assert study.summary == {"seconds": 1.5}


def test_trial_keeps_everything_it_learns_on_its_way(study: Study) -> None:
    before = time.time()
    trial = study.propose(
        params={"f": np.int64(3)}, architecture={"dilations": (1, np.int32(4))}, key="a", seed=np.uint64(2**63)
    )
    assert (trial.id, trial.state, trial.seed, trial.key) == (0, "proposed", 2**63, "a")
    assert trial.params == {"f": 3}
    assert trial.architecture == {"dilations": [1, 4]}
    study.advance(0, "costed", measurement={"sram_bytes": np.int64(5)}, feasible=np.bool_(True))
    study.advance(0, "trained", metrics={"error_float": np.float32(0.5)}, artefacts={"weights": b"w"})
    study.advance(0, "converted", metrics={"error_int8": 0.6}, artefacts={"tflite": b"t"})
    study.advance(0, "measured", measurement={"flash_bytes": 7})
    done = study.advance(0, "done", objective=np.float32(0.25))
    assert done == study.trial(0) == study.trials()[0] == study.best()
    assert done.measurement == {"flash_bytes": 7}, "a measurement replaces the earlier one"
    assert done.metrics == {"error_float": 0.5, "error_int8": 0.6}, "metrics add up"
    assert (done.objective, done.feasible, done.reason, done.state.is_finished) == (0.25, True, None, True)
    assert list(done.times) == ["proposed", "costed", "trained", "converted", "measured", "done"]
    times = list(done.times.values())
    assert before <= times[0] <= times[-1] <= time.time()
    assert times == sorted(times)
    assert {kind: study.artefact(sha256) for kind, sha256 in done.artefacts.items()} == {
        "weights": b"w",
        "tflite": b"t",
    }


def test_ids_count_up_across_sessions(study: Study) -> None:
    assert [study.propose(params=None, architecture={}, key=str(i), seed=i).id for i in range(3)] == [0, 1, 2]
    study.close()
    with Study.open(study.folder) as again:
        assert again.propose(params=None, architecture={}, key="x", seed=0).id == 3
        assert [trial.id for trial in again.trials()] == [0, 1, 2, 3]


def test_best_is_the_first_feasible_of_lowest_objective(study: Study, finish: Finish) -> None:
    assert study.best() is None
    finish(-9.0, feasible=False)
    assert study.best() is None
    for objective in (0.5, 0.2, 0.2, 0.3):
        finish(objective)
    best = study.best()
    assert best is not None
    assert (best.id, best.objective) == (2, 0.2)


def test_the_best_is_replaced_by_its_refit_and_by_no_other(study: Study, finish: Finish) -> None:
    for objective in (0.5, 0.2):
        finish(objective)

    def refit(of: int, objective: float, state: str = "done") -> int:
        params = {"final_of": 0, "refit_of": of, "judged": {"error_int8": 0.2}}
        trial = study.propose(params=params, architecture={}, key="k", seed=0)
        assert trial.refit_of == of
        if state == "failed":
            study.advance(trial.id, "failed", reason="it diverged")
            return trial.id
        for step in ("costed", "trained", "converted", "measured"):
            study.advance(trial.id, step)
        study.advance(trial.id, "done", objective=objective, feasible=True)
        return trial.id

    def best() -> int:
        found = study.best()
        assert found is not None
        return found.id

    refit(0, -1.0)
    assert best() == 1, "the refit of what is not the best is not the best, whatever its objective"
    refit(1, 0.1, "failed")
    assert best() == 1
    again = refit(1, 0.21)
    assert best() == again
    better = finish(0.15)
    assert best() == better


def test_counts_and_unfinished(study: Study, finish: Finish) -> None:
    assert study.counts() == dict.fromkeys(TrialState, 0)
    finish(0.1)
    study.propose(params=None, architecture={}, key="a", seed=0)
    study.propose(params=None, architecture={}, key="b", seed=0)
    study.advance(2, "failed", reason="diverged")
    assert study.counts() == dict.fromkeys(TrialState, 0) | {"done": 1, "proposed": 1, "failed": 1}
    assert [trial.id for trial in study.unfinished()] == [1]


def test_find_answers_with_scored_trials_only(study: Study, finish: Finish) -> None:
    study.propose(params=None, architecture={}, key="same", seed=0)
    assert study.find("same") is None
    study.advance(0, "failed", reason="rig")
    assert study.find("same") is None
    first = finish(0.4, key="same")
    finish(0.3, key="same")
    found = study.find("same")
    assert found is not None
    assert found.id == first
    assert study.find("other") is None


def test_duplicate_takes_over_what_the_original_learned(study: Study, finish: Finish) -> None:
    original = finish(0.4, key="same", metrics={"error_int8": 0.2}, artefacts={"tflite": b"x"})
    copy = study.propose(params={"f": 1}, architecture={"filters": 2}, key="same", seed=9)
    done = study.answer(copy.id, original)
    assert (done.state, done.duplicate_of, done.reason) == (TrialState.DONE, original, None)
    assert (done.objective, done.feasible, done.metrics) == (0.4, True, {"error_int8": 0.2})
    assert (done.note, study.trial(original).duplicate_of) == (f"duplicate of {original}", None)
    assert study.artefact(done.artefacts["tflite"]) == b"x"
    assert done.params == {"f": 1}
    assert study.best() == study.trial(original)


def test_infeasible_duplicate(study: Study) -> None:
    for _ in range(2):
        study.propose(params=None, architecture={}, key="big", seed=0)
    study.advance(0, "costed", measurement={"sram_bytes": 10**9})
    assert study.advance(0, "infeasible", objective=100.0, reason="SRAM").feasible is False
    copy = study.answer(1, 0)
    assert (copy.reason, copy.note) == ("SRAM", "duplicate of 0; SRAM")
    assert (copy.measurement, copy.objective, copy.feasible) == ({"sram_bytes": 10**9}, 100.0, False)


@pytest.mark.parametrize("original", [1, 2, 3, 7])
def test_false_duplicates_are_refused(study: Study, finish: Finish, original: int) -> None:
    finish(0.4, key="same")
    for _ in range(2):  # 1: itself; 2: not scored; 3: another network; 7: nobody
        study.propose(params=None, architecture={}, key="same", seed=0)
    finish(0.4, key="other")
    with pytest.raises(StudyError):
        study.answer(1, original)
    assert study.trial(1).state is TrialState.PROPOSED


def test_only_a_proposed_trial_takes_over_results(study: Study, finish: Finish) -> None:
    finish(0.4, key="same")
    study.propose(params=None, architecture={}, key="same", seed=0)
    study.advance(1, TrialState.COSTED)
    with pytest.raises(StudyError, match="trial 1: cannot be answered from trial 0"):
        study.answer(1, 0)


@pytest.mark.parametrize("name", ["study.lock", "study.db.part"])
def test_a_symbolic_link_is_never_written_through(tmp_path: Path, name: str) -> None:
    (tmp_path / "mine").write_text("precious")
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / name).symlink_to(tmp_path / "mine")
    with contextlib.suppress(StudyError):
        Study.create(tmp_path / "s", config={}, board={}, provenance={}).close()
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_file_is_not_written_through_a_link_at_its_temporary_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is random; even who foresaw it gets nothing."""
    monkeypatch.setattr("tinynas.study.artefacts.secrets.token_hex", lambda size: "ab" * size)
    (tmp_path / "mine").write_text("precious")
    (tmp_path / f".report.html.{'ab' * 8}.part").symlink_to(tmp_path / "mine")
    with pytest.raises(StudyError, match="cannot write the file"):
        write_file(tmp_path / "report.html", b"page")
    assert (tmp_path / "mine").read_text() == "precious"
    monkeypatch.undo()
    (tmp_path / "report.html").symlink_to(tmp_path / "mine")
    assert write_file(tmp_path / "report.html", b"page").read_bytes() == b"page"
    assert (tmp_path / "mine").read_text() == "precious"


@pytest.mark.parametrize("name", ["study.db", "study.db-journal", "artefacts", "artefacts/ba"])
def test_a_study_from_others_cannot_write_outside_itself(tmp_path: Path, name: str) -> None:
    """`artefacts/ba` is where a file with the content `abc` belongs: its SHA-256 begins so."""
    outside, folder = tmp_path / "outside", tmp_path / "study"
    outside.mkdir()
    with Study.create(folder, config={}, board={}, provenance={}) as study:
        study.propose(params=None, architecture={}, key="k", seed=0)
    link = folder / name
    link.parent.mkdir(exist_ok=True)
    target = outside / "target"
    if name == "study.db":
        link.rename(target)
    elif name.startswith("artefacts"):
        target.mkdir()
    else:
        target.write_bytes(b"x" * 4096)
    link.symlink_to(target)
    before = target.read_bytes() if target.is_file() else list(target.iterdir())
    with pytest.raises(StudyError, match="no symbolic links") as caught, Study.open(folder) as study:
        study.advance(0, "costed", artefacts={"tflite": b"abc"})
    assert str(caught.value.where).startswith(str(folder))
    assert (target.read_bytes() if target.is_file() else list(target.iterdir())) == before
    assert list(outside.iterdir()) == [target]


def test_objective_and_feasible_are_needed_to_be_done(study: Study) -> None:
    study.propose(params=None, architecture={}, key="k", seed=0)
    for state in ("costed", "trained", "converted", "measured"):
        study.advance(0, state)
    with pytest.raises(StudyError, match="objective"):
        study.advance(0, "done", feasible=True)
    with pytest.raises(StudyError, match="feasible"):
        study.advance(0, "done", objective=1.0)
    for bad in (float("nan"), float("inf")):
        with pytest.raises(StudyError, match="objective is"):
            study.advance(0, "done", objective=bad, feasible=True)
    assert study.trial(0).state == "measured"


def test_refused_values_change_nothing(study: Study) -> None:
    before = study.propose(params=None, architecture={}, key="k", seed=0)
    with pytest.raises(StudyError, match=r"metrics\.error_float: nan"):
        study.advance(0, "costed", metrics={"error_float": np.nan}, artefacts={"weights": b"1"})
    with pytest.raises(StudyError, match="infeasible trial cannot"):
        study.advance(study.advance(0, "costed").id, "infeasible", feasible=True)
    with pytest.raises(StudyError, match="needs a reason"):
        study.advance(0, "failed", reason="  ")
    after = study.trial(0)
    assert (after.state, after.metrics, after.artefacts) == ("costed", before.metrics, before.artefacts)
    with pytest.raises(StudyError, match="no trial 5"):
        study.advance(5, "costed")
    with pytest.raises(StudyError, match=r"architecture\.x"):
        study.propose(params=None, architecture={"x": object()}, key="k", seed=0)
    assert len(study.trials()) == 1


def test_reason_may_hold_any_text(study: Study) -> None:
    study.propose(params=None, architecture={}, key="k'; DROP TABLE trial; --\udc80", seed=0)
    study.advance(0, "failed", reason="file \udcff'\"; DROP TABLE trial; --\x00\u2028")
    assert study.trial(0).reason == "file \\udcff'\"; DROP TABLE trial; --\x00\u2028"


def test_damaged_and_missing_artefacts(study: Study) -> None:
    study.propose(params=None, architecture={}, key="k", seed=0)
    sha256 = study.advance(0, "costed", artefacts={"tflite": b"model"}).artefacts["tflite"]
    path = study.folder / "artefacts" / sha256[:2] / sha256
    assert path.read_bytes() == b"model"
    path.write_bytes(b"Model")
    with pytest.raises(StudyError, match="damaged"):
        study.artefact(sha256)
    study.advance(0, "trained", artefacts={"tflite": b"model"})
    assert study.artefact(sha256) == b"model", "storing the same content again repairs the file"
    path.unlink()
    with pytest.raises(StudyError, match="missing"):
        study.artefact(sha256)
    for name in ("../../study.db", "", "A" * 64, sha256 + "\n", None):
        with pytest.raises(StudyError, match="not a SHA-256"):
            study.artefact(name)  # type: ignore[arg-type]


def test_files_are_attached_to_a_finished_trial(study: Study, finish: Finish) -> None:
    finish(0.1, artefacts={"tflite": b"model"})
    before = study.trial(0)
    study.attach(0, {"evaluation": b"old"})
    after = study.attach(0, {"evaluation": bytearray(b"new")})
    assert (after.state, after.times, after.objective) == (before.state, before.times, before.objective)
    assert {kind: study.artefact(sha256) for kind, sha256 in after.artefacts.items()} == {
        "tflite": b"model",
        "evaluation": b"new",
    }
    with pytest.raises(StudyError, match="no trial 1"):
        study.attach(1, {})
    with pytest.raises(TypeError):
        study.attach(0, {"evaluation": 7})  # type: ignore[dict-item]


def test_readonly_refuses_changes(study: Study) -> None:
    study.propose(params=None, architecture={}, key="k", seed=0)
    with Study.open(study.folder, readonly=True) as reader:
        for change in (
            lambda: reader.propose(params=None, architecture={}, key="k", seed=0),
            lambda: reader.advance(0, "costed", artefacts={"tflite": b"1"}),
            lambda: reader.attach(0, {"tflite": b"1"}),
            lambda: reader.set_summary({}),
        ):
            with pytest.raises(StudyError, match="read-only"):
                change()
        assert not (study.folder / "artefacts").exists()
        study.advance(0, "costed")
        assert reader.trial(0).state == "costed", "a reader sees what the writer has stored"


def test_closed_study_says_so(study: Study) -> None:
    study.close()
    study.close()
    for use in (study.trials, study.best, lambda: study.config, lambda: study.set_summary({})):
        with pytest.raises(StudyError, match="closed"):
            use()


def test_the_folder_has_the_documented_layout(study: Study, finish: Finish) -> None:
    finish(0.1, artefacts={"tflite": b"abc"})
    study.close()
    names = sorted(str(path.relative_to(study.folder)) for path in study.folder.rglob("*") if path.is_file())
    sha256 = hashlib.sha256(b"abc").hexdigest()
    assert names == [f"artefacts/{sha256[:2]}/{sha256}", "study.db", "study.lock"]
    database = sqlite3.connect(study.folder / "study.db")
    assert database.execute("PRAGMA user_version").fetchone() == (3,)
    stored = database.execute("SELECT json FROM document WHERE name = 'board'").fetchone()[0]
    database.close()
    assert json.loads(stored) == {"name": "b"}


def test_reading_a_long_study_is_quick(study: Study) -> None:
    study._database.execute("PRAGMA synchronous = OFF")
    for index in range(300):
        study.propose(params={"p": [0.1] * 10}, architecture={"d": [1, 2, 4]}, key=str(index), seed=index)
    start = time.process_time()
    assert len(study.trials()) == 300
    assert time.process_time() - start < 0.5
