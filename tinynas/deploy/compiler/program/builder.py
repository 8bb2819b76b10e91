"""The program under construction: what each tensor of the model is as rows of a value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from tinynas.deploy.compiler.program.bounds import MAX_CONSTANT_BYTES
from tinynas.deploy.compiler.program.ir import Access, Operator, Program, Rows, Value, rows_of
from tinynas.deploy.compiler.program.work import Copy, Piece, Work
from tinynas.deploy.graph import Graph, Quantization, Tensor
from tinynas.errors import UnsupportedOp

__all__ = ["Builder", "View"]


@dataclass(frozen=True, slots=True)
class View:
    """Rows of a value as a tensor: its row j is the value's row offset + j step.

    Attributes:
        value: Index of the value.
        count: Rows of the tensor.
        offset, step: See above.
        low, high: Rows of the value from low up to, not including, high exist; the others are padding.
        fill: What padding holds; None where there is none.
    """

    value: int
    count: int
    offset: int = 0
    step: int = 1
    low: int = 0
    high: int = 0
    fill: int | None = None

    def clipped(self) -> View:
        """The same rows, with those outside the tensor declared padding."""
        end = self.offset + (self.count - 1) * self.step + 1
        return replace(self, low=max(self.low, self.offset), high=min(self.high, end))


class Builder:
    """Collects values and operators, and remembers what each tensor is.

    Args:
        graph: The model.

    Attributes:
        graph: The model.
        views: Of each tensor that exists so far.
        uses: Number of operators (and model outputs) that read each tensor.
        source: Index of the model's operator that is being translated.
        op: That operator.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.values: list[Value] = []
        self.operators: list[Operator] = []
        self.views: dict[int, View] = {}
        self.source = 0
        self.constant_bytes = 0
        self.op = graph.ops[0]
        self.uses: dict[int, int] = {}
        for t in [*(t for op in graph.ops for t in op.inputs), *graph.outputs]:
            self.uses[t] = self.uses.get(t, 0) + 1

    def refuse(self, what: str, tensor: int | None = None) -> UnsupportedOp:
        """An error about the present operator, to be raised."""
        at = "" if tensor is None or tensor < 0 else f", tensor {tensor} {self.graph.tensors[tensor].shape}"
        return UnsupportedOp(
            f"operator {self.source} ({self.op.kind}){at}: {what}",
            advice="docs/compiler.md lists what is compiled",
        )

    def tensor(self, index: int) -> Tensor:
        """A tensor of the model."""
        return self.graph.tensors[index]

    def quantization(self, index: int) -> Quantization:
        """The scale and zero point of an int8 tensor.

        Raises:
            UnsupportedOp: It is no int8 tensor with one scale above 0 and a zero point that int8 holds.
        """
        tensor = self.tensor(index)
        q = tensor.quantization
        if tensor.dtype != "int8" or q is None or len(q.scale) != 1 or not q.scale[0] > 0.0:
            raise self.refuse(f"an int8 tensor with one scale is expected, not {tensor.dtype}", index)
        if not -128 <= q.zero_point[0] <= 127:
            raise self.refuse(f"a zero point of {q.zero_point[0]} is no int8 value", index)
        return q

    def constant(self, index: int, dtype: str | None = None) -> npt.NDArray[Any]:
        """The values of a constant tensor, in its shape.

        Raises:
            UnsupportedOp: It is computed, or of another type.
        """
        tensor = self.tensor(index)
        if tensor.data is None:
            raise self.refuse("a constant is expected", index)
        if dtype is not None and tensor.dtype != dtype:
            raise self.refuse(f"a constant of type {dtype} is expected, not {tensor.dtype}", index)
        return tensor.data

    def integers(self, index: int) -> npt.NDArray[np.int64]:
        """The values of a constant tensor that counts something: axes, sizes, amounts.

        Raises:
            UnsupportedOp: It is computed, or of another type.
        """
        data = self.constant(index)
        if data.dtype.kind != "i":
            raise self.refuse(f"constant integers are expected, not {data.dtype.name}", index)
        return data.astype(np.int64)

    def axis(self, number: int, rank: int) -> int:
        """An axis by its number, which counts from the end where it is negative.

        Raises:
            UnsupportedOp: There is none of this number.
        """
        if not -rank <= number < rank:
            raise self.refuse(f"axis {number} of {rank}")
        return number % rank

    def reserve(self, count: int, tensor: int) -> None:
        """Account for constants before they are made: a small file may ask for many large ones.

        Raises:
            UnsupportedOp: They are too many by now.
        """
        self.constant_bytes += count
        if self.constant_bytes > MAX_CONSTANT_BYTES:
            raise self.refuse(f"constants of more than {MAX_CONSTANT_BYTES} bytes are not compiled", tensor)

    def add_value(self, rows: Rows, data: npt.NDArray[np.int8] | None = None) -> int:
        """A new value."""
        self.values.append(Value(rows, data))
        return len(self.values) - 1

    def view(self, index: int) -> View:
        """What a tensor is.

        Raises:
            UnsupportedOp: Nothing has made it.
        """
        if index not in self.views:
            tensor = self.tensor(index) if index >= 0 else None
            if tensor is None or tensor.data is None or tensor.dtype != "int8":
                raise self.refuse("reads an int8 tensor that nothing has computed", index)
            rows = rows_of(tensor.shape)
            self.reserve(tensor.data.size, index)
            value = self.add_value(rows, np.ascontiguousarray(tensor.data).reshape(rows.count, rows.bytes))
            self.views[index] = View(value, rows.count, high=rows.count)
        return self.views[index]

    def read(self, index: int, cut: Rows, fill: int | None = None) -> Access:
        """How an operator reads a tensor that it cuts into certain rows.

        Args:
            index: The tensor.
            cut: The operator's own rows.
            fill: The padding that it understands; None for one that wants every row to exist.

        Raises:
            UnsupportedOp: The rows are not those of the tensor's shape.
        """
        self._check_size(index, cut)
        view = self.view(index)
        padded = view.fill is not None and view.fill != fill
        if view.count == cut.count and self.values[view.value].rows.bytes == cut.bytes and not padded:
            view = view.clipped()
            return Access(view.value, view.offset, view.step, low=view.low, high=view.high)
        value = self.contiguous(index).value
        rows = self.values[value].rows
        whole = (rows.count, rows.bytes) != (cut.count, cut.bytes)
        return Access(value, high=cut.count, whole=whole)

    def contiguous(self, index: int) -> View:
        """A tensor as a value of its own, copied where it is only a way of reading another."""
        view = self.view(index)
        rows = self.values[view.value].rows
        if (view.count, view.offset, view.step, view.fill) == (rows.count, 0, 1, None):
            return view
        clipped = view.clipped()
        piece = Piece(0, (rows.bytes,), (1,), (1,))
        access = Access(view.value, view.offset, view.step, low=clipped.low, high=clipped.high)
        made = self.add_value(replace(rows, count=view.count))
        work = Copy((piece,), view.fill or 0)
        self.operators.append(Operator(self.source, self.op.kind, work, (access,), made, self.values[made].rows))
        self.views[index] = View(made, view.count, high=view.count)
        return self.views[index]

    def emit(self, work: Work, inputs: tuple[Access, ...], rows: Rows, output: int, reduces: int = 0) -> None:
        """Add an operator that makes a tensor.

        Raises:
            UnsupportedOp: Its rows are not those of the tensor's shape.
        """
        self._check_size(output, rows)
        cut = rows_of(self.tensor(output).shape)
        value = self.add_value(cut)
        self.operators.append(Operator(self.source, self.op.kind, work, inputs, value, rows, reduces))
        self.views[output] = View(value, cut.count, high=cut.count)

    def _check_size(self, index: int, rows: Rows) -> None:
        if rows.count * rows.bytes != prod(self.tensor(index).shape):
            raise self.refuse(f"{rows.count} rows of {rows.bytes} values do not make its shape", index)

    def finish(self, output: int) -> Program:
        """The program that computes a tensor.

        Args:
            output: The tensor; copied where it is the model's input or a constant.
        """
        view = self.contiguous(output)
        value = view.value
        if value == 0 or self.values[value].data is not None:
            rows = self.values[value].rows
            piece = Piece(0, (rows.bytes,), (1,), (1,))
            made = self.add_value(rows)
            access = Access(value, high=rows.count)
            self.operators.append(Operator(self.source, "COPY", Copy((piece,), 0), (access,), made, rows))
            value = made
        return Program(tuple(self.values), tuple(self.operators), value)
