"""Values come back as they were given, or the parameter is refused by name."""

import numpy as np
import pytest
import scipy.stats as st

from tinynas.errors import SpaceError
from tinynas.tuner import Space, Tuner, scheduler


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
