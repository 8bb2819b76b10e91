"""Tasks of several arms, and the runs that choose among them."""

import pytest
from _cash import OPTIMISERS, Watch, search, tasks
from _learners import Accuracies

LINES = tasks()[-1]


def test_the_lines_end_where_they_are_said_to():
    assert [arm.score({"x": arm.space["x"].high}) for arm in LINES.arms] == [-1728.0, -1369.0, -1369.0]
    starts = LINES.starts(3)
    assert starts == LINES.starts(3)
    assert min(LINES.arms[arm].score(params) for arm, params in starts if arm == 0) >= 0  # it looks hopeless


@pytest.mark.parametrize("name", ["tinynas", "tinynas, rule mango", "random"])
def test_a_run_keeps_its_budget_and_its_seed(name):
    runs = []
    for _ in range(2):
        watch = Watch(LINES, 15, 60.0)
        search(name, watch, 4)
        runs.append(watch.values)
    assert runs[0] == runs[1]
    assert len(runs[0]) == 15
    assert runs[0][:6] == [LINES.arms[arm].score(params) for arm, params in LINES.starts(4)]


def test_a_run_ends_when_its_time_is_up():
    watch = Watch(LINES, 1000, -1.0)
    search("random", watch, 0)
    assert watch.values == []
    assert OPTIMISERS.keys() >= {"tinynas", "mango", "optuna-tpe", "hyperopt"}


def test_an_accuracy_is_worked_out_once(monkeypatch):
    memory = Accuracies()
    problem = memory.problem("iris", "knn")
    params = {"n_neighbors": 5, "weights": "uniform", "metric": "euclidean"}
    error = problem.score(params)
    assert 0.0 < error < 0.15
    assert list(memory.known.values()) == [1.0 - error]
    monkeypatch.setattr("_learners._cross_validated", None)  # not callable: it may not be asked again
    assert memory("iris", "knn", params) == 1.0 - error
