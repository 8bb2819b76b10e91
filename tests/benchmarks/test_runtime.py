"""The clockwork of the runtime benchmark; its figures are the machine's."""

import json

import numpy as np
import pytest
import runtime
from _cash import Task, Watch
from _fresh import OPTIMISERS, EnoughError
from _problems import problem


def test_observations_gather_around_the_best_and_can_be_told():
    what = problem("Hartmann6")
    told = runtime.observations(what, 41, np.random.default_rng(0))
    assert len(told) == 41
    assert told == runtime.observations(what, 41, np.random.default_rng(0))
    assert all(value == what.score(params) for params, value in told)
    values = np.array([value for _, value in told])
    assert np.median(values[21:]) < np.median(values[:21])


def test_the_tuner_is_asked_for_what_it_was_told():
    told = runtime.observations(problem("Easom"), 12, np.random.default_rng(0))
    suggest = OPTIMISERS["tinynas"][1](problem("Easom"), told, 5, 0)
    points = suggest()
    assert len(points) == 5
    assert all(set(point) == set(problem("Easom").space) for point in points)


def test_the_clock_leaves_the_objective_out_and_ends_the_run(monkeypatch):
    now = iter([0.0, 1.0, 11.0, 13.0, 23.0, 27.0])
    monkeypatch.setattr("_cash.process_time", lambda: next(now))
    arm = problem("Easom")
    clock, point = Watch(Task("one", [arm]), 2, limit=100.0), dict.fromkeys(arm.space, 1.0)
    assert clock(0, point) == clock(0, point) == arm.score(point)
    with pytest.raises(EnoughError):
        clock(0, point)
    assert clock.waits == [1.0, 2.0, 4.0]


def test_the_clock_ends_a_run_that_takes_too_long():
    clock = Watch(Task("one", [problem("Easom")]), 10, limit=0.0)
    sum(range(10**5))
    with pytest.raises(EnoughError):
        clock(0, dict.fromkeys(problem("Easom").space, 1.0))


def test_end_to_end(tmp_path, monkeypatch, capsys):
    out = tmp_path / "result.json"
    wishes = ["--functions", "Easom", "--observations", "8", "12", "--repetitions", "2", "--optimisers", "tinynas"]
    monkeypatch.setattr("sys.argv", ["runtime.py", *wishes, "--limit", "5", "--out", str(out)])
    monkeypatch.setattr(runtime, "LARGE", (30, 3))
    runtime.main()
    printed, result = capsys.readouterr().out, json.loads(out.read_text())
    for text in ("sequential", "batch of 5", "30 observations, 3 parameters", "tinynas.tuner"):
        assert text in printed
    for mode in ("sequential_ms", "batch_ms"):
        assert set(result[mode]) == {"tinynas"}
        assert all(0 < result[mode]["tinynas"][count] < 5000 for count in ("8", "12"))
    # The choice of an algorithm is either timed or said to be missing.
    assert ("tinynas" in result["cash_ms"]) != any("tinynas is left out of CASH" in note for note in result["notes"])
    assert 0 < result["import_s"]["tinynas.tuner"] < 20
