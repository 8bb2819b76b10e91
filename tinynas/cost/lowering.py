"""The .tflite an architecture will become, foreseen operator by operator without TensorFlow.

The order of the operators is ours: within a block the residual path comes first, so that the block's input, the largest
tensor alive, dies before the second convolution runs; the skip sum is taken as soon as its parts exist. The converted
model is brought into this order (`tinynas.deploy.tflite`), so what is foreseen here is what is deployed.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from tinynas.deploy.graph import Graph, Op, Tensor
from tinynas.tcn.architecture import Architecture
from tinynas.tcn.plan import ConvPlan, PyramidPlan, SlicePlan, plan

__all__ = ["lower"]

_NONE, _RELU = 0, 1  # ActivationFunctionType of the schema
_VALID = 1
#: Keep the first index and every channel; bit i of a mask says that begin[i] or end[i] is ignored.
_BEGIN_MASK, _END_MASK = 0b1011, 0b1111


def lower(architecture: Architecture, dtype: str = "int8", *, pyramid: PyramidPlan | None = None) -> Graph:
    """Foresee the .tflite graph of an architecture.

    Args:
        architecture: The network.
        dtype: "int8" or "float32".
        pyramid: Its layer plan, if the caller has it already.

    Returns:
        The graph without the values of its weights; tensors in the order of their first use.

    Example:
        >>> g = lower(Architecture(filters=8, kernel_size=3, dilations=(1, 2, 4), window=64, channels=6))
        >>> [op.kind for op in g.ops][:4]
        ['RESHAPE', 'STRIDED_SLICE', 'STRIDED_SLICE', 'CONV_2D']
    """
    a, p = architecture, pyramid or plan(architecture)
    build = _Builder(dtype)
    window = build.tensor((1, a.window, a.channels))
    shape = build.constant(-1, 1, a.window, a.channels)
    x = build.op("RESHAPE", (window, shape), (1, 1, a.window, a.channels))
    x = build.subsample(x, p.input, a.channels)
    features = None
    for block in p.blocks:
        residual = None
        if block.residual is not None:
            residual = build.subsample(x, block.residual, block.first.in_channels)
            if block.projection is not None:
                residual = build.convolve(residual, block.projection, _NONE)
        x = build.convolve(build.convolve(x, block.first, _RELU), block.second, _RELU)
        if block.skip is not None:
            last = build.subsample(x, block.skip, a.filters)
            features = last if features is None else build.add(features, last, (1, 1, 1, a.filters), _NONE)
        if residual is not None:
            x = build.add(residual, x, (1, 1, block.second.out_length, a.filters), _RELU)
    features = x if features is None else features
    operands = (features, build.tensor((a.outputs, a.filters), constant=True), build.bias(a.outputs))
    out = build.op("FULLY_CONNECTED", operands, (1, a.outputs), fusedActivationFunction=_NONE)
    return Graph(tuple(build.tensors), tuple(build.ops), (window,), (out,))


@cache
def _int32(shape: tuple[int, ...], values: tuple[int, ...]) -> Tensor:
    data = np.array(values, np.int32).reshape(shape)
    data.flags.writeable = False  # shared by every graph that holds it
    return Tensor(shape, "int32", True, data=data)


class _Builder:
    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.tensors: list[Tensor] = []
        self.ops: list[Op] = []
        self.constants: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}

    def tensor(self, shape: tuple[int, ...], *, constant: bool = False) -> int:
        self.tensors.append(Tensor(shape, self.dtype, constant))
        return len(self.tensors) - 1

    def bias(self, channels: int) -> int:
        self.tensors.append(Tensor((channels,), "int32" if self.dtype == "int8" else self.dtype, True))
        return len(self.tensors) - 1

    def constant(self, *values: int, shape: tuple[int, ...] = (4,)) -> int:
        """An int32 constant; equal ones are one tensor."""
        key = (shape, values)
        if key not in self.constants:
            self.tensors.append(_int32(shape, values))
            self.constants[key] = len(self.tensors) - 1
        return self.constants[key]

    def op(self, kind: str, inputs: tuple[int, ...], shape: tuple[int, ...], **options: int) -> int:
        out = self.tensor(shape)
        self.ops.append(Op(kind, inputs, (out,), options))
        return out

    def subsample(self, x: int, part: SlicePlan, channels: int) -> int:
        if part.identity:
            return x
        bounds = (self.constant(0, 0, part.begin, 0), self.constant(0, 0, 0, 0), self.constant(1, 1, part.step, 1))
        operands, shape = (x, *bounds), (1, 1, part.out_length, channels)
        return self.op("STRIDED_SLICE", operands, shape, beginMask=_BEGIN_MASK, endMask=_END_MASK)

    def convolve(self, x: int, conv: ConvPlan, activation: int) -> int:
        if conv.pad:
            pads = self.constant(0, 0, 0, 0, conv.pad, 0, 0, 0, shape=(4, 2))
            x = self.op("PAD", (x, pads), (1, 1, conv.pad + conv.in_length, conv.in_channels))
        weights = self.tensor((conv.out_channels, 1, conv.taps, conv.in_channels), constant=True)
        return self.op(
            "CONV_2D",
            (x, weights, self.bias(conv.out_channels)),
            (1, 1, conv.out_length, conv.out_channels),
            strideW=conv.stride,
            dilationWFactor=conv.rate,
            fusedActivationFunction=activation,
        )

    def add(self, a: int, b: int, shape: tuple[int, ...], activation: int) -> int:
        return self.op("ADD", (a, b), shape, fusedActivationFunction=activation)
