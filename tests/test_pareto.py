"""Fronts and knees, against their definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynas.pareto import find_front, find_knee

POINTS = st.integers(1, 4).flatmap(
    lambda size: st.lists(st.tuples(*[st.integers(0, 5)] * size), min_size=1, max_size=25)
)


def dominates(a, b):
    return all(x <= y for x, y in zip(a, b, strict=True)) and a != b


@given(POINTS)
def test_the_front_is_what_nothing_dominates_once_each(points):
    front = find_front(points)
    expected = {p for p in points if not any(dominates(q, p) for q in points)}
    assert [points[i] for i in front] == sorted(expected)
    assert all(points.index(points[i]) == i for i in front)


@given(POINTS)
def test_the_knee_is_nearest_to_the_best_of_everything(points):
    chosen = find_knee(points)
    lows, highs = (list(map(pick, zip(*points, strict=True))) for pick in (min, max))

    def distance(point):
        parts = zip(point, lows, highs, strict=True)
        return sum(((x - low) / (high - low)) ** 2 for x, low, high in parts if high > low)

    assert distance(points[chosen]) == pytest.approx(min(map(distance, points)))


def test_no_points_make_no_front():
    assert find_front([]) == []
