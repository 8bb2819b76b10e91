"""One search for several boards: each network is trained once, each board has its own best."""

import dataclasses

import numpy as np
import pytest

from tests.search._simulation import PretendingWorkers, simulate, survive
from tinynas.board import load_board
from tinynas.errors import NoFeasibleCandidate, StudyError
from tinynas.measurement import Measurement
from tinynas.objective import score
from tinynas.search import Problem, run_shared_search
from tinynas.search.sharing import align
from tinynas.study import Study, TrialState

LONG = {"epochs": 10}
RUNGS = {"rungs": [0.2, 0.5]}
# Of these networks half fit the small board, and all fit the large one.
SPACE = {"filters": [4, 63], "kernel_size": [2, 15]}


def curve(architecture, share, seed):
    """Larger networks are better; everyone needs the whole training; seeds differ by little."""
    noise = 0.01 * np.random.default_rng(seed).normal()
    return 0.3 + 5.0 / (architecture["filters"] * architecture["kernel_size"]) + 0.6 * (1 - share) + noise


@pytest.fixture(scope="module")
def boards():
    """A board of 512 KiB of flash, and one of 128."""
    return [load_board("nucleo_f446re"), load_board("nucleo_g071rb")]


@pytest.fixture
def run(monkeypatch, boards, configure, tasks, watcher, tmp_path):
    """Run a simulated search for both boards; returns the trials of each, the workers and the summaries."""

    def run(*, count=1, observers=None, folder="search", targets=boards, **changes):
        # Fitting surrogates takes longer than all the rest.
        usual = {"training": LONG, "fidelity": RUNGS, "space": SPACE, "tuner": {"initial_random": 20}}
        config = configure(**{**usual, **changes})
        task = tasks(config)
        limits = [Problem(board, task, config).limits for board in targets]
        workers = PretendingWorkers(config, limits, curve, lambda epochs, macs: epochs * (1.0 + macs / 5e4), count)
        simulate(monkeypatch, workers)
        studies = []
        for board in targets:
            path = tmp_path / folder / board.name
            known = (path / "study.db").exists()
            made = {"config": config.to_dict(), "board": board.to_dict(), "provenance": {}}
            studies.append(Study.open(path) if known else Study.create(path, **made))
        seen = observers or [watcher() for _ in targets]
        try:
            run_shared_search(studies, config, targets, task, seen, workers=count, clock=workers.clock)
            return [study.trials() for study in studies], workers, [study.summary for study in studies]
        finally:
            for study in studies:
                study.close()

    return run


def facts(trials):
    """Trials without what depends on the real clock."""
    return [(t.id, t.state, t.seed, t.key, t.objective, [r["objective"] for r in t.rungs]) for t in trials]


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 3])
def test_each_network_is_trained_once_whatever_the_number_of_boards(run, count):
    final = {"candidates": 2, "seeds": 2, "epochs": 10, "refit": True}
    (large, small), workers, _ = run(trials=14, count=count, final=final)
    assert len(workers.trained) == len(set(workers.trained))
    assert [(t.id, t.key, t.seed, t.final_of) for t in large] == [(t.id, t.key, t.seed, t.final_of) for t in small]
    assert sum(trial.final_of is None for trial in large) == 14
    for one, other in zip(large, small, strict=True):
        if other.state is TrialState.INFEASIBLE:
            continue
        assert one.state is other.state
        assert one.metrics["error_float"] == other.metrics["error_float"]
        assert [rung["error"] for rung in one.rungs] == [rung["error"] for rung in other.rungs]


def test_every_board_scores_for_itself_and_has_the_best_of_all_that_fit_it(run, boards, configure, tasks):
    config = configure(training=LONG, fidelity=RUNGS, space=SPACE)
    found, _, _ = run(trials=14, final={"candidates": 1, "seeds": 2})
    best = []
    for board, trials in zip(boards, found, strict=True):
        limits = Problem(board, tasks(config), config).limits
        values = {}
        for trial in found[0]:  # everything fits the large board, so everything has an error there
            if trial.state is TrialState.DONE:
                own = trials[trial.id].measurement
                value = score(trial.metrics["error_int8"], Measurement.from_dict(own), limits, config.objective)
                if value.feasible:
                    values[trial.id] = value.value
        ended = {t.id: t.objective for t in trials if t.state is TrialState.DONE}
        assert ended == pytest.approx(values)
        best.append(min(ended.values()))
    assert best[0] != best[1]
    assert any(trial.state is TrialState.INFEASIBLE for trial in found[1])
    assert not any(trial.state is TrialState.INFEASIBLE for trial in found[0])


def test_final_trainings_are_of_each_boards_best_and_of_each_network_once(run):
    (large, small), workers, _ = run(trials=12, final={"candidates": 2, "seeds": 2, "epochs": 10})
    for trials in (large, small):
        searched = [t for t in trials if t.final_of is None and t.state is TrialState.DONE and t.duplicate_of is None]
        ranked = sorted(searched, key=lambda trial: (trial.objective, trial.id))
        assert {trial.id for trial in ranked[:2]} <= {trial.final_of for trial in trials}
    assert len(workers.trained) == len(set(workers.trained))
    again = [(trial.final_of, trial.seed) for trial in large if trial.final_of is not None]
    assert len(again) == len(set(again))


def test_tuners_take_turns_and_hear_of_all_that_fit_their_board(run, monkeypatch, boards, configure, tasks):
    from tinynas.search import suggestions

    told = {}

    def noting(self, *arguments, **options):
        restored = [dict(row[0]) for row in arguments[0]]
        told.setdefault(id(self), []).append(restored)
        return restore(self, *arguments, **options)

    tuner = suggestions.make_tuner.__globals__["Tuner"]
    restore = tuner.restore
    monkeypatch.setattr(tuner, "restore", noting)
    (large, small), _, _ = run(trials=10, fidelity={"rungs": []})
    config = configure(training=LONG, space=SPACE)
    fits = Problem(boards[1], tasks(config), config).admits
    assert all(fits(trial.params) for trial in small[1::2])  # suggested for the small board
    assert not all(fits(trial.params) for trial in large[::2])
    assert len(told) == 2
    last = sorted((rows[-1] for rows in told.values()), key=len)
    heard = [trial.params for trial in large[:9]]
    assert last[1] in (heard[:8], heard)
    assert last[0] == [params for params in heard if fits(params)]


def test_killed_at_every_step_it_makes_the_same_search(run):
    options = {"trials": 5, "tuner": {"initial_random": 3}, "final": {"candidates": 1, "seeds": 1, "epochs": 10}}
    expected, _, _ = run(folder="whole", **options)
    found, _, _ = survive(
        lambda observers: run(folder="killed", observers=observers, **options), observers=2, news=5, sessions=300
    )
    assert [facts(trials) for trials in found] == [facts(trials) for trials in expected]


def test_a_proposal_that_only_the_first_study_has_is_made_up_for(tmp_path):
    made = {"config": {}, "board": {}, "provenance": {}}
    with Study.create(tmp_path / "a", **made) as one, Study.create(tmp_path / "b", **made) as other:
        one.propose(params={"filters": 4}, architecture={"filters": 4}, key="4", seed=9)
        align([one, other])
        [trial] = other.trials()
        assert (trial.params, trial.key, trial.seed, trial.state) == ({"filters": 4}, "4", 9, TrialState.PROPOSED)
        other.propose(params={"filters": 5}, architecture={"filters": 5}, key="5", seed=1)
        with pytest.raises(StudyError, match="are not those of"):
            align([one, other])


def test_the_limit_of_time_is_that_of_the_whole_search(run):
    (large, _), workers, summaries = run(
        minutes=5.0, tuner={"initial_random": 2, "promise": False}, final={"candidates": 2, "seeds": 2, "epochs": 10}
    )
    assert 0.9 * 300 <= workers.now <= 1.05 * 300
    assert len(large) > 8
    assert {round(summary["seconds"]) for summary in summaries} == {round(workers.now)}


def test_workers_train_different_networks_at_the_same_time(run, monkeypatch):
    busy, submit = [], PretendingWorkers.submit

    def counting(self, trial, files, board=0):
        future = submit(self, trial, files, board)
        busy.append(sum(ends > self.now for ends, *_ in self._running))
        return future

    monkeypatch.setattr(PretendingWorkers, "submit", counting)
    run(trials=4, fidelity={"rungs": []}, count=2)
    assert max(busy) == 2


def test_a_finished_search_goes_on_with_more_trials(run):
    before, _, _ = run(trials=6, final={"candidates": 1, "seeds": 1})
    after, workers, _ = run(trials=10, final={"candidates": 1, "seeds": 1})
    for old, new in zip(before, after, strict=True):
        assert [(trial.key, trial.seed) for trial in new[: len(old)]] == [(trial.key, trial.seed) for trial in old]
    assert sum(trial.final_of is None for trial in after[0]) == 10
    assert not {number for number, _ in workers.trained} & {t.id for t in before[0] if t.state is TrialState.DONE}


def test_a_board_that_nothing_fits_ends_the_search_before_anything_is_trained(run, boards, tmp_path):
    reserves = boards[1].reserves
    most = reserves.firmware_flash_bytes + boards[1].flash_limit_bytes - 4096
    tiny = dataclasses.replace(boards[1], reserves=dataclasses.replace(reserves, firmware_flash_bytes=most))
    assert tiny.flash_limit_bytes == 4096
    with pytest.raises(NoFeasibleCandidate):
        run(trials=4, targets=[boards[0], tiny])
    with Study.open(tmp_path / "search" / boards[0].name, readonly=True) as study:
        assert study.trials() == []


@pytest.mark.slow
def test_a_real_search_has_one_training_and_two_results(configure, tasks, watcher, boards, tmp_path):
    config = configure(trials=2, training={"epochs": 2}, fidelity={"rungs": [0.5]}, final={"candidates": 1, "seeds": 1})
    made = {"config": config.to_dict(), "provenance": {}}
    studies = [Study.create(tmp_path / board.name, board=board.to_dict(), **made) for board in boards]
    seen = [watcher(), watcher()]
    run_shared_search(studies, config, boards, tasks(config), seen)
    large, small = ([trial for trial in study.trials() if trial.state is TrialState.DONE] for study in studies)
    assert [trial.artefacts["tflite"] for trial in large] == [trial.artefacts["tflite"] for trial in small]
    assert [trial.metrics["error_int8"] for trial in large] == [trial.metrics["error_int8"] for trial in small]
    assert [trial.objective for trial in large] != [trial.objective for trial in small]
    assert len(seen[0].epochs) == len({(trial, epoch) for trial, epoch, _ in seen[0].epochs})
    tested = [study.summary["test"]["error_int8"] for study in studies]
    assert all(error > 0 for error in tested)
    for study in studies:
        study.close()
