"""Strided convolutional and recurrent networks: what they are by hand, and all that follows from their layer graphs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests._tools import COMPILERS
from tests.deploy.candidates import converted, network_weights, random_windows
from tests.network.builders import used_weights
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
from tinynas.deploy import infer
from tinynas.errors import SpaceError
from tinynas.network import (
    CNN,
    Architecture,
    ConvolutionalSearchSpace,
    MinGRU,
    RecurrentSearchSpace,
    fold,
    initial_weights,
    plan,
)
from tinynas.network.training import predict

BOARD = load_board("nucleo_f446re")
CONVOLUTIONAL = CNN(filters=6, kernel_size=3, strides=(2, 1, 3), window=40, channels=3, norm="batch", pool="mean")
RECURRENT = MinGRU(filters=6, kernel_size=3, strides=(2, 2), units=5, steps=8, window=40, channels=3, norm="batch")
SPACES = {"cnn": ConvolutionalSearchSpace(), "gru": RecurrentSearchSpace()}
ANY_TIME = settings(deadline=None)
both = pytest.mark.parametrize("family", SPACES)


def networks(family, count, seed=0, window=120):
    rng = np.random.default_rng(seed)
    return [SPACES[family].sample(rng, window=window, channels=int(rng.choice([6, 9]))) for _ in range(count)]


def of_both(count, **options):
    return [network for family in SPACES for network in networks(family, count, **options)]


@st.composite
def strided(draw):
    """Either family, small, sequences down to a single position included."""
    window = draw(st.integers(1, 60))
    common = {
        "filters": draw(st.integers(1, 6)),
        "kernel_size": draw(st.integers(1, 7)),
        "strides": tuple(draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))),
        "window": window,
        "channels": draw(st.integers(1, 6)),
        "norm": draw(st.sampled_from(("none", "batch"))),
    }
    network = CNN(pool=draw(st.sampled_from(("newest", "mean"))), **common)
    if draw(st.booleans()):
        return network
    steps = draw(st.sampled_from([1, 2, 4, 8, 16, 32]))
    while steps > network.positions:
        steps //= 2
    return MinGRU(units=draw(st.integers(1, 5)), steps=steps, **common)


def test_weights_by_hand():
    shapes = {name: value.shape for name, value in initial_weights(RECURRENT, np.random.default_rng(0)).items()}
    assert shapes["block0/conv/kernel"] == (3, 3, 6)
    assert shapes["block1/conv/kernel"] == (3, 6, 6)
    assert shapes["gru/gate/kernel"] == shapes["gru/candidate/kernel"] == (1, 6, 5)
    assert shapes["head/kernel"] == (5, 2)
    assert RECURRENT.parameters == (54 + 6) + (108 + 6) + 2 * (30 + 5) + 12
    assert CONVOLUTIONAL.parameters == (54 + 6) + 2 * (108 + 6) + 14


def test_what_a_network_is_survives_json():
    for network in (CONVOLUTIONAL, RECURRENT):
        found = Architecture.from_dict(network.to_dict())
        assert found == network
        assert type(found) is type(network)
        assert found.key == network.key
    keys = {
        a.key for a in (CONVOLUTIONAL, replace(CONVOLUTIONAL, pool="newest"), RECURRENT, replace(RECURRENT, steps=4))
    }
    assert len(keys) == 4


@pytest.mark.parametrize(
    ("network", "fields", "message"),
    [
        (CONVOLUTIONAL, {"strides": ()}, "strides must be positive integers"),
        (CONVOLUTIONAL, {"strides": (2, 0)}, "strides must be positive integers"),
        (CONVOLUTIONAL, {"pool": "max"}, "pool must be one of newest, mean"),
        (CONVOLUTIONAL, {"filters": 2.0}, "filters must be a positive integer"),
        (CONVOLUTIONAL, {"symmetry": "c4"}, "groups of four"),
        (RECURRENT, {"steps": 6}, "power of two, not 6"),
        (RECURRENT, {"steps": 16}, "leave 10 positions of the window, and 16 steps"),
        (RECURRENT, {"filters": 8, "symmetry": "c4"}, "8 and 5 filters"),
        (RECURRENT, {"dropout": 1.0}, "dropout"),
    ],
)
def test_impossible_networks_are_refused(network, fields, message):
    with pytest.raises(SpaceError, match=message):
        replace(network, **fields)


@settings(ANY_TIME, max_examples=6)
@given(strided())
def test_the_positions_that_count_give_the_outputs_of_all(a):
    check_needed_positions(a)


@pytest.mark.parametrize("steps", [1, 2, 8, 32])
def test_the_rounds_are_one_step_after_another(steps):
    """The recurrence as it is written down, against the joined pairs."""
    a = MinGRU(filters=3, kernel_size=2, strides=(3,), units=4, steps=steps, window=100, channels=2)
    weights, windows = used_weights(a, seed=steps), random_windows(a, 5)
    features = np.zeros((5, a.positions, 3))
    for place, time in enumerate(range(0, 100, 3)):  # 99 is the newest sample: all multiples of three
        older = windows[:, time - 1] if time else np.zeros((5, 2))
        kernel = weights["block0/conv/kernel"]
        features[:, place] = np.maximum(
            windows[:, time] @ kernel[1] + older @ kernel[0] + weights["block0/conv/bias"], 0
        )
    state = np.zeros((5, 4))
    for x in features.swapaxes(0, 1)[-steps:]:
        gate = 1 / (1 + np.exp(-(x @ weights["gru/gate/kernel"][0] + weights["gru/gate/bias"])))
        state = gate * state + (1 - gate) * (x @ weights["gru/candidate/kernel"][0] + weights["gru/candidate/bias"])
    expected = state @ weights["head/kernel"] + weights["head/bias"]
    np.testing.assert_allclose(predict(a, weights, windows), expected, atol=1e-5)


def test_a_strided_convolution_and_a_mean_by_hand():
    a = CNN(filters=1, kernel_size=2, strides=(2,), window=5, channels=1, outputs=1, pool="mean")
    weights = {name: np.zeros_like(value) for name, value in initial_weights(a, np.random.default_rng(0)).items()}
    weights["block0/conv/kernel"][:, 0, 0] = [10.0, 1.0]  # oldest tap first
    weights["head/kernel"][0, 0] = 1.0
    window = np.float32([[[1], [2], [3], [-4], [5]]])
    # Outputs at the samples 1, 3 and 5: 1 + 10 x 0, 3 + 10 x 2, and 5 - 40, which the ReLU makes 0.
    assert predict(a, weights, window) == [[np.float32((1 + 23 + 0) / 3)]]
    assert predict(replace(a, pool="newest"), weights, window) == [[0.0]]
    assert predict(replace(a, strides=(4,)), weights, window) == [[0.5]]  # of the samples 1 and 5


def test_only_what_the_newest_position_needs_is_computed():
    a = CNN(filters=4, kernel_size=3, strides=(2, 2, 2), window=100, channels=3)
    positions = [step.positions for step in plan(a).steps if step.taps]
    assert positions == [7, 3, 1]
    positions = [step.positions for step in plan(replace(a, pool="mean")).steps if step.taps]
    assert positions == [50, 25, 13]
    # Of the gates the oldest step's is not needed: there is nothing before it.
    steps = plan(replace(RECURRENT, steps=4)).steps
    products = [step.positions for step in steps if type(step.what).__name__ == "Product"]
    assert sorted(products) == [1, 1, 2, 4]


@both
def test_it_learns(family):
    check_learns({"cnn": CNN(8, 4, (2, 2), 40, 3), "gru": MinGRU(8, 4, (2,), 8, 8, 40, 3)}[family], epochs=12)


@pytest.mark.parametrize("a", [*of_both(1, seed=6), CONVOLUTIONAL, RECURRENT], ids=lambda a: a.key)
def test_a_converted_network_is_the_predicted_one_and_computes_it(a):
    check_converted(a)


@pytest.mark.parametrize("network", [CONVOLUTIONAL, RECURRENT], ids=lambda a: a.family)
def test_in_int8_it_computes_about_the_same(network):
    a = replace(network, filters=12, norm="none")
    windows = random_windows(a, 200, seed=3)
    wanted, found = predict(a, fold(a, network_weights(a)), windows), infer(converted(a), windows)
    assert np.std(found - wanted) < 0.15 * np.std(wanted)  # few windows set the ranges


@both
def test_arenas_are_the_official_interpreters(family):
    check_arenas(networks(family, 15, seed=4))


@pytest.mark.exhaustive
@both
def test_arenas_are_the_official_interpreters_on_a_hundred_networks(family):
    check_arenas(networks(family, 100, seed=5, window=200))


@settings(ANY_TIME, max_examples=15)
@given(strided())
def test_the_length_of_float_models_is_exact(a):
    check_float_length(a)


@settings(ANY_TIME, max_examples=25)
@given(strided())
def test_the_arena_and_the_macs_are_the_compilers(a):
    check_compiled(a)


@pytest.mark.slow
@pytest.mark.emulator
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("a", of_both(1, seed=22, window=200), ids=lambda a: a.key)
def test_a_virtual_board_computes_it_as_predicted(a, compiler):
    check_on_virtual_board(a, compiler)
