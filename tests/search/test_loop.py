"""The loop: whole small searches, and what is in the study afterwards."""

import dataclasses
import io
import json
import re
import sys

import numpy as np
import pytest

from tinynas.cost import Engine, estimate
from tinynas.errors import ConfigError, NoFeasibleCandidate, SpaceError, ToolchainMissing
from tinynas.measurement import Measurement
from tinynas.network import TCN
from tinynas.objective import score
from tinynas.report import result
from tinynas.search import Problem
from tinynas.search.neighbours import neighbours
from tinynas.study import Study

PATH = ["proposed", "costed", "trained", "converted", "measured", "done"]
ONE_NETWORK = {
    "filters": [2, 2],
    "kernel_size": [2, 2],
    "dilations": [1],
    "blocks": [1, 1],
    "skip_connections": [False],
    "norm": ["none"],
}


@pytest.fixture
def trainings(monkeypatch):
    """Architectures that are trained."""
    from tinynas import network

    done, train = [], network.train

    def counted(architecture, *args, **kwargs):
        done.append(architecture.key)
        return train(architecture, *args, **kwargs)

    monkeypatch.setattr(network, "train", counted)
    return done


def smallest(space):
    shape = {"window": 64, "channels": 9}
    return [
        space.architecture(params, **shape)
        for group in space.smallest(**shape)
        for part in group.parts
        for params in part.members
    ]


def trained(folder):
    with Study.open(folder, readonly=True) as study:
        return study.trials(), study.summary, study.best(), study.artefact


def test_every_trial_goes_through_every_state_in_order(finished):
    _, watcher = finished
    assert watcher.states == [(trial, state) for trial in range(4) for state in PATH]


def test_every_epoch_is_told(finished):
    _, watcher = finished
    assert [(trial, epoch) for trial, epoch, _ in watcher.epochs] == [(trial, 0) for trial in range(4)]
    assert all(np.isfinite(rmse) for _, _, rmse in watcher.epochs)


def test_every_finished_trial_is_complete(finished):
    folder, _ = finished
    trials, *_ = trained(folder)
    assert len(trials) == 4
    for trial in trials:
        assert (trial.state, trial.feasible, trial.reason) == ("done", True, None)
        assert list(trial.times) == PATH
        assert {"weights", "tflite"} <= set(trial.artefacts)
        assert {"error_float", "error_int8", "rmse_x", "rmse_y", "epochs", "train_seconds"} <= set(trial.metrics)
        assert trial.measurement["source"] == "proxy"
        assert trial.measurement["macs"] > 0
        assert trial.measurement["latency_us"] is None


def test_the_objective_is_that_of_the_int8_error_and_the_measured_cost(finished, configure, board, tasks):
    folder, _ = finished
    config = configure()
    for trial in trained(folder)[0]:
        cost = trial.measurement
        expected = score(
            trial.metrics["error_int8"],
            Measurement.from_dict(cost),
            Problem(board, tasks(config), config).limits,
            config.objective,
        )
        assert trial.objective == expected.value


def test_the_predicted_cost_is_that_of_the_converted_model(finished):
    folder, _ = finished
    trials, _, _, artefact = trained(folder)
    for trial in trials:
        predicted = estimate(TCN.from_dict(trial.architecture), Engine.tflm())
        model = artefact(trial.artefacts["tflite"])
        assert trial.measurement["sram_bytes"] == predicted.sram_bytes
        assert trial.measurement["tflite_bytes"] == len(model)
        assert 0 <= predicted.tflite_bytes - len(model) <= 96  # values that coincide are stored once, never twice
        assert model[4:8] == b"TFL3"


def test_stored_weights_are_the_folded_network_s(finished):
    folder, _ = finished
    trials, _, best, artefact = trained(folder)
    for trial in trials:
        with np.load(io.BytesIO(artefact(trial.artefacts["weights"]))) as file:
            sizes = sum(file[name].size for name in file.files)
        assert sizes == dataclasses.replace(TCN.from_dict(trial.architecture), norm="none").parameters
    assert best.objective == min(trial.objective for trial in trials)


def test_the_best_network_is_evaluated_on_the_test_recordings_only(finished, tasks, configure):
    folder, _ = finished
    _, summary, best, artefact = trained(folder)
    names = [recording.name for recording in tasks(configure()).dataset.test]
    assert [row["name"] for row in summary["test"]["recordings"]] == names
    paths = json.loads(artefact(best.artefacts["evaluation"]))["recordings"]
    assert [path["name"] for path in paths] == names
    lengths = {len(paths[0][key]) for key in ("true", "predicted", "compass", "time_s")}
    assert len(lengths) == 1
    assert lengths.pop() > 100
    assert paths[0]["compass"][0] == paths[0]["predicted"][0] == paths[0]["true"][0], "all begin at the true start"
    assert paths[0]["compass"][-1] != paths[0]["predicted"][-1]
    assert len(best.metrics["history"]) == best.metrics["epochs"]
    assert min(best.metrics["history"]) <= best.metrics["history"][0]
    assert not (folder / "live.json").exists()
    assert summary["best_trial"] == best.id
    assert set(summary["baselines"]) == {"zero", "mean", "compass"}
    assert summary["space_infeasible_share"] == 0.0
    assert summary["seconds"] > 0
    assert len(summary["normalization"]["mean"]) == len(summary["normalization"]["channels"]) == 9
    assert summary["rate_hz"] == 100.0


def test_the_same_seed_gives_the_same_search(finished, search, configure, tmp_path):
    """Suggestions, errors and objectives; weights and models to the byte."""
    folder, _ = finished
    again = search(tmp_path / "again", configure(trials=3))

    def facts(trials):
        return [
            (
                t.seed,
                t.params,
                t.key,
                t.objective,
                t.metrics["error_int8"],
                t.artefacts["weights"],
                t.artefacts["tflite"],
            )
            for t in trials
        ]

    assert facts(again) == facts(trained(folder)[0][:3])


def test_another_seed_gives_another_search(finished, search, configure, tmp_path):
    folder, _ = finished
    other = search(tmp_path / "other", configure(trials=1, seed=4))
    assert other[0].params != trained(folder)[0][0].params


@pytest.mark.slow
def test_what_does_not_fit_is_scored_and_never_trained(search, configure, board, tmp_path, trainings):
    # Half of the space fits and all trials are spread over it: there are some of both.
    rng, shape = np.random.default_rng(0), {"window": 64, "channels": 9}
    costs = [estimate(configure().space.sample(rng, **shape), Engine.tflm()).sram_bytes for _ in range(99)]
    limit = sorted(costs)[49]
    config = configure(
        trials=8, tuner={"only_feasible": False, "initial_random": 8}, objective={"limits": {"sram_bytes": limit}}
    )
    trials = search(tmp_path / "study", config)
    rejected = [trial for trial in trials if trial.state == "infeasible"]
    fitting = [trial for trial in trials if trial.state == "done"]
    assert rejected
    assert fitting
    for trial in rejected:
        assert trial.feasible is False
        assert trial.metrics is None
        assert trial.artefacts == {}
        assert list(trial.times) == ["proposed", "costed", "infeasible"]
        assert trial.reason == f"SRAM {trial.measurement['sram_bytes']} of {limit} bytes"
        assert trial.objective > max(other.objective for other in fitting)
    assert len(trainings) == len(fitting)


@pytest.mark.slow
def test_with_the_known_constraint_only_what_fits_is_suggested(search, configure, tmp_path):
    config = configure(trials=3, objective={"limits": {"sram_bytes": 3900}})
    trials = search(tmp_path / "study", config)
    assert [trial.state for trial in trials] == ["done"] * 3
    assert all(trial.measurement["sram_bytes"] <= 3900 for trial in trials)
    with Study.open(tmp_path / "study", readonly=True) as study:
        assert 0.2 < study.summary["space_infeasible_share"] < 1.0


def test_a_duplicate_is_answered_from_the_study(search, configure, tmp_path, trainings):
    # Dropout rates nearer than 1 % are the same network: here every suggestion is.
    trials = search(tmp_path / "study", configure(trials=3, space={**ONE_NETWORK, "dropout": [0.0, 0.004]}))
    assert len(trainings) == 1
    first = trials[0]
    assert len({trial.params["dropout"] for trial in trials}) == 3
    for trial in trials[1:]:
        assert (trial.state, trial.duplicate_of, list(trial.times)) == ("done", 0, ["proposed", "done"])
        assert (trial.key, trial.objective, trial.metrics) == (first.key, first.objective, first.metrics)
        assert (trial.measurement, trial.artefacts["tflite"]) == (first.measurement, first.artefacts["tflite"])


def test_a_duplicate_of_an_infeasible_network_is_infeasible(search, configure, tmp_path, trainings):
    space = {**ONE_NETWORK, "dropout": [0.0, 0.004], "skip_connections": [False, True]}
    costs = [estimate(a, Engine.tflm()).flash_bytes for a in smallest(configure(space=space).space)]
    assert costs[0] != costs[1]
    tuner = {"initial_random": 5, "only_feasible": False}
    trials = search(
        tmp_path / "study",
        configure(trials=5, space=space, tuner=tuner, objective={"limits": {"flash_bytes": min(costs)}}),
    )
    keys = [trial.key for trial in trials]
    assert len(set(keys)) == 2
    assert len(trainings) == 1
    for trial in trials:
        first = keys.index(trial.key)
        original = trials[first]
        assert (trial.state, trial.objective) == (original.state, original.objective)
        assert (trial.reason, trial.duplicate_of) == (original.reason, None if trial is original else first)
    assert {trial.state for trial in trials} == {"done", "infeasible"}


def test_an_exhausted_space_ends_early_and_well(search, configure, tmp_path):
    space = {**ONE_NETWORK, "dropout": [0.0, 0.0], "skip_connections": [False, True]}
    trials = search(tmp_path / "study", configure(trials=10, space=space))
    assert {trial.architecture["skip_connections"] for trial in trials} == {False, True}
    assert [trial.state for trial in trials] == ["done", "done"]
    with Study.open(tmp_path / "study", readonly=True) as study:
        assert study.summary["test"]["error_int8"] > 0
        assert study.summary["ended_early"] == "every network of the search space was tried (2 of 10 trials)"
        assert result(study)["ended_early"] == study.summary["ended_early"]


@pytest.mark.slow
def test_a_tight_board_is_given_every_trial(search, configure, board, tasks, tmp_path):
    """Only the cheapest network's variants in dropout and normalisation fit: random points hardly ever meet them."""
    space = {"filters": [2, 63], "kernel_size": [2, 15], "blocks": [3, 4], "norm": ["none", "batch"]}
    loose = configure(space=space)
    least = min(estimate(network, Engine.tflm()).flash_bytes for network in smallest(loose.space))
    config = configure(trials=6, space=space, objective={"limits": {"flash_bytes": least}})
    trials = search(tmp_path / "study", config)
    assert [trial.state for trial in trials] == ["done"] * 6
    assert len({trial.key for trial in trials}) == 6
    with Study.open(tmp_path / "study", readonly=True) as study:
        assert study.summary["ended_early"] is None


def test_nothing_fits(search, configure, board, tasks, tmp_path):
    config = configure(objective={"limits": {"sram_bytes": 1000}})
    with pytest.raises(NoFeasibleCandidate) as caught:
        search(tmp_path / "study", config)
    costs = {estimate(network, Engine.tflm()).sram_bytes for network in smallest(config.space)}
    [told] = re.findall(r"the smallest candidate needs (\d+) bytes of SRAM", str(caught.value))
    assert int(told) in costs
    assert min(costs) <= int(told) <= 1.1 * min(costs)
    assert "1000" in str(caught.value)
    with Study.open(tmp_path / "study", readonly=True) as study:
        assert study.trials() == []
    with pytest.raises(NoFeasibleCandidate):
        Problem(board, tasks(config), config).require_feasible()


def test_the_exact_limit_still_fits(configure, board, tasks):
    networks = smallest(configure().space)
    least = min(estimate(network, Engine.tflm()).sram_bytes for network in networks)
    task = tasks(configure())
    Problem(board, task, configure(objective={"limits": {"sram_bytes": least}})).require_feasible()
    with pytest.raises(NoFeasibleCandidate):
        Problem(board, task, configure(objective={"limits": {"sram_bytes": least - 1}})).require_feasible()


@pytest.mark.slow
def test_what_fits_but_is_never_found_at_random_is_tried_all_the_same(
    search, configure, board, tasks, tmp_path, monkeypatch
):
    from tinynas.tuner import Tuner

    def ask(self):
        raise SpaceError("no point satisfies the constraint", where="conf_dict:constraint")

    monkeypatch.setattr(Tuner, "ask", ask)
    trials = search(tmp_path / "study", configure())
    assert [(trial.state, trial.feasible) for trial in trials] == [("done", True)] * configure().trials
    assert len({trial.key for trial in trials}) == len(trials)
    cheapest = Problem(board, tasks(configure()), configure()).require_feasible()
    assert trials[0].params == cheapest


def test_what_fits_and_is_found_no_more_ends_the_search_well(search, configure, tmp_path, monkeypatch):
    from tinynas.tuner import Tuner

    ask = Tuner.ask

    def twice(self):
        if self.asked == 2:
            raise SpaceError("no point satisfies the constraint")
        return ask(self)

    monkeypatch.setattr(Tuner, "ask", twice)
    space = {**ONE_NETWORK, "dropout": [0.0, 0.004]}
    trials = search(tmp_path / "study", configure(space=space))
    assert [trial.state for trial in trials] == ["done", "done"]
    with Study.open(tmp_path / "study", readonly=True) as study:
        assert study.summary["ended_early"] == "no further network that fits was found (2 of 4 trials)"


def test_none_of_the_trials_fits(search, configure, tmp_path):
    space = {"filters": [2, 60], "kernel_size": [2, 15], "dropout": [0.0, 0.0]}
    config = configure(
        trials=2, space=space, tuner={"only_feasible": False}, objective={"limits": {"sram_bytes": 3000}}
    )
    with pytest.raises(NoFeasibleCandidate, match="none of 2 trials ended with a network that fits"):
        search(tmp_path / "study", config)
    with Study.open(tmp_path / "study", readonly=True) as study:
        assert [trial.state for trial in study.trials()] == ["infeasible"] * 2


def test_the_mode_tflm_without_its_interpreter_is_refused_before_anything_is_trained(
    configure, board, tasks, monkeypatch
):
    monkeypatch.setitem(sys.modules, "tflite_micro", None)
    Problem(board, tasks(configure()), configure()).require_feasible()
    with pytest.raises(ToolchainMissing, match="--mode proxy"):
        Problem(board, tasks(configure()), configure(mode="tflm")).require_feasible()


def test_the_share_that_does_not_fit_grows_as_the_limit_falls(configure, board, tasks):
    shares = []
    for limit in (10_000, 4_000, 3_000):
        config = configure(objective={"limits": {"sram_bytes": limit}})
        shares.append(Problem(board, tasks(config), config).infeasible_share())
    assert shares[0] == 0.0
    assert shares[0] < shares[1] < shares[2] <= 1.0


def test_the_budget_of_suggestions_before_the_surrogate_is_the_configuration_s(
    search, configure, tmp_path, monkeypatch
):
    from tinynas.tuner.acquire import suggest

    called = []

    def design_points(space, seed, n, taken):
        called.append(len(taken))
        return original(space, seed, n, taken)

    original = suggest.design_points
    monkeypatch.setattr(suggest, "design_points", design_points)
    search(tmp_path / "study", configure(trials=3, space={**ONE_NETWORK, "dropout": [0.0, 0.004]}))
    assert called == [0, 1]


@pytest.mark.parametrize(("frame", "symmetry"), [("north", "c4"), ("level", "c4"), ("body", "none")])
def test_networks_have_no_preferred_direction_where_the_data_have_none(frame, symmetry, configure, board, tasks):
    config = configure(dataset={"frame": frame, "target": "velocity"}, space={"filters": [2, 9]})
    problem = Problem(board, tasks(config), config)
    sample = problem.space.sample(np.random.default_rng(0), **problem.task.shape)
    assert sample.symmetry == symmetry
    assert problem.architecture(problem.require_feasible()).symmetry == symmetry
    # Beside a network that fits the filters are varied by whole groups.
    some = problem.require_feasible()
    near = {params["filters"] for params in neighbours(problem, some)}
    assert near == ({4, 8} if symmetry == "c4" else {2, 3})


def test_a_symmetry_that_the_data_do_not_have_is_refused(configure, board, tasks):
    config = configure(dataset={"frame": "body"}, space={"symmetry": "c4", "filters": [4, 8]})
    with pytest.raises(SpaceError, match=r"space\.symmetry: the data have a preferred direction"):
        Problem(board, tasks(config), config).require_feasible()
    with pytest.raises(ConfigError, match=r"space.filters: .* hold no multiple of 4.*set space.symmetry to none"):
        configure(dataset={"frame": "north"}, space={"filters": [2, 3], "symmetry": "c4"})


def test_bounds_without_a_multiple_of_four_are_searched_untied_unless_symmetry_is_asked_for(configure, board, tasks):
    config = configure(dataset={"frame": "north"}, space={"filters": [5, 7]})
    assert Problem(board, tasks(config), config).space.symmetry == "none"
    wide = configure(dataset={"frame": "north"}, space={"filters": [5, 8]})
    assert Problem(board, tasks(wide), wide).space.symmetry == "c4"
