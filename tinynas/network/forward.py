"""The forward pass in TensorFlow: a layer graph, computed at the positions that count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinynas.network.layers import (
    Activation,
    Addition,
    Convolution,
    Dense,
    Difference,
    Dropout,
    Input,
    Mean,
    Network,
    Normalisation,
    Product,
)
from tinynas.network.needed import Cut, Plan, Step, Taps, plan
from tinynas.network.weights import Weights, fold

__all__ = ["forward", "inference_function"]


def forward(
    needed: Plan,
    weights: Mapping[str, Any],
    windows: Any,
    *,
    normalise: Callable[[Any, Normalisation], Any] | None = None,
    drop: Callable[[Any, Dropout], Any] | None = None,
    addends: list[Any] | None = None,
    to_convert: bool = False,
) -> Any:
    """Run a network.

    Args:
        needed: What is computed (`network.plan`).
        weights: Arrays, tensors or variables by name (`network.weights`).
        windows: Tensor (batch, window, channels), normalised.
        normalise: What a normalisation does to features (batch, 1, positions, channels); None where it is folded.
        drop: What dropout does to them, in training; None elsewhere.
        addends: Receives the operands of every sum, difference and product (for `inference_function`).
        to_convert: Use the operators that the converter understands, though TensorFlow does not compute all of them on
            a CPU: depthwise convolutions with a dilation.

    Returns:
        Tensor (batch, outputs).
    """
    import tensorflow as tf

    values: list[Any] = []
    for step in needed.steps:
        what, operands = step.what, [values[number] for number in step.reads]
        if isinstance(what, Input):
            # Height 1: TFLite's 1-D convolutions are 2-D ones, and adding the axis once spares a reshape around each.
            y = tf.reshape(windows, [-1, 1, what.length, what.channels])
        elif isinstance(what, Cut):
            y = operands[0][:, :, what.begin :: what.step, :]
        elif isinstance(what, Convolution):
            y = _convolve(operands[0], what, step, weights, to_convert)
        elif isinstance(what, Dense):
            flat = tf.reshape(operands[0], [-1, needed.steps[step.reads[0]].channels])
            y = tf.matmul(flat, weights[f"{what.name}/kernel"]) + weights[f"{what.name}/bias"]
        elif isinstance(what, Addition | Difference | Product):
            if addends is not None:
                addends += operands
            y = _combine(what, *operands)
        elif isinstance(what, Mean):
            y = tf.reduce_mean(operands[0], axis=2, keepdims=True)
        elif isinstance(what, Activation):
            y = tf.nn.relu(operands[0]) if what.function == "relu" else tf.sigmoid(operands[0])
        elif isinstance(what, Normalisation):
            y = operands[0] if normalise is None else normalise(operands[0], what)
        else:
            assert isinstance(what, Dropout)
            y = operands[0] if drop is None else drop(operands[0], what)
        values.append(y)
    return values[-1]


def _combine(layer: Addition | Difference | Product, first: Any, second: Any) -> Any:
    if isinstance(layer, Addition):
        return first + second
    return first - second if isinstance(layer, Difference) else first * second


def _convolve(x: Any, layer: Convolution, step: Step, weights: Mapping[str, Any], to_convert: bool) -> Any:
    """Pad on the left and convolve with the newest taps; x is (batch, 1, positions, channels)."""
    import tensorflow as tf

    taps = step.taps
    assert taps is not None
    kernel, bias = weights[f"{layer.name}/kernel"], weights[f"{layer.name}/bias"]
    kernel = kernel[kernel.shape[0] - taps.taps :]  # the older taps would only ever meet padding
    if taps.pad:
        x = tf.pad(x, [[0, 0], [0, 0], [taps.pad, 0], [0, 0]])
    strides, dilations = [1, 1, taps.stride, 1], [1, 1, taps.rate, 1]
    if layer.groups > 1:
        if to_convert:  # tf.nn's own function would make SPACE_TO_BATCH of a dilation
            filters = tf.reshape(kernel, [1, taps.taps, layer.channels, 1])
            y = tf.raw_ops.DepthwiseConv2dNative(
                input=x, filter=filters, strides=strides, padding="VALID", dilations=dilations
            )
        else:
            y = tf.add_n([part * kernel[tap, 0] for tap, part in enumerate(_gather(x, step.positions, taps))])
    elif taps.rate == 1 or isinstance(kernel, np.ndarray):
        y = tf.nn.conv2d(x, kernel[None], strides, "VALID", dilations=dilations)
    else:
        # TensorFlow has no gradient of a dilated strided convolution on the CPU: gather the taps and multiply.
        flat = tf.reshape(kernel, [taps.taps * kernel.shape[1], layer.channels])
        y = tf.tensordot(tf.concat(_gather(x, step.positions, taps), axis=-1), flat, 1)
    return tf.nn.bias_add(y, bias)


def _gather(x: Any, positions: int, taps: Taps) -> list[Any]:
    """What each tap meets, for all outputs."""
    reach = (positions - 1) * taps.stride + 1
    starts = [tap * taps.rate for tap in range(taps.taps)]
    return [x[:, :, start : start + reach : taps.stride, :] for start in starts]


def inference_function(network: Network, weights: Weights) -> Callable[[Any], list[Any]]:
    """The trained network as a function of one window, with constants for weights: what the converter takes.

    Args:
        network: An architecture, or a layer graph.
        weights: Its weights, with or without batch norm (which is folded).

    Returns:
        A function from a tensor (1, window, channels) to a list of the output tensor (1, outputs) and of tensors that
        are none: the operands of its sums, differences and products. LiteRT adds in place, and the converter's
        calibration then takes the sum's range for the overwritten operand's: up to 8 times too coarse a scale,
        measured. A tensor that is returned is not overwritten; the surplus outputs are dropped when the operators are
        put in order (`deploy.tflite.arrange`).
    """
    needed, constants = plan(network), fold(network, weights)

    def function(windows: Any) -> list[Any]:
        addends: list[Any] = []
        return [forward(needed, constants, windows, addends=addends, to_convert=True), *addends]

    return function
