"""Integer models in plain numpy, written from the definitions of the operators: slow, and easy to read."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import prod
from typing import Any

import numpy as np

from tinynas.deploy import Graph, Op, Tensor, tables
from tinynas.deploy import arithmetic as arith
from tinynas.deploy.fixed_point import multiply_by_quantized_multiplier as rescale

Array = Any


def run(graph: Graph, *inputs: Array) -> list[Array]:
    """Outputs of a model for its inputs, each with its batch axis."""
    values = {i: t.data for i, t in enumerate(graph.tensors) if t.constant}
    values |= dict(zip(graph.inputs, inputs, strict=True))
    for op in graph.ops:
        operands = [values.get(i) for i in op.inputs]
        tensors = [graph.tensors[i] if i >= 0 else None for i in op.inputs]
        out = graph.tensors[op.outputs[0]]
        result = _OPERATORS[op.kind](op, tensors, operands, out)
        values[op.outputs[0]] = np.asarray(result).reshape(out.shape).astype(out.dtype)
    return [values[i] for i in graph.outputs]


def affine(t: Tensor) -> arith.Affine:
    return t.quantization.scale[0], t.quantization.zero_point[0]


def _padded(x: Array, sizes, strides, spans, same: bool, value: int) -> Array:
    """Spatial padding as SAME asks for: the odd row at the end."""
    pads = [(0, 0)]
    for n, stride, span in zip(sizes, strides, spans, strict=True):
        total = max(0, (-(-n // stride) - 1) * stride + span - n) if same else 0
        pads.append((total // 2, total - total // 2))
    return np.pad(x, [*pads, (0, 0)], constant_values=value)


def _windows(x: Array, out: Tensor, kernel, strides, dilations) -> Array:
    """(batch, height, width, *kernel, channels)."""
    parts = []
    for i, j in product(range(kernel[0]), range(kernel[1])):
        starts = (i * dilations[0], j * dilations[1])
        rows, columns = (
            slice(b, b + (n - 1) * s + 1, s) for b, n, s in zip(starts, out.shape[1:3], strides, strict=True)
        )
        parts.append(x[:, rows, columns])
    return np.stack(parts, 3).reshape(*out.shape[:3], *kernel, x.shape[-1])


def _strides(op: Op) -> tuple[int, int]:
    return op.options["strideH"], op.options["strideW"]


def _requantized(accumulator: Array, multipliers, op: Op, out: Tensor) -> Array:
    multiplier, shift = multipliers
    low, high = arith.activation_range(op.options["fusedActivationFunction"], *affine(out))
    return np.clip(rescale(accumulator, multiplier, shift) + affine(out)[1], low, high)


def _bias(operands: list[Array]) -> Array:
    return operands[2] if len(operands) > 2 and operands[2] is not None else 0


def _convolution(op: Op, tensors, operands, out: Tensor) -> Array:
    x, weights = (a.astype(np.int64) for a in operands[:2])
    kernel, strides = weights.shape[1:3], _strides(op)
    dilations = op.options["dilationHFactor"], op.options["dilationWFactor"]
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    x = _padded(x - affine(tensors[0])[1], x.shape[1:3], strides, spans, op.options["padding"] == 0, 0)
    windows = _windows(x, out, kernel, strides, dilations)
    if op.kind == "CONV_2D":
        accumulator = np.einsum("nhwijc,oijc->nhwo", windows, weights)
    else:
        weights = weights[0].reshape(*kernel, windows.shape[-1], -1)
        accumulator = np.einsum("nhwijc,ijcm->nhwcm", windows, weights).reshape(out.shape)
    scales = tensors[1].quantization.scale
    multipliers = arith.channel_multipliers(affine(tensors[0])[0], scales, affine(out)[0], out.shape[-1])
    return _requantized(accumulator + _bias(operands), multipliers, op, out)


def _dense(op: Op, tensors, operands, out: Tensor) -> Array:
    x, weights = (a.astype(np.int64) for a in operands[:2])
    accumulator = (x.reshape(-1, weights.shape[1]) - affine(tensors[0])[1]) @ weights.T + _bias(operands)
    scales = tensors[1].quantization.scale
    multipliers = arith.fully_connected_multipliers(affine(tensors[0])[0], scales, affine(out)[0], out.shape[-1])
    return _requantized(accumulator, multipliers, op, out)


def _sum(op: Op, tensors, operands, out: Tensor) -> Array:
    parameters = arith.add_parameters if op.kind == "ADD" else arith.sub_parameters
    p = parameters(affine(tensors[0]), affine(tensors[1]), affine(out), op.options["fusedActivationFunction"])
    a, b = (v.astype(np.int64) for v in operands)
    a = rescale((a - p.zero_a) << p.left_shift, p.multiplier_a, p.shift_a)
    b = rescale((b - p.zero_b) << p.left_shift, p.multiplier_b, p.shift_b)
    total = a + b if op.kind == "ADD" else a - b
    return np.clip(rescale(total, p.multiplier, p.shift) + p.zero, p.low, p.high)


def _product(op: Op, tensors, operands, out: Tensor) -> Array:
    p = arith.mul_parameters(affine(tensors[0]), affine(tensors[1]), affine(out), op.options["fusedActivationFunction"])
    a, b = (v.astype(np.int64) for v in operands)
    return np.clip(rescale((a - p.zero_a) * (b - p.zero_b), p.multiplier, p.shift) + p.zero, p.low, p.high)


def _mean(op: Op, tensors, operands, out: Tensor) -> Array:
    total = operands[0].astype(np.int64).sum(tuple(operands[1].ravel()))
    p = arith.mean_parameters(affine(tensors[0]), affine(out), operands[0].size // prod(out.shape))
    return np.clip(rescale(total - p.count * p.zero_in, p.multiplier, p.shift) + p.zero, -128, 127)


def _pool(op: Op, tensors, operands, out: Tensor) -> Array:
    kernel, strides, same = (
        (op.options["filterHeight"], op.options["filterWidth"]),
        _strides(op),
        not op.options["padding"],
    )
    x = operands[0].astype(np.int64)
    low, high = arith.activation_range(op.options["fusedActivationFunction"], *affine(out))
    outside = -128 if op.kind == "MAX_POOL_2D" else 0
    windows = _windows(_padded(x, x.shape[1:3], strides, kernel, same, outside), out, kernel, strides, (1, 1))
    if op.kind == "MAX_POOL_2D":
        return np.clip(windows.max((3, 4)), low, high)
    inside = _padded(np.ones_like(x), x.shape[1:3], strides, kernel, same, 0)
    count, total = (
        _windows(a, out, kernel, strides, (1, 1)).sum((3, 4))
        for a in (inside, _padded(x, x.shape[1:3], strides, kernel, same, 0))
    )
    return np.clip(np.sign(total) * ((np.abs(total) + count // 2) // count), low, high)


def _strided_slice(op: Op, tensors, operands, out: Tensor) -> Array:
    x, begin, end, strides = operands
    options, index = op.options, []
    for i, (b, e, s) in enumerate(zip(begin, end, strides, strict=True)):
        if options["shrinkAxisMask"] >> i & 1:
            index.append(b)
        else:
            masks = options["beginMask"] >> i & 1, options["endMask"] >> i & 1
            index.append(slice(None if masks[0] else b, None if masks[1] else e, s))
    return x[tuple(index)]


def _space_to_batch(op: Op, tensors, operands, out: Tensor) -> Array:
    x, blocks, paddings = operands
    rest = [(0, 0)] * (x.ndim - 1 - len(blocks))
    x = np.pad(x, [(0, 0), *map(tuple, paddings), *rest], constant_values=affine(tensors[0])[1])
    starts = product(*map(range, blocks))
    return np.concatenate(
        [x[(slice(None), *(slice(s, None, b) for s, b in zip(start, blocks, strict=True)))] for start in starts]
    )


def _batch_to_space(op: Op, tensors, operands, out: Tensor) -> Array:
    x, blocks, crops = operands
    full = np.empty(
        (out.shape[0], *(n * b for n, b in zip(x.shape[1:], blocks, strict=False)), *x.shape[1 + len(blocks) :])
    )
    for part, start in zip(np.split(x, prod(blocks)), product(*map(range, blocks)), strict=True):
        full[(slice(None), *(slice(s, None, b) for s, b in zip(start, blocks, strict=True)))] = part
    return full[(slice(None), *(slice(a, n - b) for (a, b), n in zip(crops, full.shape[1:], strict=False)))]


def _quantize(op: Op, tensors, operands, out: Tensor) -> Array:
    x = operands[0]
    if x.dtype == np.int8:
        return _looked_up(tables.requantize_table(affine(tensors[0]), affine(out)), x)
    scaled = x / np.float32(affine(out)[0])
    return np.clip(np.copysign(np.floor(np.abs(scaled) + 0.5), scaled) + affine(out)[1], -128, 127)


def _dequantize(op: Op, tensors, operands, out: Tensor) -> Array:
    scale, zero = affine(tensors[0])
    return np.float32(scale) * (operands[0].astype(np.int64) - zero).astype(np.float32)


def _looked_up(table: Array, x: Array) -> Array:
    return table[x.astype(np.int64) + 128]


def _softmax(op: Op, tensors, operands, out: Tensor) -> Array:
    return tables.softmax_int8(operands[0], tables.softmax_parameters(affine(tensors[0])[0], op.options["beta"]))


def _moved(op: Op, tensors, operands, out: Tensor) -> Array:
    return operands[0]


_OPERATORS: dict[str, Callable[[Op, list[Tensor], list[Array], Tensor], Array]] = {
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D"), _convolution),
    **dict.fromkeys(("ADD", "SUB"), _sum),
    **dict.fromkeys(("MAX_POOL_2D", "AVERAGE_POOL_2D"), _pool),
    **dict.fromkeys(("RESHAPE", "EXPAND_DIMS", "SQUEEZE"), _moved),
    **{"FULLY_CONNECTED": _dense, "MUL": _product, "MEAN": _mean, "SOFTMAX": _softmax},
    **{"STRIDED_SLICE": _strided_slice, "SPACE_TO_BATCH_ND": _space_to_batch, "BATCH_TO_SPACE_ND": _batch_to_space},
    **{"QUANTIZE": _quantize, "DEQUANTIZE": _dequantize},
    "PAD": lambda op, tensors, operands, out: np.pad(operands[0], operands[1], constant_values=affine(out)[1]),
    "PADV2": lambda op, tensors, operands, out: np.pad(operands[0], operands[1], constant_values=operands[2][0]),
    "CONCATENATION": lambda op, tensors, operands, out: np.concatenate(operands, op.options["axis"]),
    "RELU": lambda op, t, operands, out: _looked_up(tables.relu_table(affine(t[0]), affine(out)), operands[0]),
    "RELU6": lambda op, t, operands, out: _looked_up(tables.relu6_table(affine(t[0])), operands[0]),
    "LEAKY_RELU": lambda op, t, operands, out: _looked_up(
        tables.leaky_relu_table(affine(t[0]), affine(out), op.options["alpha"]), operands[0]
    ),
    "LOGISTIC": lambda op, t, operands, out: _looked_up(tables.logistic_table(affine(t[0])), operands[0]),
    "TANH": lambda op, t, operands, out: _looked_up(tables.tanh_table(affine(t[0])), operands[0]),
}
