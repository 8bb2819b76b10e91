import numpy as np
import pytest
import scipy.stats as st

from tests.tuner.builders import observed
from tinynas.tuner import Space, TunerConfig
from tinynas.tuner.acquire.scorer import Scorer, weigh
from tinynas.tuner.acquire.search import maximise, pool
from tinynas.tuner.surrogate.model import Model


class _Known(Scorer):
    """An acquisition with a maximum that is known: minus the squared distance to a target in coordinates."""

    def __init__(self, space, target):
        object.__setattr__(self, "space", space)
        object.__setattr__(self, "target", target)

    def __call__(self, X):
        return -((X - self.target) ** 2).sum(axis=1)

    def with_gradient(self, X):
        return self(X), np.where(self.space.continuous, -2 * (X - self.target), 0.0)


def _find(space, params, taken=(), candidates=50):
    target = space.coordinates([space.code(params)])[0]
    rng = np.random.default_rng(0)
    X = pool(space, rng, np.empty((0, space.dimension)), candidates)
    known = space.coordinates(list(taken))
    row = maximise(_Known(space, target), X, known, set(taken), rng)
    return space.params(space.codes(row[None, :])[0])


def test_continuous_maxima_are_found_by_gradient():
    space = Space({f"x{i}": st.uniform(0, 1) for i in range(6)})
    target = {f"x{i}": 0.1 + 0.15 * i for i in range(6)}
    assert _find(space, target) == pytest.approx(target, abs=1e-4)


def test_discrete_maxima_are_found_by_moves():
    space = Space({"a": range(1000), "b": range(50), **{f"c{i}": [False, True] for i in range(9)}, "d": list("pqrst")})
    target = {"a": 617, "b": 3, **{f"c{i}": i % 2 == 0 for i in range(9)}, "d": "r"}
    assert _find(space, target) == target


def test_mixed_maxima_are_found_by_both():
    space = Space({"a": range(500), "x": st.norm(), "c": [False, True], "y": st.uniform(-5, 10)})
    target = {"a": 333, "x": 1.5, "c": True, "y": -4.0}
    found = _find(space, target)
    assert (found["a"], found["c"]) == (333, True)
    assert (found["x"], found["y"]) == pytest.approx((1.5, -4.0), abs=0.01)


def test_vectors_move_towards_the_maximum():
    space = Space({"mix": st.dirichlet([1.0, 1.0, 1.0])})
    found = _find(space, {"mix": [0.2, 0.5, 0.3]})
    assert found["mix"] == pytest.approx([0.2, 0.5, 0.3], abs=0.03)


def test_a_taken_maximum_yields_the_next_best():
    space = Space({"a": range(100), "b": range(100)})
    found = _find(space, {"a": 40, "b": 60}, taken=[(40, 60)])
    assert abs(found["a"] - 40) + abs(found["b"] - 60) == 1


def test_a_taken_continuous_maximum_is_not_met_again():
    space = Space({"x": st.uniform(0, 1)})
    taken = [(0.25,)]
    assert abs(_find(space, {"x": 0.25}, taken=taken)["x"] - 0.25) >= 1e-6


@pytest.mark.parametrize("limit", [3, 5])
def test_a_constraint_on_a_total_is_crossed_by_exchanging(limit):
    names = [f"c{i}" for i in range(9)]

    def exactly(points):
        return [sum(p[name] for name in names) == limit for p in points]

    space = Space({**{name: [False, True] for name in names}, "n": range(50)}, constraint=exactly)
    target = {name: i < limit for i, name in enumerate(names)} | {"n": 7}
    assert _find(space, target) == target


def test_the_whole_of_a_small_space_is_searched():
    space = Space({"a": range(40), "b": range(40)})
    assert len(pool(space, np.random.default_rng(0), np.empty((0, 2)), 5)) == 1600


def test_candidates_crowd_around_the_best_points():
    space = Space({"x": st.uniform(0, 1), "y": st.uniform(0, 1)})
    X = pool(space, np.random.default_rng(0), np.array([[0.3, 0.8]]), 1000)
    assert np.all((X >= 0) & (X <= 1))
    near = np.abs(X - [0.3, 0.8]).max(axis=1) < 0.02
    assert near[:500].mean() > 0.2
    assert near[500:].mean() < 0.02


def test_refinement_beats_the_candidates_on_a_real_acquisition():
    space = Space({"x": st.uniform(0, 1), "y": st.uniform(0, 1), "n": range(30)})
    rng = np.random.default_rng(1)
    codes = space.codes(space.sample(rng, 20))
    values = [(x - 0.3) ** 2 + (y - 0.7) ** 2 + (n - 9) ** 2 / 100 for n, x, y in codes]
    model = Model.fit(space, observed(codes, values), (1.0,))
    acquisition = weigh(model, np.empty((0, 3)), TunerConfig(), 200)
    X = pool(space, rng, model.anchors, 200)
    row = maximise(acquisition, X, model.known, set(codes), rng)
    assert acquisition(row[None, :])[0] > acquisition(X).max()
