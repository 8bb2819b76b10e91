"""Parameters that are held at a value."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tinynas.errors import ExhaustedError, SpaceError
from tinynas.tuner import Tuner
from tinynas.tuner.config import ConfigValueError
from tinynas.tuner.space import Space

SPACE = {"x": stats.uniform(-1, 2), "rate": stats.loguniform(1e-4, 1e-1), "k": range(1, 20), "c": ["a", "b", "d"]}
VALUES = {
    "x": st.floats(-1, 1),
    "rate": st.floats(1e-4, 1e-1),
    "k": st.integers(1, 19),
    "c": st.sampled_from(["a", "b", "d"]),
}


def bowl(point):
    return (point["x"] - 0.3) ** 2 + (point["k"] - 7) ** 2 / 50 + 0.3 * (point["c"] != "b") + point["rate"]


def tuner_with(count, **config):
    tuner = Tuner(SPACE, conf_dict={"sense": "minimize", "seed": 0, **config})
    for _ in range(count):
        [point] = tuner.ask()
        tuner.tell(point, bowl(point))
    return tuner


@settings(max_examples=15, deadline=None)
@given(fixed=st.fixed_dictionaries({}, optional=VALUES), count=st.integers(1, 3), learnt=st.sampled_from([0, 8]))
def test_suggestions_have_exactly_what_is_fixed(fixed, count, learnt):
    tuner = tuner_with(learnt)
    points = tuner.ask(count, fixed=fixed)
    assert points
    for point in points:
        assert {name: point[name] for name in fixed} == fixed
        assert set(point) == set(SPACE)
    assert tuner.pending == points
    [free] = tuner.ask()
    assert set(free) == set(SPACE)


def test_what_was_told_elsewhere_counts():
    """With another k than the best the tuner still knows where x and c are good."""
    tuner = tuner_with(25)
    [point] = tuner.ask(fixed={"k": 12})
    assert bowl(point) < bowl({"x": 0.3, "rate": 0.0, "k": 12, "c": "b"}) + 0.1


def test_a_part_of_the_space_comes_to_its_end():
    tuner = tuner_with(6)
    fixed = {"x": 0.1, "rate": 0.01, "k": 3}
    assert {point["c"] for point in tuner.ask(5, fixed=fixed)} == {"a", "b", "d"}
    with pytest.raises(ExhaustedError, match="3 of 3"):
        tuner.ask(fixed=fixed)
    assert tuner.ask()


@pytest.mark.parametrize("fixed", [{"z": 1}, {"k": 99}, {"x": 3.0}, {"c": "q"}, {"k": 2.5}])
def test_what_no_point_has_is_refused_and_nothing_is_asked(fixed):
    tuner = tuner_with(3)
    with pytest.raises(SpaceError):
        tuner.ask(fixed=fixed)
    assert not tuner.pending
    assert not tuner.space.held


def test_wishes_that_do_not_fit_wait():
    wishes = [{"x": 0.0, "rate": 0.01, "k": 5, "c": "a"}, {"x": 0.0, "rate": 0.01, "k": 6, "c": "b"}]
    tuner = Tuner(SPACE, conf_dict={"seed": 0, "initial_custom": wishes})
    assert tuner.ask(fixed={"k": 6}) == [wishes[1]]
    assert tuner.ask() == [wishes[0]]


def test_a_constraint_and_conditions_hold_as_well():
    tuner = Tuner(
        {"a": range(10), "b": range(10), "kind": ["p", "q"], "only_q": range(5)},
        conf_dict={
            "seed": 0,
            "constraint": lambda points: [point["a"] + point["b"] <= 4 for point in points],
            "conditions": {"only_q": {"kind": "q"}},
        },
    )
    for point in tuner.ask(10, fixed={"only_q": 3, "a": 2}):
        assert point["kind"] == "q"
        assert point["only_q"] == 3
        assert point["a"] == 2
        assert point["b"] <= 2
    with pytest.raises(SpaceError, match="constraint"):
        tuner.ask(fixed={"a": 5, "b": 5})


def test_a_sampler_of_ones_own_cannot_be_held():
    tuner = tuner_with(0, param_sampler=lambda space, size: [{"x": 0, "rate": 0.01, "k": 1, "c": "a"}] * size)
    with pytest.raises(ConfigValueError, match="sampler"):
        tuner.ask(fixed={"k": 1})


def test_the_space_is_itself_again_after_an_error():
    space = Space({"a": range(3), "b": range(4)})
    with space.holding({"a": 1}):
        assert space.size == 4
        assert len(space.grid()) == 4
    with pytest.raises(SpaceError), space.holding({"a": 1}):
        space.refuse(set())
    assert space.size == 12
    assert len(space.grid()) == 12
