"""Operators with a window over one or two axes: convolutions, pooling; fully connected ones, of a window of a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from tinynas.deploy.arithmetic import activation_range, channel_multipliers, fully_connected_multipliers
from tinynas.deploy.compiler.program.bounds import MAX_WINDOW
from tinynas.deploy.compiler.program.builder import Builder
from tinynas.deploy.compiler.program.ir import Rows, rows_of
from tinynas.deploy.compiler.program.work import Depthwise, Matrix, Pool, Requantization, Window, Work

__all__ = ["Axis", "convolution", "depthwise", "fully_connected", "limits", "pool"]

SAME, VALID = 0, 1


@dataclass(frozen=True, slots=True)
class Axis:
    """One spatial axis of a window.

    Attributes:
        size, out: Lengths of input and output.
        taps, stride, dilation: Of the window.
        padding: Positions before the first.
    """

    size: int
    out: int
    taps: int
    stride: int = 1
    dilation: int = 1
    padding: int = 0


def axes_of(b: Builder, taps: tuple[int, int]) -> tuple[Axis, Axis]:
    """Height and width of the present operator's window, from its options."""
    options, source, target = b.op.options, b.tensor(b.op.inputs[0]).shape, b.tensor(b.op.outputs[0]).shape
    if len(source) != 4 or len(target) != 4 or source[0] != 1 or target[0] != 1:
        raise b.refuse(f"tensors of shape (1, height, width, channels) are expected, not {source} and {target}")
    made = []
    for number, letter in enumerate("HW"):
        size, stride = source[1 + number], int(options[f"stride{letter}"])
        dilation, n = int(options.get(f"dilation{letter}Factor", 1)), taps[number]
        reach = (n - 1) * dilation + 1
        if options["padding"] == SAME:
            out = -(-size // stride) if stride > 0 else 0
            padding = max((out - 1) * stride + reach - size, 0) // 2
        else:
            out, padding = (size - reach) // stride + 1 if stride > 0 else 0, 0
        if stride < 1 or dilation < 1 or n < 1 or out < 1 or out != target[1 + number]:
            raise b.refuse(f"the window does not lead from {source} to {target}")
        made.append(Axis(size, out, n, stride, dilation, padding))
    return made[0], made[1]


Orient = Callable[[npt.NDArray[np.int8]], npt.NDArray[np.int8]]


def emit_window(
    b: Builder,
    axes: tuple[Axis, Axis],
    channels: tuple[int, int],
    make: Callable[[Orient, Window, int], Work],
    fill: int | None,
) -> None:
    """Emit an operator with a window as one that makes rows.

    Args:
        b: The program under construction.
        axes: Height and width.
        channels: Of input and output.
        make: The work of a row, from what brings weights (., height, width, .) into the order (., taps of rows, taps
            within a row, .), the window within rows, and the width of the output.
        fill: Padding that the operator understands, see `Builder.read`.
    """
    for axis in axes:
        reach = max((axis.taps - 1) * axis.dilation + 1, axis.stride, abs(axis.padding))
        if reach > MAX_WINDOW:
            raise b.refuse(f"a window over {reach} positions; at most {MAX_WINDOW} are compiled")
    rows, across = axes

    def orient(weights: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
        return weights

    if rows.size == 1 and rows.out == 1:
        # One row high: one row of the window meets it, the others meet padding. Rows are those of the width.
        at = rows.padding // rows.dilation
        if rows.padding % rows.dilation or at >= rows.taps:
            raise b.refuse("the window meets nothing but padding")

        def orient(weights: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
            return np.asarray(weights[:, at : at + 1].swapaxes(1, 2))

        rows, across = across, Axis(1, 1, 1)
    read = b.read(b.op.inputs[0], Rows(rows.size, across.size, channels[0]), fill)
    access = read._replace(
        base=read.base - rows.padding * read.stride,
        stride=read.stride * rows.stride,
        dilation=read.stride * rows.dilation,
        taps=rows.taps,
    )
    window = Window(across.taps, across.stride, across.dilation, across.padding, across.size)
    b.emit(make(orient, window, across.out), (access,), Rows(rows.out, across.out, channels[1]), b.op.outputs[0])


def convolution(b: Builder, axes: tuple[Axis, Axis] | None = None) -> None:
    """CONV_2D.

    Args:
        b: The program under construction.
        axes: Height and width; None takes the operator's options.
    """
    weights = _weights(b, 4)
    taps = weights.shape[1], weights.shape[2]
    channels = b.tensor(b.op.inputs[0]).shape[-1], weights.shape[0]
    weights = _grouped(b, weights, channels[0])
    zero, bias, requantization = _requantization(b, channels[1])

    def make(orient: Orient, window: Window, width: int) -> Work:
        return Matrix(orient(weights), bias, zero, window, requantization, width)

    emit_window(b, axes or axes_of(b, taps), channels, make, zero)


def depthwise(b: Builder, axes: tuple[Axis, Axis] | None = None) -> None:
    """DEPTHWISE_CONV_2D; with several outputs a channel it becomes a convolution that is full of zeros."""
    weights = _weights(b, 4)
    taps = weights.shape[1], weights.shape[2]
    inputs, outputs = b.tensor(b.op.inputs[0]).shape[-1], weights.shape[3]
    if weights.shape[0] != 1 or outputs % inputs:
        raise b.refuse(f"weights of shape {weights.shape} do not fit {inputs} channels", b.op.inputs[1])
    if (multiplier := b.op.options.get("depthMultiplier", 0)) != outputs // inputs:
        what = f"a depthMultiplier of {multiplier} contradicts {inputs} channels in and {outputs} out"
        raise b.refuse(what, b.op.outputs[0])
    zero, bias, requantization = _requantization(b, outputs)

    def make(orient: Orient, window: Window, width: int) -> Work:
        oriented = orient(weights)[0]
        if outputs == inputs:
            return Depthwise(oriented, bias, zero, window, requantization, width)
        full = _zeros(b, (outputs, *oriented.shape[:2], inputs))
        each = np.arange(outputs)
        full[each, :, :, each // (outputs // inputs)] = np.moveaxis(oriented, 2, 0)
        return Matrix(full, bias, zero, window, requantization, width)

    emit_window(b, axes or axes_of(b, taps), (inputs, outputs), make, zero)


def fully_connected(b: Builder) -> None:
    """FULLY_CONNECTED, on each run of as many values as it has inputs."""
    weights = _weights(b, 2)
    outputs, depth = weights.shape
    source = rows_of(b.tensor(b.op.inputs[0]).shape)
    total = source.count * source.bytes
    if not depth or total % depth or rows_of(b.tensor(b.op.outputs[0]).shape).channels != outputs:
        raise b.refuse(f"weights of shape {weights.shape} do not fit", b.op.inputs[1])
    cut = (
        Rows(source.count, source.bytes // depth, depth)
        if source.bytes % depth == 0
        else Rows(1, total // depth, depth)
    )
    zero, bias, requantization = _requantization(b, outputs)
    work = Matrix(weights[:, None, None, :], bias, zero, Window(width=cut.width), requantization, cut.width)
    access = b.read(b.op.inputs[0], cut)
    b.emit(work, (access,), Rows(cut.count, cut.width, outputs), b.op.outputs[0])


def pool(b: Builder) -> None:
    """MAX_POOL_2D and AVERAGE_POOL_2D."""
    axes = axes_of(b, (int(b.op.options["filterHeight"]), int(b.op.options["filterWidth"])))
    source, target = b.quantization(b.op.inputs[0]), b.quantization(b.op.outputs[0])
    if source != target:
        raise b.refuse("input and output are quantised differently", b.op.outputs[0])
    channels = b.tensor(b.op.inputs[0]).shape[-1]
    low, high = limits(b)
    average = b.op.kind == "AVERAGE_POOL_2D"
    emit_window(
        b, axes, (channels, channels), lambda _, window, width: Pool(average, channels, window, width, low, high), None
    )


def _weights(b: Builder, rank: int) -> npt.NDArray[np.int8]:
    weights = b.constant(b.op.inputs[1], "int8")
    q = b.tensor(b.op.inputs[1]).quantization
    if weights.ndim != rank or not weights.size:
        raise b.refuse(f"weights of {rank} dimensions are expected", b.op.inputs[1])
    if q is None or any(q.zero_point):
        raise b.refuse("weights with a zero point of 0 are expected", b.op.inputs[1])
    b.reserve(weights.size, b.op.inputs[1])
    return weights


def _grouped(b: Builder, weights: npt.NDArray[np.int8], inputs: int) -> npt.NDArray[np.int8]:
    """Weights of a convolution in groups, filled up with zeros to those of one without."""
    outputs, height, width, depth = weights.shape
    if depth == inputs:
        return weights
    if inputs % depth or outputs % (inputs // depth):
        raise b.refuse(f"weights of shape {weights.shape} do not fit {inputs} channels", b.op.inputs[1])
    size = outputs // (inputs // depth)
    full = _zeros(b, (outputs, height, width, inputs))
    for channel in range(outputs):
        first = channel // size * depth
        full[channel, :, :, first : first + depth] = weights[channel]
    return full


def _zeros(b: Builder, shape: tuple[int, ...]) -> npt.NDArray[np.int8]:
    """Weights of a full convolution, for those of a sparse one to be put in."""
    b.reserve(prod(shape), b.op.inputs[1])
    return np.zeros(shape, np.int8)


def _requantization(b: Builder, channels: int) -> tuple[int, npt.NDArray[np.int32], Requantization]:
    """Zero point of the input, bias, and what becomes of the sums."""
    source, target = b.quantization(b.op.inputs[0]), b.quantization(b.op.outputs[0])
    q = b.tensor(b.op.inputs[1]).quantization
    if q is None or len(q.scale) not in (1, channels):
        raise b.refuse("weights with one scale, or one per channel, are expected", b.op.inputs[1])
    bias = np.zeros(channels, np.int32)
    if len(b.op.inputs) > 2 and b.op.inputs[2] >= 0:
        bias = b.constant(b.op.inputs[2], "int32").reshape(-1)
    if len(bias) != channels:
        raise b.refuse(f"a bias of {channels} values is expected", b.op.inputs[2])
    multipliers = fully_connected_multipliers if b.op.kind == "FULLY_CONNECTED" else channel_multipliers
    try:
        multiplier, shift = multipliers(source.scale[0], q.scale, target.scale[0], channels)
    except ValueError as e:
        raise b.refuse(str(e), b.op.inputs[1]) from e
    low, high = limits(b)
    return source.zero_point[0], bias, Requantization(multiplier, shift, target.zero_point[0], low, high)


def limits(b: Builder) -> tuple[int, int]:
    """Lowest and highest output under the fused activation."""
    q = b.quantization(b.op.outputs[0])
    try:
        return activation_range(b.op.options["fusedActivationFunction"], q.scale[0], q.zero_point[0])
    except ValueError as e:
        raise b.refuse(str(e), b.op.outputs[0]) from e
