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
# Code and constants by least squares over 70 random networks on a Cortex-M4: of a matrix that takes several turns, with
# rows of up to 4 or from 16 values; of one that takes one turn, with rows of whole groups, or of one pair of channels;
# of any other operator; of an entry of the schedule.
_MATRIX_CODE, _FEW_VALUES_CODE, _MANY_VALUES_CODE = 534.4, -118.0, 118.2
_SINGLE_CODE, _GROUPS_CODE, _PAIR_CODE = 428.6, -172.7, -468.5
_OTHER_CODE, _ENTRY_CODE = 392.0, 5.1
# Stack: calls, protocol and an interrupt; each row of a window; what the compiler spills, by operator.
_STACK, _TAP_STACK, _OPERATOR_STACK = 464, 3.7, 4.0


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
    matrices = [(t.operator.work, len(t.rows)) for t in live.turns if isinstance(t.operator.work, Matrix)]
    sizes = [program.values[value].rows for value in (0, program.output)]
    given, made = (rows.count * rows.bytes for rows in sizes)
    static = engine.static_bytes + arena + _aligned(given) + _aligned(made) + _RESULT_BYTES * made
    code = sum(_code(work, turns) for work, turns in matrices) + _OTHER_CODE * (len(operators) - len(matrices))
    code += _ENTRY_CODE * sum(len(segment.body) for segment in segments(schedule.order))
    flash = engine.code_bytes + sum(_packed(work) for work, _ in matrices) + round(code)
    return Costs(static + _stack(operators), flash, arena, live.macs)


def _code(work: Matrix, turns: int) -> float:
    channels, depth = int(work.weights.shape[0]), int(work.weights.shape[3])
    if turns > 1:
        return _MATRIX_CODE + _FEW_VALUES_CODE * (depth <= 4) + _MANY_VALUES_CODE * (depth >= 16)
    return _SINGLE_CODE + _GROUPS_CODE * (depth % 4 == 0) + _PAIR_CODE * (channels <= 2)


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
    """The largest window of int16 inputs for two time steps, pointers to its rows, and what calls take."""
    columns = max((_LANES * 2 * 4 * _groups(op.work) for op in operators if isinstance(op.work, Matrix)), default=0)
    taps = max((access.taps for op in operators for access in op.inputs), default=0)
    return _STACK + columns + round(_TAP_STACK * taps + _OPERATOR_STACK * len(operators))


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
