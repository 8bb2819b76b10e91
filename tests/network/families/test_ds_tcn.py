"""Depthwise separable networks: what they are by hand, and all that follows from their layer graph."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests._tools import COMPILERS
from tests.deploy.candidates import converted, filled, network_weights, random_windows
from tests.network.builders import used_weights
from tests.network.families._promises import check_compiled, check_float_length, check_on_virtual_board
from tinynas.board import load_board
from tinynas.cost import arena_bytes, lower, tflite_bytes
from tinynas.deploy import TflmInterpreter, arena_head_bytes, infer, pack, read_graph
from tinynas.errors import SpaceError
from tinynas.network import (
    TCN,
    Architecture,
    SeparableSearchSpace,
    SeparableTCN,
    fold,
    forward,
    initial_weights,
    plan,
)
from tinynas.network.reference import dilated_model, set_weights
from tinynas.network.training import TrainingOptions, predict, train
from tinynas.network.training_data import TrainingData

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
    plain = TCN.from_dict({key: value for key, value in SMALL.to_dict().items() if key != "family"})
    assert type(plain) is TCN, "the family of before there were several"
    assert plain != SMALL
    assert plain.key != SMALL.key
    with pytest.raises(SpaceError, match="no family 'rnn'"):
        Architecture.from_dict({**SMALL.to_dict(), "family": "rnn"})
    with pytest.raises(SpaceError, match="not an architecture of the family ds_tcn"):
        Architecture.from_dict({"family": "ds_tcn", "filters": 3})


@settings(deadline=None, max_examples=25)
@given(separable())
def test_the_positions_that_count_give_the_outputs_of_all(a):
    import tensorflow as tf

    weights, windows = used_weights(a), random_windows(a, 3)
    model = dilated_model(a)
    set_weights(model, weights)
    expected = np.asarray(model(windows, training=False))
    found = forward(plan(a), fold(a, weights), tf.constant(windows)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5 * max(1.0, np.abs(expected).max()))


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


def test_it_learns():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(1200, 40, 3)).astype(np.float32)
    targets = np.stack([3 * inputs[:, -4:, 0].mean(axis=1), inputs[:, -2:, 1].sum(axis=1)], axis=1)
    data = TrainingData((inputs[:1000], targets[:1000]), (inputs[1000:], targets[1000:]))
    a = replace(SMALL, filters=8, dropout=0.0)
    found = train(a, data, TrainingOptions(epochs=15, batch_size=32, learning_rate=1e-2), rng=rng)
    spread = np.sqrt(np.mean(np.sum((targets[1000:] - targets[:1000].mean(axis=0)) ** 2, axis=1)))
    assert found.valid_rmse < 0.4 * spread


@pytest.mark.parametrize("a", [*networks(3), SMALL], ids=lambda a: a.key)
def test_a_converted_network_is_the_predicted_one_and_computes_it(a):
    model, graph = converted(a), lower(a)
    assert read_graph(model).same_structure(graph)
    assert abs(tflite_bytes(graph) - len(model)) < 0.01 * len(model)
    windows = random_windows(a, 20, seed=3)
    wanted = predict(a, fold(a, network_weights(a)), windows)
    exact = infer(converted(a, "float32"), windows)
    np.testing.assert_allclose(exact, wanted, atol=1e-4 * np.abs(wanted).max())


def test_arenas_are_the_official_interpreters_on_a_hundred_networks():
    for seed, a in enumerate(networks(100, seed=4)):
        model = pack(filled(lower(a), seed))
        official = TflmInterpreter(model).arena()
        assert arena_head_bytes(read_graph(model)) == official.head_bytes, a.key
        assert 0 <= arena_bytes(lower(a), pointer_bytes=8) - official.total_bytes <= 96, a.key


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


@pytest.mark.emulator
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("a", networks(2, seed=21, window=200), ids=lambda a: a.key)
def test_a_virtual_board_computes_it_as_predicted(a, compiler):
    check_on_virtual_board(a, compiler, flash=0.02 if compiler == "gcc" else 0.025)
