"""The search benchmark: its evaluator, and what its runs are summed up to."""

import numpy as np
import pytest
import search as module
from _evaluations import Evaluator, StopTraining, TimeIsUp, hypervolume, make_study, standing_still

from tinynas.board import load_board
from tinynas.config import config_from_mapping
from tinynas.search import load_task
from tinynas.search.problem import Problem

TINY = {
    "dataset": {
        "window": 40,
        "frame": "north",
        "synthetic": {"n_train": 1, "n_valid": 1, "n_test": 1, "duration_s": 10.0},
    },
    "space": {"filters": [4, 8], "kernel_size": [2, 3], "dilations": [1, 4], "blocks": [1, 2]},
    "training": {"epochs": 2},
    "conversion": {"calibration_windows": 10},
}
PARAMS = {
    "filters": 4, "kernel_size": 2, "dilation_1": True, "dilation_4": False, "dropout": 0.0,
    "skip_connections": False, "norm": "none",
}  # fmt: skip


@pytest.fixture(scope="module")
def problem():
    config = config_from_mapping(TINY, "tiny")
    return Problem(load_board("nucleo_f446re"), load_task(config), config)


@pytest.fixture
def evaluate(problem, tmp_path):
    with make_study(tmp_path / "study", problem.config, problem.board) as study:
        yield Evaluator(study, problem, cpu_s=1000.0)


def test_a_network_is_trained_and_scored_as_a_search_does(evaluate, problem):
    heard = []
    value = evaluate(PARAMS, lambda epoch, value: heard.append((epoch, value)))
    [step] = evaluate.ends.steps(evaluate.study, problem, problem.task)
    assert value == step["objective"]
    assert [epoch for epoch, _ in heard] == [1, 2]
    assert step["test_error_int8"] > 0
    assert step["flash_bytes"] <= problem.limits.flash_bytes
    assert (evaluate.suggested, evaluate.rejected) == (1, 0)


def test_what_does_not_fit_costs_no_training(evaluate, problem):
    large = config_from_mapping({**TINY, "objective": {"limits": {"flash_bytes": 100}}}, "tiny")
    evaluate.problem = Problem(problem.board, problem.task, large)
    assert evaluate(PARAMS) is None
    assert (evaluate.suggested, evaluate.rejected) == (1, 1)
    assert evaluate.excess(PARAMS)[0] > 0


def test_what_is_no_network_of_the_space_exceeds_every_limit(evaluate):
    nothing = {**PARAMS, "dilation_1": False}
    assert evaluate.excess(nothing) == [1.0, 1.0]
    assert evaluate(nothing) is None


def test_an_optimiser_may_stop_a_training(evaluate, problem):
    def stop(_epoch, _value):
        raise StopTraining

    with pytest.raises(StopTraining):
        evaluate(PARAMS, stop)
    assert evaluate.ends.steps(evaluate.study, problem, problem.task) == []


def test_the_search_ends_with_its_time(evaluate):
    evaluate.cpu_s = -1.0
    with pytest.raises(TimeIsUp):
        evaluate(PARAMS)


def test_standing_still_is_the_size_of_the_velocity(problem):
    targets = problem.task.valid.targets
    assert standing_still(problem.task) == pytest.approx(float(np.sqrt((targets**2).sum(axis=1).mean())), rel=1e-5)


@pytest.mark.parametrize(
    ("points", "share"),
    [
        ([], 0.0),
        ([(0.5, 0.5, 0.5)], 1 / 8),
        ([(0.5, 0.5, 0.5), (0.6, 0.6, 0.6)], 1 / 8),
        ([(0.5, 0.5, 0.5), (0.0, 0.9, 0.9)], 1 / 8 + 0.5 * 0.01),
        ([(1.0, 0.1, 0.1)], 0.0),
    ],
)
def test_hypervolumes_by_hand(points, share):
    assert hypervolume(points, (1.0, 1.0, 1.0)) == pytest.approx(share)
    doubled = [tuple(2 * value for value in point) for point in points]
    assert hypervolume(doubled, (2.0, 2.0, 2.0)) == pytest.approx(share)


def run(arm, seed, *steps, unit=100.0):
    known = [
        {"cpu_s": at, "objective": value, "error_int8": value + 0.1, "test_error_int8": value + 0.2,
         "flash_bytes": 32768, "sram_bytes": 8192}
        for at, value in steps
    ]  # fmt: skip
    return {"arm": arm, "seed": seed, "unit_s": unit, "standing_still": 1.0, "cpu_s": 90.0, "steps": known}


def test_arms_without_a_plan_are_read_at_a_fifth_too():
    runs = [run("random", 0, (10.0, 0.5), (80.0, 0.3)), run("random", 1, (30.0, 0.4))]
    early, end = module.summarise(runs)
    assert (early["at_its_end"], early["objective"], early["found_nothing"]) == (False, [0.5], 1)
    assert (end["at_its_end"], end["objective"], end["cpu_s"]) == (True, [0.3, 0.4], [90.0, 90.0])
    assert early["hypervolume"][1] == 0.0


def test_arms_that_plan_are_read_at_their_end_only():
    [row] = module.summarise([run("fifth", 0, (10.0, 0.5), (80.0, 0.3))])
    assert row["objective"] == [0.3]
    assert module.table_of({"source": "synthetic", "summary": [row]}).row_count == 1
