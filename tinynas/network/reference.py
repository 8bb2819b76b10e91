"""The plain dilated form in Keras: every time step of every layer, as such networks are usually written down.

It is the oracle of the tests and the baseline of the training benchmark. Nothing else uses it: candidates are trained,
converted and measured at the positions that count (`network.needed`), with the same outputs from far fewer
activations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tinynas.errors import TinynasError
from tinynas.network.layers import (
    PAIRWISE,
    Activation,
    Addition,
    Convolution,
    Dense,
    Difference,
    Dropout,
    LayerGraph,
    Mean,
    Network,
    Normalisation,
    Slice,
    sources,
)
from tinynas.network.weights import BATCH_NORM_EPSILON, Weights

if TYPE_CHECKING:
    import keras

__all__ = ["dilated_model", "get_weights", "set_weights"]

#: Fields of the flat weight mapping, by the kind of their layer and in the order in which Keras lists its arrays.
_FIELDS = {
    "Conv1D": ("kernel", "bias"),
    "DepthwiseConv1D": ("kernel", "bias"),
    "Dense": ("kernel", "bias"),
    "BatchNormalization": ("gamma", "beta", "mean", "variance"),
}


def dilated_model(network: Network) -> keras.Model:
    """Build a network as its layer graph says, over all time steps.

    Args:
        network: An architecture, or a layer graph.

    Returns:
        An uncompiled Keras model from (batch, window, channels) to (batch, outputs), with Keras' own initial weights.

    Source:
        Bai, Kolter, Koltun, "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence
        Modeling", 2018, section 3 (causal dilated convolutions).

    Example:
        >>> from tinynas.network import TCN
        >>> a = TCN(filters=4, kernel_size=3, dilations=(1, 2), window=32, channels=6)
        >>> dilated_model(a).count_params() == a.parameters
        True
    """
    import keras

    graph = network.graph
    inputs = keras.Input((graph.window.length, graph.window.channels))
    values: list[Any] = [inputs]
    for number, layer in enumerate(graph.layers[1:], 1):
        x = values[sources(layer)[0]]
        if isinstance(layer, Convolution):
            y = _convolve(graph, layer, x)
        elif isinstance(layer, Dense):
            y = keras.layers.Dense(layer.channels, name=layer.name)(keras.layers.Flatten()(x))
        elif isinstance(layer, PAIRWISE):
            pairwise = {Addition: keras.layers.Add, Difference: keras.layers.Subtract}
            kind = pairwise.get(type(layer), keras.layers.Multiply)
            y = kind(name=f"{number}.pair")([x, values[layer.second]])
        elif isinstance(layer, Slice):
            newest = x.shape[1] - 1 - layer.lag
            y = x[:, newest - (layer.count - 1) * layer.step : newest + 1 : layer.step, :]
        elif isinstance(layer, Mean):
            y = keras.layers.GlobalAveragePooling1D(keepdims=True, name=f"{number}.mean")(x)
        elif isinstance(layer, Normalisation):
            name = f"{_dotted(layer.name)}.norm"
            y = keras.layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=name)(x)
        elif isinstance(layer, Dropout):
            y = keras.layers.SpatialDropout1D(layer.rate, name=f"{_dotted(layer.name)}.dropout")(x)
        elif isinstance(layer, Activation):
            y = keras.layers.Activation(layer.function, name=f"{number}.{layer.function}")(x)
        else:
            raise TinynasError(f"the reference has no {type(layer).__name__}")
        values.append(y)
    return keras.Model(inputs, values[-1], name="dilated")


def _convolve(graph: LayerGraph, layer: Convolution, x: Any) -> Any:
    """Convolve over all positions; a stride keeps every so many outputs, counted from the last."""
    import keras

    name = _dotted(layer.name)
    if layer.groups == 1:
        y = keras.layers.Conv1D(
            layer.channels, layer.taps, padding="causal", dilation_rate=layer.dilation,
            kernel_initializer="he_normal", name=name,
        )(x)  # fmt: skip
    else:
        padded = keras.layers.ZeroPadding1D(((layer.taps - 1) * layer.dilation, 0))(x)
        y = keras.layers.DepthwiseConv1D(layer.taps, dilation_rate=layer.dilation, name=name)(padded)
    first = (graph.shapes[layer.source].length - 1) % layer.stride
    return y if layer.stride == 1 else y[:, first :: layer.stride, :]


def _dotted(name: str) -> str:
    """A layer's name as Keras allows it."""
    return name.replace("/", ".")


def set_weights(model: keras.Model, weights: Weights) -> None:
    """Load weights from the flat mapping (`network.weights`), batch norm not folded.

    Args:
        model: What `dilated_model` built.
        weights: Arrays by name; of exactly the model's names and shapes.

    Raises:
        TinynasError: Names or shapes are not the model's.
    """
    expected = get_weights(model)
    if expected.keys() != weights.keys():
        differing = ", ".join(sorted(expected.keys() ^ weights.keys()))
        raise TinynasError(f"the weights are not this network's: {differing}", where=model.name)
    for name, value in expected.items():
        if value.shape != weights[name].shape:
            raise TinynasError(f"{name} has shape {weights[name].shape}, not {value.shape}", where=model.name)
    for layer, names in _named_layers(model):
        values = [weights[name] for name in names]
        if _depthwise(layer):
            values[0] = values[0].swapaxes(1, 2)
        layer.set_weights(values)


def get_weights(model: keras.Model) -> dict[str, npt.NDArray[np.float32]]:
    """The inverse of `set_weights`: a model's weights as the flat mapping (`network.weights`).

    Args:
        model: What `dilated_model` built.

    Returns:
        Copies of its arrays by name.
    """
    found = {}
    for layer, names in _named_layers(model):
        for name, value in zip(names, layer.get_weights(), strict=True):
            swapped = value.swapaxes(1, 2) if _depthwise(layer) and value.ndim == 3 else value
            found[name] = np.asarray(swapped, np.float32)
    return found


def _depthwise(layer: Any) -> bool:
    """Whether Keras has the kernel as (taps, channels, 1), which is (taps, 1, channels) here."""
    return type(layer).__name__ == "DepthwiseConv1D"


def _named_layers(model: keras.Model) -> list[tuple[Any, list[str]]]:
    """Layers that hold weights, each with the flat mapping's names in Keras' order."""
    named = []
    for layer in model.layers:
        if fields := _FIELDS.get(type(layer).__name__):
            prefix = layer.name.removesuffix(".norm").replace(".", "/")
            named.append((layer, [f"{prefix}/{field}" for field in fields]))
    return named
