"""Final training and averaging over directions, through whole searches."""

import json

import numpy as np
import pytest

from tinynas.deploy import infer, quantize, read_graph, snap
from tinynas.errors import ConfigError, DatasetError
from tinynas.odometry import average_turns, quarter_turn
from tinynas.report import result
from tinynas.search import load_task
from tinynas.study import Study

FINAL = {"candidates": 2, "seeds": 2, "epochs": 2}


@pytest.fixture(scope="module")
def finals(tmp_path_factory, configure, search):
    """The folder of a search with final training, in the north frame."""
    folder = tmp_path_factory.mktemp("final") / "study"
    search(folder, configure(trials=3, dataset={"frame": "north"}, final=FINAL, deploy={"turns": 2}))
    return folder


@pytest.mark.slow
def test_the_best_two_are_trained_twice_more_with_seeds_of_their_own(finals):
    with Study.open(finals, readonly=True) as study:
        trials, summary, best = study.trials(), study.summary, study.best()
    searched = [trial for trial in trials if trial.final_of is None]
    again = [trial for trial in trials if trial.final_of is not None]
    assert len(searched) == 3
    ranked = sorted((t for t in searched if t.feasible), key=lambda t: t.objective)[:2]
    assert [trial.final_of for trial in again] == [t.id for t in ranked for _ in range(2)]
    assert len({trial.seed for trial in trials}) == 7
    for trial in again:
        assert trial.state == "done"
        assert trial.key == trials[trial.final_of].key
        assert trial.metrics["epochs"] == 2
        assert trial.note == f"final training of {trial.final_of}"
    assert len({json.dumps(trial.artefacts["weights"]) for trial in again}) == 4
    assert best.objective == min(trial.objective for trial in trials)
    assert summary["best_trial"] == best.id
    assert (summary["frame"], summary["turns"]) == ("north", 2)


def test_a_resumed_search_trains_nothing_twice(finals, search, configure, tmp_path):
    import shutil

    folder = tmp_path / "again"
    shutil.copytree(finals, folder)
    config = configure(trials=3, dataset={"frame": "north"}, final=FINAL, deploy={"turns": 2})
    assert len(search(folder, config)) == 7


def test_the_error_is_that_of_the_average_over_two_directions(finals, configure, tasks):
    config = configure(trials=3, dataset={"frame": "north"}, final=FINAL, deploy={"turns": 2})
    task = tasks(config)
    with Study.open(finals, readonly=True) as study:
        best = study.best()
        model = study.artefact(best.artefacts["tflite"])
    inputs = snap(model, task.inputs(task.valid))
    ahead, back = infer(model, inputs), infer(model, quarter_turn(inputs, 2))
    expected = (ahead - back) / 2
    rmse = np.sqrt(np.mean(np.sum((expected - task.valid.targets) ** 2, axis=1)))
    assert best.metrics["error_int8"] == pytest.approx(rmse, rel=1e-5)
    assert (ahead != expected).any()  # one direction alone says something else


def test_turned_bytes_are_swapped_and_negated_bytes(finals, configure, tasks):
    """What the board does to its ring buffer is what the host does to its windows, exactly."""
    task = tasks(configure(trials=3, dataset={"frame": "north"}, final=FINAL, deploy={"turns": 2}))
    with Study.open(finals, readonly=True) as study:
        model = study.artefact(study.best().artefacts["tflite"])
    graph = read_graph(model)
    tensor = graph.tensors[graph.inputs[0]]
    zero = tensor.quantization.zero_point[0]
    windows = snap(model, task.inputs(task.test)[:50])
    steps = quantize(windows, tensor).astype(int) - zero
    for turns in range(4):
        turned = quantize(quarter_turn(windows, turns), tensor).astype(int) - zero
        np.testing.assert_array_equal(turned, quarter_turn(steps, turns))


def test_averaging_takes_away_what_prefers_a_direction():
    rng = np.random.default_rng(3)
    windows = rng.normal(size=(20, 5, 6)).astype(np.float32)

    def drifting(x):
        return x[:, -1, :2] * np.float32([2.0, 1.0]) + np.float32([0.3, -0.1])

    two, four = (average_turns(drifting, windows, turns) for turns in (2, 4))
    np.testing.assert_allclose(two, windows[:, -1, :2] * [2.0, 1.0], atol=1e-5)
    np.testing.assert_allclose(four, windows[:, -1, :2] * 1.5, atol=1e-5)
    turned = average_turns(drifting, quarter_turn(windows, 1), 4)
    np.testing.assert_allclose(turned, quarter_turn(four, 1, width=2), atol=1e-5)


def test_turns_need_a_frame_that_turns(configure):
    with pytest.raises(DatasetError, match="level or north") as caught:
        load_task(configure(deploy={"turns": 4}))
    assert caught.value.where == "deploy.turns"
    with pytest.raises(ConfigError):
        configure(deploy={"turns": 3})


@pytest.mark.slow
def test_the_chosen_network_is_trained_once_more_on_validation_recordings_too(search, configure, tmp_path):
    folder = tmp_path / "study"
    final = {"candidates": 1, "seeds": 1, "epochs": 2, "refit": True}
    config = configure(trials=2, dataset={"frame": "north"}, final=final)
    trials = search(folder, config)
    assert len(trials) == 4
    refit, others = trials[3], trials[:3]
    chosen = min(others, key=lambda trial: (trial.objective, trial.id))
    assert refit.refit_of == chosen.id
    assert refit.final_of == (chosen.id if chosen.final_of is None else chosen.final_of)
    assert (refit.key, refit.seed, refit.metrics["epochs"]) == (chosen.key, chosen.seed, 2)
    for name in ("error_float", "error_int8", "rmse_x", "rmse_y", "ate_m", "rte_m"):
        assert refit.metrics[name] == chosen.metrics[name], "of what it has learned it has no error of its own"
    assert refit.artefacts["weights"] != chosen.artefacts["weights"]
    assert f"validation errors are those of {chosen.id}" in refit.note
    with Study.open(folder, readonly=True) as study:
        summary = study.summary
        assert summary["best_trial"] == study.best().id == refit.id
        assert sum(len(row["trials"]) for row in result(study)["final"]) == 1
    assert summary["test"]["error_int8"] > 0
    assert len(search(folder, config)) == 4, "a resumed search trains nothing twice"


@pytest.mark.slow
def test_without_final_training_the_best_of_the_search_is_trained_again(search, configure, tmp_path):
    trials = search(tmp_path / "study", configure(trials=2, final={"refit": True}))
    assert [trial.refit_of is None for trial in trials] == [True, True, False]
    assert trials[2].refit_of == trials[2].final_of == min(trials[:2], key=lambda trial: trial.objective).id
