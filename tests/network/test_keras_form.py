"""The Keras form computes what the package's own forward pass computes, for every kind of layer."""

import numpy as np
import pytest

from tinynas.network import TCN, SeparableTCN, fold, initial_weights, keras_model, perturbed, predict
from tinynas.network.builder import GraphBuilder


def strided():
    net = GraphBuilder(window=37, channels=6)
    x = net.relu(net.convolution(net.window, "a", 8, taps=3, stride=2))
    y = net.convolution(x, "b/c", 8, taps=2, dilation=3, groups=8)
    return net.finish(net.dense(net.mean(net.sum(x, y)), "head", 2))


@pytest.mark.slow
@pytest.mark.parametrize(
    "network",
    [
        TCN(filters=5, kernel_size=3, dilations=(1, 4, 16), window=50, channels=6, norm="batch", skip_connections=True),
        SeparableTCN(filters=4, kernel_size=4, dilations=(2, 1), window=40, channels=9),
        strided(),
    ],
    ids=["tcn", "separable", "strided"],
)
def test_it_computes_the_same(network):
    rng = np.random.default_rng(5)
    weights = perturbed(initial_weights(network, rng), rng)
    shape = (7, network.graph.window.length, network.graph.window.channels)
    windows = rng.normal(2.0, 3.0, shape)
    mean, std = rng.normal(size=shape[2]), rng.uniform(1, 2, shape[2])
    expected = predict(network, fold(network, weights), ((windows - mean) / std).astype(np.float32))
    scaled = keras_model(network, weights, mean=mean, std=std)
    np.testing.assert_allclose(scaled.predict(windows, verbose=0), expected, atol=3e-5)
    bare = keras_model(network, weights)
    np.testing.assert_allclose(bare.predict((windows - mean) / std, verbose=0), expected, atol=3e-5)
