"""The search space: what a tuner may suggest is what a network can be."""

from collections import Counter
from itertools import combinations, islice, product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynas.cost import Engine, estimate
from tinynas.errors import SpaceError
from tinynas.network import NORMS, TCN, SearchSpace, SeparableSearchSpace

#: The machine may be busy, and the first example pays for imports.
ANY_TIME = settings(deadline=None)
SHAPE = {"window": 50, "channels": 6}


@st.composite
def spaces(draw):
    def bounds(elements):
        return tuple(sorted((draw(elements), draw(elements))))

    dilations = tuple(sorted(draw(st.sets(st.integers(1, 300), min_size=1, max_size=12))))
    return SearchSpace(
        filters=bounds(st.integers(1, 80)),
        kernel_size=bounds(st.integers(1, 20)),
        dilations=dilations,
        blocks=bounds(st.integers(1, len(dilations))),
        dropout=bounds(st.floats(0.0, 0.999)),
        skip_connections=draw(st.sampled_from(((False,), (True,), (False, True)))),
        norm=draw(st.sampled_from((("none",), ("batch",), NORMS))),
    )


def drawn(parameters, rng):
    """A point of a parameter dictionary, as any tuner would draw it."""
    return {
        name: values.rvs(random_state=rng) if hasattr(values, "rvs") else values[int(rng.integers(len(values)))]
        for name, values in parameters.items()
    }


def assert_within(a, space):
    assert space.filters[0] <= a.filters <= space.filters[1]
    assert space.kernel_size[0] <= a.kernel_size <= space.kernel_size[1]
    assert set(a.dilations) <= set(space.dilations)
    assert list(a.dilations) == sorted(set(a.dilations))
    assert space.blocks[0] <= a.blocks <= space.blocks[1]
    assert space.dropout[0] <= a.dropout <= space.dropout[1]
    assert a.skip_connections in space.skip_connections
    assert a.norm in space.norm


@ANY_TIME
@given(spaces(), st.integers(0, 2**32))
def test_samples_are_within_bounds(space, seed):
    a = space.sample(np.random.default_rng(seed), **SHAPE, outputs=3)
    assert_within(a, space)
    assert (a.window, a.channels, a.outputs) == (50, 6, 3)
    assert all(type(d) is int for d in a.dilations), "numpy's integers do not survive JSON"


@ANY_TIME
@given(spaces(), st.integers(0, 2**32))
def test_whatever_the_tuner_draws_is_admitted_or_a_network_within_bounds(space, seed):
    params = drawn(space.parameters(), np.random.default_rng(seed))
    chosen = space.chosen(params)
    network = space.architecture(params, **SHAPE)
    assert (network is not None) == (space.blocks[0] <= len(chosen) <= space.blocks[1])
    if network is not None:
        assert_within(network, space)


@settings(ANY_TIME, max_examples=20)
@given(spaces())
def test_the_smallest_are_within_bounds(space):
    for a in islice(smallest(space, **SHAPE), 50):
        assert_within(a, space)
        assert a.blocks == space.blocks[0]


def test_samples_are_uniform_over_the_allowed_sets_of_dilations():
    space = SearchSpace(dilations=(1, 2, 4, 8), blocks=(1, 2))
    rng, n = np.random.default_rng(0), 4000
    counts = Counter(space.sample(rng, **SHAPE).dilations for _ in range(n))
    expected = n / (comb(4, 1) + comb(4, 2))
    assert len(counts) == 10
    assert all(abs(count - expected) < 5 * np.sqrt(expected) for count in counts.values())


def test_samples_follow_the_generator():
    def draw(seed):
        return [SearchSpace().sample(rng, **SHAPE) for rng in [np.random.default_rng(seed)] for _ in range(3)]

    assert draw(5) == draw(5) != draw(6)


def test_parameters_are_what_the_issue_of_the_space_says():
    parameters = SearchSpace().parameters()
    assert parameters["filters"] == range(2, 64)
    assert parameters["kernel_size"] == range(2, 16)
    assert [name for name in parameters if name.startswith("dilation_")] == [f"dilation_{2**i}" for i in range(9)]
    assert parameters["skip_connections"] == [False, True]
    assert parameters["norm"] == ["none", "batch"]
    assert parameters["dropout"].support() == (0.0, 0.1)
    assert SearchSpace(dropout=(0.1, 0.1)).parameters()["dropout"] == [0.1]


def suggestion(space, dilations, **others):
    bits = {f"dilation_{d}": d in dilations for d in space.dilations}
    return {"filters": 8, "kernel_size": 3, **bits, "dropout": 0.1, "skip_connections": False, "norm": "none", **others}


def test_a_suggestion_becomes_plain_values():
    space = SearchSpace()
    params = suggestion(
        space, (1, 8, 32), filters=np.int64(9), kernel_size=np.int32(4), dropout=np.float64(0.04321),
        skip_connections=np.True_, norm=np.str_("batch"),
    )  # fmt: skip
    a = space.architecture(params, **SHAPE)
    assert a == TCN(9, 4, (1, 8, 32), 50, 6, dropout=0.04, skip_connections=True, norm="batch")
    kinds = {type(value) for value in (a.filters, a.kernel_size, a.dropout, a.skip_connections, a.norm)}
    assert kinds == {int, float, bool, str}


def test_dropout_rates_that_hardly_differ_are_one_network():
    space = SearchSpace()
    keys = {space.architecture(suggestion(space, (1, 2, 4), dropout=p), **SHAPE).key for p in (0.05, 0.0504, 0.0496)}
    assert len(keys) == 1


@pytest.mark.parametrize(("low", "high"), [(0.001, 0.004), (0.996, 0.999), (0.333, 0.333)])
def test_rounding_never_leaves_the_bounds(low, high):
    space = SearchSpace(dropout=(low, high))
    rates = [space.sample(np.random.default_rng(seed), **SHAPE).dropout for seed in range(10)]
    rates += [space.architecture(suggestion(space, (1, 2, 4), dropout=p), **SHAPE).dropout for p in (low, high)]
    assert all(low <= rate <= high for rate in rates)


def test_too_few_and_too_many_blocks_are_not_admitted():
    space = SearchSpace(blocks=(3, 4))
    networks = {n: space.architecture(suggestion(space, space.dilations[:n]), **SHAPE) for n in range(10)}
    assert [n for n, network in networks.items() if network is not None] == [3, 4]


def every_network(space, **shape):
    sets = [d for n in range(space.blocks[0], space.blocks[1] + 1) for d in combinations(space.dilations, n)]
    filters = range(space.filters[0], space.filters[1] + 1)
    kernels = range(space.kernel_size[0], space.kernel_size[1] + 1)
    for f, k, dilations, skip in product(filters, kernels, sets, space.skip_connections):
        yield space.network(f, k, dilations, skip_connections=skip, **shape)


def smallest(space, **shape):
    return (
        space.architecture(params, **shape)
        for group in space.smallest(**shape)
        for part in group.parts
        for params in part.members
    )


@pytest.mark.parametrize("dtype", ["int8", "float32"])
@pytest.mark.parametrize(
    ("space", "shape"),
    [
        (
            SearchSpace(filters=(2, 4), kernel_size=(2, 4), dilations=(1, 2, 8), blocks=(2, 3)),
            {"window": 100, "channels": 6},
        ),
        # As many filters as channels: one convolution less.
        (
            SearchSpace(filters=(2, 4), kernel_size=(2, 5), dilations=(1, 2, 5), blocks=(2, 3)),
            {"window": 33, "channels": 3},
        ),
        # A field as long as the window: no subsampling of the input.
        (
            SearchSpace(filters=(1, 3), kernel_size=(2, 5), dilations=(1, 2, 5), blocks=(1, 2)),
            {"window": 9, "channels": 2},
        ),
        (
            SearchSpace(filters=(4, 5), kernel_size=(1, 3), dilations=(3, 7), blocks=(1, 2), skip_connections=(True,)),
            {"window": 200, "channels": 9},
        ),
        (
            SeparableSearchSpace(filters=(2, 5), kernel_size=(2, 4), dilations=(1, 2, 8), blocks=(1, 3)),
            {"window": 40, "channels": 3},
        ),
    ],
)
def test_the_cheapest_network_is_among_the_smallest(space, shape, dtype):
    def least(networks):
        costs = [estimate(a, Engine.tflm(), dtype) for a in networks]
        return min(c.sram_bytes for c in costs), min(c.flash_bytes for c in costs), min(c.macs for c in costs)

    assert least(smallest(space, **shape)) == least(every_network(space, **shape))


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        ({"filters": (5, 4)}, "filters", r"\[5, 4\]"),
        ({"filters": (0, 4)}, "filters", r"\[0, 4\]"),
        ({"kernel_size": (3, 2)}, "kernel_size", r"\[3, 2\]"),
        ({"blocks": (0, 3)}, "blocks", r"\[0, 3\]"),
        ({"dilations": (1, 2), "blocks": (1, 3)}, "blocks", r"3 blocks \(2 dilations are given\)"),
        ({"dilations": ()}, "dilations", r"\[\]"),
        ({"dilations": (2, 1), "blocks": (1, 2)}, "dilations", "ascending"),
        ({"dilations": (1, 1), "blocks": (1, 2)}, "dilations", "ascending"),
        ({"dilations": (0, 1), "blocks": (1, 2)}, "dilations", "positive"),
        ({"dropout": (0.2, 0.1)}, "dropout", r"\[0.2, 0.1\]"),
        ({"dropout": (0.0, 1.0)}, "dropout", r"\[0.0, 1.0\]"),
        ({"dropout": (0.0, float("nan"))}, "dropout", "nan"),
        ({"skip_connections": ()}, "skip_connections", "no value"),
        ({"norm": ()}, "norm", "none, batch"),
        ({"norm": ("batch", "layer")}, "norm", "layer.*none, batch"),
    ],
)
def test_impossible_bounds_are_refused_with_their_key(fields, key, message):
    with pytest.raises(SpaceError, match=f"^space.{key}: .*{message}"):
        SearchSpace(**fields)
