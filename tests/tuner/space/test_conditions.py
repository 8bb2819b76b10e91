import json
from itertools import product

import numpy as np
import pytest
import scipy.stats as st
from hypothesis import assume, given, settings
from hypothesis import strategies as hs

from tinynas.errors import SpaceError
from tinynas.tuner import ConfigTypeError, ConfigValueError, DomainSpace, ExhaustedError, Space, Tuner

OPTIMIZER = {
    "optimizer": ["adam", "sgd", "rmsprop"],
    "momentum": st.uniform(0, 0.99),
    "nesterov": [False, True],
    "rate": st.loguniform(1e-5, 1e-1),
    "beta": st.dirichlet([1.0, 1.0]),
    "layers": range(1, 4),
    "width_2": range(8, 65),
    "width_3": [8, 16, 32],
}
CONDITIONS = {
    "momentum": {"optimizer": ["sgd", "rmsprop"]},
    "nesterov": {"optimizer": "sgd"},
    "beta": {"optimizer": ["adam"]},
    "width_2": {"layers": [2, 3]},
    "width_3": {"layers": 3},
}
ALWAYS = {"optimizer", "rate", "layers"}


def present(params):
    """The names that a point of OPTIMIZER should have, said in another way."""
    names = set(ALWAYS)
    names |= {"momentum", "nesterov"} if params["optimizer"] == "sgd" else set()
    names |= {"momentum"} if params["optimizer"] == "rmsprop" else set()
    names |= {"beta"} if params["optimizer"] == "adam" else set()
    return names | {f"width_{n}" for n in range(2, params["layers"] + 1)}


@hs.composite
def finite_spaces(draw):
    """Up to six discrete parameters, each perhaps with conditions on earlier ones."""
    names = [f"p{i}" for i in range(draw(hs.integers(2, 6)))]
    space, conditions = {}, {}
    for i, name in enumerate(names):
        space[name] = draw(hs.sampled_from([[False, True], ["a", "b", "c"], range(3), [1, 10, 100, 1000], [7]]))
        parents = draw(hs.lists(hs.sampled_from(names[:i]), unique=True, max_size=2)) if i else []
        if parents:
            conditions[name] = {
                parent: draw(hs.lists(hs.sampled_from(list(space[parent])), min_size=1, unique=True))
                for parent in parents
            }
    order = draw(hs.permutations(names))
    return {name: space[name] for name in order}, conditions


def canonical_points(space):
    """Distinct points by brute force: every combination, with what does not exist taken out."""
    every = product(*(range(p.size) if hasattr(p, "columns") else () for p in space.parameters))
    values = [[p.codes(np.array([[(i + 0.5) / p.size]]))[0] for i in range(p.size)] for p in space.parameters]
    return {space.canonical([v[i] for v, i in zip(values, combination, strict=True)]) for combination in every}


@settings(deadline=None, max_examples=150)
@given(finite_spaces())
def test_a_finite_space_is_counted_and_listed_once_each(described):
    space_dict, conditions = described
    try:
        space = Space(space_dict, conditions=conditions)
    except ConfigValueError:
        assume(False)  # conditions that contradict each other
    points = canonical_points(space)
    assert space.size == len(points)
    grid = space.grid()
    codes = space.codes(grid)
    assert len(codes) == space.size
    assert set(codes) == points
    np.testing.assert_array_equal(space.snap(grid), grid)
    assert len({tuple(row) for row in grid.tolist()}) == space.size
    np.testing.assert_allclose(space.coordinates(codes), grid)
    for code in codes:
        assert space.code(space.params(code)) == code


@settings(deadline=None, max_examples=60)
@given(hs.integers(0, 2**32 - 1))
def test_encodings_round_trip_and_agree(seed):
    space = Space(OPTIMIZER, conditions=CONDITIONS)
    rng = np.random.default_rng(seed)
    X = space.sample(rng, 6)
    codes = space.codes(X)
    np.testing.assert_allclose(space.coordinates(codes), X, atol=1e-9)
    for code in codes:
        params = space.params(code)
        assert set(params) == present(params)
        assert [name for name in OPTIMIZER if name in params] == list(params)
        assert space.code(params) == code == space.canonical(code)
        # Values of what does not exist change nothing, sound or not.
        assert (
            space.code({"momentum": 0.5, "nesterov": "what", "beta": None, "width_2": 9, "width_3": 8} | params) == code
        )
    # Points that differ in absent parameters only are one point.
    stirred = np.where(space.present(X), X, rng.random(X.shape))
    np.testing.assert_array_equal(space.features(stirred), space.features(X))
    assert space.codes(stirred) == codes
    np.testing.assert_array_equal(space.snap(stirred), X)
    np.testing.assert_array_equal(space.snap(X), X)
    assert space.present(X).sum() == sum(len(p) + ("beta" in p) for p in map(space.params, codes))


def test_without_conditions_everything_is_present():
    space = Space(OPTIMIZER)
    assert not space.conditions
    assert space.present(space.sample(np.random.default_rng(0), 4)).all()
    assert Space({"a": range(3)}, conditions={}).size == 3


@pytest.mark.parametrize("point", [{}, {"optimizer": "sgd"}, {"optimizer": "adam", "rate": 0.1, "layers": 1}])
def test_what_a_point_must_have_is_named(point):
    space = Space(OPTIMIZER, conditions=CONDITIONS)
    with pytest.raises(SpaceError, match="missing") as caught:
        space.code(point)
    assert "width_2" not in str(caught.value)
    with pytest.raises(SpaceError, match="unknown lairs"):
        space.code({"optimizer": "rmsprop", "momentum": 0.1, "rate": 0.1, "layers": 1, "lairs": 2})


@pytest.mark.parametrize(
    ("conditions", "kind", "message"),
    [
        ([("b", {"a": 1})], ConfigTypeError, "a dictionary is needed"),
        ({"b": ["a"]}, ConfigTypeError, "a dictionary of other parameters"),
        ({"b": {}}, ConfigTypeError, "a dictionary of other parameters"),
        ({"z": {"a": 1}}, ConfigValueError, "no parameter 'z'"),
        ({"b": {"z": 1}}, ConfigValueError, "no parameter 'z'"),
        ({"b": {"a": 5}}, ConfigValueError, "5 is not among the values of 'a'"),
        ({"b": {"c": "w"}}, ConfigValueError, "'w' is not one of 'u', 'v'"),
        ({"b": {"c": []}}, ConfigValueError, "no value of 'c'"),
        ({"b": {"x": [0.5]}}, ConfigValueError, "not discrete"),
        ({"b": {"b": True}}, ConfigValueError, "circle"),
        ({"b": {"c": "u"}, "c": {"a": 1}, "a": {"b": True}}, ConfigValueError, "circle"),
        ({"b": {"a": 1, "c": "u"}, "c": {"a": [0, 2]}}, ConfigValueError, "no value of 'a' is left"),
    ],
)
def test_conditions_that_make_no_sense(conditions, kind, message):
    space = {"a": range(3), "b": [False, True], "c": ["u", "v"], "x": st.uniform(0, 1)}
    with pytest.raises(kind, match=message) as caught:
        Tuner(space, conf_dict={"conditions": conditions})
    assert caught.value.where.startswith("conf_dict:conditions")


def test_a_chain_and_a_parent_with_a_million_values():
    space = Space(
        {"n": range(10**6), "big": [False, True], "why": ["a", "b", "c"], "apart": range(5)},
        conditions={"big": {"n": range(10, 20)}, "why": {"big": True}},
    )
    assert space.size == 5 * (10 * (1 + 3) + (10**6 - 10))
    assert space.params(space.code({"n": 15, "big": False, "why": "a", "apart": 0})) == {
        "n": 15,
        "big": False,
        "apart": 0,
    }
    assert "why" not in space.params(space.code({"n": 25, "big": True, "why": "a", "apart": 0}))


def test_many_parents_are_counted_in_no_time():
    flags = {f"f{i}": [False, True] for i in range(40)} | {f"v{i}": range(10) for i in range(40)}
    space = Space(flags, conditions={f"v{i}": {f"f{i}": True} for i in range(40)})
    assert space.size == 11**40
    rooted = Space({"root": ["x", "y"]} | flags, conditions={f"f{i}": {"root": "x"} for i in range(40)})
    assert rooted.size == 10**40 * (2**40 + 1)


CHOICES = {"kind": ["tree", "line", "net"], "depth": range(1, 8), "bend": [0.5, 1.5, 2.5], "late": [False, True]}
CHOICE_CONDITIONS = {
    "depth": {"kind": ["tree", "net"]},
    "bend": {"kind": "line"},
    "late": {"kind": "net", "depth": [6, 7]},
}


def choice_score(p):
    return (
        {"tree": 3, "line": 1, "net": 0}[p["kind"]] + abs(p.get("depth", 4) - 5) + p.get("bend", 0) - p.get("late", 0)
    )


@pytest.mark.parametrize("conf", [{}, {"optimizer": "Random"}, {"parallel_strategy": "clustering"}], ids=str)
def test_a_search_evaluates_every_point_once_and_stops(conf):
    tuner = Tuner(CHOICES, conf_dict={"seed": 0, "sense": "minimize", "conditions": CHOICE_CONDITIONS} | conf)
    assert tuner.space.size == 7 + 3 + 5 + 2 * 2
    seen = []
    while len(seen) < 19:
        for point in tuner.ask(3):
            seen.append(tuple(sorted(point.items())))
            tuner.tell(point, choice_score(point))
    assert len(seen) == len(set(seen)) == 19
    assert tuner.best[1] == 0.0
    with pytest.raises(ExhaustedError):
        tuner.ask()


def lossy(p):
    loss = (np.log10(p["rate"]) + 2.5) ** 2 / 4 + (p["layers"] - 2) ** 2 / 2
    loss += {"adam": 0.6, "sgd": 0.2, "rmsprop": 0.8}[p["optimizer"]]
    loss += (p.get("momentum", 0.5) - 0.9) ** 2 + 0.2 * (not p.get("nesterov", False))
    return loss + abs(p.get("width_2", 30) - 40) / 40 + abs(p.get("width_3", 16) - 16) / 50


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 4])
def test_a_mixed_conditional_space_is_searched_downhill(batch):
    def narrow(points):
        return [p.get("width_2", 0) + p.get("width_3", 0) < 80 for p in points]

    conf = {"seed": 1, "sense": "minimize", "conditions": CONDITIONS, "constraint": narrow}
    tuner = Tuner(OPTIMIZER, conf_dict=conf)
    while len(tuner.observations) < 40:
        for point in tuner.ask(batch):
            assert set(point) == present(point)
            tuner.tell(point, lossy(point))
    points = [point for point, _ in tuner.observations]
    assert all(narrow(points))
    assert len({tuner.space.code(point) for point in points}) == 40
    assert tuner.best[1] < 0.7  # the minimum is 0.2, the median of random points about 2
    assert tuner.predict(points[:2])[0].shape == (2,)


def test_the_state_keeps_what_is_absent():
    conf = {"seed": 3, "sense": "minimize", "conditions": CONDITIONS}
    tuner = Tuner(OPTIMIZER, conf_dict=conf)
    for _ in range(10):
        [point] = tuner.ask()
        tuner.tell(point, lossy(point))
    tuner.ask(2)
    state = json.loads(json.dumps(tuner.state_dict()))
    loaded = Tuner(OPTIMIZER, conf_dict=conf)
    loaded.load_state_dict(state)
    assert loaded.observations == tuner.observations
    assert loaded.ask(2) == tuner.ask(2)
    with pytest.raises(ConfigValueError, match="another search space"):
        Tuner(OPTIMIZER, conf_dict={"sense": "minimize"}).load_state_dict(state)
    place = sorted(OPTIMIZER).index("rate")
    state["observations"][0]["point"][place] = None
    with pytest.raises(ConfigValueError, match="damaged"):
        loaded.load_state_dict(state)


def test_a_domain_space_with_conditions():
    ds = DomainSpace(OPTIMIZER, conditions=CONDITIONS, random_state=0)
    points = ds.get_random_sample(40)
    assert all(set(p) == present(p) for p in points)
    X = ds.convert_GP_space(points)
    assert np.all(np.isfinite(X))
    assert ds.convert_PS_space(X) == points
    [row] = ds.convert_GP_space([{"optimizer": "rmsprop", "momentum": 0.3, "rate": 0.01, "layers": 1}])
    assert row[[0, 1]] == pytest.approx([0.5, 0.5], abs=0.1)  # beta, the first by name, from the middle
    assert row[4:6].tolist() == [0, 0]  # nesterov is neither true nor false
    tuner = Tuner(OPTIMIZER, conf_dict={"conditions": CONDITIONS, "seed": 0})
    assert all(set(p) == present(p) for p in tuner.ds.get_random_sample(10))


def test_a_sampler_of_the_users_may_draw_too_much():
    rng = np.random.default_rng(0)

    def sampler(param_dist, size):
        picks = [{name: values[rng.integers(len(values))] for name, values in param_dist.items()} for _ in range(size)]
        return [dict(p) for p in picks]

    conf = {"conditions": CHOICE_CONDITIONS, "param_sampler": sampler, "seed": 0}
    tuner = Tuner(CHOICES, conf_dict=conf)
    for point in tuner.ask(6):
        assert ("bend" in point) == (point["kind"] == "line")
        tuner.tell(point, choice_score(point))
    assert len(tuner.ask(3)) == 3
