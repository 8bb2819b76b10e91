"""Operators that only move values: most become another way of reading what is there, the others copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from tinynas.deploy.compiler.program.boxes import pick, put
from tinynas.deploy.compiler.program.builder import Builder, View
from tinynas.deploy.compiler.program.ir import Access, Operator, Rows, rows_of
from tinynas.deploy.compiler.program.work import Copy, Piece

__all__ = ["add_copy", "concatenation", "emit_copy", "pad", "reshape", "strided_slice"]


def row_axis(b: Builder, tensor: int) -> int | None:
    """The axis of a tensor that its rows lie along; None where they do not lie along one."""
    shape, view = b.tensor(tensor).shape, b.view(tensor)
    width = b.values[view.value].rows.bytes
    for axis, size in enumerate(shape):
        if size == view.count and prod(shape[:axis]) == 1 and prod(shape[axis + 1 :]) == width:
            return axis
    return None


def reshape(b: Builder) -> None:
    """RESHAPE, EXPAND_DIMS, SQUEEZE: the same memory, read as it is."""
    source, target = b.op.inputs[0], b.op.outputs[0]
    if prod(b.tensor(source).shape) != prod(b.tensor(target).shape):
        raise b.refuse("input and output are not of the same size", target)
    if b.tensor(source).quantization != b.tensor(target).quantization:
        raise b.refuse("input and output are quantised differently", target)
    b.views[target] = b.view(source)


def pad(b: Builder) -> None:
    """PAD and PADV2: of whole rows by reading, within rows by copying."""
    source, target = b.op.inputs[0], b.op.outputs[0]
    shape = b.tensor(source).shape
    amounts = b.integers(b.op.inputs[1]).reshape(-1, 2).tolist()
    fill = b.quantization(target).zero_point[0]
    if len(b.op.inputs) > 2 and b.op.inputs[2] >= 0:
        fill = int(b.constant(b.op.inputs[2], "int8").reshape(-1)[0])
    wanted = [size + before + after for size, (before, after) in zip(shape, amounts, strict=False)]
    if len(amounts) != len(shape) or min(map(min, amounts)) < 0 or tuple(wanted) != b.tensor(target).shape:
        raise b.refuse("the paddings do not lead to the output's shape", target)
    axis = row_axis(b, source)
    if axis is not None and any(map(any, amounts[:axis])):
        axis = None
    if axis is None:
        emit_copy(b, (put(shape, [before for before, _ in amounts], tuple(wanted)),), fill)
        return
    before, after = amounts[axis]
    view = b.view(source)
    if before or after:
        if view.fill not in (None, fill):
            view = b.contiguous(source)
        view = view.clipped()
        view = replace(view, count=view.count + before + after, offset=view.offset - before * view.step, fill=fill)
    inner = shape[axis + 1 :]
    if any(map(any, amounts[axis + 1 :])):
        pieces = (put(inner, [before for before, _ in amounts[axis + 1 :]], tuple(wanted[axis + 1 :])),)
        _within_rows(b, [view], pieces, fill, target)
    else:
        b.views[target] = view


def strided_slice(b: Builder) -> None:
    """STRIDED_SLICE: along rows by reading, otherwise by copying."""
    source, target = b.op.inputs[0], b.op.outputs[0]
    shape = b.tensor(source).shape
    picks = _picks(b, shape)
    if prod(len(pick) for pick in picks) != prod(b.tensor(target).shape):
        raise b.refuse("begin, end and strides do not lead to the output's shape", target)
    axis = row_axis(b, source)
    if axis is None or picks[axis].step < 0:
        emit_copy(b, (pick(shape, picks),), 0)
        return
    view = b.view(source)
    chosen = picks[axis]
    step = chosen.step if len(chosen) > 1 else 1  # of a single row any step is stated
    part = replace(
        view.clipped(), count=len(chosen), offset=view.offset + chosen.start * view.step, step=view.step * step
    )
    if part.low <= part.offset and part.offset + (part.count - 1) * part.step < part.high:
        part = replace(part, fill=None)
    inner = shape[axis + 1 :]
    if all(len(p) == n for p, n in zip(picks[axis + 1 :], inner, strict=True)):
        b.views[target] = part
    else:
        _within_rows(b, [part], (pick(inner, picks[axis + 1 :]),), part.fill or 0, target)


def concatenation(b: Builder) -> None:
    """CONCATENATION: within rows row by row, otherwise as a whole."""
    target = b.op.outputs[0]
    shape = b.tensor(target).shape
    axis = b.axis(int(b.op.options["axis"]), len(shape))
    parts = [b.tensor(t).shape for t in b.op.inputs]
    rest = [s[:axis] + s[axis + 1 :] for s in (*parts, shape)]
    if len(set(rest)) > 1 or sum(s[axis] for s in parts) != shape[axis]:
        raise b.refuse("the inputs do not add up to the output", target)
    if any(b.quantization(t) != b.quantization(target) for t in b.op.inputs):
        raise b.refuse("inputs and output are quantised differently", target)
    if b.op.options.get("fusedActivationFunction"):
        raise b.refuse("a fused activation is not expected", target)
    rows = [row_axis(b, t) for t in b.op.inputs]
    first = rows[0]
    views = [b.view(t) for t in b.op.inputs]
    inside = first is not None and first < axis and set(rows) == {first} and len({v.fill for v in views}) == 1
    outer = first + 1 if first is not None and inside else 0
    starts, at = [], 0
    for part in parts:
        starts.append([0] * (axis - outer) + [at] + [0] * (len(shape) - axis - 1))
        at += part[axis]
    pieces = tuple(
        replace(put(part[outer:], start, shape[outer:]), source=k)
        for k, (part, start) in enumerate(zip(parts, starts, strict=True))
    )
    if inside:
        _within_rows(b, views, pieces, views[0].fill or 0, target)
    else:
        emit_copy(b, pieces, 0)


def _picks(b: Builder, shape: tuple[int, ...]) -> list[range]:
    """The positions that a STRIDED_SLICE takes of each axis."""
    begin, end, strides = (b.integers(t).reshape(-1).tolist() for t in b.op.inputs[1:4])
    options = b.op.options
    if options.get("ellipsisMask") or options.get("newAxisMask") or options.get("offset"):
        raise b.refuse("ellipsis, new axes and offsets are not compiled")
    if not len(begin) == len(end) == len(strides) == len(shape) or 0 in strides:
        raise b.refuse("begin, end and strides for every axis are expected")
    picks = []
    for axis, size in enumerate(shape):
        bit = 1 << axis
        first = None if options.get("beginMask", 0) & bit else begin[axis]
        last = None if options.get("endMask", 0) & bit else end[axis]
        step = strides[axis]
        if options.get("shrinkAxisMask", 0) & bit:
            if not -size <= begin[axis] < size:
                raise b.refuse(f"position {begin[axis]} of an axis of {size}")
            first = begin[axis] % size
            last, step = first + 1, 1
        picks.append(range(*slice(first, last, step).indices(size)))
    if any(len(pick) == 0 for pick in picks):
        raise b.refuse("an empty slice")
    return picks


def emit_copy(b: Builder, pieces: tuple[Piece, ...], fill: int) -> None:
    """Emit a copy between the present operator's tensors as wholes.

    Args:
        b: The program under construction.
        pieces: What goes where; their sources count the operator's inputs.
        fill: Value of the rest.
    """
    target = b.op.outputs[0]
    used = 1 + max(piece.source for piece in pieces)
    reads = tuple(b.read(t, Rows(1, 1, prod(b.tensor(t).shape))) for t in b.op.inputs[:used])
    b.emit(Copy(pieces, fill), reads, Rows(1, 1, prod(b.tensor(target).shape)), target)


def add_copy(b: Builder, tensor: int, piece: Piece, rows: Rows) -> View:
    """A new value that is a copy from a tensor as a whole.

    Args:
        b: The program under construction.
        tensor: What is copied from.
        piece: What goes where.
        rows: How the new value is cut.
    """
    read = b.read(tensor, Rows(1, 1, prod(b.tensor(tensor).shape)))
    value = b.add_value(rows)
    cut = Rows(1, 1, rows.count * rows.bytes)
    b.operators.append(Operator(b.source, b.op.kind, Copy((piece,), 0), (read,), value, cut))
    return View(value, rows.count, high=rows.count)


def _within_rows(b: Builder, views: Sequence[View], pieces: tuple[Piece, ...], fill: int, target: int) -> None:
    """Copy row by row."""
    reads = []
    for view in views:
        view = view.clipped()
        reads.append(Access(view.value, view.offset, view.step, low=view.low, high=view.high))
    cut = rows_of(b.tensor(target).shape)
    count = views[0].count
    total = cut.count * cut.bytes
    b.emit(Copy(pieces, fill), tuple(reads), Rows(count, 1, total // count), target)
