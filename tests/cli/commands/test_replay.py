"""`tinynas replay`: which models are measured, and what is printed."""

import json

import pytest

from tests.report.conftest import BOARD, CONFIG, PROVENANCE
from tinynas.cli import main
from tinynas.measurement import Measurement
from tinynas.study import Study

NETWORKS = ((0.5, 10_000), (0.45, 40_000), (0.3, 20_000))


def make(folder, objective):
    with Study.create(folder, config={**CONFIG, "objective": objective}, board=BOARD, provenance=PROVENANCE) as study:
        for number, (error, flash) in enumerate(NETWORKS):
            network = {"filters": number + 2, "kernel_size": 3, "dilations": [1], "window": 200, "channels": 6}
            params = {"turns": 2} if number == 2 else {}
            trial = study.propose(params=params, architecture=network, key=str(number), seed=0).id
            cost = {"sram_bytes": 9_000, "flash_bytes": flash, "source": "proxy", "engine": "aot"}
            study.advance(trial, "costed", measurement=cost)
            study.advance(trial, "trained", metrics={"error_float": error})
            artefacts = {"tflite": f"model {number}".encode()}
            study.advance(trial, "converted", metrics={"error_int8": error}, artefacts=artefacts)
            study.advance(trial, "measured", feasible=True)
            study.advance(trial, "done", objective=error)
    return str(folder)


@pytest.fixture
def replay(monkeypatch, capsys):
    asked = []

    def measure(board, model, *, link, flasher, probe_id):
        asked.append((board.name, model, link))
        return Measurement(900, 9000, 50, "virtual", "aot", 300, latency_us=1000.0)

    monkeypatch.setattr("tinynas.hil.measure.measure", measure)

    def run(*arguments):
        asked.clear()
        assert main(["replay", *arguments, "--board", "nucleo_g071rb"]) == 0
        return capsys.readouterr().out, list(asked)

    return run


def test_the_front_is_measured_on_the_other_board(replay, tmp_path):
    study = make(tmp_path / "study", {"pareto": ["error", "flash_bytes"]})
    printed, asked = replay(study, "--json")
    assert asked == [("nucleo_g071rb", b"model 2", "virtual"), ("nucleo_g071rb", b"model 0", "virtual")]
    front = json.loads(printed)["front"]
    assert [(one["trial"], one["error"], one["on_front"]) for one in front] == [(2, 0.3, True), (0, 0.5, True)]
    assert [one["measurement"]["latency_us"] for one in front] == [2000.0, 1000.0]


def test_of_a_study_without_a_front_the_best_is_measured(replay, tmp_path):
    printed, asked = replay(make(tmp_path / "study", {}))
    assert [model for _, model, _ in asked] == [b"model 2"]
    assert "0.300" in printed
