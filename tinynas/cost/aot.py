"""The resource model of the engine "aot": what a board will report of a compiled model, without compiling it.

Exact: the arena, by the compiler's own schedule and layout; weights and channel parameters, by their packing; static
RAM.
Code and stack are a sum over the operators, with figures of GCC 12.2 at -O2 (`benchmarks/proxy.py` has the errors);
another compiler's code is of another size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tinynas.cost.measurement import Engine
from tinynas.deploy.compiler.layout import ALIGNMENT, laid_out
from tinynas.deploy.compiler.liveness import walk
from tinynas.deploy.compiler.lower import lowered
from tinynas.deploy.compiler.program import Operator
from tinynas.deploy.compiler.schedule import scheduled, segments
from tinynas.deploy.compiler.work import Matrix
from tinynas.deploy.graph import Graph, Op, Quantization

__all__ = ["Costs", "aot_costs"]

_CHANNEL_BYTES = 9  # bias, multiplier, shift
_RESULT_BYTES = 4  # of each output, as a real number
_LANES = 2
# Least squares over 40 random networks of the default space on a Cortex-M4: code and constants of a matrix that takes
# several turns, of one that takes one, of any other operator, and of an entry of the schedule.
_MATRIX_CODE, _SINGLE_CODE, _OTHER_CODE, _ENTRY_CODE = 580, 489, 427, 3.7
# Calls and protocol, and for each row of a window. GCC's frames are of either of two sizes, 125 bytes apart, for no
# reason that shows in the network: the figure lies between.
_STACK, _TAP_STACK = 457, 4.3


@dataclass(frozen=True)
class Costs:
    """The figures of a `Measurement` that the engine decides."""

    sram_bytes: int
    flash_bytes: int
    arena_bytes: int
    macs: int


def aot_costs(graph: Graph, engine: Engine) -> Costs:
    """Cost a model, converted or foreseen.

    Args:
        graph: An int8 model; constants without values are taken as ones.
        engine: "aot", with the firmware's share.

    Returns:
        SRAM with the most that the stack holds, and flash of the whole image.

    Raises:
        UnsupportedOp, ConversionError: The model is not compiled.
    """
    program, _, _ = lowered(_complete(graph))
    live = walk(program)
    schedule = scheduled(live)
    arena = max(laid_out(schedule.buffers).bytes, ALIGNMENT)
    operators = [turns.operator for turns in live.turns]
    matrices = [t.operator.work for t in live.turns if isinstance(t.operator.work, Matrix)]
    single = sum(isinstance(t.operator.work, Matrix) and len(t.rows) == 1 for t in live.turns)
    sizes = [program.values[value].rows for value in (0, program.output)]
    given, made = (rows.count * rows.bytes for rows in sizes)
    static = engine.static_bytes + arena + _aligned(given) + _aligned(made) + _RESULT_BYTES * made
    entries = sum(len(segment.body) for segment in segments(schedule.order))
    code = _MATRIX_CODE * (len(matrices) - single) + _SINGLE_CODE * single + _ENTRY_CODE * entries
    code += _OTHER_CODE * (len(operators) - len(matrices))
    flash = engine.code_bytes + sum(map(_packed, matrices)) + round(code)
    return Costs(static + _stack(operators), flash, arena, live.macs)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _groups(work: Matrix) -> int:
    _, rows, across, depth = work.weights.shape
    return int(-(-rows * across * depth // 4))


def _packed(work: Matrix) -> int:
    """Bytes of weights and channel parameters; channels are filled up to an even number."""
    channels: int = work.weights.shape[0] + work.weights.shape[0] % 2
    return channels * (4 * _groups(work) + _CHANNEL_BYTES)


def _stack(operators: list[Operator]) -> int:
    """The largest window of int16 inputs for two time steps, pointers to its rows, and what calls and protocol take."""
    columns = max((_LANES * 2 * 4 * _groups(op.work) for op in operators if isinstance(op.work, Matrix)), default=0)
    taps = max((access.taps for op in operators for access in op.inputs), default=0)
    return _STACK + columns + round(_TAP_STACK * taps)


def _complete(graph: Graph) -> Graph:
    """A foreseen graph with ones for its weights, and one scale for everything."""
    if all(t.data is not None for t in graph.tensors if t.constant):
        return graph
    tensors = []
    for tensor in graph.tensors:
        if tensor.constant and tensor.data is None:
            scales = Quantization((1 / 128,) * tensor.shape[0], (0,) * tensor.shape[0])
            data = np.ones(tensor.shape, tensor.dtype)
            tensor = replace(tensor, data=data, quantization=scales)
        elif not tensor.constant:
            tensor = replace(tensor, quantization=Quantization((1 / 64,), (0,)))
        tensors.append(tensor)
    return replace(graph, tensors=tuple(tensors), ops=tuple(map(_along_time, graph.ops)))


def _along_time(op: Op) -> Op:
    """A convolution with what the foreseen graph leaves out: it has no height."""
    if op.kind != "CONV_2D":
        return op
    return replace(op, options={**op.options, "padding": 1, "strideH": 1, "dilationHFactor": 1})
