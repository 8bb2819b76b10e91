"""Offsets in the arena: never two buffers at one place and time; optimal where the buffers are few."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynas.deploy.compiler.plan.layout import ALIGNMENT, lay_out
from tinynas.deploy.compiler.plan.schedule import Buffer


@st.composite
def buffers(draw, most):
    found = []
    for _ in range(draw(st.integers(0, most))):
        first = draw(st.integers(0, 12))
        found.append(Buffer(draw(st.integers(1, 4)), draw(st.integers(1, 40)), first, first + draw(st.integers(0, 6))))
    return found


def overlap(a, b):
    return a.first <= b.last and b.first <= a.last


def rounded(buffer):
    return -(-buffer.bytes // ALIGNMENT) * ALIGNMENT


@given(buffers(14))
@settings(max_examples=200, deadline=None)
def test_no_two_buffers_share_memory_while_both_are_alive(found):
    layout = lay_out(found)
    places = list(zip(found, layout.offsets, strict=True))
    for i, (a, at) in enumerate(places):
        assert at % ALIGNMENT == 0
        assert 0 <= at <= layout.bytes - a.bytes
        for b, other in places[:i]:
            assert not overlap(a, b) or at + a.bytes <= other or other + b.bytes <= at
    assert layout.lower_bound <= layout.bytes <= sum(map(rounded, found))


@given(buffers(14))
@settings(max_examples=100, deadline=None)
def test_the_lower_bound_is_the_most_that_lives_at_one_time(found):
    most = max((sum(rounded(b) for b in found if b.first <= t <= b.last) for t in range(20)), default=0)
    assert lay_out(found).lower_bound == most


def lowest(order):
    """The height when buffers are placed in an order, each as low as it goes."""
    placed = []
    for buffer in order:
        size, offset = rounded(buffer), 0
        for start, end in sorted((at, at + rounded(other)) for other, at in placed if overlap(buffer, other)):
            if start - offset >= size:
                break
            offset = max(offset, end)
        placed.append((buffer, offset))
    return max(at + rounded(b) for b, at in placed)


@given(buffers(5).filter(len))
@settings(max_examples=100, deadline=None)
def test_few_buffers_are_laid_out_as_well_as_possible(found):
    assert lay_out(found).bytes == min(lowest(order) for order in permutations(found))


@pytest.mark.parametrize(
    ("found", "size"),
    [
        ([], 0),
        ([Buffer(1, 1, 0, 0)], 4),
        ([Buffer(1, 8, 0, 1), Buffer(1, 4, 1, 2), Buffer(1, 8, 2, 3)], 12),
        ([Buffer(1, 12, 0, 1), Buffer(1, 8, 1, 2), Buffer(1, 12, 2, 3), Buffer(1, 4, 3, 4)], 20),
        ([Buffer(3, 4, 0, 5)] * 3, 36),
    ],
)
def test_known_layouts(found, size):
    assert lay_out(found).bytes == size


# Of a network of the search: (rows, bytes of a row, first, last).
TWELVE = (
    *((25, 17, 63, 123), (13, 17, 0, 62), (25, 17, 4, 109), (12, 17, 65, 108), (13, 17, 69, 123), (1, 17, 109, 133)),
    *(
        (13, 17, 110, 129),
        (13, 17, 111, 125),
        (4, 17, 116, 129),
        (4, 17, 127, 130),
        (4, 17, 128, 131),
        (1, 17, 131, 132),
    ),
)


def test_orders_that_lead_to_the_same_places_are_tried_once():
    """With every order tried to its end the search gave up before it found the optimum."""
    layout = lay_out([Buffer(*buffer) for buffer in TWELVE])
    assert layout.bytes == layout.lower_bound == 1284


def test_many_buffers_take_no_longer_than_the_search_may():
    found = [Buffer(1, 8 + 12 * (i * 7 % 11), i, i + 3 + i % 5) for i in range(120)]
    layout = lay_out(found)
    assert layout.bytes <= 1.3 * layout.lower_bound
