import numpy as np
import pytest
import scipy.stats as st

from tests.tuner.builders import observed
from tinynas.tuner import Space, TunerConfig
from tinynas.tuner.acquire.batch import clustered, penalised
from tinynas.tuner.surrogate.model import Model

STRATEGIES = [penalised, clustered]


def _model(space, score, n=12, seed=0):
    codes = space.codes(space.sample(np.random.default_rng(seed), n))
    return Model.fit(space, observed(codes, [score(space.params(code)) for code in codes]), (1.0,)), set(codes)


def _rngs(n):
    return [np.random.default_rng(i) for i in range(n)]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_points_are_distinct_and_apart(strategy):
    space = Space({"x": st.uniform(0, 1), "y": st.uniform(0, 1)})
    model, taken = _model(space, lambda p: (p["x"] - 0.4) ** 2 + np.sin(8 * p["y"]))
    codes = strategy(model, np.empty((0, 2)), taken, _rngs(5), TunerConfig())
    assert len(set(codes)) == 5
    assert not set(codes) & taken
    X = space.coordinates(codes)
    gaps = np.abs(X[:, None] - X).max(axis=2)[np.triu_indices(5, 1)]
    assert gaps.min() > 1e-3


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_first_point_has_the_highest_expected_improvement_of_the_grid(strategy):
    space = Space({"a": range(30), "b": range(30)})
    model, taken = _model(space, lambda p: (p["a"] - 11) ** 2 + 3 * abs(p["b"] - 20))
    grid = space.grid()
    mean, deviation = model.surrogate.predict(space.features(grid))
    best = model.surrogate.predict(space.features(space.coordinates(sorted(taken))))[0].min()
    z = (best - mean) / deviation
    gain = dict(zip(space.codes(grid), (best - mean) * st.norm.cdf(z) + deviation * st.norm.pdf(z), strict=True))
    expected = max(set(gain) - taken, key=gain.__getitem__)
    assert strategy(model, np.empty((0, 2)), taken, _rngs(4), TunerConfig())[0] == expected


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_constraints_hold_for_the_whole_batch(strategy):
    space = Space({"a": range(60), "b": range(60)}, constraint=lambda ps: [p["a"] % 3 == p["b"] % 3 for p in ps])
    X = space.random_allowed(np.random.default_rng(0), 10, set())
    codes = space.codes(X)
    model = Model.fit(space, observed(codes, [float(a + b) for a, b in codes]), (1.0,))
    batch = strategy(model, np.empty((0, 2)), set(codes), _rngs(6), TunerConfig())
    assert all(a % 3 == b % 3 for a, b in batch)
    assert len(set(batch)) == 6


def test_pending_points_count_like_earlier_ones_of_the_batch():
    space = Space({"x": st.uniform(0, 1)})
    model, taken = _model(space, lambda p: (p["x"] - 0.4) ** 2, n=5)
    both = penalised(model, np.empty((0, 1)), taken, _rngs(2), TunerConfig())
    second = penalised(model, space.coordinates(both[:1]), taken | {both[0]}, _rngs(2)[1:], TunerConfig())
    # Not the same to the last digit: the later points of a batch share the candidates of its first.
    np.testing.assert_allclose(second, both[1:], atol=1e-3)
    assert abs(both[0][0] - both[1][0]) > 0.05
