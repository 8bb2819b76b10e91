import numpy as np
import pytest
import scipy.stats as st

from tinynas.errors import SpaceError
from tinynas.tuner import ExhaustedError, Space
from tinynas.tuner.acquire.spread import _primes, spread_points

SQUARE = Space({"x": range(-10, 10), "y": range(-10, 10)})


def test_twenty_points_miss_no_large_square():
    nearest = [
        min((x**2 + y**2, abs(x), abs(y)) for x, y in spread_points(SQUARE, seed, 0, 20, set())) for seed in range(300)
    ]
    assert max(max(x, y) for _, x, y in nearest) <= 3  # independent points would miss about 25 times


def test_every_point_is_uniform_over_the_seeds():
    space = Space({"x": st.uniform(0, 1), "c": ["a", "b", "c"], "v": st.dirichlet([1, 1])})
    codes = [spread_points(space, seed, 5, 1, set())[0] for seed in range(800)]
    c, v, x = zip(*codes, strict=True)
    assert np.histogram(x, 4, (0, 1))[0] / 800 == pytest.approx([0.25] * 4, abs=0.06)
    assert np.bincount(c) / 800 == pytest.approx([1 / 3] * 3, abs=0.06)
    assert np.mean([part[0] for part in v]) == pytest.approx(0.5, abs=0.04)


def test_asked_one_by_one_or_at_once():
    space = Space({f"x{i}": st.uniform(0, 1) for i in range(6)})
    at_once = spread_points(space, 3, 0, 10, set())
    one_by_one = []
    for start in range(10):
        one_by_one += spread_points(space, 3, start, 1, set(one_by_one))
    assert one_by_one == at_once
    assert spread_points(space, 4, 0, 10, set()) != at_once


def test_constraints_and_the_end_of_the_space():
    even = Space({"x": range(8), "y": range(5)}, constraint=lambda ps: [(p["x"] + p["y"]) % 2 == 0 for p in ps])
    taken = set()
    while len(taken) < 20:
        points = spread_points(even, 0, len(taken), 3, taken)
        assert not taken & set(points)
        taken |= set(points)
    assert all((x + y) % 2 == 0 for x, y in taken)
    with pytest.raises(ExhaustedError):
        spread_points(even, 0, 20, 1, taken)
    never = Space({"x": st.uniform(0, 1)}, constraint=lambda ps: [False] * len(ps))
    with pytest.raises(SpaceError, match="constraint"):
        spread_points(never, 0, 0, 1, set())


def test_the_users_sampler_is_the_source():
    space = Space({"x": range(100)}, sampler=lambda param_dist, size: [{"x": 7 * (i % 10)} for i in range(size)])
    assert {x % 7 for (x,) in spread_points(space, 0, 0, 5, set())} == {0}


def test_primes():
    assert _primes(10).tolist() == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]
    for count in (1, 100, 5000):
        assert len(_primes(count)) == count
