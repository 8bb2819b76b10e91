"""The benchmark of shared weights: which weights networks share, and that a turn changes nobody else's."""

import numpy as np
import pytest
import weight_sharing as module

from tinynas.network import TCN, initial_weights
from tinynas.network.trainable import Trainable


def member(**fields):
    chosen = {"filters": 4, "kernel_size": 3, "dilations": (1, 4), "window": 20, "channels": 6, **fields}
    network = TCN(**chosen)
    return Trainable(network, initial_weights(network, np.random.default_rng(0)), 1)


@pytest.fixture(scope="module")
def two():
    return member(), member(filters=8, kernel_size=5, dilations=(4, 1))


def test_blocks_of_one_dilation_share_their_weights_and_the_window_is_read_by_others(two):
    small, large = ({key for key, _ in module._keyed(one).values()} for one in two)
    both = {key.removeprefix("v/none/") for key in small & large if key.startswith("v/")}
    assert both == {
        f"{layer}/{field}"
        for layer in ("1/block/conv2", "4/block/conv2", "window/projection", "head")
        for field in ("kernel", "bias")
    }


def test_a_network_takes_the_newest_taps_and_the_first_filters(two):
    small, large = two
    shared = {}
    for one in two:
        module._give(one, shared)
    kernel = shared["v/none/4/block/conv2/kernel"]
    np.testing.assert_array_equal(kernel, large.variables["block0/conv2/kernel"])
    module._take(small, shared, 7)
    np.testing.assert_array_equal(small.variables["block1/conv2/kernel"], kernel[-3:, :4, :4])
    assert small.count == 7


def test_a_turn_of_one_network_leaves_what_only_others_have(two):
    small, _ = two
    shared = {}
    for one in two:
        module._give(one, shared)
    module._take(small, shared, 0)
    before = {key: value.copy() for key, value in shared.items()}
    x = np.random.default_rng(0).normal(size=(16, 20, 6)).astype(np.float32)
    small.step(x, x[:, -1, :2], 0.01)
    module._give(small, shared)
    key = "v/none/4/block/conv2/kernel"
    changed = shared[key] != before[key]
    assert changed[-3:, :4, :4].any()
    assert not changed[:-3].any()
    assert not changed[:, 4:].any()
    np.testing.assert_array_equal(shared["v/none/1/block/conv1/kernel"], before["v/none/1/block/conv1/kernel"])


def test_weights_grow_to_the_largest_network(two):
    small, large = two
    shared = {}
    module._give(large, shared)
    module._give(small, shared)
    other = {}
    module._give(small, other)
    module._give(large, other)
    assert {key: value.shape for key, value in shared.items()} == {key: value.shape for key, value in other.items()}
