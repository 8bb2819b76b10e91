"""Each operator as C: its constants, and the statement that lets it take its turns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tinynas.deploy.compiler.c.c_source import array, initialiser
from tinynas.deploy.compiler.passes.liveness import Turns
from tinynas.deploy.compiler.plan.schedule import Schedule
from tinynas.deploy.compiler.program.ir import Access
from tinynas.deploy.compiler.program.work import (
    Binary,
    Copy,
    Depthwise,
    Lookup,
    Matrix,
    Mean,
    Piece,
    Pool,
    Requantization,
    Softmax,
    Window,
)
from tinynas.deploy.packing import fold_bias, needs_general_requantization, pack_matrix, pad_channels

__all__ = ["OperatorSource", "operator_source"]

_AXES = 5
Fields = list[tuple[str, Any]]


@dataclass(frozen=True)
class OperatorSource:
    """One operator.

    Attributes:
        constants: Definitions at file scope.
        statement: What a turn executes; `row` is the row, `next` the second one, or `row` again, where lanes
            are taken together.
        together: Whether the statement deals with both lanes itself.
        taps: Pointers to runs that it needs room for.
        columns: int16 values that it needs room for.
        weights_bytes: Bytes of its constants.
    """

    constants: tuple[str, ...]
    statement: str
    together: bool = False
    taps: int = 0
    columns: int = 0
    weights_bytes: int = 0


def operator_source(schedule: Schedule, number: int, memory: Callable[[int], str]) -> OperatorSource:
    """Write one operator.

    Args:
        schedule: What runs when.
        number: The operator, of `schedule.live.turns`.
        memory: From a value to the C expression of its memory.
    """
    emitter = _Emitter(schedule, number, memory)
    make: dict[type, Callable[[Any], OperatorSource]] = {
        Matrix: emitter.matrix,
        Depthwise: emitter.depthwise,
        Pool: emitter.pool,
        Binary: emitter.binary,
        Lookup: emitter.lookup,
        Mean: emitter.mean,
        Softmax: emitter.softmax,
        Copy: emitter.copy,
    }
    work = schedule.live.turns[number].operator.work
    return make[type(work)](work)


class _Emitter:
    def __init__(self, schedule: Schedule, number: int, memory: Callable[[int], str]) -> None:
        self.schedule, self.number, self.memory = schedule, number, memory
        self.turns: Turns = schedule.live.turns[number]
        self.op = self.turns.operator
        self.out = memory(self.op.output)
        self.ins = [memory(access.value) for access in self.op.inputs]
        self.name = f"op{number}"
        self.where = f"operator {self.op.source} ({self.op.kind})"
        self.bytes = 0
        self.arrays: list[str] = []

    def view(self, access: Access, row_bytes: int | None = None) -> Fields:
        """The structure tn_view of an input."""
        places = access.high if access.whole else self.places(access.value)
        rows = self.schedule.live.program.values[access.value].rows
        size = row_bytes if access.whole and row_bytes is not None else rows.bytes
        dilation = access.dilation if access.taps > 1 else 0
        return [
            ("base", access.base), ("stride", access.stride), ("dilation", dilation), ("taps", access.taps),
            ("low", access.low), ("high", access.high), ("places", places), ("bytes", size),
        ]  # fmt: skip

    def places(self, value: int) -> int:
        """Rows that a value's memory holds."""
        number = self.schedule.place.get(value)
        if number is not None:
            return self.schedule.buffers[number].rows
        lattice = self.schedule.live.lattices[value]
        assert lattice is not None
        return lattice.count

    def target(self) -> Fields:
        """The structure tn_target of the output; of one that is made as a whole in the operator's own rows."""
        if self.turns.whole:
            return [("places", max(self.op.rows.count, 1)), ("bytes", self.op.rows.bytes)]
        return [("places", self.places(self.op.output)), ("bytes", self.op.rows.bytes)]

    def put(self, what: str, values: np.ndarray[Any, Any], aligned: bool = False) -> str:
        """Write an array, and return its name."""
        self.bytes += values.nbytes
        self.arrays.append(array(f"{what}{self.number}", values, aligned=aligned))
        return f"{what}{self.number}"

    def finish(self, kind: str, fields: Fields, statement: str, **more: Any) -> OperatorSource:
        """Put everything together."""
        struct = f"static const {kind} {self.name} = {initialiser(fields)};"
        return OperatorSource((*self.arrays, struct), statement, weights_bytes=self.bytes, **more)

    def requantization(self, r: Requantization, bias: Any, weights: Any, even: bool) -> Fields:
        """The fields that matrices and depthwise convolutions share."""
        general = needs_general_requantization(bias, weights, r.shift)
        multiplier = pad_channels(r.multiplier, 1 << 30) if even else r.multiplier
        shift = pad_channels(r.shift, -1) if even else r.shift
        return [
            ("bias", self.put("bias", bias)),
            ("multiplier", self.put("multiplier", multiplier)),
            ("shift", self.put("shift", shift)),
            ("zero", r.zero), ("low", r.low), ("high", r.high), ("left", general),
        ]  # fmt: skip

    def matrix(self, work: Matrix) -> OperatorSource:
        channels, rows, across, depth = work.weights.shape
        bias = fold_bias(work.bias, work.weights, work.zero_in, where=self.where)
        groups = -(-rows * across * depth // 4)
        weights = self.put("weights", pack_matrix(work.weights.reshape(channels, rows * across, depth)), aligned=True)
        matrix: Fields = [
            ("weights", weights), ("groups", groups), ("channels", channels),
            *self.requantization(work.requantization, bias, work.weights, even=True),
        ]  # fmt: skip
        wide = work.width > 1 or work.window.width > 1 or across > 1
        fields: Fields = [
            ("in", self.view(self.op.inputs[0], work.window.width * depth)), ("out", self.target()),
            ("window", _window(work.window, work.width)), ("matrix", matrix), ("depth", depth),
            ("zero_in", work.zero_in),
        ]  # fmt: skip
        together = not wide and self.schedule.lanes[self.number] > 1 and len(self.turns.rows) > 1
        call = "tn_matrix_narrow" if together else "tn_matrix_wide" if wide else "tn_matrix_single"
        lanes = "row, next" if together else "row"
        return self.finish(
            "tn_matrix_rows", fields, f"{call}(&{self.name}, {self.ins[0]}, {self.out}, {lanes}, taps, columns);",
            together=together, taps=rows + (rows * across if wide else 0), columns=8 * groups,
        )  # fmt: skip

    def depthwise(self, work: Depthwise) -> OperatorSource:
        rows, across, channels = work.weights.shape
        by_channel = np.moveaxis(work.weights, 2, 0)
        bias = fold_bias(work.bias, by_channel, work.zero_in, where=self.where)[:channels]
        depthwise: Fields = [
            ("weights", self.put("weights", work.weights, aligned=True)),
            ("channels", channels), ("zero_in", work.zero_in),
            *self.requantization(work.requantization, bias, by_channel, even=False),
        ]  # fmt: skip
        fields: Fields = [
            ("in", self.view(self.op.inputs[0], work.window.width * channels)), ("out", self.target()),
            ("window", _window(work.window, work.width)), ("depthwise", depthwise),
        ]  # fmt: skip
        statement = f"tn_depthwise_step(&{self.name}, {self.ins[0]}, {self.out}, row, taps);"
        return self.finish("tn_depthwise_rows", fields, statement, taps=rows * (1 + across))

    def pool(self, work: Pool) -> OperatorSource:
        access = self.op.inputs[0]
        fields: Fields = [
            ("in", self.view(access, work.window.width * work.channels)), ("out", self.target()),
            ("window", _window(work.window, work.width)), ("channels", work.channels),
            ("low", work.low), ("high", work.high), ("average", work.average),
        ]  # fmt: skip
        statement = f"tn_pool_step(&{self.name}, {self.ins[0]}, {self.out}, row, taps);"
        return self.finish("tn_pool_rows", fields, statement, taps=access.taps * (1 + work.window.taps))

    def binary(self, work: Binary) -> OperatorSource:
        size = self.op.rows.bytes
        a, b = (self.view(access, size) for access in self.op.inputs)
        kind = "tn_product" if work.function == "mul" else "tn_sum"
        fields: Fields = [
            ("a", a), ("b", b), ("out", self.target()), ("n", size),
            ("parameters", list(asdict(work.parameters).items())),
        ]  # fmt: skip
        statement = f"tn_{work.function}_step(&{self.name}, {self.ins[0]}, {self.ins[1]}, {self.out}, row);"
        return self.finish(f"{kind}_rows", fields, statement)

    def lookup(self, work: Lookup) -> OperatorSource:
        size = self.op.rows.bytes
        table = self.put("table", work.table)
        fields: Fields = [
            ("in", self.view(self.op.inputs[0], size)), ("out", self.target()), ("table", table), ("n", size),
        ]  # fmt: skip
        return self.finish("tn_lookup_rows", fields, f"tn_lookup_step(&{self.name}, {self.ins[0]}, {self.out}, row);")

    def mean(self, work: Mean) -> OperatorSource:
        size = work.outer * work.reduced * work.inner
        fields: Fields = [
            ("in", self.view(self.op.inputs[0], size)), ("out", self.target()),
            ("mean", list(asdict(work.parameters).items())), ("outer", work.outer), ("reduced", work.reduced),
            ("inner", work.inner), ("turns", self.op.reduces),
        ]  # fmt: skip
        sums = f"sums{self.number}"
        statement = f"tn_mean_step(&{self.name}, {self.ins[0]}, {self.out}, row, {sums});"
        return self.finish("tn_mean_rows", fields, statement)

    def softmax(self, work: Softmax) -> OperatorSource:
        size = work.width * work.channels
        exponential = self.put("exponential", work.parameters.exponential)
        fields: Fields = [
            ("in", self.view(self.op.inputs[0], size)), ("out", self.target()),
            ("softmax", [("exponential", exponential)]), ("width", work.width), ("channels", work.channels),
        ]  # fmt: skip
        return self.finish("tn_softmax_rows", fields, f"tn_softmax_step(&{self.name}, {self.ins[0]}, {self.out}, row);")

    def copy(self, work: Copy) -> OperatorSource:
        pieces = ", ".join(initialiser(_piece(piece)) for piece in work.pieces)
        self.arrays.append(f"static const tn_piece pieces{self.number}[{len(work.pieces)}] = {{{pieces}}};")
        rows = self.schedule.live.program.values
        views = tuple(self.view(a, rows[a.value].rows.count * rows[a.value].rows.bytes) for a in self.op.inputs)
        inputs = ", ".join(initialiser(view) for view in views)
        self.arrays.append(f"static const tn_view views{self.number}[{len(views)}] = {{{inputs}}};")
        filled = sum(int(np.prod(piece.counts)) for piece in work.pieces) == self.op.rows.bytes
        covered = filled and all(self._complete(access) for access in self.op.inputs)
        fields: Fields = [
            ("in", f"views{self.number}"), ("pieces", f"pieces{self.number}"), ("count", len(work.pieces)),
            ("out", self.target()), ("fill", work.fill), ("covered", covered),
        ]  # fmt: skip
        sources = ", ".join(self.ins)
        statement = f"tn_copy_step(&{self.name}, (const int8_t *const[]){{{sources}}}, {self.out}, row);"
        return self.finish("tn_copy_rows", fields, statement)

    def _complete(self, access: Access) -> bool:
        return all(len(access.existing(row)) == access.taps for row in self.turns.rows)


def _window(window: Window, out: int) -> Fields:
    return [
        ("taps", window.taps), ("stride", window.stride), ("dilation", window.dilation), ("padding", window.padding),
        ("width", window.width), ("out", out),
    ]  # fmt: skip


def _piece(piece: Piece) -> Fields:
    """A box with its contiguous axes merged, and as many axes as the structure has."""
    axes = [[n, i, o] for n, i, o in zip(piece.counts, piece.strides_in, piece.strides_out, strict=True) if n != 1]
    merged: list[list[int]] = []
    for n, i, o in reversed(axes):
        if merged and i == merged[0][0] * merged[0][1] and o == merged[0][0] * merged[0][2]:
            merged[0][0] *= n
        else:
            merged.insert(0, [n, i, o])
    run = merged.pop()[0] if merged and merged[-1][1:] == [1, 1] else 1
    merged = [[1, 0, 0]] * (_AXES - len(merged)) + merged
    counts, strides_in, strides_out = zip(*merged, strict=True)
    return [
        ("counts", counts), ("from", strides_in), ("to", strides_out), ("run", run), ("source", piece.source),
        ("offset_in", piece.offset_in), ("offset_out", piece.offset_out),
    ]  # fmt: skip
