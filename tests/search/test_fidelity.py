"""Trainings that pause: which go on, what the tuner hears, and that a search which is killed goes on alike."""

import numpy as np
import pytest

from tests.search._simulation import PretendingWorkers, simulate, survive
from tinynas.errors import ConfigError
from tinynas.search import Problem, run_search
from tinynas.study import Study, TrialState

RUNGS = {"rungs": [0.2, 0.5], "keep": 3, "control": 8}
LONG = {"epochs": 10}


def plain(architecture, share, seed):
    """Larger networks are better; everyone needs the whole training; seeds differ by little."""
    noise = 0.01 * np.random.default_rng(seed).normal()
    return 0.3 + 0.5 / architecture["filters"] + 0.6 * (1 - share) + noise


def with_slow_starters(architecture, share, seed):
    """Skip connections begin far behind the others and end far ahead."""
    if architecture["skip_connections"]:
        return 0.2 + 0.5 / architecture["filters"] + 1.5 * (1 - share)
    return plain(architecture, share, seed)


def by_macs(epochs, macs):
    return epochs * (1.0 + macs / 5e4)


@pytest.fixture
def run(monkeypatch, board, configure, tasks, watcher, tmp_path):
    """Run a simulated search; returns its trials, the workers and the observer."""

    def run(curve=plain, *, cost=by_macs, count=1, observer=None, folder="study", **changes):
        config = configure(**{"training": LONG, "fidelity": RUNGS, **changes})
        task = tasks(config)
        workers = PretendingWorkers(config, Problem(board, task, config).limits, curve, cost, count)
        simulate(monkeypatch, workers)
        path, seen = tmp_path / folder, observer or watcher()
        if (path / "study.db").exists():
            study = Study.open(path)
        else:
            study = Study.create(path, config=config.to_dict(), board=board.to_dict(), provenance={})
        with study:
            run_search(study, config, board, task, seen, workers=count, clock=workers.clock)
            return study.trials(), workers, study.summary

    return run


def epochs_of(trial):
    return [rung["epochs"] for rung in trial.rungs]


def test_a_third_goes_on_from_each_rung_and_every_eighth_whatever_its_rank(run):
    trials, _, summary = run(trials=27, fidelity={**RUNGS, "control": 0}, tuner={"initial_random": 27})
    assert {trial.state for trial in trials} == {TrialState.PAUSED, TrialState.DONE}
    own = [trial for trial in trials if trial.duplicate_of is None]
    at = {level: sum(len(trial.rungs) >= level for trial in own) for level in (1, 2)}
    ended = [trial for trial in own if trial.state is TrialState.DONE]
    assert (at[1], len(own)) == (27, 27)
    # The rule is applied as results come in: some went on that would not in hindsight.
    assert 9 <= at[2] <= 14
    assert 3 <= len(ended) <= 7
    assert all(epochs_of(trial) == [2, 5] for trial in ended)
    assert all(epochs_of(trial) in ([2], [2, 5]) for trial in trials if trial.state is TrialState.PAUSED)
    assert summary["ended_early"] is None
    controlled, _, _ = run(trials=17, tuner={"initial_random": 17}, folder="other")
    assert all(controlled[number].state is TrialState.DONE for number in (0, 8, 16))


def test_it_costs_a_fraction_of_training_everyone_to_the_end(run):
    spread = {"initial_random": 27, "promise": False}  # promising ones come first, and more of them go on
    _, short, _ = run(trials=27, tuner=spread)
    _, whole, _ = run(trials=27, tuner=spread, fidelity={"rungs": []}, folder="whole")
    # A fifth for everyone, and of 27 about nine go on, of them three to the end; with every eighth besides.
    assert 0.3 * whole.trained_s < short.trained_s < 0.6 * whole.trained_s


@pytest.mark.slow
def test_slow_starters_survive(run):
    trials, _, _ = run(with_slow_starters, trials=30, tuner={"initial_random": 2, "promise": False})
    ended = [t for t in trials if t.state is TrialState.DONE and t.duplicate_of is None]
    best = min(ended, key=lambda trial: trial.objective)
    assert best.architecture["skip_connections"]
    # At the first rung it is behind all that begin fast.
    fast = [trial for trial in trials if not trial.architecture["skip_connections"]]
    assert len(fast) >= 5
    assert best.rungs[0]["objective"] > max(trial.rungs[0]["objective"] for trial in fast)


def test_one_training_always_reaches_the_end(run):
    for count in (1, 2):
        trials, _, _ = run(trials=count, fidelity={**RUNGS, "control": 0}, folder=f"few{count}")
        assert sum(trial.state is TrialState.DONE for trial in trials) == 1


def test_as_many_reach_the_end_as_final_trainings_ask_for(run):
    trials, _, _ = run(trials=6, fidelity={**RUNGS, "control": 0}, final={"candidates": 4, "seeds": 1})
    assert sum(trial.state is TrialState.DONE and trial.final_of is None for trial in trials) == 4
    assert sum(trial.final_of is not None for trial in trials) == 4


@pytest.mark.parametrize("count", [1, 3])
def test_the_tuner_hears_every_rung_with_its_fidelity(run, monkeypatch, count):
    from tinynas.search.family_tuner import Tuner

    heard, tell = [], Tuner.tell

    def noting(self, params, value=None, **options):
        heard.append((dict(params), value, options.get("fidelity", 1.0)))
        return tell(self, params, value, **options)

    monkeypatch.setattr(Tuner, "tell", noting)
    trials, _, _ = run(trials=9, count=count)
    expected = []
    for trial in trials:
        if trial.duplicate_of is None:
            expected += [(trial.params, rung["objective"], rung["fidelity"]) for rung in trial.rungs]
        if trial.state is TrialState.DONE:
            expected.append((trial.params, trial.objective, 1.0))
    key = repr
    assert sorted(heard, key=key) == sorted(expected, key=key)
    assert {fidelity for _, _, fidelity in heard} == {0.2, 0.5, 1.0}


def facts(trials):
    """Trials without what depends on the real clock."""
    return [(t.id, t.state, t.seed, t.params, t.objective, epochs_of(t), t.duplicate_of) for t in trials]


def test_killed_at_every_step_it_makes_the_same_search(run):
    """A search that is stopped after each of its transitions in turn ends like one that is not."""
    options = {"trials": 10, "tuner": {"initial_random": 3}}
    expected, _, _ = run(folder="whole", **options)
    trials, _, _ = survive(lambda observers: run(observer=observers[0], folder="killed", **options))
    assert facts(trials) == facts(expected)


def test_the_same_seed_makes_the_same_search(run):
    first, _, _ = run(trials=12, folder="first")
    second, _, _ = run(trials=12, folder="second")
    assert facts(first) == facts(second)


def test_paused_trials_stay_until_there_are_more_trials(run):
    before, _, _ = run(trials=9)
    after, _, _ = run(trials=9)
    assert facts(before) == facts(after)
    more, _, _ = run(trials=18)
    assert len(more) == 18
    assert [t.params for t in more[:9]] == [t.params for t in before]
    assert sum(t.state is TrialState.DONE for t in more) > sum(t.state is TrialState.DONE for t in before)


@pytest.mark.parametrize(
    ("rungs", "message"),
    [([0.5, 0.2], "do not ascend"), ([0.2, 0.2], "do not ascend"), ([0.0], "between 0 and 1"), ([1.0], "between")],
)
def test_rungs_are_ascending_shares(configure, rungs, message):
    with pytest.raises(ConfigError, match=message) as caught:
        configure(fidelity={"rungs": rungs})
    assert "fidelity.rungs" in caught.value.where


@pytest.mark.parametrize(
    ("options", "pauses"),
    [
        ({"training": {"epochs": 20}}, ()),
        ({"training": {"epochs": 20}, "minutes": 5.0}, ()),
        ({"training": {"epochs": 20}, "fidelity": {"rungs": [0.2, 0.5]}}, (4, 10)),
        ({"training": {"epochs": 1}, "minutes": 5.0}, ()),
        ({"training": {"epochs": 2}, "fidelity": {"rungs": [0.1, 0.2, 0.5]}}, (1,)),
    ],
)
def test_pauses_are_whole_epochs_before_the_end(configure, options, pauses):
    assert configure(**options).pauses == pauses


@pytest.mark.slow
def test_a_real_search_pauses_and_ends_with_the_weights_of_one_that_does_not(search, configure, tmp_path):
    """The checkpoints of a real training, through study and workers."""
    options = {"trials": 1, "training": {"epochs": 3}}
    paused = search(tmp_path / "paused", configure(**options, fidelity={"rungs": [0.4, 0.7], "keep": 2, "control": 1}))
    whole = search(tmp_path / "whole", configure(**options))
    assert [trial.state for trial in paused] == ["done"]
    assert [epochs_of(trial) for trial in paused] == [[1, 2]]
    for one, other in zip(paused, whole, strict=True):
        assert one.params == other.params
        assert one.objective == other.objective
        assert one.metrics["error_int8"] == other.metrics["error_int8"]
        assert one.artefacts["tflite"] == other.artefacts["tflite"]
        assert one.rungs[0]["error"] > 0
