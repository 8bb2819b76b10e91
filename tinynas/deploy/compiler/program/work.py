"""What operators do with rows: parameters and constants of each kind of work, as the C kernels take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "Binary",
    "Copy",
    "Depthwise",
    "Lookup",
    "Matrix",
    "Mean",
    "Piece",
    "Pool",
    "Requantization",
    "Softmax",
    "Window",
    "Work",
]

Int8 = npt.NDArray[np.int8]
Int32 = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Work:
    """Base of all kinds."""

    @property
    def macs_of_row(self) -> int:
        """Multiply-accumulate operations for one row of the output."""
        return 0


@dataclass(frozen=True)
class Window:
    """Positions within the rows that are read: for position x and tap u the position x stride + u dilation - padding.

    Attributes:
        taps, stride, dilation, padding: See above.
        width: Positions in a row that is read.
    """

    taps: int = 1
    stride: int = 1
    dilation: int = 1
    padding: int = 0
    width: int = 1


@dataclass(frozen=True)
class Requantization:
    """From 32-bit sums to int8: multiplier and shift per channel, zero point, clamp.

    Attributes:
        multiplier: Q31, shape (channels,).
        shift: Positive to the left, shape (channels,).
        zero: Zero point of the output.
        low, high: Limits of the output, the fused activation included.
    """

    multiplier: Int32
    shift: Int8
    zero: int
    low: int
    high: int


@dataclass(frozen=True)
class Matrix(Work):
    """A convolution or fully connected operator.

    Attributes:
        weights: Shape (channels, taps of rows, taps of positions, depth).
        bias: Shape (channels,), as in the model: without the input's zero point.
        zero_in: Zero point of the input.
        window: Positions.
        requantization: Of the sums.
        width: Positions of an output row.
    """

    weights: Int8
    bias: Int32
    zero_in: int
    window: Window
    requantization: Requantization
    width: int

    @property
    def macs_of_row(self) -> int:
        """Multiply-accumulate operations for one row of the output."""
        return int(self.weights.size) * self.width


@dataclass(frozen=True)
class Depthwise(Work):
    """A convolution of each channel by itself.

    Attributes:
        weights: Shape (taps of rows, taps of positions, channels).
        bias, zero_in, window, requantization, width: As for `Matrix`.
    """

    weights: Int8
    bias: Int32
    zero_in: int
    window: Window
    requantization: Requantization
    width: int

    @property
    def macs_of_row(self) -> int:
        """Multiply-accumulate operations for one row of the output."""
        return int(self.weights.size) * self.width


@dataclass(frozen=True)
class Pool(Work):
    """The maximum or the average over a window, for each channel.

    Attributes:
        average: Whether it is the average.
        channels: Number of channels.
        window: Positions.
        width: Positions of an output row.
        low, high: Limits of the output.
    """

    average: bool
    channels: int
    window: Window
    width: int
    low: int
    high: int


@dataclass(frozen=True)
class Binary(Work):
    """ADD, SUB or MUL of two rows.

    Attributes:
        function: "add", "sub" or "mul".
        parameters: The integers of `arithmetic`, of `SumParameters` or `ProductParameters`.
    """

    function: str
    parameters: Any


@dataclass(frozen=True)
class Lookup(Work):
    """A function of one value, as a table of 256, indexed by value + 128."""

    table: Int8


@dataclass(frozen=True)
class Mean(Work):
    """The mean over rows or within them.

    A row is taken as (outer, reduced, inner) values, of which the middle axis is summed.

    Attributes:
        outer, reduced, inner: Lengths of the axes.
        parameters: The integers of `arithmetic.MeanParameters`.
    """

    outer: int
    reduced: int
    inner: int
    parameters: Any


@dataclass(frozen=True)
class Softmax(Work):
    """Softmax over the channels of each position.

    Attributes:
        channels: Number of channels.
        width: Positions of a row.
        parameters: The integers and the table of `arithmetic.SoftmaxParameters`.
    """

    channels: int
    width: int
    parameters: Any


@dataclass(frozen=True)
class Piece:
    """One box of values that is copied from a row that is read to the row that is made.

    Attributes:
        source: Number of the input.
        counts: Lengths of the box's axes, the last of them contiguous in both.
        strides_in, strides_out: Bytes from one element of an axis to the next.
        offset_in, offset_out: Bytes before the first element.
    """

    source: int
    counts: tuple[int, ...]
    strides_in: tuple[int, ...]
    strides_out: tuple[int, ...]
    offset_in: int = 0
    offset_out: int = 0


@dataclass(frozen=True)
class Copy(Work):
    """Moves values: padding, slices, concatenation, what has not become a way of reading.

    Attributes:
        pieces: What goes where.
        fill: Value of all others, and of rows that are padding.
    """

    pieces: tuple[Piece, ...]
    fill: int
