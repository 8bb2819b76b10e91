import warnings

import numpy as np
import pytest
import scipy.stats as st
from hypothesis import given, settings
from hypothesis import strategies as hs

from tinynas.tuner import ConfigTypeError, DomainSpace
from tinynas.tuner.space.describe import loguniform
from tinynas.tuner.space.domain_space import DomainSpace as SameDomainSpace
from tinynas.tuner.space.parameter_sampler import parameter_sampler

MIXED = {
    "f": range(10),
    "h": st.uniform(-10, 20),
    "e": ["cat1", 1, "cat2"],
    "c": [1, 20, 3],
    "a": ["const"],
    "g": st.loguniform(1e-3, 100),
    "i": [True, False],
    "v": st.dirichlet([0.4, 0.1, 0.8]),
}


def test_one_class_under_both_names():
    assert SameDomainSpace is DomainSpace


def test_kinds():
    categorical, integer, multivariate, univariate = DomainSpace.classify_parameters(
        {
            "range": range(10),
            "numpy": np.random.default_rng(0).integers(0, 1e6, size=50),
            "whole": [0.0, 1.0],
            "tenths": [1, 0.1, 2.0],
            "mixed": ["a", 1, None],
            "digits": ["1", "-1"],
            "flags": [True, False],
            "float": st.norm(),
            "count": st.poisson(3),
            "vector": st.dirichlet([1, 1]),
        }
    )
    assert categorical == {"whole", "tenths", "mixed", "digits", "flags"}
    assert integer == {"range", "numpy"}
    assert multivariate == {"vector"}
    assert univariate == {"float", "count"}
    assert DomainSpace({"a": [1]}).integer_params == {"a"}


def test_every_sample_is_a_member():
    ds = DomainSpace(MIXED, random_state=0)
    ds.domain_size = 300
    domain = ds.get_domain()
    assert len(domain) == 300
    for point in domain:
        assert set(point) == set(MIXED)
        for name in "fecai":
            assert point[name] in MIXED[name]
        assert -10 <= point["h"] <= 10
        assert 1e-3 <= point["g"] <= 100 * (1 + 1e-12)
        assert sum(point["v"]) == pytest.approx(1)


def test_the_layout_of_the_columns():
    ds = DomainSpace(MIXED)
    point = {"f": 4, "h": -8.0, "e": "cat2", "c": 20, "a": "const", "g": 0.5, "i": False, "v": [0.1, 0.2, 0.7]}
    row = [1, 20, 0, 0, 1, 4, 0.5, -8.0, 0, 1, 0.1, 0.2, 0.7]  # a c e e e f g h i i v v v
    assert ds.convert_GP_space([point]).tolist() == [row]
    assert ds.convert_PS_space(np.array([row])) == [point]
    assert ds.convert_GP_space([]).shape == (0, 13)
    # Anything near is read as the integer and category it is nearest to.
    near = np.array([row]) + np.linspace(-0.4, 0.4, 13) * [1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0]
    assert ds.convert_PS_space(near) == [point]


def test_a_numpy_array_of_words_and_one_of_integers():
    ds = DomainSpace({"x": np.array(["a", "b", "c"]), "y": np.arange(100)}, random_state=0)
    ds.domain_size = 10
    assert ds.convert_GP_space(ds.get_domain()).shape == (10, 4)


@settings(deadline=None, max_examples=25)
@given(hs.integers(0, 2**32 - 1), hs.booleans())
def test_conversions_round_trip(seed, scaled):
    ds = DomainSpace(MIXED, random_state=seed, scale_params=scaled)
    points = ds.get_random_sample(20)
    X = ds.convert_GP_space(points)
    again = ds.convert_PS_space(X)
    if not scaled:
        assert again == points
    assert np.allclose(ds.convert_GP_space(again), X)
    for name in "fecai":
        assert [p[name] for p in again] == [p[name] for p in points]


def test_scaled_columns_span_about_the_unit_interval():
    ds = DomainSpace({"wide": st.uniform(0, 1e6), "n": range(1000), "one": [7]}, scale_params=True, random_state=0)
    X = ds.convert_GP_space(ds.get_random_sample(500))
    assert X[:, 1].tolist() == [0.0] * 500  # the single value 7
    assert np.all(np.abs(X[:, [0, 2]].min(axis=0)) < 0.05)
    assert np.all(np.abs(X[:, [0, 2]].max(axis=0) - 1) < 0.05)


@pytest.mark.parametrize("shape", [(2,), (2, 3), (1, 2, 4)])
def test_arrays_of_another_shape_are_refused(shape):
    with pytest.raises(ConfigTypeError, match="4 columns"):
        DomainSpace({"x": ["a", "b", "c"], "y": range(5)}).convert_PS_space(np.zeros(shape))


def test_a_constraint_filters_the_samples():
    def halves(points):
        low = np.array([p["p2"] < 0.5 for p in points])
        return low == [p["p1"] == "a" for p in points]

    ds = DomainSpace({"p1": ["a", "b", "c"], "p2": st.uniform(0, 1)}, constraint=halves, random_state=0)
    ds.domain_size = 100
    points = ds.get_domain()
    assert len(points) == 100
    assert all(halves(points))


def test_a_constraint_that_is_hard_to_meet_ends_with_a_warning():
    rounds = []

    def never(points):
        rounds.append(len(points))
        return [False] * len(points)

    ds = DomainSpace({"x": st.uniform(0, 1)}, constraint=never, constraint_max_retries=3, random_state=0)
    with pytest.warns(UserWarning, match="0 of 5"):
        assert ds.get_random_sample(5) == []
    assert rounds == [10, 100, 1000]


@pytest.mark.filterwarnings("error")
def test_grids_are_sampled_without_repetition():
    grid = {"a": range(30), "b": ["x", "y"], "c": [1, 5]}
    points = parameter_sampler(grid, 120, random_state=0)
    assert len({tuple(p.values()) for p in points}) == 120
    assert parameter_sampler(grid, 7, random_state=1) == parameter_sampler(grid, 7, random_state=1)
    assert parameter_sampler(grid, 7, random_state=1) != parameter_sampler(grid, 7, random_state=2)
    large = parameter_sampler({"a": range(10**6), "b": range(10**6)}, 500, random_state=0)
    assert len({(p["a"], p["b"]) for p in large}) == 500
    only_even = DomainSpace(grid, constraint=lambda ps: [p["a"] % 2 == 0 for p in ps], random_state=0)
    assert len({tuple(p.values()) for p in only_even.get_random_sample(60)}) == 60


def test_more_than_the_grid_has_is_the_grid_and_a_warning():
    with pytest.warns(UserWarning, match="10 points were asked for, and the space has 6"):
        points = parameter_sampler({"a": range(3), "b": [False, True]}, 10)
    assert sorted((p["a"], p["b"]) for p in points) == [(a, b) for a in range(3) for b in (False, True)]


def test_draws_follow_the_distributions():
    points = parameter_sampler({"x": st.norm(3, 2), "k": st.binom(10, 0.3), "n": range(4)}, 4000, random_state=0)
    assert np.mean([p["x"] for p in points]) == pytest.approx(3, abs=0.15)
    assert np.std([p["x"] for p in points]) == pytest.approx(2, abs=0.1)
    assert np.mean([p["k"] for p in points]) == pytest.approx(3, abs=0.15)
    assert np.bincount([p["n"] for p in points]) / 4000 == pytest.approx([0.25] * 4, abs=0.03)
    assert parameter_sampler({"x": st.norm()}, 0) == []


def test_the_users_sampler_is_the_source():
    ds = DomainSpace({"a": range(10)}, param_sampler=lambda param_dist, size: [{"a": 3}] * size)
    assert ds.get_random_sample(4) == [{"a": 3}] * 4


def test_loguniform_spans_its_decades():
    values = [p["a"] for p in DomainSpace({"a": loguniform(-3, 6)}, random_state=0).get_random_sample(1000)]
    assert 1e-3 < min(values) < 1e-2
    assert 1e2 < max(values) < 1e3


@pytest.mark.parametrize(
    ("space", "size"),
    [
        ({"a": range(10)}, 50_000),
        ({"a": range(1000), "b": list(range(200))}, 200_000),
        ({"a": range(10**6)}, 500_000),
        ({"x": st.uniform(0, 20), "n": range(70)}, 70_000),
        ({"x": st.uniform(loc=0, scale=20), "n": range(70)}, 70_000),
        ({"x": st.uniform(0, 0.1), "n": range(1200)}, 60_000),
        ({"x": st.norm(), "y": st.gamma(2), "z": st.truncnorm(-1, 2, 0, 1), "c": ["a", "b"]}, 50**3 * 4 * 6 * 3 // 10),
        ({"v": st.dirichlet([1, 1]), "n": range(9000)}, 90_000),
        ({"x": st.uniform(0, 1e300)}, 500_000),
        ({"x": st.cauchy()}, 50_000),
    ],
)
def test_the_size_of_a_domain(space, size):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = min(max(size, 50_000), 500_000)
        assert DomainSpace(space).domain_size == expected
