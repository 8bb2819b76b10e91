"""Searches with a limit of time, on a clock that only trainings move."""

import math

import numpy as np
import pytest

from tests.search._simulation import PretendingWorkers, simulate
from tinynas.search import Problem, run_search
from tinynas.search.pace import Pace
from tinynas.study import Study, Trial, TrialState

RANDOM = {"tuner": {"initial_random": 10**6}}  # the surrogate costs real time, and changes nothing here


def curve(architecture, share, seed):
    return 0.3 + 0.5 / architecture["filters"] + 0.6 * (1 - share) + 0.01 * np.random.default_rng(seed).normal()


def law(constant, per_epoch, per_mac, jitter=0.0):
    rng = np.random.default_rng(1)

    def cost(epochs, macs):
        return (constant + epochs * (per_epoch + per_mac * macs)) * math.exp(jitter * rng.normal())

    return cost


@pytest.fixture
def run(monkeypatch, board, configure, tasks, watcher, tmp_path):
    """Run a simulated search; returns its trials, the seconds it took, and its summary."""

    def run(cost, *, count=1, stop_at=None, **changes):
        config = configure(**{"training": {"epochs": 20}, "trials": None, **RANDOM, **changes})
        task = tasks(config)
        path, seen = tmp_path / "study", watcher()
        if stop_at is not None:

            def state(trial):
                if workers.now > stop_at:
                    raise KeyboardInterrupt

            seen.state = state
        if (path / "study.db").exists():
            study = Study.open(path)
        else:
            study = Study.create(path, config=config.to_dict(), board=board.to_dict(), provenance={})
        with study:
            workers = PretendingWorkers(config, Problem(board, task, config).limits, curve, cost, count)
            simulate(monkeypatch, workers)
            run_search(study, config, board, task, seen, workers=count, clock=workers.clock)
            return study.trials(), study.summary["seconds"], study.summary

    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("minutes", "cost", "count"),
    [(4.0, law(1.0, 0.5, 2e-5), 1), (3.0, law(2.0, 0.3, 1e-5, jitter=0.1), 1), (3.0, law(1.0, 0.5, 2e-5), 2)],
)
def test_it_ends_within_five_percent_of_its_time(run, minutes, cost, count):
    trials, seconds, summary = run(cost, minutes=minutes, count=count, final={"candidates": 2, "seeds": 2})
    assert seconds == pytest.approx(60 * minutes, rel=0.05)
    finals = [trial for trial in trials if trial.final_of is not None]
    assert len(finals) >= (4 if count == 1 else 2)  # with two workers one may wait for the other
    assert all(trial.state is TrialState.DONE for trial in finals)
    assert len({trial.final_of for trial in finals}) == 2
    assert summary["ended_early"] is None


def test_without_final_trainings_it_ends_on_time_with_a_network(run):
    trials, seconds, _ = run(law(1.0, 0.5, 2e-5), minutes=3.0)
    assert seconds == pytest.approx(180, rel=0.05)
    assert any(trial.state is TrialState.DONE for trial in trials)


def test_a_minute_too_few_for_one_training_still_trains_one(run):
    trials, seconds, _ = run(law(0.0, 30.0, 0.0), minutes=1.0)
    assert [trial.state for trial in trials] == ["done"]
    assert seconds == pytest.approx(600, rel=0.01)


def test_final_trainings_that_find_no_time_are_left_out_seeds_first(run):
    """Three of two minutes each are asked for, twice; there are nine minutes."""
    trials, seconds, _ = run(law(0.0, 6.0, 0.0), minutes=16.0, final={"candidates": 3, "seeds": 2}, trials=8)
    finals = [trial.final_of for trial in trials if trial.final_of is not None]
    assert seconds <= 1.05 * 960
    assert 1 <= len(finals) < 6
    assert max(map(finals.count, finals)) - min(map(finals.count, finals)) <= 1


def test_time_that_is_too_short_for_any_final_training_goes_to_candidates(run):
    trials, seconds, _ = run(law(0.0, 0.5, 0.0), minutes=3.0, final={"candidates": 2, "seeds": 1, "epochs": 500})
    assert seconds == pytest.approx(180, rel=0.08)
    assert not any(trial.final_of for trial in trials)
    assert sum(trial.state is TrialState.DONE for trial in trials) > 10


def test_time_for_one_final_training_only_goes_to_that_of_the_best(run):
    trials, seconds, _ = run(law(0.0, 0.5, 0.0), minutes=3.0, final={"candidates": 3, "seeds": 2, "epochs": 200})
    finals = [trial for trial in trials if trial.final_of is not None]
    assert len(finals) == 1
    searched = [trial for trial in trials if trial.final_of is None]
    assert finals[0].final_of == min(searched, key=lambda trial: trial.objective).id
    assert len(searched) > 4
    assert seconds <= 1.05 * 180


def test_time_that_is_left_goes_to_more_seeds(run):
    trials, seconds, summary = run(law(0.0, 1.0, 0.0), minutes=10.0, trials=4, final={"candidates": 2, "seeds": 1})
    finals = [trial.final_of for trial in trials if trial.final_of is not None]
    assert sum(trial.final_of is None for trial in trials) == 4
    assert len(finals) == 8  # four times as many as were asked for
    assert len({trial.seed for trial in trials}) == len(trials)
    assert seconds < 600
    assert summary["ended_early"] is None


def test_trials_and_time_that_runs_out_first(run):
    trials, seconds, summary = run(law(0.0, 0.25, 0.0), minutes=2.0, trials=500)
    assert seconds == pytest.approx(120, rel=0.05)
    searched = sum(trial.final_of is None for trial in trials)
    assert searched < 500
    assert summary["ended_early"] == f"the time was over ({searched} of 500 trials)"


@pytest.mark.slow
def test_killed_and_resumed_the_time_goes_on_from_where_it_was(run):
    cost = law(1.0, 0.5, 2e-5)
    with pytest.raises(KeyboardInterrupt):
        run(cost, minutes=4.0, stop_at=100.0)
    trials, seconds, _ = run(cost, minutes=4.0)
    assert seconds == pytest.approx(240, rel=0.05)
    more, seconds, _ = run(cost, minutes=6.0)
    assert seconds == pytest.approx(360, rel=0.05)
    assert len(more) > len(trials)
    assert [trial.params for trial in more[: len(trials)]] == [trial.params for trial in trials]


def timed(number, macs, *legs):
    """A trial whose legs (epochs so far, seconds) were timed; the last one goes to the end."""
    rungs = [{"epochs": epochs, "seconds": seconds} for epochs, seconds in legs[:-1]]
    epochs, _ = legs[-1]
    total = sum(seconds for _, seconds in legs)
    metrics = {"rungs": rungs, "epochs": epochs, "train_seconds": total}
    times = {"trained": 10.0, "done": 12.5}
    return Trial(
        number, {}, TrialState.DONE, 0, {"macs": macs}, metrics, 0.0, True, None, None, times, {}, {}, str(number)
    )


def test_the_pace_finds_the_law_of_the_costs():
    """Legs made by 2 s, 0.5 s an epoch and 1 us a multiplication and epoch."""

    def seconds(epochs, macs):
        return 2.0 + epochs * (0.5 + 1e-6 * macs)

    pace = Pace((4, 10), 20)
    for number, macs in enumerate((1e5, 3e5, 1e6, 2e6)):
        pace.learn(timed(number, macs, (4, seconds(4, macs)), (10, seconds(6, macs)), (20, seconds(10, macs))))
    assert pace.finishing_s == 2.5
    fresh = timed(9, 5e5, (4, seconds(4, 5e5)), (4, 0.0))
    assert pace.predict_leg(fresh) == pytest.approx(seconds(6, 5e5), rel=1e-6)
    assert pace.predict_end(fresh) == pytest.approx(seconds(6, 5e5) + seconds(10, 5e5) + 2.5, rel=1e-6)
    assert pace.predict_training(fresh, 40) == pytest.approx(seconds(40, 5e5) + 2.5, rel=1e-6)
    assert pace.predict_fresh() == pytest.approx(np.mean([seconds(4, macs) for macs in (1e5, 3e5, 1e6, 2e6)]))


def test_a_network_that_is_slower_than_the_law_stays_slower():
    pace = Pace((), 10)
    for number in range(6):
        pace.learn(timed(number, 1e5 * (1 + number), (10, 10.0)))
    slow = timed(7, 2e5, (10, 30.0))
    pace.learn(slow)
    assert pace.predict_training(slow, 20) > 50


def test_before_anything_is_known_everything_is_allowed():
    pace = Pace((4,), 20)
    assert (pace.predict_fresh(), pace.finishing_s) == (0.0, 0.0)
