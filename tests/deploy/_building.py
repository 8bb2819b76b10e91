"""Small int8 models by hand: one operator after the other with random weights and quantisation, without TensorFlow.

Scales are chosen so that values use the range of int8 without sticking to its ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import hypot, prod, sqrt
from typing import Any

import numpy as np

from tinynas.deploy import Graph, Op, Quantization, Tensor, pack

Affine = tuple[float, int]

NONE, RELU, RELU_N1_TO_1, RELU6 = range(4)
#: Root mean square in real units of what goes into a clamp, so that the clamp matters.
_CLAMPED_RMS = {RELU_N1_TO_1: 1.0, RELU6: 4.0}


def quantized(affine: Affine | None) -> Quantization | None:
    return None if affine is None else Quantization((float(np.float32(affine[0])),), (affine[1],))


class Model:
    """A graph under construction; tensors are indices, every method that adds an operator returns its output."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.tensors: list[Tensor] = []
        self.ops: list[Op] = []
        self.inputs: list[int] = []
        self.rms: dict[int, float] = {}  # root mean square of a tensor's values in real units

    def pack(self, *outputs: int) -> bytes:
        return pack(Graph(tuple(self.tensors), tuple(self.ops), tuple(self.inputs), outputs))

    def shape(self, x: int) -> tuple[int, ...]:
        return self.tensors[x].shape

    def affine(self, x: int) -> Affine:
        quantization = self.tensors[x].quantization
        assert quantization is not None
        return quantization.scale[0], quantization.zero_point[0]

    def tensor(self, shape: Sequence[int], affine: Affine | None, rms: float, dtype: str = "int8") -> int:
        self.tensors.append(Tensor(tuple(map(int, shape)), dtype, quantization=quantized(affine)))
        self.rms[len(self.tensors) - 1] = rms
        return len(self.tensors) - 1

    def constant(self, values: Any, dtype: Any = np.int32, quantization: Quantization | None = None) -> int:
        data = np.ascontiguousarray(values, dtype)
        self.tensors.append(Tensor(data.shape, data.dtype.name, True, data=data, quantization=quantization))
        return len(self.tensors) - 1

    def input(self, *shape: int, scale: float | None = None, dtype: str = "int8") -> int:
        scale, zero = scale or 2 ** self.rng.uniform(-6, -3), int(self.rng.integers(-40, 41))
        affine = (scale, zero) if dtype == "int8" else None
        self.inputs.append(self.tensor(shape, affine, scale * hypot(74, zero), dtype))
        return self.inputs[-1]

    def output(self, shape: Sequence[int], rms: float, activation: int = NONE) -> int:
        """A tensor whose quantisation suits values of that root mean square."""
        if activation == NONE:
            scale, zero = rms / self.rng.uniform(40, 60), int(self.rng.integers(-20, 21))
        else:
            scale, zero = 2.5 * rms / 255, int(self.rng.integers(-128, -100))
        return self.tensor(shape, (scale, zero), rms)

    def op(self, kind: str, inputs: Sequence[int], output: int, table: str = "", **options: Any) -> int:
        self.ops.append(Op(kind, tuple(inputs), (output,), options, table))
        return output

    def like(self, x: int, kind: str, shape: Sequence[int], inputs: Sequence[int], table: str = "", **options) -> int:
        """An operator that moves values and keeps their quantisation."""
        out = self.tensor(shape, self.affine(x), self.rms[x])
        return self.op(kind, inputs, out, table, **options)

    # Operators with weights.

    def _weights(
        self,
        x: int,
        shape: tuple[int, ...],
        axis: int,
        fan_in: int,
        activation: int,
        *,
        per_channel: bool,
        bias: bool,
        largest: int = 127,
    ) -> tuple[list[int], float]:
        """Weights and bias; the root mean square of the results in real units."""
        channels, scale = shape[axis], self.affine(x)[0]
        rms = _CLAMPED_RMS.get(activation, 2 ** self.rng.uniform(-1, 3))
        spread = sqrt(fan_in * largest * (largest + 1) / 3) * self.rms[x] / scale  # of an accumulator
        jitter = 2 ** self.rng.uniform(-1, 1, channels if per_channel else 1)
        scales = (rms / (scale * spread) * jitter).astype(np.float32)
        weights = self.rng.integers(-largest, largest + 1, shape)
        zeros = (0,) * len(scales)
        quantization = Quantization(tuple(map(float, scales)), zeros, axis)
        operands = [self.constant(weights, np.int8, quantization)]
        if bias:
            values = self.rng.normal(0, 0.4 * spread, channels)
            scale_of_bias = tuple(float(s) for s in np.float32(scale) * scales)
            operands.append(self.constant(values, np.int32, Quantization(scale_of_bias, zeros, 0)))
        return operands, rms

    def conv(
        self,
        x: int,
        channels: int,
        kernel: tuple[int, int],
        *,
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        same: bool = True,
        activation: int = NONE,
        per_channel: bool = True,
        bias: bool = True,
        affine: Affine | None = None,
        depthwise: bool = False,
        largest: int = 127,
    ) -> int:
        """CONV_2D, or DEPTHWISE_CONV_2D of `channels` outputs an input channel; weights up to `largest`."""
        batch, *size, depth = self.shape(x)
        outputs = channels * depth if depthwise else channels
        shape = (1, *kernel, outputs) if depthwise else (outputs, *kernel, depth)
        fan_in = prod(kernel) * (1 if depthwise else depth)
        axis = 3 if depthwise else 0
        kinds = {"per_channel": per_channel, "bias": bias, "largest": largest}
        operands, rms = self._weights(x, shape, axis, fan_in, activation, **kinds)
        size = [_positions(n, k, s, d, same) for n, k, s, d in zip(size, kernel, stride, dilation, strict=True)]
        out = self.output((batch, *size, outputs), rms, activation)
        if affine is not None:
            self.tensors[out] = replace(self.tensors[out], quantization=quantized(affine))
        options = {"padding": int(not same), "strideH": stride[0], "strideW": stride[1]}
        options |= {"dilationHFactor": dilation[0], "dilationWFactor": dilation[1]}
        options |= {"fusedActivationFunction": activation} | ({"depthMultiplier": channels} if depthwise else {})
        prefix = "Depthwise" if depthwise else ""
        kind = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        return self.op(kind, [x, *operands], out, f"{prefix}Conv2DOptions", **options)

    def dense(self, x: int, units: int, activation: int = NONE, *, per_channel: bool = True, bias: bool = True) -> int:
        fan_in = prod(self.shape(x)[1:])
        operands, rms = self._weights(x, (units, fan_in), 0, fan_in, activation, per_channel=per_channel, bias=bias)
        out = self.output((1, units), rms, activation)
        inputs = [x, *operands, *([] if bias else [-1])]
        return self.op("FULLY_CONNECTED", inputs, out, "FullyConnectedOptions", fusedActivationFunction=activation)

    # Operators on values.

    def arithmetic(self, kind: str, a: int, b: int, activation: int = NONE) -> int:
        """ADD, SUB or MUL with broadcasting."""
        rms = self.rms[a] * self.rms[b] if kind == "MUL" else hypot(self.rms[a], self.rms[b])
        out = self.output(np.broadcast_shapes(self.shape(a), self.shape(b)), rms, activation)
        return self.op(kind, [a, b], out, f"{kind.title()}Options", fusedActivationFunction=activation)

    def values(self, *shape: int) -> int:
        """A constant operand."""
        scale, zero = 2 ** self.rng.uniform(-6, -3), int(self.rng.integers(-20, 21))
        constant = self.constant(self.rng.integers(-128, 128, shape), np.int8, quantized((scale, zero)))
        self.rms[constant] = scale * 75
        return constant

    def unary(self, kind: str, x: int, affine: Affine | None = None, table: str = "", **options) -> int:
        """A function of every value; `affine` where the output's quantisation is prescribed."""
        if affine is None:
            return self.op(kind, [x], self.output(self.shape(x), self.rms[x]), table, **options)
        return self.op(kind, [x], self.tensor(self.shape(x), affine, affine[0] * 75), table, **options)

    def pad(self, x: int, paddings: Sequence[tuple[int, int]], value: int | None = None) -> int:
        shape = [n + before + after for n, (before, after) in zip(self.shape(x), paddings, strict=True)]
        if value is None:
            return self.like(x, "PAD", shape, [x, self.constant(paddings)], "PadOptions")
        inputs = [x, self.constant(paddings), self.constant([value], np.int8, self.tensors[x].quantization)]
        return self.like(x, "PADV2", shape, inputs, "PadV2Options")

    def strided_slice(self, x: int, begin, end, strides=None, shrink: int = 0, begin_mask: int = 0, end_mask: int = 0):
        strides = strides or [1] * len(begin)
        index = tuple(
            b if shrink >> i & 1 else slice(None if begin_mask >> i & 1 else b, None if end_mask >> i & 1 else e, s)
            for i, (b, e, s) in enumerate(zip(begin, end, strides, strict=True))
        )
        shape = np.zeros(self.shape(x))[index].shape
        masks = {"beginMask": begin_mask, "endMask": end_mask, "shrinkAxisMask": shrink}
        inputs = [x, *map(self.constant, (begin, end, strides))]
        return self.like(x, "STRIDED_SLICE", shape, inputs, "StridedSliceOptions", **masks)

    def reshape(self, x: int, *shape: int) -> int:
        return self.like(x, "RESHAPE", shape, [x, self.constant(shape)], "ReshapeOptions", newShape=shape)

    def expand_dims(self, x: int, axis: int) -> int:
        shape = np.expand_dims(np.zeros(self.shape(x)), axis).shape
        return self.like(x, "EXPAND_DIMS", shape, [x, self.constant(axis)], "ExpandDimsOptions")

    def squeeze(self, x: int, axis: int) -> int:
        shape = np.zeros(self.shape(x)).squeeze(axis).shape
        return self.like(x, "SQUEEZE", shape, [x], "SqueezeOptions", squeezeDims=(axis,))

    def pool(
        self, kind: str, x: int, size: tuple[int, int], stride: tuple[int, int], *, same=False, activation: int = NONE
    ) -> int:
        """MAX or AVERAGE."""
        batch, *extent, channels = self.shape(x)
        shape = [_positions(n, k, s, 1, same) for n, k, s in zip(extent, size, stride, strict=True)]
        options = {"padding": int(not same), "strideH": stride[0], "strideW": stride[1], "filterHeight": size[0]}
        options |= {"filterWidth": size[1], "fusedActivationFunction": activation}
        return self.like(x, f"{kind}_POOL_2D", (batch, *shape, channels), [x], "Pool2DOptions", **options)

    def mean(self, x: int, axes: tuple[int, ...], *, keep: bool = False) -> int:
        shape = np.zeros(self.shape(x)).mean(axes, keepdims=keep).shape
        count = prod(self.shape(x)) // prod(shape)
        # What the inputs have in common is left beside the noise.
        out = self.output(shape, hypot(self.rms[x] / sqrt(count), self.rms[x] / 2))
        return self.op("MEAN", [x, self.constant(axes)], out, "ReducerOptions", keepDims=keep)

    def concatenation(self, parts: Sequence[int], axis: int) -> int:
        shape = np.concatenate([np.zeros(self.shape(p)) for p in parts], axis).shape
        return self.like(parts[0], "CONCATENATION", shape, parts, "ConcatenationOptions", axis=axis)

    def space_to_batch(self, x: int, blocks: Sequence[int], paddings: Sequence[tuple[int, int]]) -> int:
        batch, *size = self.shape(x)
        for i, (block, padding) in enumerate(zip(blocks, paddings, strict=True)):
            size[i] = (size[i] + sum(padding)) // block
        inputs = [x, self.constant(blocks), self.constant(paddings)]
        return self.like(x, "SPACE_TO_BATCH_ND", (batch * prod(blocks), *size), inputs, "SpaceToBatchNDOptions")

    def batch_to_space(self, x: int, blocks: Sequence[int], crops: Sequence[tuple[int, int]]) -> int:
        batch, *size = self.shape(x)
        for i, (block, crop) in enumerate(zip(blocks, crops, strict=True)):
            size[i] = size[i] * block - sum(crop)
        inputs = [x, self.constant(blocks), self.constant(crops)]
        return self.like(x, "BATCH_TO_SPACE_ND", (batch // prod(blocks), *size), inputs, "BatchToSpaceNDOptions")


def _positions(n: int, kernel: int, stride: int, dilation: int, same: bool) -> int:
    return -(-(n if same else n - (kernel - 1) * dilation) // stride)
