"""The oracle itself: weights go in and out unharmed, and it is the network that is meant."""

import numpy as np
import pytest

from tinynas.errors import TinynasError
from tinynas.network import TCN
from tinynas.network.reference import dilated_model, get_weights, set_weights

from .builders import CORNERS, used_weights


@pytest.mark.parametrize("corner", CORNERS[:5], ids=lambda a: a.key)
def test_weights_survive_the_way_in_and_out(corner):
    model, weights = dilated_model(corner), used_weights(corner)
    set_weights(model, weights)
    returned = get_weights(model)
    assert returned.keys() == weights.keys()
    assert all(np.array_equal(returned[name], weights[name]) for name in weights)


def test_one_block_by_hand():
    """Against the convolution sums written out, at the last time step of an input that is shorter than the field."""
    a = TCN(filters=2, kernel_size=3, dilations=(2,), window=7, channels=2)
    weights = used_weights(a)
    x = np.random.default_rng(1).normal(size=(7, 2)).astype(np.float32)

    def convolve(series, name):
        kernel, bias = weights[f"{name}/kernel"], weights[f"{name}/bias"]
        out = np.tile(bias, (len(series), 1))
        for t in range(len(series)):
            for tap in range(3):  # tap 2 is the newest
                if t - (2 - tap) * 2 >= 0:
                    out[t] += series[t - (2 - tap) * 2] @ kernel[tap]
        return np.maximum(out, 0)

    y = np.maximum(x + convolve(convolve(x, "block0/conv1"), "block0/conv2"), 0)
    expected = y[-1] @ weights["head/kernel"] + weights["head/bias"]
    model = dilated_model(a)
    set_weights(model, weights)
    np.testing.assert_allclose(np.asarray(model(x[None]))[0], expected, atol=1e-5)


def test_skips_sum_every_block_and_the_last_residual_is_left_out():
    a = TCN(filters=3, kernel_size=2, dilations=(1, 2, 4), window=8, channels=3, skip_connections=True)
    model = dilated_model(a)
    sums = [layer for layer in model.layers if type(layer).__name__ == "Add"]
    # Two blocks with a residual sum, two sums of skips; of the last block nothing but its second convolution is read.
    assert len(sums) == 4
    weights = {name: np.zeros_like(value) for name, value in used_weights(a).items()}
    for block in range(a.blocks):
        weights[f"block{block}/conv2/bias"] += 10.0**block
    weights["head/kernel"][:, 0] = (1, 0, 0)
    set_weights(model, weights)
    assert np.asarray(model(np.zeros((1, 8, 3), np.float32)))[0, 0] == 111


def test_every_time_step_is_computed():
    a = CORNERS[0]
    shapes = {layer.name: layer.output.shape for layer in dilated_model(a).layers if "conv" in layer.name}
    assert all(shape == (None, a.window, a.filters) for shape in shapes.values())


def test_dropout_is_of_whole_channels_and_only_in_training():
    import keras

    kinds = [layer for layer in dilated_model(CORNERS[1]).layers if isinstance(layer, keras.layers.SpatialDropout1D)]
    assert [layer.rate for layer in kinds] == [0.2] * 8
    assert not any("dropout" in layer.name for layer in dilated_model(CORNERS[0]).layers)


def test_weights_of_another_network_are_refused_by_name():
    model, weights = dilated_model(CORNERS[0]), used_weights(CORNERS[0])
    with pytest.raises(TinynasError, match="head/bias"):
        set_weights(model, {name: value for name, value in weights.items() if name != "head/bias"})
    with pytest.raises(TinynasError, match="block0/conv1/gamma"):
        set_weights(model, {**weights, "block0/conv1/gamma": np.ones(4, np.float32)})
    with pytest.raises(TinynasError, match=r"head/kernel has shape \(2, 4\)"):
        set_weights(model, {**weights, "head/kernel": weights["head/kernel"].T})
