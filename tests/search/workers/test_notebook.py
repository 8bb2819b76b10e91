"""What a stage leaves in its notebook is what the study would hold."""

from pathlib import Path

import pytest

from tinynas.errors import StudyError
from tinynas.search.workers import Notebook, Step
from tinynas.study import Study, TrialState


@pytest.fixture
def study(tmp_path):
    with Study.create(tmp_path / "study", config={}, board={}, provenance={}) as opened:
        yield opened


def test_its_trial_is_the_study_s(study):
    trial = study.propose(params=None, architecture={"filters": 8}, key="8", seed=1)
    book = Notebook(Path("anywhere"))
    book.open(trial, {})
    for step in (
        Step(TrialState.COSTED, measurement={"sram_bytes": 5}),
        Step(TrialState.TRAINED, metrics={"error_float": 0.5}, artefacts={"weights": b"w"}),
        Step(TrialState.CONVERTED, artefacts={"tflite": b"t"}),
        Step(TrialState.MEASURED, metrics={"error_int8": 0.6}),
        Step(TrialState.DONE, objective=0.1, feasible=True),
    ):
        learned = {name: value for name, value in vars(step).items() if name != "state"}
        noted = book.advance(trial.id, step.state, **learned)
        stored = study.advance(trial.id, step.state, **learned)
        assert {**vars(noted), "times": None} == {**vars(stored), "times": None}
    assert [step.state for step in book.steps] == ["costed", "trained", "converted", "measured", "done"]
    assert book.artefact(noted.artefacts["tflite"]) == b"t"


def test_it_has_only_what_it_was_given(study):
    trial = study.propose(params=None, architecture={"filters": 8}, key="8", seed=1)
    book = Notebook(Path("anywhere"))
    with pytest.raises(StudyError, match="not given trial 0"):
        book.advance(0, TrialState.COSTED)
    book.open(trial, {"ab": b"x"})
    assert book.artefact("ab") == b"x"
    with pytest.raises(StudyError, match="not given the file cd"):
        book.artefact("cd")
