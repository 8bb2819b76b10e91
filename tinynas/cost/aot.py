"""The resource model of the engine "aot": what a board will report of a compiled model, without compiling it.

Exact: the arena, by the compiler's own schedule and layout; static RAM; weights, channel parameters and the schedule,
by their packing. Code and stack are what the compiler makes of it (`aot_code`; `benchmarks/proxy.py` has the errors).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tinynas.cost.aot_code import code_bytes, stack_bytes
from tinynas.cost.engine import Engine
from tinynas.deploy.compiler.passes.liveness import keep_live
from tinynas.deploy.compiler.passes.lower import lower
from tinynas.deploy.compiler.plan.layout import ALIGNMENT, lay_out
from tinynas.deploy.compiler.plan.schedule import Schedule, make_schedule, segments
from tinynas.deploy.compiler.program.work import Matrix
from tinynas.deploy.graph import Graph, Op, Quantization, Tensor

__all__ = ["Costs", "aot_costs", "constants_bytes", "packed_bytes"]

# One scale for all weights and one for all activations: they do not change what a model costs.
_WEIGHT_STEPS, _STEPS = Quantization((1 / 128,), (0,)), Quantization((1 / 64,), (0,))
_RESULT_BYTES = 4  # of each output, as a real number
_BIAS_BYTES = _MULTIPLIER_BYTES = 4
_ROW_BYTES = 2  # of the number of a row, where rows do not lie evenly


@dataclass(frozen=True)
class Costs:
    """The figures of a `Measurement` that the engine decides."""

    sram_bytes: int
    flash_bytes: int
    arena_bytes: int
    macs: int
    stack_bytes: int | None = None


def aot_costs(graph: Graph, engine: Engine) -> Costs:
    """Cost a model, converted or predicted.

    Args:
        graph: An int8 model; constants without values are taken as ones.
        engine: "aot", with the compiler and the firmware's share.

    Returns:
        SRAM with the most that the stack holds, and flash of the whole image.

    Raises:
        UnsupportedOp, ConversionError: The model is not compiled.
    """
    program, _, _ = lower(_complete(graph))
    live = keep_live(program)
    schedule = make_schedule(live)
    arena = lay_out(schedule.buffers).reserved
    sizes = [program.values[value].rows for value in (0, program.output)]
    given, made = (rows.count * rows.bytes for rows in sizes)
    static = engine.static_bytes + arena + _aligned(given) + _aligned(made) + _RESULT_BYTES * made
    flash = engine.code_bytes + constants_bytes(schedule) + code_bytes(schedule, engine.compiler)
    stack = stack_bytes(schedule, engine.compiler)
    return Costs(static + stack, flash, arena, live.macs, stack)


def constants_bytes(schedule: Schedule) -> int:
    """Weights, channel parameters and the schedule, each array in whole words."""
    entries = sum(2 + len(segment.body) for segment in segments(schedule.order)) + 1
    tables = {turns.rows for turns in schedule.live.turns if turns.step is None}  # GCC keeps one of equal ones
    rows = sum(_aligned(_ROW_BYTES * len(table)) for table in tables)
    works = [turns.operator.work for turns in schedule.live.turns]
    return _aligned(entries) + rows + sum(packed_bytes(work) for work in works if isinstance(work, Matrix))


def packed_bytes(work: Matrix) -> int:
    """Bytes of one matrix; channels are filled up to an even number, inputs of a channel to whole words."""
    channels, rows, across, depth = map(int, work.weights.shape)
    channels += channels % 2
    weights = channels * _aligned(rows * across * depth)
    return weights + channels * (_BIAS_BYTES + _MULTIPLIER_BYTES) + _aligned(channels)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _complete(graph: Graph) -> Graph:
    """A foreseen graph with ones for its weights, and one scale for everything."""
    if all(t.data is not None for t in graph.tensors if t.constant):
        return graph
    tensors = []
    for tensor in graph.tensors:
        if tensor.constant and tensor.data is None:
            ones = _ones(tensor.shape, tensor.dtype)
            tensor = Tensor(tensor.shape, tensor.dtype, True, tensor.name, ones, _WEIGHT_STEPS)
        elif not tensor.constant:
            tensor = Tensor(tensor.shape, tensor.dtype, False, tensor.name, None, _STEPS)
        tensors.append(tensor)
    return replace(graph, tensors=tuple(tensors), ops=tuple(map(_along_time, graph.ops)))


def _along_time(op: Op) -> Op:
    """A convolution with what the foreseen graph leaves out: it has no height."""
    if op.kind != "CONV_2D":
        return op
    return replace(op, options={**op.options, "padding": 1, "strideH": 1, "dilationHFactor": 1})


@cache
def _ones(shape: tuple[int, ...], dtype: str) -> npt.NDArray[Any]:
    """Ones that take no memory: a view of a single one."""
    return np.broadcast_to(np.ones((), dtype), shape)
