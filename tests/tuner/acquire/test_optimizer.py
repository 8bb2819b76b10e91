import numpy as np
import pytest

from tinynas.tuner import ConfigValueError
from tinynas.tuner.acquire.bayesian_learning import BayesianLearning
from tinynas.tuner.surrogate.regressor import GaussianProcessRegressor


class Table:
    """A surrogate that is sure of what it was fitted to and knows the mean and deviation everywhere else."""

    def __init__(self, mean, deviation):
        self.mean, self.deviation, self.known = mean, deviation, {}

    def fit(self, X, y):
        assert y.ndim == 1
        self.known = {tuple(row): value for row, value in zip(X.tolist(), y.tolist(), strict=True)}

    def predict(self, X, return_std=False):
        mean = np.array([self.known.get(tuple(row), self.mean(*row)) for row in X.tolist()])
        deviation = np.array([0.0 if tuple(row) in self.known else self.deviation(*row) for row in X.tolist()])
        return (mean, deviation) if return_std else mean


GRID = np.arange(11.0)[:, None]
START = np.array([[0.0], [10.0]])


def test_the_highest_upper_bound_that_is_new_comes_first():
    learner = BayesianLearning(Table(lambda x: -abs(x - 4), lambda x: 0.1), alpha=2.0)
    assert learner.get_next_batch(START, np.zeros(2), GRID, 3).ravel().tolist() == [4, 3, 5]
    assert learner.get_next_batch(GRID[3:6], np.zeros((3, 1)), GRID, 2).ravel().tolist() == [2, 6]


def test_alpha_weighs_the_deviation():
    table = Table(lambda x: -x, lambda x: x)
    assert BayesianLearning(table, alpha=0.5).get_next_batch(START, np.zeros(2), GRID)[0, 0] == 1
    assert BayesianLearning(table, alpha=2.0).get_next_batch(START, np.zeros(2), GRID)[0, 0] == 9
    assert BayesianLearning(table, alpha=None, domain_size=50).get_next_batch(START, np.zeros(2), GRID)[0, 0] == 9


def test_expected_improvement_with_a_surrogate_that_is_sure():
    learner = BayesianLearning(Table(lambda x: -abs(x - 4), lambda x: 0.0), acquisition="log_ei")
    assert learner.get_next_batch(START, np.array([-4.0, -6.0]), GRID)[0, 0] == 4


def test_clusters_keep_a_batch_apart():
    learner = BayesianLearning(Table(lambda x: max(-abs(x - 20), -abs(x - 80)), lambda x: 0.1), alpha=1.0)
    tries = np.arange(101.0)[:, None]
    penalty = learner.get_next_batch(START, np.zeros(2), tries, 2).ravel()
    cluster = learner.get_next_batch_clustering(START, np.zeros(2), tries, 2).ravel()
    assert sorted(cluster) == [20, 80]
    assert sorted(penalty) == [20, 80]
    assert len(set(learner.get_next_batch_clustering(START, np.zeros(2), tries, 6).ravel())) == 6


@pytest.mark.parametrize("choose", ["get_next_batch", "get_next_batch_clustering"])
def test_fewer_candidates_than_wanted(choose):
    next_batch = getattr(BayesianLearning(alpha=1.0), choose)
    X, y = np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 0.0]]), np.array([1.0, 2.0, 0.0])
    assert sorted(next_batch(X, y, np.array([[0.0, 1.0], [0.5, 0.5], [1.5, 1.0]]), 5).tolist()) == [
        [0.5, 0.5],
        [1.5, 1],
    ]
    assert next_batch(X, y, X, 2).shape == (0, 2)


def test_the_default_surrogate_finds_a_hill():
    X, tries = np.linspace(0, 1000, 9)[:, None], np.arange(1001.0)[:, None]
    learner = BayesianLearning(alpha=1.0)
    chosen = learner.get_next_batch(X, -(((X[:, 0] - 430) / 100) ** 2), tries, 1)
    assert abs(chosen[0, 0] - 430) < 60
    learner.fit(X, X * 3)
    mean, deviation = learner.predict(np.array([[437.0]]))
    assert mean[0] == pytest.approx(1311, abs=20)
    assert 0 < deviation[0] < 100


def test_a_regressor_before_it_is_fitted():
    with pytest.raises(ConfigValueError, match="not been fitted"):
        GaussianProcessRegressor().predict(np.zeros((1, 1)))
