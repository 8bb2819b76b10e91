"""Each test function against its own facts: box, minimum, minimiser."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import qmc

from benchmarks.testfunctions import FUNCTIONS, TestFunction
from tinynas.tuner import Tuner

TOLERANCE = 1e-9


def scale_of(function):
    """Size of the values near the bottom: what a rounded minimum may be wrong by, relatively."""
    return max(1.0, abs(function.minimum))


def lowest_of_polish(function, start):
    """Value after two local searches, one with finite differences, one without any."""
    best = function(start)
    for options in ({"method": "L-BFGS-B"}, {"method": "Nelder-Mead", "options": {"maxfev": 400}}):
        found = minimize(lambda x: float(function.values(x[None])[0]), start, bounds=function.bounds, **options)
        best = min(best, float(found.fun))
    return best


@pytest.fixture(params=FUNCTIONS, ids=lambda function: function.name)
def function(request):
    return request.param


@pytest.mark.slow
def test_minimum_is_at_the_minimiser(function):
    assert function(function.minimiser) == pytest.approx(function.minimum, rel=TOLERANCE, abs=TOLERANCE)


@pytest.mark.slow
def test_minimiser_is_in_the_box_and_not_at_its_centre(function):
    low, high = np.array(function.bounds).T
    place = (np.array(function.minimiser) - low) / (high - low)
    assert np.all((place >= 0) & (place <= 1))
    assert np.abs(place - 0.5).max() > 0.01
    at_edge = bool(np.any((place == 0) | (place == 1)))
    assert at_edge == ("bound_min" in function.classes)


def test_nothing_is_below_the_minimum(function):
    sampler = qmc.Sobol(function.dimension, rng=np.random.default_rng(1))
    low, high = np.array(function.bounds).T
    points = low + (high - low) * sampler.random(4096)
    values = function.values(points)
    assert np.all(np.isfinite(values))
    best = [points[i] for i in np.argsort(values)[:3]]
    floor = function.minimum - TOLERANCE * scale_of(function)
    assert values.min() >= floor
    assert min(lowest_of_polish(function, start) for start in (np.array(function.minimiser), *best)) >= floor


@pytest.mark.slow
def test_random_points_leave_something_to_gain(function):
    """A benchmark measures regret relative to random search."""
    values = function.values(function.random_points(np.random.default_rng(2), 200))
    assert np.median(values.reshape(20, 10).min(axis=1)) > function.minimum
    assert np.unique(values).size > 3


@pytest.mark.slow
def test_one_point_and_many_agree(function):
    points = function.random_points(np.random.default_rng(3), 5)
    values = function.values(points)
    assert values.shape == (5,)
    assert values == pytest.approx([function(x) for x in points], rel=1e-12, abs=1e-12)


def test_collection():
    assert len(FUNCTIONS) >= 50
    assert len({function.name for function in FUNCTIONS}) == len(FUNCTIONS)
    assert {function.dimension for function in FUNCTIONS} >= {1, 2, 3, 4, 5, 6, 7, 8, 12}
    classes = {name for function in FUNCTIONS for name in function.classes}
    assert classes == {
        *("unimodal", "multimodal", "multi_min", "bound_min", "oscillatory", "nonsmooth", "discrete", "unscaled"),
        "boring",
    }


def test_space_is_one_of_the_tuner():
    function = next(function for function in FUNCTIONS if function.dimension == 12)
    tuner = Tuner(function.space(), conf_dict={"seed": 0})
    point = tuner.ask()[0]
    assert list(point) == sorted(point) == list(function.names)
    assert function.at(point) == function(list(point.values()))
    low, high = np.array(function.bounds).T
    assert np.all((np.array(list(point.values())) >= low) & (np.array(list(point.values())) <= high))


def test_shape_of_a_point_is_checked():
    function = TestFunction("sum", ((0.0, 1.0),) * 2, 0.0, (0.0, 0.0), sum)
    assert function([0.25, 0.5]) == 0.75
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        function([0.5])
