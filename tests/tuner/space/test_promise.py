"""What is thought of points beforehand: its scale, its gaps, and answers that are none."""

import numpy as np
import pytest

from tinynas.tuner import Tuner
from tinynas.tuner.config import ConfigTypeError, ConfigValueError
from tinynas.tuner.space import Space

SPACE = {"depth": range(1, 101), "norm": ["none", "batch"]}


def _promises(promise, depths):
    space = Space(SPACE, promise=promise)
    return space.promise(space.coordinates([space.code({"depth": d, "norm": "none"}) for d in depths]))


def test_most_of_a_space_lies_between_0_and_1_whatever_the_unit():
    for unit in (1e-6, 1.0, 1e9):
        found = _promises(lambda points, unit=unit: [unit * p["depth"] for p in points], range(1, 101))
        assert found.shape == (100, 1)
        assert np.all(np.diff(found[:, 0]) > 0)
        assert 0.85 <= np.mean((found >= 0) & (found <= 1)) <= 0.95


def test_without_a_promise_there_is_no_column():
    space = Space(SPACE)
    assert space.promise(space.grid()).shape == (200, 0)
    assert not space.promises


@pytest.mark.parametrize("nothing", [None, float("nan"), float("inf"), -float("inf")])
def test_a_point_of_which_nothing_is_known_counts_as_the_middle(nothing):
    found = _promises(lambda points: [nothing if p["depth"] == 7 else p["depth"] for p in points], [7, 8])
    assert found[0, 0] == 0.5
    assert found[1, 0] < 0.2


def test_a_promise_of_nothing_at_all_and_one_that_is_always_the_same():
    assert _promises(lambda points: [None] * len(points), [1, 50]).ravel().tolist() == [0.5, 0.5]
    assert _promises(lambda points: [3.0] * len(points), [1, 50]).ravel().tolist() == [0.0, 0.0]


def test_each_point_is_asked_about_once():
    asked = []

    def promise(points):
        asked.extend((p["depth"], p["norm"]) for p in points)
        return [p["depth"] for p in points]

    _promises(promise, [1, 2, 2, 1, 3])
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("answer", [3, "abc", {"a": 1}])
def test_an_answer_that_is_no_sequence_is_refused(answer):
    with pytest.raises(ConfigTypeError) as caught:
        _promises(lambda points: answer, [1])
    assert caught.value.where == "conf_dict:promise"


@pytest.mark.parametrize("one", ["x", [1, 2], {"a": 1}, object()])
def test_answers_that_are_no_numbers_are_refused(one):
    with pytest.raises(ConfigTypeError) as caught:
        _promises(lambda points: [one] * len(points), [1])
    assert caught.value.where == "conf_dict:promise"


def test_another_number_of_answers_is_refused():
    with pytest.raises(ConfigValueError, match="1 numbers for"):
        _promises(lambda points: [1.0], [1])


def test_what_is_no_function_is_refused():
    with pytest.raises(ConfigTypeError):
        Tuner(SPACE, conf_dict={"promise": 3})
