"""Batch normalisation and dropout of training, where neighbouring channels belong together."""

import numpy as np
import pytest

from tinynas.network import TCN, initial_weights
from tinynas.network.layers import Dropout
from tinynas.network.trainable import Trainable
from tinynas.network.training_layers import drop, normalise_batch, share_scales

tf = pytest.importorskip("tensorflow")


def test_scales_of_a_group_are_one_and_others_stay_as_they_are():
    rng = np.random.default_rng(0)
    names = ("a/gamma", "a/beta", "b/gamma", "b/beta")
    weights = {name: tf.constant(np.repeat(rng.normal(size=3), 4).astype(np.float32)) for name in names}
    weights |= {"a/kernel": tf.ones([2, 6, 12]), "a/mean": tf.ones([12])}
    shared, own = share_scales(weights, 4), share_scales(weights, 1)
    assert list(shared) == list(own) == list(names)
    for name in names:
        np.testing.assert_array_equal(shared[name], weights[name][::4])
        assert own[name] is weights[name]
    assert share_scales({"head/kernel": tf.ones([4, 2])}, 4) == {}


@pytest.mark.parametrize("group", [1, 4])
def test_channels_of_a_group_share_their_statistics(group):
    rng = np.random.default_rng(1)
    z = rng.normal(1.0, 2.0, (16, 1, 5, 8)).astype(np.float32)
    gamma, beta = (rng.normal(size=8 // group).astype(np.float32) for _ in range(2))
    found, mean, variance = normalise_batch(tf.constant(z), tf.constant(gamma), tf.constant(beta), group)
    grouped = z.reshape(16, 5, 8 // group, group)
    expected = grouped.mean(axis=(0, 1, 3)), grouped.var(axis=(0, 1, 3))
    count = grouped.size / (8 // group)
    np.testing.assert_allclose(mean, np.repeat(expected[0], group), rtol=1e-5)
    np.testing.assert_allclose(variance, np.repeat(expected[1] * count / (count - 1), group), rtol=1e-4)
    gain = gamma / np.sqrt(expected[1] + 1e-3)
    wanted = (grouped - expected[0][:, None]) * gain[:, None] + beta[:, None]
    np.testing.assert_allclose(found, wanted.reshape(z.shape), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("group", [1, 4])
def test_whole_groups_are_dropped_and_made_up_for(group):
    z = tf.ones([200, 1, 3, 8])
    found = drop(z, Dropout(0, "block0/conv1", 0.25), tf.constant([1, 2]), group).numpy()
    np.testing.assert_array_equal(found, found[:, :, :1].repeat(3, axis=2))
    kept = found[:, 0, 0].reshape(200, 8 // group, group)
    np.testing.assert_array_equal(kept, kept[:, :, :1].repeat(group, axis=2))
    assert set(np.unique(found)) == {0.0, np.float32(1 / 0.75)}
    assert found.mean() == pytest.approx(1.0, abs=0.15)


def test_ties_are_a_small_part_of_a_graph():
    def operations(symmetry):
        network = TCN(8, 3, (1, 4, 8), window=40, channels=6, norm="batch", symmetry=symmetry)
        graph = Trainable(network, initial_weights(network, np.random.default_rng(0)), 1)
        return len(graph._train.graph.get_operations())

    assert operations("c4") < 2 * operations("none")
