"""Values come back as they were given, or the parameter is refused by name."""

import numpy as np
import pytest
import scipy.stats as st

from tinynas.errors import SpaceError
from tinynas.tuner import ConfigTypeError, ConfigValueError, Space, Tuner, scheduler


@pytest.mark.parametrize("values", [[1.0, 10.0, 100.0], [0.0, 1.0], [1, 2.0], [np.float32(2), np.float32(4)]])
def test_floats_of_a_list_stay_floats(values):
    space = Space({"x": values})
    found = [space.params(code)["x"] for code in space.codes(space.grid())]
    assert [(type(value), value) for value in found] == [(type(value), value) for value in values]


@pytest.mark.parametrize(
    "values",
    [
        [np.array([64]), np.array([64, 64]), np.array([64, 64, 64]), np.array([32])],
        [np.array([1, 2]), np.array([1, 2, 4])],
        [[np.array([1, 2])], [np.array([1, 2]), np.array([3])]],
        [(1, np.array([2])), (1, np.array([3]))],
    ],
)
def test_arrays_are_categories(values):
    space = Space({"layers": values})
    assert space.size == len(values)
    assert [space.code({"layers": value}) for value in values] == [(i,) for i in range(len(values))]


@pytest.mark.parametrize(
    "values",
    [
        *(range(2**power) for power in (53, 54, 62, 63, 64, 70)),
        range(2**60, 2**60 + 10),
        range(-(2**54), 0, 2**20),
        [1, 10**400],
        st.randint(0, 2**60),
    ],
)
def test_integers_that_floats_cannot_tell_apart_are_refused_by_name(values):
    with pytest.raises(SpaceError, match="walk"):
        Space({"walk": values})


def test_the_largest_range_is_searched():
    tuner = Tuner({"walk": range(2**52), "x": st.uniform(0, 1)}, conf_dict={"seed": 0})
    for _ in range(12):
        [point] = tuner.ask()
        assert 0 <= point["walk"] < 2**52
        tuner.tell(point, point["x"])


@pytest.mark.parametrize(
    "distribution",
    [
        st.rv_discrete(values=([0.001, 0.01, 0.1], [0.3, 0.3, 0.4])),
        st.rv_discrete(values=([0, 0.5, 2], [0.3, 0.3, 0.4])),
        st.rv_discrete(values=([0, 0.5, 10**6], [0.3, 0.3, 0.4]))(),
        st.randint(0, 5, loc=0.5),
    ],
)
def test_a_discrete_distribution_of_fractions_is_refused_by_name(distribution):
    with pytest.raises(SpaceError, match="lr"):
        Space({"lr": distribution})


def test_an_objective_of_arrays_of_one():
    objective = scheduler.serial(lambda x: np.array([(x - 0.25) ** 2]))
    conf = {"seed": 0, "num_iteration": 5, "log_progress": False}
    results = Tuner({"x": st.uniform(0, 1)}, objective, conf).minimize()
    assert results["objective_values"].tolist() == [(p["x"] - 0.25) ** 2 for p in results["params_tried"]]


@pytest.mark.parametrize(
    "distribution",
    [st.uniform(loc=[0, 1]), st.uniform(loc=[0, 1], scale=[1, 1]), st.beta([1, 2], [3, 4]), st.poisson([1, 2, 3])],
)
def test_a_distribution_of_several_numbers_is_refused_by_name(distribution):
    with pytest.raises(SpaceError, match=r"lr.*stands for [23] numbers"):
        Space({"lr": distribution})


def test_a_list_of_one_argument_is_one_number():
    space = Space({"lr": st.uniform(loc=[2.0], scale=[1.0])})
    drawn = [space.params(code)["lr"] for code in space.codes(space.sample(np.random.default_rng(0), 3))]
    assert all(2.0 <= value <= 3.0 for value in drawn)


def test_an_array_without_axes_is_no_list():
    with pytest.raises(ConfigTypeError, match="units"):
        Space({"units": np.array(3)})


def test_nan_is_a_category_like_any_other():
    space = Space({"clip": [1.0, float("nan")]})
    assert space.size == 2
    assert space.code({"clip": float("nan")}) == (1,)


POINTS = [{"x": x} for x in range(6)]


@pytest.mark.parametrize("kind", [bool, np.bool_])
def test_a_constraint_may_answer_with_one_truth_value_for_one_point(kind):
    asked = []

    def all_even(points):
        asked.append(len(points))
        return kind(all(point["x"] % 2 == 0 for point in points))

    space = Space({"x": range(6)}, constraint=all_even)
    assert space.feasible([space.code(point) for point in POINTS]) == [True, False, True, False, True, False]
    assert asked == [6] + [1] * 6


@pytest.mark.parametrize("answer", [None, 1.5, "yes it is", [np.ones(2, dtype=bool)] * 6, {0: True}])
def test_a_constraint_that_answers_with_something_else_is_named(answer):
    space = Space({"x": range(6)}, constraint=lambda points: answer)
    with pytest.raises(ConfigTypeError, match="conf_dict:constraint"):
        space.feasible([space.code(point) for point in POINTS])


def test_a_constraint_with_too_few_answers_is_named():
    space = Space({"x": range(6)}, constraint=lambda points: [True])
    with pytest.raises(ConfigValueError, match="1 answers for 6 points"):
        space.feasible([space.code(point) for point in POINTS])
