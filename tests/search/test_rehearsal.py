"""A rehearsal keeps nothing, and foresees the time of the search that it rehearses."""

from __future__ import annotations

import time

import pytest

from tinynas.search import Problem, rehearsal, rehearse
from tinynas.search.suggestions import Suggestions
from tinynas.study import Study


@pytest.mark.exhaustive
def test_it_foresees_what_the_search_does_and_how_long(configure, search, board, tasks, tmp_path):
    config = configure(trials=3, final={"candidates": 1, "seeds": 2})
    task = tasks(config)
    found = rehearse(Problem(board, task, config), workers=1)
    assert (found.trials, found.finals, found.networks) == (3, 2, 3)
    assert found.windows == (len(task.train), len(task.valid), len(task.test))
    assert (found.inputs, found.frame) == ((64, 9), "body")
    assert list(tmp_path.iterdir()) == []
    began = time.process_time()
    trials = search(tmp_path / "study", config)
    took = time.process_time() - began
    assert len(trials) == found.trials + found.finals
    assert found.seconds is not None
    # A loaded machine stretches the one and not the other, so this is about the order of magnitude.
    assert took / 20 < found.seconds < 20 * took
    assert found.spread >= 1.0


@pytest.mark.exhaustive
def test_what_is_not_known_is_not_told(configure, board, tasks):
    config = configure(trials=100, workers=None, dask="tcp://127.0.0.1:1")
    found = rehearse(Problem(board, tasks(config), config), workers=4)
    assert found.seconds is None
    assert (found.trials, found.finals, found.networks, found.inputs) == (100, 0, 3, (64, 9))
    assert found.train_s > 0
    assert found.rest_s > 0


@pytest.mark.exhaustive
def test_more_epochs_and_more_workers_show(configure, board, tasks):
    few, many = (
        rehearse(Problem(board, tasks(config), config), workers=1)
        for config in (configure(training={"epochs": 1}), configure(training={"epochs": 400}))
    )
    assert many.train_s > 3 * few.train_s


@pytest.mark.exhaustive
def test_minutes_are_filled_with_as_many_trials_as_they_allow(configure, board, tasks):
    config = configure(trials=None, minutes=3, dataset={"frame": "body"}, fidelity={"rungs": []})
    found = rehearse(Problem(board, tasks(config), config), workers=2)
    one = found.train_s + found.rest_s
    assert found.seconds is not None
    assert 360 - one <= 2 * found.seconds <= 360
    assert found.trials == int(360 / one)


def test_it_times_what_the_search_tries_first(configure, board, tasks, tmp_path, monkeypatch):
    own = {"filters": 4, "kernel_size": 2, "dilations": [1, 4]}
    config = configure(trials=None, minutes=3, space={"candidates": [own]})
    problem, timed = Problem(board, tasks(config), config), []
    monkeypatch.setattr(
        rehearsal, "_time", lambda _problem, params, _data: timed.append(params) or (0.1, 0.1, 0.1, 0.1)
    )
    rehearse(problem, workers=1)
    with Study.create(tmp_path / "study", config=config.to_dict(), board=board.to_dict(), provenance={}) as study:
        suggestions = Suggestions(problem, study, problem.require_feasible())
        assert timed == [suggestions.next() for _ in range(3)]
    assert problem.architecture(timed[0]).dilations == (1, 4)


def test_a_space_of_which_chance_finds_nothing_that_fits_is_timed_by_its_cheapest_network(
    configure, board, tasks, monkeypatch
):
    config = configure(trials=2)
    problem, timed = Problem(board, tasks(config), config), []
    monkeypatch.setattr(
        rehearsal, "_time", lambda _problem, params, _data: timed.append(params) or (0.1, 0.1, 0.1, 0.1)
    )
    monkeypatch.setattr(rehearsal, "_first", lambda _problem: iter(()))
    assert rehearse(problem, workers=1).networks == 1
    assert timed == [problem.require_feasible()]


def test_networks_that_do_not_fit_are_not_timed(configure, board, tasks, monkeypatch):
    limits = {"limits": {"flash_bytes": 89_400}}
    config = configure(trials=2, tuner={"only_feasible": False, "initial_random": 9}, objective=limits)
    problem, timed = Problem(board, tasks(config), config), []
    monkeypatch.setattr(
        rehearsal, "_time", lambda _problem, params, _data: timed.append(params) or (0.1, 0.1, 0.1, 0.1)
    )
    assert 0.2 < rehearse(problem, workers=1).infeasible_share < 0.99
    assert timed
    assert all(problem.fits(problem.architecture(params), params) for params in timed)
