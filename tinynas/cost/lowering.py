"""The .tflite that a network will become, predicted operator by operator without TensorFlow.

The order of the operators is that of the layers. The converted model is brought into this order
(`tinynas.deploy.tflite`), so what is predicted here is what is deployed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

import numpy as np

from tinynas.deploy import Graph, Op, Tensor
from tinynas.errors import ConversionError
from tinynas.network import (
    Activation,
    Addition,
    Convolution,
    Cut,
    Dense,
    Difference,
    Dropout,
    Input,
    Network,
    Normalisation,
    Plan,
    Product,
    Step,
    plan,
)

__all__ = ["lower"]

# Folded, or in training only.
_SILENT = (Normalisation, Dropout)
_PAIRWISE = {Addition: "ADD", Difference: "SUB", Product: "MUL"}
_NONE, _RELU = 0, 1  # ActivationFunctionType of the schema
#: Keep the first index and every channel; bit i of a mask says that begin[i] or end[i] is ignored.
_BEGIN_MASK, _END_MASK = 0b1011, 0b1111


def lower(network: Network, dtype: str = "int8", *, planned: Plan | None = None) -> Graph:
    """Predict the .tflite graph of a network.

    Args:
        network: An architecture, or a layer graph.
        dtype: "int8" or "float32".
        planned: Its plan, where the caller has it.

    Returns:
        The graph without the values of its weights; tensors in the order of their first use.

    Raises:
        ConversionError: A ReLU follows something else than a layer with a fused activation that only it reads.

    Example:
        >>> from tinynas.network import TCN
        >>> g = lower(TCN(filters=8, kernel_size=3, dilations=(1, 2, 4), window=64, channels=6))
        >>> [op.kind for op in g.ops][:4]
        ['RESHAPE', 'STRIDED_SLICE', 'STRIDED_SLICE', 'CONV_2D']
    """
    steps = (planned or plan(network)).steps
    rectified = _rectified(steps)
    build = _Builder(dtype)
    window = 0
    made: list[int] = []
    for number, step in enumerate(steps):
        what = step.what
        if isinstance(what, _SILENT) or (isinstance(what, Activation) and what.function == "relu"):
            made.append(made[step.reads[0]])
            continue
        shape = (1, 1, step.positions, step.channels)
        operands = [made[source] for source in step.reads]
        activation = _RELU if number in rectified else _NONE
        if isinstance(what, Input):
            window = build.tensor((1, what.length, what.channels))
            x = build.op("RESHAPE", (window, build.constant(-1, *shape[1:])), shape)
        elif isinstance(what, Cut):
            x = build.cut(operands[0], what, shape)
        elif isinstance(what, Convolution):
            x = build.convolve(operands[0], what, step, steps[step.reads[0]], activation)
        elif isinstance(what, Addition | Difference | Product):
            kind = _PAIRWISE[type(what)]
            x = build.op(kind, (operands[0], operands[1]), shape, fusedActivationFunction=activation)
        elif isinstance(what, Activation):
            x = build.op("LOGISTIC", (operands[0],), shape)
        elif isinstance(what, Dense):
            x = build.dense(operands[0], steps[step.reads[0]].channels, step.channels, activation)
        else:
            x = build.op("MEAN", (operands[0], build.constant(2, shape=())), shape, keepDims=1)
        made.append(x)
    return Graph(tuple(build.tensors), tuple(build.ops), (window,), (made[-1],))


def _rectified(steps: Sequence[Step]) -> set[int]:
    """Steps that a ReLU is fused into."""
    readers = Counter(source for step in steps for source in step.reads)
    found = set()
    for step in steps:
        if not isinstance(step.what, Activation) or step.what.function != "relu":
            continue
        at = step.reads[0]
        while isinstance(steps[at].what, Normalisation) and readers[at] == 1:
            at = steps[at].reads[0]
        if not isinstance(steps[at].what, Convolution | Addition | Dense) or readers[at] != 1:
            what = "a ReLU must follow a convolution, a linear layer or a sum that nothing else reads"
            raise ConversionError(what, where="layer graph")
        found.add(at)
    return found


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

    def cut(self, x: int, part: Cut, shape: tuple[int, ...]) -> int:
        bounds = (self.constant(0, 0, part.begin, 0), self.constant(0, 0, 0, 0), self.constant(1, 1, part.step, 1))
        return self.op("STRIDED_SLICE", (x, *bounds), shape, beginMask=_BEGIN_MASK, endMask=_END_MASK)

    def convolve(self, x: int, layer: Convolution, step: Step, source: Step, activation: int) -> int:
        taps = step.taps
        assert taps is not None
        if taps.pad:
            pads = self.constant(0, 0, 0, 0, taps.pad, 0, 0, 0, shape=(4, 2))
            x = self.op("PAD", (x, pads), (1, 1, taps.pad + source.positions, source.channels))
        options = {
            "strideW": taps.stride,
            "dilationWFactor": taps.rate,
            "fusedActivationFunction": activation,
        }
        kind, shape = "CONV_2D", (step.channels, 1, taps.taps, source.channels)
        if layer.groups > 1:
            kind, shape = "DEPTHWISE_CONV_2D", (1, 1, taps.taps, step.channels)
            options["depthMultiplier"] = 1
        operands = (x, self.tensor(shape, constant=True), self.bias(step.channels))
        return self.op(kind, operands, (1, 1, step.positions, step.channels), **options)

    def dense(self, x: int, inputs: int, outputs: int, activation: int) -> int:
        operands = (x, self.tensor((outputs, inputs), constant=True), self.bias(outputs))
        return self.op("FULLY_CONNECTED", operands, (1, outputs), fusedActivationFunction=activation)
