"""Depthwise separable networks: what they are by hand, and all that follows from their layer graph."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests._tools import COMPILERS
from tests.network.families._promises import (
    check_arenas,
    check_compiled,
    check_converted,
    check_float_length,
    check_learns,
    check_needed_positions,
    check_on_virtual_board,
)
from tinynas.board import load_board
from tinynas.cost import lower
from tinynas.errors import SpaceError
from tinynas.network import (
    TCN,
    Architecture,
    SeparableSearchSpace,
    SeparableTCN,
    initial_weights,
)
from tinynas.network.training import predict

BOARD = load_board("nucleo_f446re")
SMALL = SeparableTCN(filters=6, kernel_size=3, dilations=(1, 2, 4), window=40, channels=3, norm="batch", dropout=0.1)


def networks(count, seed=0, window=120):
    rng = np.random.default_rng(seed)
    return [SeparableSearchSpace().sample(rng, window=window, channels=int(rng.choice([6, 9]))) for _ in range(count)]


def separable(max_filters=6):
    return st.builds(
        SeparableTCN,
        filters=st.integers(1, max_filters),
        kernel_size=st.integers(1, 5),
        dilations=st.lists(st.integers(1, 12), min_size=1, max_size=3).map(tuple),
        window=st.integers(1, 60),
        channels=st.integers(1, 6),
        skip_connections=st.booleans(),
        norm=st.sampled_from(("none", "batch")),
    )


def test_weights_by_hand():
    shapes = {name: value.shape for name, value in initial_weights(SMALL, np.random.default_rng(0)).items()}
    assert shapes["block0/conv1/depthwise/kernel"] == (3, 1, 3)
    assert shapes["block0/conv1/depthwise/bias"] == (3,)
    assert shapes["block0/conv1/kernel"] == (1, 3, 6)
    assert shapes["block1/conv2/depthwise/kernel"] == (3, 1, 6)
    assert shapes["block1/conv2/gamma"] == (6,)
    assert "block0/conv1/depthwise/gamma" not in shapes
    first, others, projection, head = (9 + 3) + (18 + 6), 5 * ((18 + 6) + (36 + 6)), 18 + 6, 12 + 2
    assert SMALL.parameters == first + others + projection + head


def test_what_a_network_is_survives_json():
    found = Architecture.from_dict(SMALL.to_dict())
    assert found == SMALL
    assert type(found) is SeparableTCN
    plain = TCN.from_dict({key: value for key, value in SMALL.to_dict().items() if key not in ("family", "expansion")})
    assert type(plain) is TCN, "the family of before there were several"
    assert plain != SMALL
    assert plain.key != SMALL.key
    with pytest.raises(SpaceError, match="no family 'rnn'"):
        Architecture.from_dict({**SMALL.to_dict(), "family": "rnn"})
    with pytest.raises(SpaceError, match="not an architecture of the family ds_tcn"):
        Architecture.from_dict({"family": "ds_tcn", "filters": 3})


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(separable())
def test_the_positions_that_count_give_the_outputs_of_all(a):
    check_needed_positions(a)


def test_a_depthwise_layer_keeps_channels_apart():
    """One block by hand: the input's channels do not mix before the 1x1 convolution."""
    a = SeparableTCN(filters=1, kernel_size=2, dilations=(1,), window=3, channels=2, outputs=1, skip_connections=True)
    weights = {name: np.zeros_like(value) for name, value in initial_weights(a, np.random.default_rng(0)).items()}
    weights["block0/conv1/depthwise/kernel"][:, 0] = [[10.0, 0.0], [1.0, 100.0]]  # oldest tap first
    weights["block0/conv1/kernel"][0, :, 0] = [1.0, 2.0]
    weights["block0/conv2/depthwise/kernel"][1, 0, 0] = weights["block0/conv2/kernel"][0, 0, 0] = 1.0
    weights["head/kernel"][0, 0] = 1.0
    window = np.float32([[[9.0, 9.0], [2.0, 9.0], [3.0, 0.5]]])
    assert predict(a, weights, window) == [[(10 * 2 + 3) + 2 * (100 * 0.5)]]


@pytest.mark.slow
def test_it_learns():
    check_learns(replace(SMALL, filters=8, dropout=0.0), epochs=15)


@pytest.mark.slow
@pytest.mark.parametrize("a", [*networks(3), SMALL], ids=lambda a: a.key)
def test_a_converted_network_is_the_predicted_one_and_computes_it(a):
    check_converted(a)


@pytest.mark.slow
def test_arenas_are_the_official_interpreters_on_a_hundred_networks():
    check_arenas(networks(100, seed=4))


def test_scratch_of_cmsis_nn_is_one_column_where_nothing_is_dilated():
    from tinynas.cost.tflm_memory import scratch_buffers

    a = SeparableTCN(filters=5, kernel_size=3, dilations=(1, 3, 1), window=40, channels=4, skip_connections=True)
    graph = lower(a)
    scratch = {at: size for size, at, _ in scratch_buffers(graph)}
    depthwise = [number for number, op in enumerate(graph.ops) if op.kind == "DEPTHWISE_CONV_2D"]
    dilated = [graph.ops[number].options["dilationWFactor"] for number in depthwise]
    assert dilated == [1, 1, 3, 3, 1, 1]
    assert [scratch.get(number) for number in depthwise] == [2 * 3 * 4, 2 * 3 * 5, None, None, 2 * 3 * 5, 2 * 3 * 5]


@settings(deadline=None, max_examples=20)
@given(separable(12))
def test_the_length_of_float_models_is_exact(a):
    check_float_length(a)


@pytest.mark.parametrize("a", networks(4, seed=8), ids=lambda a: a.key)
def test_the_compiler_knows_it(a):
    check_compiled(a)


@pytest.mark.slow
@pytest.mark.emulator
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("a", networks(2, seed=21, window=200), ids=lambda a: a.key)
def test_a_virtual_board_computes_it_as_predicted(a, compiler):
    check_on_virtual_board(a, compiler, flash=0.02 if compiler == "gcc" else 0.025)
