"""The compiler's own form of a model: values as rows along time, operators that make them row by row.

A tensor's memory is cut into rows along its first axis that is longer than one: time for a series (1, T, C) or
(1, 1, T, C), height for an image (1, H, W, C). An operator makes its output row by row and reads of its inputs the rows
that it needs for that. So operators can be interleaved, and a value needs room only for the rows that are still to be
read. Where an operator cuts the same memory otherwise than the one that wrote it did, the value is taken as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from math import prod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tinynas.deploy.compiler.program.work import Work

__all__ = ["Access", "Operator", "Program", "Rows", "Value", "rows_of"]


@dataclass(frozen=True, slots=True)
class Rows:
    """How a tensor's memory is cut: `count` rows of `width` positions of `channels` int8 values."""

    count: int
    width: int
    channels: int

    @property
    def bytes(self) -> int:
        """Bytes of one row."""
        return self.width * self.channels


@cache
def rows_of(shape: tuple[int, ...]) -> Rows:
    """The rows of a tensor of a shape.

    Example:
        >>> rows_of((1, 1, 200, 6)), rows_of((1, 12))
        (Rows(count=200, width=1, channels=6), Rows(count=1, width=1, channels=12))
    """
    sizes = list(shape)
    while len(sizes) > 1 and sizes[0] == 1:
        del sizes[0]
    if len(sizes) < 2:
        return Rows(1, 1, prod(sizes))
    return Rows(sizes[0], prod(sizes[1:-1]), sizes[-1])


@dataclass(frozen=True, slots=True)
class Value:
    """What an operator makes, the model's input, or a constant.

    Attributes:
        rows: How its memory is cut.
        data: The values of a constant, shape (rows, bytes of a row), int8; None for others.
    """

    rows: Rows
    data: npt.NDArray[np.int8] | None = field(default=None, compare=False)


class Access(NamedTuple):
    """Which rows of a value an operator reads: for its row j and tap t the row base + j stride + t dilation.

    Attributes:
        value: Index of the value.
        base, stride, dilation, taps: See above.
        low, high: Rows from low up to, not including, high exist; the others are padding.
        whole: The operator needs all rows at once, as contiguous memory, and cuts it its own way: the numbers above
            then count rows of its own cut.
    """

    value: int
    base: int = 0
    stride: int = 1
    dilation: int = 1
    taps: int = 1
    low: int = 0
    high: int = 0
    whole: bool = False

    def rows(self, row: int) -> range:
        """The rows read for one row of the operator, padding included."""
        first = self.base + row * self.stride
        return range(first, first + (self.taps - 1) * self.dilation + 1, self.dilation)

    def existing(self, row: int) -> range:
        """The rows read for one row of the operator that are not padding."""
        first, last = self.ends(row)
        return range(first, max(last + 1, first), self.dilation)

    def ends(self, row: int) -> tuple[int, int]:
        """The first and the last of `existing`; the last is below the first where there is none."""
        first, apart, high = self.base + row * self.stride, self.dilation, self.high
        last = first + (self.taps - 1) * apart
        if last >= high:
            last = first - ((first - high) // apart + 1) * apart
        if first < self.low:
            first -= (first - self.low) // apart * apart
        return first, last


class Operator(NamedTuple):
    """One operator of the compiled model.

    Attributes:
        source: Index of the operator in the .tflite model that it does the work of.
        kind: That one's name.
        work: What it does with the rows it reads; see `work`.
        inputs: How it reads.
        output: The value it makes.
        rows: How it cuts the output. Where that is not the value's own cut, the value exists once all are made.
        reduces: Number of its input's rows that it takes in, a few at a time, before the output is there at once; 0
            for operators that make rows.
    """

    source: int
    kind: str
    work: Work
    inputs: tuple[Access, ...]
    output: int
    rows: Rows
    reduces: int = 0

    @property
    def turns(self) -> int:
        """Rows that it makes, or takes in."""
        return self.reduces or self.rows.count


@dataclass(frozen=True)
class Program:
    """A model for the compiler: operators in an order of execution.

    Attributes:
        values: All values; index 0 is the model's input.
        operators: Each reads values that exist before it.
        output: The value that is the model's output.
    """

    values: tuple[Value, ...]
    operators: tuple[Operator, ...]
    output: int

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of all rows of all operators, dead ones too."""
        return sum(op.work.macs_of_row * op.turns for op in self.operators)
