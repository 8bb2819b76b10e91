"""A trained network as a Keras model: for whoever goes on with it in Keras, Netron or another converter."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tinynas.network.layers import (
    PAIRWISE,
    Activation,
    Addition,
    Convolution,
    Dense,
    Difference,
    Input,
    LayerGraph,
    Mean,
    Network,
    Slice,
)
from tinynas.network.weights import Weights, fold

__all__ = ["keras_model"]


def keras_model(
    network: Network,
    weights: Weights,
    *,
    mean: npt.NDArray[np.float64] | None = None,
    std: npt.NDArray[np.float64] | None = None,
) -> Any:
    """Build a Keras model of the same function.

    All positions of all layers are in it, also those that nothing needs: this form is made to be read, not to be fast.

    Args:
        network: An architecture, or a layer graph.
        weights: Its weights, with or without batch norm (which is folded).
        mean: (channels,) of the inputs: the model begins with their normalisation. None: inputs are normalised already.
        std: (channels,) standard deviations of the same.

    Returns:
        A `keras.Model` from (batch, window, channels) to (batch, outputs).
    """
    import keras

    graph, folded = network.graph, fold(network, weights)
    window = keras.Input((graph.window.length, graph.window.channels), name="window")
    values: list[Any] = []
    pending: dict[str, list[npt.NDArray[np.float32]]] = {}
    for number, layer in enumerate(graph.layers):
        read = [values[source] for source in graph.operands[number]]
        if isinstance(layer, Input):
            value = window
            if mean is not None and std is not None:
                value = keras.layers.Normalization(mean=mean, variance=np.square(std))(window)
        elif isinstance(layer, Convolution):
            value = _convolve(graph, layer, read[0], folded, pending)
        elif isinstance(layer, Dense):
            name = _name(layer.name)
            value = keras.layers.Dense(layer.channels, name=name)(read[0])
            pending[name] = [folded[f"{layer.name}/kernel"], folded[f"{layer.name}/bias"]]
        elif isinstance(layer, PAIRWISE):
            pairwise = {Addition: keras.layers.Add, Difference: keras.layers.Subtract}
            value = pairwise.get(type(layer), keras.layers.Multiply)()(read)
        elif isinstance(layer, Activation):
            relu = layer.function == "relu"
            value = (keras.layers.ReLU() if relu else keras.layers.Activation(layer.function))(read[0])
        elif isinstance(layer, Mean):
            value = keras.layers.GlobalAveragePooling1D(keepdims=True)(read[0])
        elif isinstance(layer, Slice):
            value = _newest(read[0], graph.shapes[layer.source].length, layer.count, layer.step, layer.lag)
        else:  # normalisation is folded, dropout is for training
            value = read[0]
        values.append(value)
    model = keras.Model(window, keras.layers.Flatten(name="output")(values[-1]))
    for name, arrays in pending.items():
        model.get_layer(name).set_weights(arrays)
    return model


def _convolve(
    graph: LayerGraph,
    layer: Convolution,
    x: Any,
    weights: Weights,
    pending: dict[str, list[npt.NDArray[np.float32]]],
) -> Any:
    import keras

    name, kernel, bias = _name(layer.name), weights[f"{layer.name}/kernel"], weights[f"{layer.name}/bias"]
    if layer.groups == 1:
        y = keras.layers.Conv1D(layer.channels, layer.taps, padding="causal", dilation_rate=layer.dilation, name=name)(
            x
        )
    else:
        x = keras.layers.ZeroPadding1D(((layer.taps - 1) * layer.dilation, 0))(x)
        y = keras.layers.DepthwiseConv1D(layer.taps, dilation_rate=layer.dilation, name=name)(x)
        kernel = kernel.transpose(0, 2, 1)
    pending[name] = [kernel, bias]
    # Strides count from the window's end, Keras' from its beginning.
    length = graph.shapes[layer.source].length
    return _newest(y, length, (length - 1) // layer.stride + 1, layer.stride)


def _newest(x: Any, length: int, count: int, step: int, lag: int = 0) -> Any:
    """The newest `count` positions that lie `step` apart, or those `lag` before them."""
    import keras

    begin = length - 1 - lag - (count - 1) * step
    if step == 1:
        return x if begin == 0 else keras.layers.Cropping1D((begin, 0))(x)
    return x[:, begin::step, :]


def _name(name: str) -> str:
    """Keras' names have no slashes."""
    return name.replace("/", "_")
