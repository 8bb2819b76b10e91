"""Operators on single values, on rows, and over rows: sums, products, tables, means, softmax."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np
import numpy.typing as npt

from tinynas.deploy.arithmetic import Affine, add_parameters, mean_parameters, mul_parameters, sub_parameters
from tinynas.deploy.compiler.passes.movement import add_copy
from tinynas.deploy.compiler.program.builder import Builder
from tinynas.deploy.compiler.program.ir import Access, Rows, rows_of
from tinynas.deploy.compiler.program.work import Binary, Lookup, Matrix, Mean, Piece, Pool, Softmax
from tinynas.deploy.graph import Quantization
from tinynas.deploy.tables import (
    SOFTMAX_MAX_DEPTH,
    leaky_relu_table,
    logistic_table,
    relu6_table,
    relu_table,
    requantize_table,
    softmax_parameters,
    tanh_table,
)

__all__ = ["binary", "lookup", "mean", "softmax"]

_FUNCTIONS = {
    "ADD": ("add", add_parameters),
    "SUB": ("sub", sub_parameters),
    "MUL": ("mul", mul_parameters),
}
# Functions of the input's quantisation, of both, and of both and a number.
_TABLES_IN = {"RELU6": relu6_table, "LOGISTIC": logistic_table, "TANH": tanh_table}
_TABLES = {"RELU": relu_table, "QUANTIZE": requantize_table}
_IDENTITY = np.arange(-128, 128)


def _affine(q: Quantization) -> Affine:
    return q.scale[0], q.zero_point[0]


def binary(b: Builder) -> None:
    """ADD, SUB and MUL, with broadcasting."""
    function, parameters = _FUNCTIONS[b.op.kind]
    target = b.op.outputs[0]
    rows = rows_of(b.tensor(target).shape)
    a, c, out = (_affine(b.quantization(t)) for t in (*b.op.inputs[:2], target))
    try:
        numbers = parameters(a, c, out, b.op.options["fusedActivationFunction"])
    except ValueError as e:
        raise b.refuse(str(e), target) from e
    reads = tuple(_operand(b, t, rows) for t in b.op.inputs[:2])
    b.emit(Binary(function, numbers), reads, rows, target)


def _operand(b: Builder, tensor: int, rows: Rows) -> Access:
    """How an operator reads an operand of ADD or MUL, which may have to be repeated."""
    shape, target = b.tensor(tensor).shape, b.tensor(b.op.outputs[0]).shape
    if b.tensor(tensor).data is not None:
        try:
            full = np.broadcast_to(b.constant(tensor, "int8"), target).reshape(rows.count, rows.bytes)
        except ValueError as e:
            raise b.refuse(f"shape {shape} does not fit {target}", tensor) from e
        if (full == full[0]).all():
            value = b.add_value(replace(rows, count=1), np.ascontiguousarray(full[:1]))
            return Access(value, stride=0, high=1)
        b.reserve(full.size, tensor)
        return Access(b.add_value(rows, np.ascontiguousarray(full)), high=rows.count)
    if prod(shape) == prod(target):
        return b.read(tensor, rows)
    if prod(shape) == rows.bytes and shape[-1:] == target[-1:]:
        return b.read(tensor, Rows(1, rows.width, rows.channels))._replace(stride=0)
    return _repeated(b, tensor, shape, target, rows)


def _repeated(b: Builder, tensor: int, shape: tuple[int, ...], target: tuple[int, ...], rows: Rows) -> Access:
    """A copy of a tensor that is repeated along the axes on which it is one long."""
    shape = (1,) * (len(target) - len(shape)) + shape
    if any(n not in (1, m) for n, m in zip(shape, target, strict=True)):
        raise b.refuse(f"shape {shape} does not fit {target}", tensor)
    strides = tuple(0 if n == 1 else prod(shape[i + 1 :]) for i, n in enumerate(shape))
    piece = Piece(0, target, strides, tuple(prod(target[i + 1 :]) for i in range(len(target))))
    view = add_copy(b, tensor, piece, rows)
    return Access(view.value, high=rows.count)


def lookup(b: Builder) -> None:
    """Functions of one int8 value; a clamp of what was just computed becomes part of that."""
    source, target = b.op.inputs[0], b.op.outputs[0]
    a, out = b.quantization(source), b.quantization(target)
    rows = rows_of(b.tensor(target).shape)
    if prod(b.tensor(source).shape) != prod(b.tensor(target).shape):
        raise b.refuse("input and output are not of the same size", target)
    table = _table(b, _affine(a), _affine(out))
    low, high = int(table[0]), int(table[-1])
    if np.array_equal(table, np.clip(_IDENTITY, low, high)) and _clamped(b, source, low, high):
        b.views[target] = b.view(source)
        return
    b.emit(Lookup(table), (b.read(source, rows),), rows, target)


def _table(b: Builder, a: Affine, out: Affine) -> npt.NDArray[np.int8]:
    kind = b.op.kind
    if kind == "LEAKY_RELU":
        return leaky_relu_table(a, out, float(b.op.options["alpha"]))
    return _TABLES_IN[kind](a) if kind in _TABLES_IN else _TABLES[kind](a, out)


def _clamped(b: Builder, tensor: int, low: int, high: int) -> bool:
    """Let the operator that made a tensor clamp it, where nobody else reads the tensor and it can."""
    view = b.view(tensor)
    maker = next((i for i, op in enumerate(b.operators) if op.output == view.value), None)
    plain = (view.count, view.offset, view.step, view.fill) == (b.values[view.value].rows.count, 0, 1, None)
    if maker is None or not plain or b.uses[tensor] != 1 or sum(v.value == view.value for v in b.views.values()) != 1:
        return False
    work = b.operators[maker].work
    if isinstance(work, Pool):
        work = replace(work, low=max(work.low, low), high=min(work.high, high))
    elif isinstance(work, Matrix):
        limits = work.requantization
        limits = replace(limits, low=max(limits.low, low), high=min(limits.high, high))
        work = replace(work, requantization=limits)
    elif isinstance(work, Binary):
        limits = work.parameters
        work = replace(work, parameters=replace(limits, low=max(limits.low, low), high=min(limits.high, high)))
    elif isinstance(work, Lookup):
        work = Lookup(np.clip(work.table, low, high))
    else:
        return False
    b.operators[maker] = b.operators[maker]._replace(work=work)
    return True


def mean(b: Builder) -> None:
    """MEAN over rows, within rows, or both."""
    source, target = b.op.inputs[0], b.op.outputs[0]
    shape = b.tensor(source).shape
    rows = rows_of(shape)
    axes = {b.axis(a, len(shape)) for a in b.integers(b.op.inputs[1]).reshape(-1).tolist()}
    # The axes that are longer than one: those of rows, positions, channels, or the last of these.
    long = [i for i, n in enumerate(shape) if n > 1]
    if len(long) > 3:
        raise b.refuse("at most three axes longer than one are compiled", source)
    sizes = [shape[i] for i in long]
    over = [i in axes for i in long]
    if rows.count == 1:
        sizes, over = [1, *sizes], [False, *over]
    over_rows, sizes, over = over[0], sizes[1:], over[1:]
    # Within a row: what lies before the averaged axis, the axis, what lies after.
    while len(sizes) < 2:
        sizes, over = [1, *sizes], [False, *over]
    width, channels = sizes
    if all(over):
        outer, reduced, inner = 1, width * channels, 1
    elif over[0]:
        outer, reduced, inner = 1, width, channels
    elif over[1]:
        outer, reduced, inner = width, channels, 1
    else:
        outer, reduced, inner = 1, 1, width * channels
    count = reduced * (rows.count if over_rows else 1)
    if prod(b.tensor(target).shape) * count != prod(shape):
        raise b.refuse("the axes do not lead to the output's shape", target)
    numbers = mean_parameters(_affine(b.quantization(source)), _affine(b.quantization(target)), count)
    access = b.read(source, rows)
    made = Rows(1 if over_rows else rows.count, 1, outer * inner)
    b.emit(Mean(outer, reduced, inner, numbers), (access,), made, target, rows.count if over_rows else 0)


def softmax(b: Builder) -> None:
    """SOFTMAX over the last axis."""
    source, target = b.op.inputs[0], b.op.outputs[0]
    shape = b.tensor(source).shape
    rows = rows_of(shape)
    out = b.quantization(target)
    if b.tensor(target).shape != shape or (out.scale[0], out.zero_point[0]) != (1 / 256, -128):
        raise b.refuse("an output with a scale of 1/256 and a zero point of -128 is expected", target)
    if rows.channels > SOFTMAX_MAX_DEPTH:
        raise b.refuse(f"more than {SOFTMAX_MAX_DEPTH} values", source)
    try:
        numbers = softmax_parameters(b.quantization(source).scale[0], float(b.op.options["beta"]))
    except ValueError as e:
        raise b.refuse(str(e), source) from e
    b.emit(Softmax(rows.channels, rows.width, numbers), (b.read(source, rows),), rows, target)
