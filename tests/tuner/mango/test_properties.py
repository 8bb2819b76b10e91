"""What holds for every search, whatever its space."""

import json
import math
import zlib

import numpy as np
import pytest
import scipy.stats as st
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as hs

from tinynas.errors import SpaceError
from tinynas.tuner import ConfigValueError, ExhaustedError, Space, Tuner
from tinynas.tuner.space.parameters import Categorical, Float, Integer, Multivariate

FEW = settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.too_slow])

DISTRIBUTIONS = [
    st.uniform(-3, 5),
    st.uniform(loc=1e3, scale=1e-2),
    st.loguniform(1e-6, 1e3),
    st.norm(10, 3),
    st.expon(scale=2),
    st.gamma(2.5, loc=-1),
    st.truncnorm(-1, 2, loc=0.5, scale=3),
    st.beta(0.5, 0.5),
    st.cauchy(),
    st.t(2),
]
COUNTS = [st.randint(-3, 4), st.poisson(2.5), st.binom(n=5, p=0.4), st.geom(0.3)]
VECTORS = [st.dirichlet([0.5, 1, 3]), st.multivariate_normal([0, 9], [[1, 0.5], [0.5, 2]]), st.uniform_direction(3)]

discrete = hs.one_of(
    hs.builds(range, hs.integers(-5, 5), hs.integers(6, 60), hs.integers(1, 7)),
    hs.lists(hs.integers(-(10**6), 10**6), min_size=1, max_size=6),
    hs.lists(
        hs.one_of(hs.text(max_size=3), hs.booleans(), hs.none(), hs.floats(allow_nan=False)), min_size=1, max_size=5
    ),
)
anything = hs.one_of(discrete, discrete, hs.sampled_from(DISTRIBUTIONS), hs.sampled_from(COUNTS + VECTORS))


@hs.composite
def spaces(draw, kinds=anything, most=5):
    """A space, and conditions for some of its parameters that may or may not make sense together."""
    space = {f"p{i}": draw(kinds) for i in range(draw(hs.integers(1, most)))}
    conditions = {}
    parents = [name for name, values in space.items() if not hasattr(values, "rvs")]
    for name in space:
        others = [parent for parent in parents if parent < name]
        if others and draw(hs.booleans()):
            parent = draw(hs.sampled_from(others))
            values = list(space[parent])
            conditions[name] = {parent: draw(hs.lists(hs.sampled_from(values), min_size=1, max_size=len(values)))}
    return space, conditions


def made(described, **conf):
    space, conditions = described
    try:
        return Tuner(space, conf_dict={"seed": 1, "conditions": conditions, **conf})
    except ConfigValueError:
        return assume(False)


def loss(tuner, params):
    """Any function of a point: some bowl over what would be its coordinates."""
    [row] = tuner.space.coordinates([tuner.space.code(params)])
    return float(((row - np.linspace(0.2, 0.9, len(row))) ** 2 * np.arange(1, len(row) + 1)).sum())


def in_bounds(space, params):
    """Whether every value is one that its description allows."""
    for name, value in params.items():
        parameter = space.parameters[space.names.index(name)]
        if isinstance(parameter, Integer):
            assert type(value) is int
            assert value in parameter.values
        elif isinstance(parameter, Categorical):
            assert any(value is known for known in parameter.values)
        elif isinstance(parameter, Float):
            low, high = parameter.distribution.support()
            assert type(value) is float
            assert math.isfinite(value)
            assert low - 1e-9 * abs(low) <= value <= high + 1e-9 * abs(high)
        else:
            assert isinstance(parameter, Multivariate)
            assert len(value) == parameter.columns
            assert all(type(x) is float and math.isfinite(x) for x in value)
    return True


@settings(deadline=None, max_examples=120)
@given(spaces(), hs.integers(0, 2**32 - 1))
def test_encodings_round_trip(described, seed):
    space_dict, conditions = described
    try:
        space = Space(space_dict, conditions=conditions)
    except ConfigValueError:
        assume(False)
    X = space.sample(np.random.default_rng(seed), 5)
    codes = space.codes(X)
    for code in codes:
        params = space.params(code)
        assert in_bounds(space, params)
        assert space.code(params) == code == space.canonical(code)
        read = json.loads(json.dumps(code))
        assert tuple(tuple(part) if isinstance(part, list) else part for part in read) == code
    np.testing.assert_allclose(space.snap(X), X, atol=1e-12)
    np.testing.assert_allclose(space.coordinates(codes), X, atol=1e-7)
    again = space.codes(space.coordinates(codes))
    for one, other in zip(codes, again, strict=True):
        for parameter, a, b in zip(space.parameters, one, other, strict=True):
            if a is None or isinstance(parameter, Integer | Categorical):
                assert a == b
            else:
                np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


@FEW
@given(spaces(), hs.booleans(), hs.integers(1, 3))
def test_suggestions_are_new_in_bounds_and_allowed(described, clusters, batch):
    def allowed(points):
        return [zlib.crc32(repr(sorted(p.items())).encode()) % 4 > 0 for p in points]

    def allowed_code(code):
        return allowed([tuner.space.params(code)])[0]

    strategy = "clustering" if clusters else "penalty"
    tuner = made(described, constraint=allowed, parallel_strategy=strategy, design_size=4)
    told = []
    while len(told) < 9:
        try:
            points = tuner.ask(batch)
        except SpaceError:
            assert set(told) == {code for code in tuner.space.codes(tuner.space.grid()) if allowed_code(code)}
            break
        for point in points:
            assert in_bounds(tuner.space, point)
            told.append(tuner.space.code(point))
            tuner.tell(point, None if len(told) % 5 == 4 else loss(tuner, point))
    assert len(set(told)) == len(told)
    assert all(map(allowed_code, told))


small = hs.sampled_from([[False, True], ["a", "b", "c"], range(3), [1, 10, 100], [7], range(-2, 3)])


@FEW
@given(spaces(small, 3), hs.sampled_from(["Bayesian", "Random"]), hs.integers(1, 4))
def test_a_finite_space_is_evaluated_once_and_the_search_stops(described, optimizer, batch):
    tuner = made(described, optimizer=optimizer)
    assume(tuner.space.size <= 50)
    told = []
    while len(told) < tuner.space.size:
        for point in tuner.ask(batch):
            told.append(tuner.space.code(point))
            tuner.tell(point, loss(tuner, point))
    assert set(told) == set(tuner.space.codes(tuner.space.grid()))
    assert len(told) == tuner.space.size
    with pytest.raises(ExhaustedError):
        tuner.ask()


@FEW
@given(spaces(), hs.lists(hs.sampled_from(["ask", "tell", "fail", "cheap", "forget"]), min_size=8, max_size=20))
def test_a_state_goes_through_json_and_on_with_the_same_suggestions(described, steps):
    tuner = made(described, design_size=3)
    for step in ["ask", "tell", *steps]:
        pending = tuner.pending
        if step == "ask" or not pending:
            try:
                tuner.ask(2)
            except ExhaustedError:
                break
        elif step == "forget":
            tuner.forget(pending[-1])
        else:
            limits = {"limit": loss(tuner, pending[0]) - 1.0}
            fidelity = 0.5 if step == "cheap" else 1.0
            value = None if step == "fail" else loss(tuner, pending[0])
            tuner.tell(pending[0], value, constraints=limits, fidelity=fidelity)
    other = made(described, design_size=3)
    other.load_state_dict(json.loads(json.dumps(tuner.state_dict(), allow_nan=False)))
    assert other.state_dict() == tuner.state_dict()
    assert other.observations == tuner.observations
    for _ in range(2):
        try:
            expected = tuner.ask(2)
        except ExhaustedError:
            with pytest.raises(ExhaustedError):
                other.ask(2)
            break
        assert other.ask(2) == expected


@FEW
@given(spaces())
def test_minimising_is_maximising_the_negative(described):
    down, up = made(described, sense="minimize"), made(described, sense="maximize")
    for _ in range(8):
        try:
            [point] = down.ask()
        except ExhaustedError:
            break
        assert up.ask() == [point]
        down.tell(point, loss(down, point))
        up.tell(point, -loss(down, point))
    assert down.best[0] == up.best[0]
    assert down.best[1] == -up.best[1]
    points = [point for point, _ in down.observations]
    for a, b, sign in zip(down.predict(points), up.predict(points), (-1, 1), strict=True):
        np.testing.assert_allclose(a, sign * b, rtol=1e-6, atol=1e-9)
