"""What a search knows before it begins: the user's own candidates, and an earlier study."""

import pytest

from tests.search._simulation import PretendingWorkers, simulate
from tinynas.errors import SpaceError
from tinynas.search import Problem, describe_earlier, own_candidates, run_search
from tinynas.search.known import rescale
from tinynas.search.suggestions import Suggestions
from tinynas.study import Study

OWN = {"filters": 5, "kernel_size": 3, "dilations": [1, 4], "dropout": 0.05, "skip_connections": True, "norm": "batch"}


def curve(architecture, share, _seed):
    """Kernels of 2 and many filters are best; the scale is another one than a velocity's."""
    return 3.0 + architecture["kernel_size"] - 0.3 * architecture["filters"] + (1 - share)


@pytest.fixture
def run(monkeypatch, board, configure, tasks, watcher, tmp_path):
    """Run a simulated search; returns its folder and its trials."""

    def run(folder, *, stop_at=None, provenance=None, **changes):
        config = configure(**{"trials": 6, "tuner": {"initial_random": 3}, **changes})
        task, seen = tasks(config), watcher()
        workers = PretendingWorkers(config, Problem(board, task, config).limits, curve, lambda *_: 1.0)
        simulate(monkeypatch, workers)
        if stop_at is not None:

            def state(trial):
                if trial.id == stop_at:
                    raise KeyboardInterrupt

            seen.state = state
        path = tmp_path / folder
        if (path / "study.db").exists():
            study = Study.open(path)
        else:
            kept = provenance or {}
            study = Study.create(path, config=config.to_dict(), board=board.to_dict(), provenance=kept)
        with study:
            run_search(study, config, board, task, seen, clock=workers.clock)
            return path, study.trials()

    return run


@pytest.fixture
def problem(board, configure, tasks):
    def problem(**changes):
        config = configure(**changes)
        return Problem(board, tasks(config), config)

    return problem


def test_own_candidates_are_tried_first_and_in_their_order(run):
    other = {**OWN, "filters": 2, "dilations": [8]}
    _, trials = run("own", space={"candidates": [OWN, other]})
    assert [trial.architecture["filters"] for trial in trials[:2]] == [5, 2]
    assert [trial.architecture["dilations"] for trial in trials[:2]] == [[1, 4], [8]]
    assert trials[0].architecture["norm"] == "batch"
    assert trials[0].architecture["skip_connections"] is True
    assert len(trials) == 6


def test_interrupted_it_goes_on_with_the_next_candidate(run):
    space = {"candidates": [OWN, {**OWN, "filters": 3}, {**OWN, "filters": 4}]}
    _, whole = run("whole", space=space)
    with pytest.raises(KeyboardInterrupt):
        run("stopped", stop_at=1, space=space)
    _, trials = run("stopped", space=space)
    assert [trial.params for trial in trials] == [trial.params for trial in whole]


def test_what_a_candidate_leaves_out_is_the_least_there_is(problem):
    [found] = own_candidates(problem(space={"candidates": [{"filters": 6, "dilations": [2]}]}))
    assert (found["filters"], found["kernel_size"], found["dropout"], found["norm"]) == (6, 2, 0.0, "none")
    assert [found[f"dilation_{d}"] for d in (1, 2, 4, 8)] == [False, True, False, False]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"filter": 4}, "unknown: filter"),
        ({**OWN, "filters": 99}, "filters 99 is outside the space"),
        ({**OWN, "dilations": [1, 3]}, r"dilations \[3\] are not among"),
        ({**OWN, "dilations": []}, "not a network of the space"),
        ({**OWN, "norm": "layer"}, "norm 'layer' is outside"),
        ({**OWN, "dropout": 0.5}, "dropout 0.5 is outside"),
    ],
)
def test_a_candidate_that_is_none_of_the_space_is_refused(problem, given, message):
    with pytest.raises(SpaceError, match=message) as caught:
        own_candidates(problem(space={"candidates": [OWN, given]}))
    assert caught.value.where == "space.candidates[1]"


def test_a_candidate_that_does_not_fit_is_refused(problem):
    with pytest.raises(SpaceError, match="does not fit the board"):
        own_candidates(problem(space={"candidates": [OWN]}, objective={"limits": {"flash_bytes": 1000}}))


def test_the_best_of_an_earlier_study_are_tried_first_and_the_others_inform(run, problem, monkeypatch):
    path, before = run("earlier", trials=10)
    with Study.open(path, readonly=True) as study:
        known = describe_earlier(study, problem())
    ranked = sorted({t.key: t for t in before}.values(), key=lambda trial: trial.objective)
    assert [one["params"] for one in known[:3]] == [trial.params for trial in ranked[:3]]
    heard = []
    from tinynas.search.family_tuner import Tuner

    restore = Tuner.restore

    def noting(self, observations, *args, **kwargs):
        told = list(observations)
        heard.append(told)
        return restore(self, told, *args, **kwargs)

    monkeypatch.setattr(Tuner, "restore", noting)
    _, trials = run("later", seed=4, provenance={"warm_start": known})
    assert [trial.params for trial in trials[:3]] == [trial.params for trial in ranked[:3]]
    # Nothing is evaluated twice, and what is known is not begun with a design.
    assert len({trial.key for trial in trials}) == 6
    first, last = heard[0], heard[-1]
    assert [value for _, value, _, _ in first] == [trial.objective for trial in ranked[3:]]
    assert {fidelity for *_, fidelity in first} == {0.05}
    own = [trial.objective for trial in trials]
    rescaled = [value for *_, value, _, fidelity in [(p, v, c, f) for p, v, c, f in last] if fidelity == 0.05]
    assert min(own) <= min(rescaled) <= max(rescaled) <= max(own)


def test_ranks_are_kept_and_the_scale_is_ours():
    assert rescale([5.0, 9.0, 7.0], [0.4, 0.1, 0.3, 0.2]) == pytest.approx([0.15, 0.35, 0.25])
    assert rescale([5.0, 9.0], [0.1, 0.2, 0.3]) == [5.0, 9.0]
    assert rescale([], [1.0, 2.0, 3.0, 4.0]) == []


def test_networks_outside_the_space_are_left_out(run, problem):
    path, before = run("wide", trials=8)
    with Study.open(path, readonly=True) as study:
        narrow = describe_earlier(study, problem(space={"filters": [2, 4]}))
        foreign = describe_earlier(study, problem(space={"dilations": [1, 2, 4]}))
    assert foreign == []
    kept = {one["params"]["filters"] for one in narrow}
    assert kept == {trial.params["filters"] for trial in before if trial.params["filters"] <= 4}


@pytest.mark.parametrize(("final", "count"), [({}, 4), ({"epochs": 7}, 0), ({"refit": True}, 4)])
def test_final_trainings_tell_the_surrogate_how_far_seeds_differ(run, problem, final, count):
    changes = {"final": {"candidates": 2, "seeds": 2, **final}, "training": {"epochs": 4}}
    path, trials = run("repeated", **changes)
    again = {trial.id: trial for trial in trials if trial.final_of is not None and trial.refit_of is None}
    assert len(again) == 4
    with Study.open(path, readonly=True) as study:
        suggestions = Suggestions(problem(**changes), study, trials[0].params)
    told = [(params, value) for params, value, _, fidelity in suggestions._told if fidelity == 1.0]
    searched = [trial for trial in trials if trial.final_of is None]
    assert len(told) == len(searched) + count
    for trial in again.values() if count else ():
        assert (trials[trial.final_of].params, trial.objective) in told
    # They were not asked for: what comes next is numbered as before.
    assert suggestions._tuner.asked == len(searched)
