import json

import numpy as np
import pytest
import scipy.stats as st
from hypothesis import given, settings
from hypothesis import strategies as hs

from tinynas.errors import SpaceError
from tinynas.tuner import ConfigTypeError, ExhaustedError, Space, loguniform
from tinynas.tuner.space.describe import classify
from tinynas.tuner.space.parameters import Categorical, Float, Integer, Multivariate

MIXED = {
    "filters": range(2, 64),
    "uneven": [100, 1, 10],
    "flag": [False, True],
    "norm": ["none", "batch", "layer"],
    "rate": st.uniform(0, 0.4),
    "step": loguniform(-4, 3),
    "mix": st.dirichlet([1.0, 2.0, 3.0]),
    "count": st.binom(10, 0.3),
}


@pytest.mark.parametrize(
    ("description", "kind"),
    [
        (range(3), Integer),
        (range(10, 0, -3), Integer),
        ([1, 10, 100], Integer),
        (np.arange(4), Integer),
        ([0.0, 1.0], Categorical),
        ([0.1, 0.2], Categorical),
        ([True, False], Categorical),
        ([np.True_, np.False_], Categorical),
        (["a", "b"], Categorical),
        (np.array(["a", "b"]), Categorical),
        ([None, 1, "x"], Categorical),
        ([1, True], Categorical),
        (st.uniform(), Float),
        (st.uniform(loc=2, scale=3), Float),
        (st.norm(), Float),
        (st.expon(), Float),
        (st.gamma(2), Float),
        (st.truncnorm(-1, 2, 0.5, 3), Float),
        (st.randint(3, 9), Integer),
        (st.poisson(4), Integer),
        (st.dirichlet([1, 1]), Multivariate),
        (st.multivariate_normal([0, 1], [[1, 0.5], [0.5, 1]]), Multivariate),
    ],
)
def test_classification(description, kind):
    assert type(classify("p", description)) is kind


@pytest.mark.parametrize("description", [5, None, "abc", {"a": 1}, 0.5])
def test_descriptions_of_the_wrong_type(description):
    with pytest.raises(ConfigTypeError, match="neither") as caught:
        Space({"p": description})
    assert isinstance(caught.value, TypeError)
    assert caught.value.where == "param_dict:p"


@pytest.mark.parametrize("description", [[], range(5, 5), st.uniform(0, 0), st.uniform(0, -1), st.norm(0, -1)])
def test_descriptions_without_values(description):
    with pytest.raises(SpaceError):
        Space({"p": description})


@pytest.mark.parametrize("params", [None, [1], 3])
def test_a_space_must_be_a_dictionary(params):
    with pytest.raises(TypeError):
        Space(params)


def test_an_empty_space_is_refused():
    with pytest.raises(SpaceError):
        Space({})


@settings(deadline=None, max_examples=40)
@given(hs.integers(0, 2**32 - 1))
def test_random_points_are_members_and_round_trip(seed):
    space = Space(MIXED)
    X = space.sample(np.random.default_rng(seed), 7)
    codes = space.codes(X)
    for parameter, columns in space.blocks:
        if not isinstance(parameter, Multivariate):
            assert np.all((X[:, columns] >= 0) & (X[:, columns] <= 1))
    np.testing.assert_allclose(space.coordinates(codes), X, atol=1e-9)
    for code in codes:
        params = space.params(code)
        assert space.code(params) == code
        assert list(params) == list(MIXED)
        assert params["filters"] in MIXED["filters"]
        assert params["uneven"] in (1, 10, 100)
        assert params["flag"] in (True, False)
        assert type(params["flag"]) is bool
        assert params["norm"] in MIXED["norm"]
        assert 0 <= params["rate"] <= 0.4
        assert type(params["rate"]) is float
        assert 1e-4 <= params["step"] <= 0.1 * (1 + 1e-9)
        assert isinstance(params["mix"], list)
        assert sum(params["mix"]) == pytest.approx(1.0)
        assert 0 <= params["count"] <= 10
        assert type(params["filters"]) is int


@settings(deadline=None, max_examples=40)
@given(hs.lists(hs.integers(-50, 50), min_size=1, max_size=30))
def test_integer_lists_are_hit_exactly_and_evenly(values):
    space = Space({"n": values})
    n = len(set(values))
    codes = space.codes((np.arange(n)[:, None] + 0.5) / n)
    assert [code[0] for code in codes] == sorted(set(values))
    assert np.allclose(np.diff(space.coordinates(codes)[:, 0]), 1 / n)
    ends = space.codes(np.array([[0.0], [1.0]]))
    assert [code[0] for code in ends] == [min(values), max(values)]


def test_weights_of_a_discrete_distribution_reach_the_samples():
    space = Space({"k": st.binom(10, 0.3)})
    drawn = [code[0] for code in space.codes(space.sample(np.random.default_rng(0), 4000))]
    assert np.mean(drawn) == pytest.approx(3.0, abs=0.15)
    assert np.std(drawn) == pytest.approx(np.sqrt(2.1), abs=0.1)


def test_a_huge_range_costs_nothing():
    space = Space({"n": range(0, 10**15, 7)})
    code = space.code({"n": 7 * 10**12})
    assert space.codes(space.coordinates([code])) == [code]


def test_true_and_one_are_different_categories_where_both_are_listed():
    space = Space({"c": [1, True, "x"]})
    assert space.size == 3
    assert [space.params(space.code({"c": value}))["c"] for value in (1, True, "x")] == [1, True, "x"]
    assert type(space.params(space.code({"c": True}))["c"]) is bool


@pytest.mark.parametrize("change", [{"filters": 2.5}, {"filters": "three"}, {"norm": "group"}, {"rate": float("nan")}])
@pytest.mark.filterwarnings("error")
def test_values_of_the_wrong_kind_are_named(change):
    space = Space({name: MIXED[name] for name in ("filters", "norm", "rate")})
    good = {"filters": 3, "norm": "none", "rate": 0.1}
    space.code(good)
    with pytest.raises(SpaceError) as caught:
        space.code(good | change)
    assert caught.value.where == next(iter(change))


@pytest.mark.parametrize("point", [{}, {"a": 1}, {"a": 1, "b": 2, "c": 3}, [1, 2], None])
def test_points_with_the_wrong_names(point):
    with pytest.raises(SpaceError):
        Space({"a": range(5), "b": range(5)}).code(point)


def test_numbers_outside_their_range_may_be_told():
    space = Space({"n": range(10), "x": st.uniform(0, 1)})
    inside, outside = space.coordinates([(9, 0.5), (12, 1.5)])
    assert outside[0] == pytest.approx(inside[0] + 0.3)
    assert outside[1] == 1.0


def test_different_categories_are_equally_far_apart():
    space = Space({"c": ["a", "b", "c", "d"], "f": [False, True]})
    Z = space.features(space.coordinates([(i, 0) for i in range(4)] + [(0, 1)]))
    distance = ((Z[:, None] - Z) ** 2).sum(axis=2)
    np.testing.assert_allclose(distance[:4, :4], 1 - np.eye(4))
    assert distance[0, 4] == pytest.approx(1.0)
    assert len(space.groups) == Z.shape[1]


def test_the_constraint_is_asked_in_batches_and_only_once_per_point():
    calls = []

    def even_sum(points):
        calls.append(len(points))
        return [(p["a"] + p["b"]) % 2 == 0 for p in points]

    space = Space({"a": range(30), "b": range(30)}, constraint=even_sum)
    rng = np.random.default_rng(0)
    X = space.random_allowed(rng, 100, set())
    assert len(X) == 100
    assert all((a + b) % 2 == 0 for a, b in space.codes(X))
    assert len(calls) <= 5
    assert len(set(space.codes(X))) == 100
    before = len(calls)
    space.feasible(space.codes(X))
    assert len(calls) == before


def test_a_constraint_with_too_few_answers_is_caught():
    space = Space({"a": range(5)}, constraint=lambda points: [True])
    with pytest.raises(ValueError, match="answers"):
        space.feasible([(0,), (1,)])


def test_no_feasible_point_says_how_many_were_tried():
    calls = []

    def never(points):
        calls.append(len(points))
        return [False] * len(points)

    with pytest.raises(SpaceError, match="16384 random candidates") as caught:
        Space({"x": st.uniform(0, 1)}, constraint=never).random_allowed(np.random.default_rng(0), 1, set())
    assert not isinstance(caught.value, ExhaustedError)
    assert 16_384 <= sum(calls) <= 17_000
    with pytest.raises(SpaceError, match="all 6 points"):
        Space({"a": range(6)}, constraint=never).random_allowed(np.random.default_rng(0), 1, set())


def test_the_last_point_of_a_grid_is_found():
    space = Space({"a": range(40), "b": range(40)})
    taken = set(space.codes(space.grid())) - {(17, 23)}
    assert space.codes(space.random_allowed(np.random.default_rng(0), 5, taken)) == [(17, 23)]
    with pytest.raises(ExhaustedError, match="1600 of 1600"):
        space.random_allowed(np.random.default_rng(0), 1, taken | {(17, 23)})


def test_the_users_sampler_is_called_by_position():
    def sampler(param_dist, size):
        return [{"a": 3} for _ in range(size)]

    space = Space({"a": range(10)}, sampler=sampler)
    assert space.codes(space.sample(np.random.default_rng(0), 4)) == [(3,)] * 4


@pytest.mark.parametrize(
    "distribution",
    [
        st.loguniform(1e-5, 1e2),
        st.reciprocal(2, 3),
        st.loguniform(1, 10, loc=5, scale=2),
        st.loguniform(1, 10, loc=-1),
        st.loguniform(1, 10, scale=3),
        st.uniform(3, 4),
    ],
)
def test_shortcuts_agree_with_scipy(distribution):
    space = Space({"x": distribution})
    unit = np.linspace(0, 1, 41)[:, None]
    values = [code[0] for code in space.codes(unit)]
    np.testing.assert_allclose(values, distribution.ppf(unit[:, 0]), rtol=1e-12)
    low, high = distribution.support()
    assert low * (1 - 1e-15) <= min(values)
    assert max(values) <= high * (1 + 1e-15)
    np.testing.assert_allclose(space.coordinates([(v,) for v in values]), unit, atol=1e-12)
    outside = space.coordinates([(low - 0.5,), (high + 1,)])
    assert outside.ravel().tolist() == [0.0, 1.0]


def test_sets_have_an_order_of_their_own_and_iterators_last():
    space = Space({"s": {"b", "a", "c"}, "i": iter([3, 1]), "f": frozenset([2, 9])})
    assert space.parameters[space.names.index("s")].values == ("a", "b", "c")
    assert space.param_dict["i"] == [3, 1]
    assert space.size == 12


def test_codes_survive_json():
    space = Space(MIXED)
    codes = space.codes(space.sample(np.random.default_rng(3), 20))
    read = json.loads(json.dumps(codes))
    again = [tuple(tuple(part) if isinstance(part, list) else part for part in code) for code in read]
    assert again == codes


def test_loguniform_spans_the_decades_mango_says():
    drawn = loguniform(-3, 6).rvs(size=500, random_state=np.random.default_rng(0))
    assert drawn.min() > 1e-3
    assert drawn.max() < 1e3
    assert np.median(np.log10(drawn)) == pytest.approx(0.0, abs=0.4)
