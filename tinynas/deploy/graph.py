"""A .tflite model as data: operators, tensors and their quantisation, without the file format.

The same type describes a model that was read from a file and one that was foreseen from an architecture, so cost models
take either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy.typing as npt

__all__ = ["SCALAR_BYTES", "Graph", "Op", "Quantization", "Tensor"]

#: Bytes of an element by type name.
SCALAR_BYTES = {
    **{"bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8, "uint64": 8},
    **{"float16": 2, "float32": 4, "float64": 8},
}


@dataclass(frozen=True, slots=True)
class Quantization:
    """Affine quantisation: real = scale (q - zero_point), per tensor or per slice along `axis`."""

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int = 0


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor.

    Attributes:
        shape: Dimensions; () for a scalar.
        dtype: Key of `SCALAR_BYTES`.
        constant: Whether the file holds its values.
        name: Free text, may be empty.
        data: The values of a constant, None where they are not known (a foreseen model) or not constant.
        quantization: None for integers that are no real numbers (shapes, indices) and for floats.
    """

    shape: tuple[int, ...]
    dtype: str
    constant: bool = False
    name: str = ""
    data: npt.NDArray[Any] | None = field(default=None, compare=False)
    quantization: Quantization | None = field(default=None, compare=False)

    @property
    def size_bytes(self) -> int:
        """Bytes of the values."""
        return prod(self.shape) * SCALAR_BYTES[self.dtype]


@dataclass(frozen=True, slots=True)
class Op:
    """One operator.

    Attributes:
        kind: TFLite's name of it, such as CONV_2D.
        inputs, outputs: Tensor indices; -1 for an optional input that is absent.
        options: Fields of the schema's options table by their names there.
        options_table: Name of that table; empty where there is none.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    options_table: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Operators in the order of execution over one list of tensors."""

    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of one inference, as kernels without dead-code elimination execute them."""
        total = 0
        for op in self.ops:
            if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
                weights, out = self.tensors[op.inputs[1]].shape, self.tensors[op.outputs[0]].shape
                fan_in = weights[1] if op.kind == "FULLY_CONNECTED" else prod(weights[1:])
                if op.kind == "DEPTHWISE_CONV_2D":  # (1, height, width, channels): each output sees one channel
                    fan_in = prod(weights[1:3])
                total += prod(out) * fan_in
        return total

    @property
    def weights_bytes(self) -> int:
        """Bytes of all constants."""
        return sum(t.size_bytes for t in self.tensors if t.constant)

    def same_structure(self, other: Graph) -> bool:
        """Whether both have the same operators on tensors of the same shapes and types, in the same order."""
        return (
            [(t.shape, t.dtype, t.constant) for t in self.tensors]
            == [(t.shape, t.dtype, t.constant) for t in other.tensors]
            and [(o.kind, o.inputs, o.outputs) for o in self.ops] == [(o.kind, o.inputs, o.outputs) for o in other.ops]
            and (self.inputs, self.outputs) == (other.inputs, other.outputs)
        )
