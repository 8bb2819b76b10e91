"""Candidates that begin with the weights of a neighbour: whose, what is recorded, and that no result has them."""

import dataclasses

import numpy as np
import pytest

from tests.search._simulation import PretendingWorkers, simulate, survive
from tests.search.conftest import Watcher
from tinynas.board import load_board
from tinynas.network import TCN
from tinynas.search import Problem, run_search, run_shared_search
from tinynas.search.heritage import find_donor
from tinynas.search.pace import Pace
from tinynas.study import Study, Trial, TrialState

INHERIT = {"rungs": [0.2, 0.5], "inherit": True}
LONG = {"epochs": 10}


def curve(architecture, share, seed):
    noise = 0.01 * np.random.default_rng(seed).normal()
    return 0.3 + 0.5 / architecture["filters"] + 0.6 * (1 - share) + noise


def trial_of(number, *, rungs=1, inherits=None, params=None, metrics=None, **changes):
    """A trial whose training has come to so many rungs."""
    fields = {"filters": 4, "kernel_size": 3, "dilations": (1, 2), "window": 32, "channels": 6, **changes}
    network = TCN(**fields)
    known = {"rungs": [{"epochs": e, "seconds": 10.0} for e in (2, 5)[:rungs]], "inherits_from": inherits}
    return Trial(
        id=number, architecture=network.to_dict(), state=TrialState.PAUSED, seed=1, measurement={"macs": 1000},
        metrics={**known, **(metrics or {})}, objective=None, feasible=None, reason=None, duplicate_of=None, times={},
        artefacts={"checkpoint": str(number)} if rungs else {}, params=params or {}, key=network.key,
    )  # fmt: skip


def test_the_most_similar_network_gives_its_weights_then_the_most_advanced_then_the_first():
    new = trial_of(9, rungs=0)
    known = [
        trial_of(0, filters=8),
        trial_of(1, filters=5),
        trial_of(2, filters=5, rungs=2),
        trial_of(3, filters=5, rungs=2),
    ]
    assert find_donor(new, known).id == 2
    assert find_donor(new, known[:2]).id == 1
    assert find_donor(new, [new]) is None


def test_only_trainings_from_scratch_of_the_same_input_give_weights():
    new = trial_of(9, rungs=0, params={"frame": "level"})
    alike = {"params": {"frame": "level"}}
    refused = [
        trial_of(0, rungs=0, **alike),
        trial_of(1, inherits=0, **alike),
        dataclasses.replace(trial_of(2, **alike), duplicate_of=1),
        trial_of(3, params={"frame": "level", "final_of": 1}),
        trial_of(4, params={"frame": "body"}),
        trial_of(5, window=64, **alike),
        trial_of(6, channels=9, **alike),
        dataclasses.replace(trial_of(7, **alike), architecture={**new.architecture, "family": "ds_tcn"}, key="ds"),
    ]
    assert find_donor(new, refused) is None
    # What inherited and went on began anew.
    assert find_donor(new, [*refused, trial_of(8, inherits=0, rungs=2, **alike)]).id == 8


def test_a_training_that_inherited_goes_on_from_nothing_and_its_time_is_foreseen_so():
    plain, heir = trial_of(0), trial_of(1, inherits=0)
    assert (plain.epochs_kept, heir.epochs_kept) == (2, 0)
    assert trial_of(2, inherits=0, rungs=2).epochs_kept == 5
    assert trial_of(3, rungs=0).epochs_kept == 0
    assert "with weights of 0" in heir.note
    assert "weights of" not in plain.note + trial_of(2, inherits=0, rungs=2).note
    pace = Pace((2, 5), 10)
    pace.learn(plain)
    pace.learn(heir)
    # 10 s for two epochs, of both: 5 s an epoch.
    assert pace.predict_leg(plain) == pytest.approx(15.0)
    assert pace.predict_leg(heir) == pytest.approx(25.0)
    assert pace.predict_end(heir) - pace.predict_end(plain) == pytest.approx(10.0)
    longer = Pace((2, 5), 10)
    longer.learn(trial_of(4, inherits=0, rungs=2))  # 20 s for two epochs, and for five
    assert longer.predict_leg(trial_of(5)) == pytest.approx(3 * np.mean([10 / 2, 10 / 5]))


@pytest.fixture
def run(monkeypatch, board, configure, tasks, tmp_path):
    """Run a simulated search; returns its trials and the workers."""

    def run(*, count=1, observer=None, folder="study", **changes):
        config = configure(**{"training": LONG, "fidelity": INHERIT, **changes})
        task, path = tasks(config), tmp_path / folder
        workers = PretendingWorkers(
            config, Problem(board, task, config).limits, curve, lambda epochs, macs: epochs * (1 + macs / 5e4), count
        )
        simulate(monkeypatch, workers)
        known = (path / "study.db").exists()
        made = {"config": config.to_dict(), "board": board.to_dict(), "provenance": {}}
        with Study.open(path) if known else Study.create(path, **made) as study:
            run_search(study, config, board, task, observer or Watcher(), workers=count, clock=workers.clock)
            return study.trials(), workers

    return run


def facts(trials):
    """Trials without what depends on the real clock."""
    return [
        (t.id, t.state, t.params, t.objective, t.inherits_from, t.artefacts.get("donor"), len(t.rungs)) for t in trials
    ]


def test_every_later_candidate_begins_with_the_weights_of_the_most_similar_one(run):
    trials, workers = run(trials=14, tuner={"initial_random": 14})
    assert trials[0].inherits_from is None
    heirs = [trial for trial in trials if trial.inherits_from is not None]
    assert len(heirs) >= 10
    for trial in heirs:
        donor = trials[trial.inherits_from]
        assert donor.inherits_from is None or len(donor.rungs) > 1
        possible = [[f"weights of {donor.id} after {epochs}".encode()] for epochs in (2, 5)]
        assert workers.given[trial.id, TrialState.COSTED] in possible
    assert len({trial.inherits_from for trial in heirs}) > 1
    assert not any("donor" in trial.artefacts for trial in trials if trial not in heirs)


def test_without_the_option_or_pauses_nobody_inherits(run):
    for folder, fidelity in (("off", {"rungs": [0.2, 0.5]}), ("whole", {"rungs": [], "inherit": True})):
        trials, workers = run(trials=5, folder=folder, fidelity=fidelity)
        assert not any("inherits_from" in trial.metrics for trial in trials)
        assert not any(workers.given[trial.id, TrialState.COSTED] for trial in trials)


def test_final_trainings_never_inherit(run):
    trials, workers = run(trials=6, final={"candidates": 2, "seeds": 2, "refit": True})
    final = [trial for trial in trials if trial.final_of is not None]
    assert len(final) == 5
    assert not any("inherits_from" in trial.metrics or "donor" in trial.artefacts for trial in final)
    assert not any(workers.given[trial.id, TrialState.COSTED] for trial in final)


@pytest.mark.slow
def test_killed_at_every_step_it_makes_the_same_search(run):
    options = {"trials": 9, "tuner": {"initial_random": 9}}
    expected, _ = run(folder="whole", **options)
    assert any(trial.inherits_from is not None for trial in expected)
    trials, _ = survive(lambda observers: run(observer=observers[0], folder="killed", **options))
    assert facts(trials) == facts(expected)


@pytest.mark.slow
def test_of_several_boards_every_study_says_what_the_one_training_began_with(monkeypatch, configure, tasks, tmp_path):
    boards = [load_board("nucleo_f446re"), load_board("nucleo_g071rb")]
    config = configure(
        trials=12, training=LONG, fidelity=INHERIT, tuner={"initial_random": 12},
        space={"filters": [4, 63], "kernel_size": [2, 15]},
    )  # fmt: skip
    task = tasks(config)
    limits = [Problem(board, task, config).limits for board in boards]
    workers = PretendingWorkers(config, limits, curve, lambda epochs, _macs: float(epochs), 2)
    simulate(monkeypatch, workers)
    studies = [
        Study.create(tmp_path / board.name, config=config.to_dict(), board=board.to_dict(), provenance={})
        for board in boards
    ]
    run_shared_search(studies, config, boards, task, [Watcher()] * 2, workers=2, clock=workers.clock)
    large, small = ([trial for trial in study.trials() if trial.duplicate_of is None] for study in studies)
    both = [(a, b) for a, b in zip(large, small, strict=True) if b.state is not TrialState.INFEASIBLE]
    assert len(both) < len(large)
    assert [a.inherits_from for a, _ in both] == [b.inherits_from for _, b in both]
    assert any(a.inherits_from is not None for a, _ in both)
    assert len(workers.trained) == len(set(workers.trained))
    assert not any(trial.metrics for trial in small if trial.state is TrialState.INFEASIBLE)
    for study in studies:
        study.close()


@pytest.mark.slow
def test_what_inherits_ends_as_if_it_had_not(search, configure, tmp_path):
    """A real search: the second network inherits up to its first rung, and is then trained from scratch."""
    options = {"trials": 2, "training": {"epochs": 3}}
    rungs = {"rungs": [0.4, 0.7], "keep": 2, "control": 1}
    heirs = search(tmp_path / "heirs", configure(**options, fidelity={**rungs, "inherit": True}))
    plain = search(tmp_path / "plain", configure(**options, fidelity=rungs))
    assert [trial.inherits_from for trial in heirs] == [None, 0]
    assert heirs[1].rungs[0]["error"] != plain[1].rungs[0]["error"]
    for one, other in zip(heirs, plain, strict=True):
        assert one.params == other.params
        assert one.rungs[1]["error"] == other.rungs[1]["error"]
        assert one.metrics["history"] == other.metrics["history"]
        assert one.artefacts["tflite"] == other.artefacts["tflite"]
    assert heirs[0].rungs[0]["error"] == plain[0].rungs[0]["error"]


@pytest.mark.slow
def test_workers_in_other_processes_are_given_the_weights(board, configure, tasks, tmp_path):
    config = configure(trials=4, training={"epochs": 2}, fidelity={"rungs": [0.5], "inherit": True})
    with Study.create(tmp_path / "s", config=config.to_dict(), board=board.to_dict(), provenance={}) as study:
        run_search(study, config, board, tasks(config), Watcher(), workers=2)
        trials = study.trials()
    assert not any(trial.state is TrialState.FAILED for trial in trials)
    assert trials[3].inherits_from in (0, 1, 2)
    assert trials[3].artefacts["donor"] != trials[3].artefacts["checkpoint"]
