"""A search that chooses what its networks see: frame, window, and the directions in which the board looks."""

import dataclasses

import numpy as np
import pytest

from tests.hil._figures import FIGURES
from tinynas.config import config_from_mapping
from tinynas.errors import ConfigError, DatasetError, SpaceError
from tinynas.hil import measure as module
from tinynas.network import TCN
from tinynas.objective import Limits, Objective, score
from tinynas.odometry import SyntheticOptions, load_recordings
from tinynas.search import Problem, load_task, open_trained
from tinynas.study import Study

CHOICES = {"frame": ["body", "north"], "window": [32, 64], "filters": [4, 8], "blocks": [2, 3]}


@pytest.fixture(scope="module")
def config(configure):
    final = {"candidates": 1, "seeds": 1}
    return configure(trials=3, dataset={"stride": 80}, space=CHOICES, final=final)


@pytest.fixture(scope="module")
def searched(tmp_path_factory, config, search):
    folder = tmp_path_factory.mktemp("chosen") / "study"
    return folder, search(folder, config)


def test_all_windows_have_the_same_targets_at_the_same_rows(config, tasks):
    task = tasks(config)
    assert len({(one.train.frame, one.train.spec.window) for one in (task, *task.others)}) == 4
    for frame in CHOICES["frame"]:
        short, long = (task.of({"frame": frame, "window": window}) for window in (32, 64))
        assert short.train.inputs.shape[1:] == (32, long.channels)
        for split in ("train", "valid", "test"):
            a, b = short.windows(split), long.windows(split)
            np.testing.assert_array_equal(a.targets, b.targets)
            np.testing.assert_array_equal(a.inputs, b.inputs[:, 32:])
            np.testing.assert_array_equal(a.start, b.start + 32)
        assert short.framed is long.framed, "one frame is tracked once"
    with pytest.raises(SpaceError, match="windows of 48 samples"):
        task.of({"window": 48})


def test_only_frames_that_turn_have_tied_weights(config, board, tasks):
    problem = Problem(board, tasks(config), config)
    params = dict(problem.require_feasible())
    assert params["window"] == 32
    assert set(params) == set(problem.parameters())
    nets = {}
    for frame in CHOICES["frame"]:
        for window in CHOICES["window"]:
            changed = {**params, "frame": frame, "window": window}
            nets[problem.key(changed)] = network = problem.architecture(changed)
            assert isinstance(network, TCN)
            assert (network.window, network.channels) == (window, {"body": 9, "north": 6}[frame])
            assert network.symmetry == {"body": "none", "north": "c4"}[frame]
    assert len(nets) == 4
    small, large = (problem.cost(problem.architecture({**params, "window": w})) for w in (32, 64))
    assert small.sram_bytes < large.sram_bytes
    assert 0 <= problem.infeasible_share() <= 1


def test_a_frame_alone_makes_another_trial(configure, board, tasks):
    """Without a magnetometer body and level have as many channels: nothing but the frame differs."""
    config = configure(dataset={"use_mag": False}, space={"frame": ["body", "level"], "symmetry": "none"})
    problem = Problem(board, tasks(config), config)
    params = problem.require_feasible()
    body, level = ({**params, "frame": frame} for frame in ("body", "level"))
    assert problem.architecture(body) == problem.architecture(level)
    assert problem.key(body) != problem.key(level)


@pytest.mark.slow
def test_each_trial_sees_what_it_chose(searched, config):
    _, trials = searched
    assert len(trials) == 4
    for trial in trials:
        assert trial.state == "done"
        assert trial.architecture["window"] == trial.params["window"]
        assert trial.architecture["channels"] == {"body": 9, "north": 6}[trial.params["frame"]]
    final = trials[-1]
    original = next(trial for trial in trials if trial.id == final.final_of)
    assert {**original.params, **final.params} == {**original.params, "final_of": original.id}
    assert len({(trial.params["frame"], trial.params["window"]) for trial in trials[:3]}) > 1
    assert config.of_trial(final.params).dataset.window == final.params["window"]


def test_any_network_of_the_study_is_judged_as_it_was_trained(searched, tasks, config):
    folder, trials = searched
    recordings = load_recordings("synthetic", seed=3, synthetic=SyntheticOptions(1, 1, 1, 10.0))
    with Study.open(folder, readonly=True) as study:
        best, summary = study.best(), study.summary
        models = {trial.id: study.artefact(trial.artefacts["tflite"]) for trial in trials[:3]}
    assert (summary["frame"], summary["window"]) == (best.params["frame"], best.params["window"])
    assert len(summary["variants"]) == 4
    for trial in trials[:3]:
        path = folder / f"trial{trial.id}.tflite"
        path.write_bytes(models[trial.id])
        network = open_trained(path)
        task = tasks(config).of(trial.params)
        np.testing.assert_array_equal(network.normalization.mean, task.normalization.mean)
        assert network.frame == trial.params["frame"]
        assert network.config.dataset.window == trial.params["window"]
        assert network.config.dataset.span == 64, "the target is that of the longest window"
        assert np.isfinite(network.judge(recordings).velocity.joint)


def test_what_cannot_be_chosen_is_refused(configure, board):
    for space, dataset, key in (
        ({"window": [64, 64]}, {}, "space.window"),
        ({"frame": ["level", "north"]}, {"use_mag": False}, "space.frame"),
        ({"frame": ["level", "body"]}, {"mounting": "fixed", "frame": "level"}, "space.frame"),
        ({"turns": [1, 2]}, {"frame": "north"}, "space.turns"),
    ):
        with pytest.raises(ConfigError) as caught:
            configure(space=space, dataset=dataset)
        assert caught.value.where == f"settings.yaml:{key}"
    with pytest.raises(ConfigError, match="known from boards only"):
        config_from_mapping({"objective": {"limits": {"latency_us": 100}}}, "settings.yaml")
    tied = configure(space={"frame": ["body", "north"], "symmetry": "c4", "filters": [4, 8]})
    with pytest.raises(SpaceError, match="preferred direction"):
        Problem(board, load_task(tied), tied).space  # noqa: B018
    turned = configure(space={"frame": ["body", "north"], "turns": [4]})
    with pytest.raises(DatasetError) as refused:
        load_task(turned)
    assert refused.value.where == "space.turns"


@pytest.mark.slow
def test_turns_are_chosen_within_the_time_that_an_update_may_take(configure, search, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "measure", lambda *_arguments, **_options: FIGURES)  # 100 us an inference
    space = {"turns": [1, 2, 4], "filters": [4, 4], "kernel_size": [2, 2], "dilations": [1], "blocks": [1, 1]}
    config = configure(
        trials=3,
        mode="hil",
        hil={"link": "virtual"},
        dataset={"frame": "north", "stride": 80},
        space={**space, "norm": ["none"], "dropout": [0, 0], "skip_connections": [False]},
        objective={"limits": {"latency_us": 250}},
    )
    trials = search(tmp_path / "study", config)
    assert len({trial.key for trial in trials}) == len(trials)
    assert {trial.params["turns"] for trial in trials} == {1, 2, 4}
    for trial in trials:
        turns = trial.params["turns"]
        assert trial.measurement["latency_us"] == 100.0 * turns
        assert (trial.state == "done") == trial.feasible == (turns < 4)
        assert trial.key.endswith(f"-t{turns}")
    assert "latency 400 of 250 us" in next(trial.reason for trial in trials if not trial.feasible)
    with Study.open(tmp_path / "study", readonly=True) as study:
        best = study.best()
        assert study.summary["turns"] == best.params["turns"] in (1, 2)
    assert open_trained(tmp_path / "study").config.deploy.turns == best.params["turns"]


def test_a_faster_update_scores_better_and_one_without_a_limit_is_not_asked():
    limits, objective = Limits(1000, 1000, latency_us=400.0), Objective(l4=0.5)
    fast, slow, late = (
        dataclasses.replace(FIGURES, sram_bytes=10, flash_bytes=10, latency_us=t) for t in (100.0, 200.0, 401.0)
    )
    assert score(0.2, slow, limits, objective).value - score(0.2, fast, limits, objective).value == pytest.approx(0.125)
    assert not score(0.2, late, limits, objective).feasible
    assert "latency" not in score(0.2, late, Limits(1000, 1000), objective).terms
    predicted = dataclasses.replace(fast, latency_us=None)
    assert "latency" not in score(0.2, predicted, limits, objective).terms
