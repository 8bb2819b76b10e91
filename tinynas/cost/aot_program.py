"""The program that the compiler will make of a network, straight from its layers: no .tflite, no weights.

It equals `deploy.compiler.lower` of the predicted graph in all that a schedule and a layout depend on, in a fifth of
the time: a search asks for the costs of thousands of candidates.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tinynas.deploy.compiler import (
    MAX_READS,
    MAX_ROWS,
    MAX_TENSOR_BYTES,
    Access,
    Binary,
    Depthwise,
    Lookup,
    Matrix,
    Operator,
    Program,
    Requantization,
    Rows,
    Value,
    Window,
    Work,
)
from tinynas.deploy.compiler import Mean as AverageWork
from tinynas.network import (
    Activation,
    Addition,
    Convolution,
    Cut,
    Difference,
    Dropout,
    Input,
    Mean,
    Normalisation,
    Plan,
    Product,
    Step,
)

__all__ = ["depthwise_work", "matrix_work", "ones", "predict_program"]

_KINDS = 4096  # of weights' shapes that are kept


class _View(NamedTuple):
    """Rows of a value that are read as a sequence: row j is the value's row offset + j step, `rows` of them."""

    value: int
    rows: int
    offset: int = 0
    step: int = 1

    def read(self, of: int, pad: int = 0, stride: int = 1, rate: int = 1, taps: int = 1) -> Access:
        """How an operator reads it, of a value of `of` rows, with padding before the first."""
        last = self.offset + (self.rows - 1) * self.step + 1
        base = self.offset - pad * self.step
        low, high = max(self.offset, 0), min(last, of)
        return Access(self.value, base, self.step * stride, self.step * rate, taps, low, high)


def predict_program(planned: Plan) -> Program | None:
    """Predict a network's program.

    Args:
        planned: What of the network is computed.

    Returns:
        The program, with ones for its weights. None where a layer has no direct way to it, or the compiler may refuse
        it for its size: then the predicted graph has to be lowered.

    Example:
        >>> from tinynas.network import TCN, plan
        >>> program = predict_program(plan(TCN(filters=8, kernel_size=3, dilations=(1, 2), window=64, channels=6)))
        >>> [op.kind for op in program.operators][:3], program.macs
        (['CONV_2D', 'CONV_2D', 'CONV_2D'], 3568)
    """
    steps, reads = planned.steps, 0
    values: list[Value] = []
    operators: list[Operator] = []
    views: list[_View] = []
    for number, step in enumerate(steps):
        what, count, channels = step.what, step.positions, step.channels
        if count > MAX_ROWS or count * channels > MAX_TENSOR_BYTES:
            return None
        if isinstance(what, Cut):
            view = views[step.reads[0]]
            offset = view.offset + what.begin * view.step
            views.append(_View(view.value, count, offset, view.step * what.step))
            continue
        fused = isinstance(what, Activation) and what.function == "relu"
        if fused or isinstance(what, Normalisation | Dropout):  # fused, folded, or none of the board's business
            views.append(views[step.reads[0]])
            continue
        if not isinstance(what, Input):
            source = steps[step.reads[0]]
            kind, work = _work(step, source)
            inputs = tuple([_access(step, views[number], values) for number in step.reads])
            turns = source.positions if isinstance(what, Mean) and source.positions > 1 else 0
            operators.append(Operator(number, kind, work, inputs, len(values), _rows(count, channels), turns))
            reads += (turns or count) * sum(access.taps for access in inputs)
        views.append(_View(len(values), count))
        values.append(_value(count, channels))
    if not operators or views[-1] != _View(operators[-1].output, steps[-1].positions):
        return None
    return None if reads > MAX_READS else Program(tuple(values), tuple(operators), operators[-1].output)


def _access(step: Step, view: _View, values: list[Value]) -> Access:
    rows = values[view.value].rows.count
    if step.taps is None:
        return view.read(rows)
    return view.read(rows, step.taps.pad, step.taps.stride, step.taps.rate, step.taps.taps)


def _work(step: Step, source: Step) -> tuple[str, Work]:
    """The kind of an operator as .tflite has it, and its work."""
    if isinstance(step.what, Addition | Difference | Product):
        return _PAIRWISE[type(step.what)]
    if isinstance(step.what, Activation):
        return "LOGISTIC", _TABLE
    if isinstance(step.what, Mean):
        return "MEAN", AverageWork(1, 1, step.channels, None)
    if step.taps is None:
        return "FULLY_CONNECTED", matrix_work(step.channels, 1, source.channels)
    assert isinstance(step.what, Convolution)
    if step.what.groups > 1:
        return "DEPTHWISE_CONV_2D", depthwise_work(step.taps.taps, step.channels)
    return "CONV_2D", matrix_work(step.channels, step.taps.taps, source.channels)


@lru_cache(_KINDS)
def matrix_work(channels: int, taps: int, depth: int) -> Matrix:
    """A convolution over time, or a linear layer, of ones."""
    return Matrix(ones((channels, taps, 1, depth), "int8"), *_parameters(channels))


@lru_cache(_KINDS)
def depthwise_work(taps: int, channels: int) -> Depthwise:
    """A depthwise convolution over time, of ones."""
    return Depthwise(ones((taps, 1, channels), "int8"), *_parameters(channels))


def _parameters(channels: int) -> tuple[npt.NDArray[np.int32], int, Window, Requantization, int]:
    """What a convolution has beside its weights: its costs do not depend on it."""
    bias, shift = ones((channels,), "int32"), ones((channels,), "int8")
    return bias, 0, _WINDOW, Requantization(bias, shift, 0, -128, 127), 1


@lru_cache(_KINDS)
def _rows(count: int, channels: int) -> Rows:
    return Rows(count, 1, channels)


@lru_cache(_KINDS)
def _value(count: int, channels: int) -> Value:
    return Value(_rows(count, channels))


@lru_cache(_KINDS)
def ones(shape: tuple[int, ...], dtype: str) -> npt.NDArray[Any]:
    """Ones that take no memory: a view of a single one."""
    return np.broadcast_to(np.ones((), dtype), shape)


_WINDOW = Window()
_TABLE = Lookup(ones((256,), "int8"))
_PAIRWISE = {
    Addition: ("ADD", Binary("add", None)),
    Difference: ("SUB", Binary("sub", None)),
    Product: ("MUL", Binary("mul", None)),
}
