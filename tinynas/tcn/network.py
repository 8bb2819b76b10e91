"""The network in TensorFlow: weights, the pyramid form's forward pass, and batch normalisation folded away.

Weights are a flat mapping from names to arrays (or variables), the same for both forms and independent of the window:

    block{b}/conv{1,2}/kernel (k, C_in, F)   block{b}/conv{1,2}/bias (F,)
    block{b}/conv{1,2}/{gamma,beta,mean,variance} (F,)   with norm="batch" only
    block0/projection/kernel (1, C, F)       block0/projection/bias (F,)
    head/kernel (F, outputs)                 head/bias (outputs,)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tinynas.tcn.architecture import Architecture
from tinynas.tcn.plan import ConvPlan, PyramidPlan, SlicePlan, plan

__all__ = ["BATCH_NORM_EPSILON", "Weights", "fold", "forward", "inference_function", "initial_weights", "perturbed"]

BATCH_NORM_EPSILON = 1e-3

Weights: TypeAlias = Mapping[str, npt.NDArray[np.float32]]
#: What follows a convolution inside a block: (features, name of the convolution) -> features.
Activation: TypeAlias = Callable[[Any, str], Any]


def initial_weights(architecture: Architecture, rng: np.random.Generator) -> dict[str, npt.NDArray[np.float32]]:
    """Draw weights: He normal before ReLUs (He et al. 2015), Glorot uniform elsewhere, zero biases, unit batch norm.

    Args:
        architecture: The network.
        rng: Source of randomness.

    Returns:
        New arrays by name (module docstring).
    """
    a = architecture
    weights: dict[str, npt.NDArray[Any]] = {}
    for block in range(a.blocks):
        for conv in (1, 2):
            name = f"block{block}/conv{conv}"
            channels = a.channels if block == 0 and conv == 1 else a.filters
            scale = np.sqrt(2.0 / (a.kernel_size * channels))
            weights[f"{name}/kernel"] = rng.normal(0.0, scale, (a.kernel_size, channels, a.filters))
            weights[f"{name}/bias"] = np.zeros(a.filters)
            if a.norm == "batch":
                for field, value in (("gamma", 1.0), ("beta", 0.0), ("mean", 0.0), ("variance", 1.0)):
                    weights[f"{name}/{field}"] = np.full(a.filters, value)
    if a.projects:
        weights["block0/projection/kernel"] = _glorot(rng, (1, a.channels, a.filters))
        weights["block0/projection/bias"] = np.zeros(a.filters)
    weights["head/kernel"] = _glorot(rng, (a.filters, a.outputs))
    weights["head/bias"] = np.zeros(a.outputs)
    return {name: np.asarray(value, np.float32) for name, value in weights.items()}


def _glorot(rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    limit = np.sqrt(6.0 / (shape[-2] + shape[-1]))
    return rng.uniform(-limit, limit, shape)


def perturbed(weights: Weights, rng: np.random.Generator) -> dict[str, npt.NDArray[np.float32]]:
    """Weights with every entry moved off its initial value, so that a converter has nothing to simplify away.

    An untrained network has zero biases and identity batch norms, which the converter drops; measured as it is, it
    costs less than the trained network will. Costs of untrained candidates are taken from perturbed ones.
    """
    moved = {name: value + rng.uniform(0.05, 0.15, value.shape) for name, value in weights.items()}
    return {name: value.astype(np.float32) for name, value in moved.items()}


def fold(architecture: Architecture, weights: Weights) -> dict[str, npt.NDArray[np.float32]]:
    """Fold batch normalisation into the convolutions before it.

    With gain g = gamma / sqrt(variance + epsilon): w' = w g and b' = (b - mean) g + beta.

    Args:
        architecture: The network.
        weights: Its weights; returned as a copy where there is no batch norm.

    Returns:
        Weights of the same function, without batch-norm entries.
    """
    if architecture.norm == "none":
        return dict(weights)
    folded = {name: value for name, value in weights.items() if name.rsplit("/", 1)[1] in ("kernel", "bias")}
    for block in range(architecture.blocks):
        for conv in (1, 2):
            name = f"block{block}/conv{conv}"
            gain = weights[f"{name}/gamma"] / np.sqrt(weights[f"{name}/variance"] + BATCH_NORM_EPSILON)
            folded[f"{name}/kernel"] = weights[f"{name}/kernel"] * gain
            folded[f"{name}/bias"] = (weights[f"{name}/bias"] - weights[f"{name}/mean"]) * gain + weights[
                f"{name}/beta"
            ]
    return folded


def forward(
    pyramid: PyramidPlan,
    weights: Mapping[str, Any],
    windows: Any,
    activation: Activation | None = None,
    addends: list[Any] | None = None,
) -> Any:
    """Run the pyramid form.

    Args:
        pyramid: The layer plan.
        weights: Arrays, tensors or variables by name.
        windows: Tensor (batch, window, channels), normalised.
        activation: What follows a block's convolution; a plain ReLU if None (training adds normalisation and dropout).
        addends: Receives the operands of every addition (for `inference_function`).

    Returns:
        Tensor (batch, outputs).
    """
    import tensorflow as tf

    act: Activation = activation or (lambda x, _: tf.nn.relu(x))
    # Height 1: TFLite's 1-D convolutions are 2-D ones, and adding the axis once spares a reshape around each of them.
    x = _subsample(tf.reshape(windows, [-1, 1, pyramid.input.length, windows.shape[-1]]), pyramid.input)
    addends = [] if addends is None else addends
    features = None
    for index, block in enumerate(pyramid.blocks):
        name = f"block{index}"
        residual = x
        x = act(_convolve(x, block.first, weights, f"{name}/conv1"), f"{name}/conv1")
        x = act(_convolve(x, block.second, weights, f"{name}/conv2"), f"{name}/conv2")
        if block.skip is not None:
            last = _subsample(x, block.skip)
            if features is not None:
                addends += [features, last]
            features = last if features is None else features + last
        if block.residual is not None:
            residual = _subsample(residual, block.residual)
            if block.projection is not None:
                residual = _convolve(residual, block.projection, weights, f"{name}/projection")
            addends += [residual, x]
            x = tf.nn.relu(residual + x)
    features = x if features is None else features
    features = tf.reshape(features, [-1, pyramid.features])
    return tf.matmul(features, weights["head/kernel"]) + weights["head/bias"]


def _subsample(x: Any, part: SlicePlan) -> Any:
    return x if part.identity else x[:, :, part.begin :: part.step, :]


def _convolve(x: Any, conv: ConvPlan, weights: Mapping[str, Any], name: str) -> Any:
    """Pad on the left and convolve with the newest `taps` taps; x is (batch, 1, in_length, in_channels)."""
    import tensorflow as tf

    kernel, bias = weights[f"{name}/kernel"], weights[f"{name}/bias"]
    kernel = kernel[kernel.shape[0] - conv.taps :]  # the older taps would only ever meet padding
    if conv.pad:
        x = tf.pad(x, [[0, 0], [0, 0], [conv.pad, 0], [0, 0]])
    if conv.rate == 1 or isinstance(kernel, np.ndarray):
        y = tf.nn.conv2d(x, kernel[None], [1, 1, conv.stride, 1], "VALID", dilations=[1, 1, conv.rate, 1])
    else:
        # TensorFlow has no gradient of a dilated strided convolution on the CPU: gather the taps and multiply.
        reach = (conv.out_length - 1) * conv.stride + 1
        taps = [x[:, :, t * conv.rate : t * conv.rate + reach : conv.stride, :] for t in range(conv.taps)]
        flat = tf.reshape(kernel, [conv.taps * conv.in_channels, conv.out_channels])
        y = tf.tensordot(tf.concat(taps, axis=-1), flat, 1)
    return tf.nn.bias_add(y, bias)


def inference_function(architecture: Architecture, weights: Weights) -> Callable[[Any], list[Any]]:
    """The trained network as a function of one window, with constants for weights: what the converter takes.

    Args:
        architecture: The network.
        weights: Its weights, with or without batch norm (which is folded).

    Returns:
        A function from a tensor (1, window, channels) to a list of the output tensor (1, outputs) and of tensors that
        are
        none: the operands of its additions. LiteRT adds in place, and the converter's calibration then takes the sum's
        range for the overwritten operand's: up to 8 times too coarse a scale, measured. A tensor that is returned is
        not overwritten; the surplus outputs are dropped when the operators are put in order (`deploy.tflite.arrange`).
    """
    pyramid, constants = plan(architecture), fold(architecture, weights)

    def function(windows: Any) -> list[Any]:
        addends: list[Any] = []
        return [forward(pyramid, constants, windows, addends=addends), *addends]

    return function
