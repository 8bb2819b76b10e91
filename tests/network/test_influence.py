"""Samples that a network looks at, against what its outputs really depend on."""

import numpy as np
import pytest
from hypothesis import given, settings

from tinynas.network import TCN, forward, initial_weights, plan, seen_samples
from tinynas.network.builder import GraphBuilder

from .builders import architectures


def _moved_by(network, seed=0):
    """Samples whose change moves the output, by the gradient at a few random windows."""
    import tensorflow as tf

    rng = np.random.default_rng(seed)
    weights, needed = initial_weights(network, rng), plan(network)
    shape = network.graph.shapes[0]
    moved = np.zeros(shape.length, bool)
    for _ in range(4):
        x = tf.constant(rng.normal(size=(4, shape.length, shape.channels)), tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(forward(needed, weights, x))
        moved |= np.abs(tape.gradient(y, x).numpy()).max(axis=(0, 2)) > 0
    return moved


@settings(deadline=None, max_examples=15)
@given(architectures())
def test_no_other_sample_moves_the_output(network):
    assert not (_moved_by(network) & ~seen_samples(network)).any()


@pytest.mark.parametrize(
    ("kernel_size", "dilations"), [(3, (1, 2, 4)), (3, (1, 16)), (2, (8, 3)), (5, (16,)), (2, (64, 1))]
)
def test_every_seen_sample_moves_the_output_of_wide_networks(kernel_size, dilations):
    network = TCN(24, kernel_size, dilations, window=60, channels=6)
    np.testing.assert_array_equal(_moved_by(network), seen_samples(network))


@settings(deadline=None, max_examples=15)
@given(architectures())
def test_the_newest_sample_is_seen(network):
    seen = seen_samples(network)
    assert seen.shape == (network.window,)
    assert seen[-1]


def test_holes_between_short_kernels_and_long_dilations():
    # Two convolutions of 2 taps, 8 apart: 0, 8 and 16 samples back.
    assert np.flatnonzero(seen_samples(TCN(4, 2, (8,), window=20, channels=6))[::-1]).tolist() == [0, 8, 16]


def test_a_mean_sees_what_its_source_sees_anywhere():
    net = GraphBuilder(window=30, channels=2)
    x = net.convolution(net.window, "a", 4, taps=2, dilation=3)
    assert seen_samples(net.finish(net.mean(x))).all()
    net = GraphBuilder(window=30, channels=2)
    x = net.convolution(net.window, "a", 4, taps=2, dilation=3)
    assert np.flatnonzero(seen_samples(net.finish(net.newest(x)))).tolist() == [26, 29]
