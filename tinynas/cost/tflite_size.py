"""Bytes of a .tflite file before it exists: the layout of the flatbuffer writer, replayed without values.

A FlatBuffer is written from its end to its start; every vector and table is aligned relative to the end, equal vtables
are shared (https://flatbuffers.dev/internals), and `deploy.flatbuffer.pack` shares equal vectors, quantisations and
options. Only sizes and alignments matter for the file's length, so they are all that is replayed here, in the writer's
order.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from functools import cache
from typing import NamedTuple

from tinynas.deploy import BUFFER_ALIGNMENT, Graph, Op, Tensor

__all__ = ["tflite_bytes"]

# (slot, bytes) of the fields that the writer sets, in its order. Offsets are 4 bytes.
_QUANTIZATION = ((2, 4), (3, 4))
_ALONG_AXIS = (*_QUANTIZATION, (6, 4))  # with the number of the axis, where it is not the first
_VERSIONED = frozenset(
    {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "SUB", "MUL", "MEAN", "LOGISTIC", "STRIDED_SLICE", "PAD"}
)  # in int8 models
_WITHOUT_OPTIONS = frozenset({"RESHAPE", "LOGISTIC"})
_PAIRWISE = frozenset({"ADD", "SUB", "MUL"})
_QUANTIZING = frozenset(
    {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MEAN", "LOGISTIC", *_PAIRWISE}
)  # the others hand on their input's quantisation


def tflite_bytes(graph: Graph) -> int:
    """Length of the file that `pack` writes for a predicted graph.

    Args:
        graph: From `cost.lower`; int8 or float32.

    Returns:
        Bytes. Exact but for coincidences in values that are not known yet (two activations with one zero point share
        16 bytes).
    """
    layout = _Layout()
    quantized = graph.tensors[graph.inputs[0]].dtype == "int8"
    layout.table(())
    for tensor in graph.tensors:
        if tensor.constant:
            layout.raw(1, tensor.size_bytes, BUFFER_ALIGNMENT)
            layout.table(((0, 4),))
    quantization = _quantizations(graph) if quantized else {}
    for index, tensor in enumerate(graph.tensors):
        _tensor(layout, tensor, quantization.get(index))
    kinds = list(dict.fromkeys(op.kind for op in graph.ops))
    layout.raw(4, len(graph.tensors))
    layout.vector(4, graph.inputs)
    layout.vector(4, graph.outputs)
    for op in graph.ops:
        _op(layout, op, first_kind=op.kind == kinds[0])
    layout.raw(4, len(graph.ops))
    layout.table(((0, 4), (1, 4), (2, 4), (3, 4)))
    layout.raw(4, 1)
    for kind in kinds:
        versioned = quantized and kind in _VERSIONED
        builtin = ((3, 4),) if kind != "ADD" else ()  # ADD is operator 0, a default
        layout.table((*builtin, *(((2, 4),) if versioned else ()), *(((0, 1),) if kind != "ADD" else ())))
    layout.raw(4, len(kinds))
    layout.raw(4, 1 + sum(tensor.constant for tensor in graph.tensors))
    layout.table(((0, 4), (1, 4), (2, 4), (4, 4)))
    return layout.finished()


class _Steps(NamedTuple):
    """Quantisation of a tensor.

    Attributes:
        scale, zero_point: Identity of its scales and of its zero points: what is equal is written once.
        scales: How many there are.
        axis: Along which they lie.
    """

    scale: Hashable
    scales: int
    zero_point: Hashable
    axis: int = 0


def _quantizations(graph: Graph) -> dict[int, _Steps]:
    """Tensor -> its quantisation."""
    window = graph.inputs[0]
    found = {window: _Steps(window, 1, ("zero point", window))}
    for op in graph.ops:
        out = op.outputs[0]
        if op.kind not in _QUANTIZING:
            found[out] = found[op.inputs[0]]
            continue
        if op.kind == "LOGISTIC":
            found[out] = _Steps("1/256", 1, "rectified")
            continue
        if op.kind != "MEAN":
            for constant in (t for t in op.inputs[1:] if graph.tensors[t].constant):
                shape = graph.tensors[constant].shape
                axis = 3 if op.kind == "DEPTHWISE_CONV_2D" and len(shape) == 4 else 0
                found[constant] = _Steps(constant, shape[axis], ("zeros", shape[axis]), axis)
        # After a ReLU or a sigmoid, and in sums, products and means of such, the smallest value is 0: the zero point is
        # -128.
        joined = op.kind in ("ADD", "MUL", "MEAN") and all(
            found[t].zero_point == "rectified" for t in op.inputs if not graph.tensors[t].constant
        )
        rectified = op.options.get("fusedActivationFunction") or joined
        found[out] = _Steps(out, 1, "rectified" if rectified else ("zero point", out))
    return found


def _tensor(layout: _Layout, tensor: Tensor, quantization: _Steps | None) -> None:
    layout.vector(4, tensor.shape)
    fields: tuple[tuple[int, int], ...] = ((0, 4), (2, 4)) if tensor.constant else ((0, 4),)
    if quantization is not None:
        scale, count, zero_point, axis = quantization
        if layout.new(("scale", scale)):
            layout.raw(4, count)
            if layout.new(("zero point", zero_point)):
                layout.raw(8, count)
            layout.table(_ALONG_AXIS if axis else _QUANTIZATION)
        fields += ((4, 4),)
    if tensor.dtype != "float32":  # float32 is type 0, a default
        fields += ((1, 1),)
    layout.table(fields)


def _op(layout: _Layout, op: Op, *, first_kind: bool) -> None:
    layout.vector(4, op.inputs)
    layout.vector(4, op.outputs)
    fields: tuple[tuple[int, int], ...] = () if first_kind else ((0, 4),)
    fields += ((1, 4), (2, 4))
    if op.kind not in _WITHOUT_OPTIONS:
        if layout.new((op.kind, *op.options.items())):
            layout.table(_options(op.kind, op.options))
        fields += ((4, 4), (3, 1))
    layout.table(fields)


def _options(kind: str, options: Mapping[str, int]) -> tuple[tuple[int, int], ...]:
    """Fields of the options table that are not at their defaults."""
    if kind == "CONV_2D":  # padding, strides, activation, dilation
        activation = ((3, 1),) if options["fusedActivationFunction"] else ()
        dilation = ((4, 4),) if options["dilationWFactor"] != 1 else ()
        return ((0, 1), (1, 4), (2, 4), *activation, *dilation)
    if kind == "DEPTHWISE_CONV_2D":  # the number of outputs a channel stands before the activation
        activation = ((4, 1),) if options["fusedActivationFunction"] else ()
        dilation = ((5, 4),) if options["dilationWFactor"] != 1 else ()
        return ((0, 1), (1, 4), (2, 4), (3, 4), *activation, *dilation)
    if kind in _PAIRWISE:
        return ((0, 1),) if options["fusedActivationFunction"] else ()
    if kind == "MEAN":
        return ((0, 1),)
    return ((0, 4), (1, 4)) if kind == "STRIDED_SLICE" else ()


class _Layout:
    """The builder's position, counted from the file's end."""

    def __init__(self) -> None:
        self.position = 0
        self.seen: set[Hashable] = set()

    def new(self, key: Hashable) -> bool:
        """Whether this is the first time that a thing is written."""
        if key in self.seen:
            return False
        self.seen.add(key)
        return True

    def raw(self, item: int, count: int, alignment: int = 4) -> None:
        """A vector of `count` items: padding, the items, their number."""
        end = self.position + item * count
        self.position = end + -end % max(item, alignment) + 4

    def vector(self, item: int, values: Iterable[int]) -> None:
        """A vector that is written once for equal values."""
        values = tuple(values)
        if self.new((item, values)):
            self.raw(item, len(values))

    def table(self, fields: tuple[tuple[int, int], ...]) -> None:
        """A table, and its vtable if it is new."""
        length, vtable = _table_layout(fields, self.position % 4)
        self.position += length
        if self.new(vtable):
            self.position += 2 * (len(vtable) + 1)

    def finished(self) -> int:
        """Length after the root offset and the file identifier, the whole aligned as the constants are."""
        end = self.position + 8
        return end + -end % BUFFER_ALIGNMENT


@cache
def _table_layout(fields: tuple[tuple[int, int], ...], phase: int) -> tuple[int, tuple[int, ...]]:
    """Length of a table that starts at a position of this remainder by 4; its vtable: length, then field offsets."""
    position = phase
    where: dict[int, int] = {}
    for slot, size in fields:
        position += -position % size + size
        where[slot] = position
    end = position + -position % 4 + 4
    slots = max(where, default=-1) + 1
    return end - phase, (end - phase, *(end - where[slot] if slot in where else 0 for slot in range(slots)))
