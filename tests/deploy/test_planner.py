"""The greedy plan: its rule on arbitrary buffers, and its head against the official interpreter's."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynas.cost import lower
from tinynas.deploy import Graph, Op, Tensor, TflmInterpreter, arena_head_bytes, lifetimes, place, read_graph
from tinynas.deploy.planner import ALIGNMENT

from .candidates import architectures, candidates, converted

BUFFERS = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 12), st.integers(0, 6)).map(lambda b: (b[0], b[1], b[1] + b[2])),
    max_size=25,
)


def aligned(size):
    return -(-size // ALIGNMENT) * ALIGNMENT


def together(a, b):
    return a[1] <= b[2] and b[1] <= a[2]


@given(BUFFERS)
def test_buffers_alive_at_the_same_time_never_share_a_byte(buffers):
    placed = list(zip(place(buffers), buffers, strict=True))
    for i, (start, a) in enumerate(placed):
        assert start >= 0
        assert start % ALIGNMENT == 0
        for other, b in placed[:i]:
            assert not together(a, b) or start + aligned(a[0]) <= other or other + aligned(b[0]) <= start


@given(BUFFERS)
def test_each_buffer_lies_at_the_lowest_gap_left_by_the_larger_ones(buffers):
    offsets = place(buffers)
    order = sorted(range(len(buffers)), key=lambda i: (-aligned(buffers[i][0]), -i))  # of equals the later one first
    for rank, i in enumerate(order):
        before = [
            (offsets[j], offsets[j] + aligned(buffers[j][0])) for j in order[:rank] if together(buffers[i], buffers[j])
        ]
        size = aligned(buffers[i][0])
        gaps = (o for o in sorted({0, *(end for _, end in before)}) if all(o + size <= s or e <= o for s, e in before))
        assert offsets[i] == next(gaps)


def test_of_equal_buffers_the_later_one_lies_below():
    assert place([(64, 0, 1), (64, 0, 1), (64, 0, 1)]) == [128, 64, 0]


def test_sizes_that_round_to_the_same_are_equal():
    assert place([(64, 0, 0), (49, 0, 0)]) == [64, 0]


def test_ends_of_lifetimes_count():
    assert place([(32, 0, 3), (16, 3, 5)]) == [0, 32]
    assert place([(32, 0, 3), (16, 4, 5)]) == [0, 0]


def test_nothing_to_place():
    assert place([]) == []


def test_lifetimes_of_inputs_outputs_constants_and_dead_ends():
    tensors = (
        Tensor((10,), "int8"),  # input, read late
        Tensor((4,), "int8", constant=True),
        Tensor((20,), "int8"),
        Tensor((5,), "float32"),  # output, made first
        Tensor((7,), "int8"),  # made, never read
        Tensor((9,), "int8"),  # an input that nobody reads
    )
    ops = (Op("A", (0, 1), (3,)), Op("B", (0, -1), (2, 4)), Op("C", (2,), ()))
    graph = Graph(tensors, ops, (0, 5), (3,))
    assert dict(lifetimes(graph)) == {0: (10, 0, 1), 2: (20, 1, 2), 3: (20, 0, 2), 4: (7, 1, 1), 5: (9, 0, 0)}


def test_scratch_buffers_take_part_in_the_plan():
    graph = lower(candidates(1)[0])
    assert arena_head_bytes(graph, [(10_000_000, 0, 0)]) > 10_000_000
    assert arena_head_bytes(graph, [(16, 0, 0)]) <= arena_head_bytes(graph) + 16


@given(architectures())
@settings(max_examples=60)
def test_the_head_lies_between_the_peak_of_live_bytes_and_their_sum(architecture):
    graph = lower(architecture)
    live = [b for _, b in lifetimes(graph)]
    peak = max(sum(aligned(size) for size, first, last in live if first <= i <= last) for i in range(len(graph.ops)))
    assert peak <= arena_head_bytes(graph) <= sum(aligned(size) for size, _, _ in live)


def test_the_head_of_foreign_models_is_the_official_interpreters(anchors):
    for name, (_, model) in anchors.items():
        assert arena_head_bytes(read_graph(model)) == TflmInterpreter(model).arena().head_bytes, name


def check_heads(networks):
    wrong = {}
    for a in networks:
        head = TflmInterpreter(converted(a)).arena().head_bytes
        if not head == arena_head_bytes(lower(a)) == arena_head_bytes(read_graph(converted(a))):
            wrong[a.key] = head
    assert not wrong


@pytest.mark.slow
def test_the_head_predicted_is_the_official_interpreters():
    check_heads(candidates(25))


@pytest.mark.exhaustive
def test_the_head_predicted_is_the_official_interpreters_on_many_candidates():
    check_heads([*candidates(60, seed=1), *candidates(50, seed=2, window=97)])
