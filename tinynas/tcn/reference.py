"""The plain dilated form in Keras: every time step of every layer, as the TCN is usually written down.

It is the oracle of the tests and the baseline of the training benchmark. Nothing else uses it: candidates are trained,
converted and measured in the pyramid form (`tcn.network`), which computes the same outputs from far fewer activations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tinynas.errors import TinynasError
from tinynas.tcn.architecture import Architecture
from tinynas.tcn.network import BATCH_NORM_EPSILON, Weights

if TYPE_CHECKING:
    import keras

__all__ = ["dilated_model", "get_weights", "set_weights"]

#: Fields of the flat weight mapping, by the kind of their layer and in the order in which Keras lists its arrays.
_FIELDS = {
    "Conv1D": ("kernel", "bias"),
    "Dense": ("kernel", "bias"),
    "BatchNormalization": ("gamma", "beta", "mean", "variance"),
}


def dilated_model(architecture: Architecture) -> keras.Model:
    """Build the causal dilated TCN over all time steps, of which the last one feeds the linear layer.

    Args:
        architecture: The network.

    Returns:
        An uncompiled Keras model from (batch, window, channels) to (batch, outputs), with Keras' own initial weights.

    Source:
        Bai, Kolter, Koltun, "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence
        Modeling", 2018, section 3 (the block); Saha et al., "TinyOdom", IMWUT 2022 (the skip connections).

    Example:
        >>> a = Architecture(filters=4, kernel_size=3, dilations=(1, 2), window=32, channels=6)
        >>> dilated_model(a).count_params() == a.parameters
        True
    """
    import keras

    a = architecture
    inputs = keras.Input((a.window, a.channels))
    x, skips = inputs, []
    for block in range(a.blocks):
        residual, name = x, f"block{block}"
        x = _convolution(a, block, 1)(x)
        x = _convolution(a, block, 2)(x)
        skips.append(x)
        if a.skip_connections and block == a.blocks - 1:
            break  # the sum of the skips is the feature vector: nobody reads the last block's residual sum
        if residual.shape[-1] != a.filters:
            residual = keras.layers.Conv1D(a.filters, 1, name=f"{name}.projection")(residual)
        x = keras.layers.ReLU(name=f"{name}.relu")(keras.layers.Add(name=f"{name}.add")([residual, x]))
    if a.skip_connections and a.blocks > 1:
        x = keras.layers.Add(name="skips")(skips)
    return keras.Model(inputs, keras.layers.Dense(a.outputs, name="head")(x[:, -1, :]), name="dilated")


def _convolution(a: Architecture, block: int, index: int) -> Any:
    """Causal convolution, optional batch normalisation, ReLU and spatial dropout, as one callable."""
    import keras

    name = f"block{block}.conv{index}"
    layers = [
        keras.layers.Conv1D(
            a.filters, a.kernel_size, padding="causal", dilation_rate=a.dilations[block],
            kernel_initializer="he_normal", name=name,
        )
    ]  # fmt: skip
    if a.norm == "batch":
        layers.append(keras.layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=f"{name}.norm"))
    layers.append(keras.layers.ReLU(name=f"{name}.relu"))
    if a.dropout > 0.0:
        layers.append(keras.layers.SpatialDropout1D(a.dropout, name=f"{name}.dropout"))

    def apply(x: Any) -> Any:
        for layer in layers:
            x = layer(x)
        return x

    return apply


def set_weights(model: keras.Model, weights: Weights) -> None:
    """Load weights from the flat mapping (`tcn.network`), batch norm not folded.

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
        layer.set_weights([weights[name] for name in names])


def get_weights(model: keras.Model) -> dict[str, npt.NDArray[np.float32]]:
    """The inverse of `set_weights`: a model's weights as the flat mapping (`tcn.network`).

    Args:
        model: What `dilated_model` built.

    Returns:
        Copies of its arrays by name.
    """
    return {
        name: np.asarray(value, np.float32)
        for layer, names in _named_layers(model)
        for name, value in zip(names, layer.get_weights(), strict=True)
    }


def _named_layers(model: keras.Model) -> list[tuple[Any, list[str]]]:
    """Layers that hold weights, each with the flat mapping's names in Keras' order."""
    named = []
    for layer in model.layers:
        if fields := _FIELDS.get(type(layer).__name__):
            prefix = layer.name.removesuffix(".norm").replace(".", "/")
            named.append((layer, [f"{prefix}/{field}" for field in fields]))
    return named
