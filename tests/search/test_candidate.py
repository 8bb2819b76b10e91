"""The stages of one trial: failures that are the candidate's own, the official interpreter as referee, precisions."""

import dataclasses
import importlib.util
import json

import numpy as np
import pytest

from tinynas.deploy import TflmInterpreter, model
from tinynas.errors import (
    ConversionError,
    NoFeasibleCandidate,
    ParityError,
    StudyError,
    TinynasError,
    TrainingDiverged,
)
from tinynas.search import CandidatePipeline, Problem, candidate
from tinynas.search import task as task_module
from tinynas.study import Study

needs_tflm = pytest.mark.skipif(
    importlib.util.find_spec("tflite_micro") is None, reason="tflite-micro is published for Linux on x86-64 only"
)


def test_limits_are_the_board_s_or_lower(configure, board, tasks):
    task = tasks(configure())
    assert Problem(board, task, configure()).limits.sram_bytes == board.sram_limit_bytes
    config = configure(objective={"limits": {"sram_bytes": 5000, "flash_bytes": 10**9}})
    lower = Problem(board, task, config).limits
    assert (lower.sram_bytes, lower.flash_bytes) == (5000, board.flash_limit_bytes)


@pytest.mark.slow
def test_a_training_that_diverges_fails_and_the_search_goes_on(search, configure, tmp_path, monkeypatch):
    from tinynas import network

    train, calls = network.train, []

    def diverging(architecture, data, config, **kwargs):
        calls.append(architecture)
        if len(calls) == 2:
            raise TrainingDiverged("the loss diverged in the first epoch", where=architecture.key)
        return train(architecture, data, config, **kwargs)

    monkeypatch.setattr(network, "train", diverging)
    trials = search(tmp_path / "study", configure(trials=3))
    assert [trial.state for trial in trials] == ["done", "failed", "done"]
    assert "diverged" in trials[1].reason
    assert trials[1].objective is None
    assert "weights" not in trials[1].artefacts


@pytest.mark.slow
def test_a_learning_rate_beyond_reason_fails_every_trial_and_says_so(search, configure, tmp_path):
    with pytest.raises(NoFeasibleCandidate, match="2 failed"):
        search(tmp_path / "study", configure(trials=2, training={"learning_rate": 1e38}))
    with Study.open(tmp_path / "study", readonly=True) as study:
        assert [(trial.state, "diverged" in trial.reason) for trial in study.trials()] == [("failed", True)] * 2


@pytest.mark.slow
def test_an_error_of_the_rig_stops_the_search_and_is_no_score(search, configure, tmp_path, monkeypatch):
    class RigError(TinynasError):
        disposition = "stop"

    def broken(*_args, **_kwargs):
        raise RigError("the converter is not itself today")

    with monkeypatch.context() as patch:
        patch.setattr("tinynas.search.candidate.convert", broken)
        with pytest.raises(RigError):
            search(tmp_path / "study", configure(trials=1))
    with Study.open(tmp_path / "study", readonly=True) as study:
        assert [trial.state for trial in study.trials()] == ["trained"]
    assert search(tmp_path / "study", configure(trials=1))[0].state == "done"


@pytest.mark.slow
@needs_tflm
def test_the_official_interpreter_confirms_costs_and_outputs(finished, search, configure, tmp_path):
    [trial] = search(tmp_path / "study", configure(trials=1, mode="tflm"))
    with Study.open(finished[0], readonly=True) as study:
        by_model = study.trial(0)
    cost = trial.measurement
    assert (cost["source"], cost["parity"]) == ("tflm", True)
    assert cost["host_arena_bytes"] >= cost["arena_bytes"] > 0
    assert trial.params == by_model.params
    assert abs(cost["sram_bytes"] - by_model.measurement["sram_bytes"]) <= 0.02 * cost["sram_bytes"]
    assert cost["flash_bytes"] == by_model.measurement["flash_bytes"]
    assert trial.metrics["error_int8"] == by_model.metrics["error_int8"]


@pytest.mark.slow
@needs_tflm
def test_a_measured_trial_parses_its_model_once(search, configure, tmp_path, monkeypatch):
    """By LiteRT, TFLM and the resource model, but out of one graph."""
    parsed, at_score = [], []
    read, rate = model.read_graph, CandidatePipeline._score

    def counted(content, **options):
        parsed.append(content)
        return read(content, **options)

    def scored(self, trial, architecture):
        at_score.append(len(parsed))
        return rate(self, trial, architecture)

    monkeypatch.setattr(model, "read_graph", counted)
    monkeypatch.setattr(CandidatePipeline, "_score", scored)
    search(tmp_path / "study", configure(trials=1, mode="tflm"))
    assert at_score == [1]


@needs_tflm
def test_outputs_that_disagree_stop_the_search(search, configure, tmp_path, monkeypatch):
    run = TflmInterpreter.run
    monkeypatch.setattr(TflmInterpreter, "run", lambda self, x: (run(self, x).astype(int) ^ 8).astype(np.int8))
    with pytest.raises(ParityError, match="8 steps apart"):
        search(tmp_path / "study", configure(trials=1, mode="tflm"))
    with Study.open(tmp_path / "study", readonly=True) as study:
        assert [trial.state for trial in study.trials()] == ["converted"]


@needs_tflm
def test_float32_costs_more_and_loses_nothing(finished, search, configure, tmp_path):
    [trial] = search(tmp_path / "study", configure(trials=1, mode="tflm", conversion={"precision": "float32"}))
    with Study.open(finished[0], readonly=True) as study:
        int8 = study.trial(0)
    assert trial.params == int8.params
    assert trial.measurement["arena_bytes"] > int8.measurement["arena_bytes"]
    assert trial.metrics["error_int8"] == pytest.approx(trial.metrics["error_float"], rel=1e-4)


def test_the_kernel_library_counts(search, configure, tmp_path, finished):
    [trial] = search(tmp_path / "study", configure(trials=1, cost={"kernels": "reference"}))
    with Study.open(finished[0], readonly=True) as study:
        cmsis_nn = study.trial(0).measurement
    assert trial.measurement["kernels"] == "reference"
    assert trial.measurement["flash_bytes"] < cmsis_nn["flash_bytes"] - 20_000


@pytest.mark.slow
def test_a_search_whose_every_candidate_fails_gives_up_after_three(search, configure, tmp_path):
    with pytest.raises(StudyError, match="first 3 candidates all failed"):
        search(tmp_path / "study", configure(trials=8, training={"learning_rate": 1e38}))
    with Study.open(tmp_path / "study", readonly=True) as study:
        assert study.counts()["failed"] == len(study.trials()) == 3


@pytest.mark.slow
def test_a_network_that_cannot_be_converted_fails_alone(search, configure, tmp_path, monkeypatch):
    real, calls = candidate.convert, []

    def picky(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise ConversionError("not this one")
        return real(*args, **kwargs)

    monkeypatch.setattr(candidate, "convert", picky)
    trials = search(tmp_path / "study", configure(trials=3))
    assert [trial.state for trial in trials] == ["done", "failed", "done"]
    assert "not this one" in trials[1].reason


@pytest.mark.slow
def test_seconds_add_up_over_sessions(search, configure, tmp_path, monkeypatch):
    def interrupt(*_args, **_kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(CandidatePipeline, "evaluate", interrupt)
        with pytest.raises(KeyboardInterrupt):
            search(tmp_path / "study", configure(trials=2))
    with Study.open(tmp_path / "study", readonly=True) as study:
        first = study.summary["seconds"]
    search(tmp_path / "study", configure(trials=2))
    with Study.open(tmp_path / "study", readonly=True) as study:
        assert study.summary["seconds"] > first > 0


def test_an_error_above_the_penalty_is_a_divergence_not_a_result(search, configure, tmp_path):
    # Every network is worse than a penalty of 1 mm/s: none may be called done.
    with pytest.raises(NoFeasibleCandidate, match="1 failed"):
        search(tmp_path / "study", configure(trials=1, objective={"penalty": 0.001}))
    with Study.open(tmp_path / "study", readonly=True) as study:
        assert "above the objective's penalty" in study.trials()[0].reason


def test_a_recording_without_a_figure_does_not_cost_the_others(search, configure, tmp_path, monkeypatch):
    real = task_module.evaluate

    def damaged(*args):
        found = real(*args)
        first = found.recordings[0]
        path = dataclasses.replace(first.path, predicted=np.full_like(first.path.predicted, np.nan))
        errors = dataclasses.replace(first.errors, ate_m=float("nan"), rte_m=float("inf"))
        lost = dataclasses.replace(first, name="lost", errors=errors, path=path)
        return dataclasses.replace(found, recordings=(lost, *found.recordings))

    monkeypatch.setattr(task_module, "evaluate", damaged)
    search(tmp_path / "study", configure(trials=1))
    with Study.open(tmp_path / "study", readonly=True) as study:
        lost, sound = study.summary["test"]["recordings"]
        paths = json.loads(study.artefact(study.best().artefacts["evaluation"]))["recordings"]
    assert (lost["name"], lost["ate_m"], lost["rte_m"], lost["joint"]) == ("lost", None, None, sound["joint"])
    assert 0 < sound["ate_m"] < 1000
    assert [path["name"] for path in paths] == [sound["name"]]
