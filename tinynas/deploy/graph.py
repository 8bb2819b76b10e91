"""A .tflite model as data: operators, tensors and their quantisation, without the file format.

The same type describes a model that was read from a file and one that was predicted from an architecture: cost models
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
        data: The values of a constant, None where they are not known (a predicted model) or not constant.
        quantization: None for integers that are no real numbers (shapes, indices) and for floats.
        variable: Whether it keeps its values from one inference to the next.
        open: Whether the file leaves a dimension to the caller; `shape` then holds what it was converted with.
    """

    shape: tuple[int, ...]
    dtype: str
    constant: bool = False
    name: str = ""
    data: npt.NDArray[Any] | None = field(default=None, compare=False)
    quantization: Quantization | None = field(default=None, compare=False)
    variable: bool = False
    open: bool = field(default=False, compare=False)

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
        custom: Name of a CUSTOM operator; empty for others.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    options_table: str = ""
    custom: str = ""

    @property
    def title(self) -> str:
        """Its kind, of a custom operator with its name."""
        return f"{self.kind} {self.custom}" if self.custom else self.kind


#: Operators that read or write what outlives an inference; others keep a state in tensors that are variables.
_STATEFUL = {"CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"}


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
        return sum(self.macs_of(op) for op in self.ops)

    def macs_of(self, op: Op) -> int:
        """Multiply-accumulate operations of one of its operators, executed likewise."""
        if op.kind not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            return 0
        weights, out = self.tensors[op.inputs[1]].shape, self.tensors[op.outputs[0]].shape
        if op.kind == "FULLY_CONNECTED":
            return prod(out) * weights[1]
        # Depthwise weights are (1, height, width, channels): each output sees one channel.
        return prod(out) * prod(weights[1:3] if op.kind == "DEPTHWISE_CONV_2D" else weights[1:])

    @property
    def constants_by_operator(self) -> list[int]:
        """Bytes of weights, biases and other constants that each operator reads; shared ones count for the first."""
        held, known = [], set[int]()
        for op in self.ops:
            fresh = {t for t in op.inputs if t >= 0 and self.tensors[t].constant} - known
            known |= fresh
            held.append(sum(self.tensors[t].size_bytes for t in fresh))
        return held

    @property
    def stateful(self) -> int | None:
        """Number of the first operator that remembers something of earlier inputs; None where none does."""
        for number, op in enumerate(self.ops):
            if op.kind in _STATEFUL or any(self.tensors[t].variable for t in op.inputs if t >= 0):
                return number
        return None

    @property
    def open(self) -> bool:
        """Whether the model's input has a dimension that is left to the caller, mostly the batch."""
        return any(self.tensors[t].open for t in self.inputs)

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
