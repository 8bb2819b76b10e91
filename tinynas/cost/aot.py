"""The resource model of the engine "aot": what a board will report of a compiled model, without compiling it.

Exact: the arena, by the compiler's own schedule and layout; static RAM; weights, channel parameters and the schedule,
by their packing. Code and stack are what the compiler makes of it (`aot_code`; `benchmarks/proxy.py` has the errors).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tinynas.cost.aot_code import code_bytes, stack_bytes
from tinynas.cost.aot_program import ones
from tinynas.cost.cycle_figures import Timing, kernel_of
from tinynas.cost.engine import Engine
from tinynas.cost.rounds import count_rounds, lines_read
from tinynas.deploy import Graph, Op, Quantization, Tensor
from tinynas.deploy.compiler import (
    ALIGNMENT,
    Depthwise,
    Lookup,
    Matrix,
    Program,
    Schedule,
    keep_live,
    lay_out,
    lower,
    make_schedule,
    segments,
)

__all__ = [
    *("Costs", "aot_costs", "constants_bytes", "count_cycles", "cycles_of_loops", "lower_predicted", "packed_bytes"),
    "read_bytes",
]

# One scale for all weights and one for all activations: they do not change what a model costs.
_WEIGHT_STEPS, _STEPS = Quantization((1 / 128,), (0,)), Quantization((1 / 64,), (0,))
_RESULT_BYTES = 4  # of each output, as a real number
_BIAS_BYTES = _MULTIPLIER_BYTES = 4
_ROW_BYTES = 2  # of the number of a row, where rows do not lie evenly


@dataclass(frozen=True)
class Costs:
    """The figures of a `Measurement` that the engine decides; time and energy are None where they are not known."""

    sram_bytes: int
    flash_bytes: int
    arena_bytes: int
    macs: int
    stack_bytes: int | None = None
    cycles: int | None = None
    latency_us: float | None = None
    energy_uj: float | None = None


def lower_predicted(graph: Graph) -> Program:
    """The program of a graph; constants without values are taken as ones.

    Raises:
        UnsupportedOp, ConversionError: The model is not compiled.
    """
    return lower(_complete(graph))[0]


def aot_costs(program: Program, engine: Engine) -> Costs:
    """Cost a program, a model's or a predicted one.

    Args:
        program: The compiler's form of an int8 model.
        engine: "aot", with the compiler and the firmware's share.

    Returns:
        SRAM with the most that the stack holds, and flash of the whole image.
    """
    live = keep_live(program)
    schedule = make_schedule(live)
    arena = lay_out(schedule.buffers).reserved
    sizes = [program.values[value].rows for value in (0, program.output)]
    given, made = (rows.count * rows.bytes for rows in sizes)
    static = engine.static_bytes + arena + _aligned(given) + _aligned(made) + _RESULT_BYTES * made
    flash = engine.code_bytes + constants_bytes(schedule) + code_bytes(schedule, engine.code)
    stack = stack_bytes(schedule, engine.code)
    cycles = None if engine.timing is None else count_cycles(schedule, engine.timing)
    return Costs(static + stack, flash, arena, live.macs, stack, cycles, *time_and_energy(cycles, engine))


def count_cycles(schedule: Schedule, timing: Timing) -> int | None:
    """Cycles of one inference; None where an operator is of a kind that is not counted, or has no figures."""
    found = cycles_of_loops(schedule, timing)
    if found is None:
        return None
    total = timing.cycles.get("inference", 0.0) + timing.cycles.get("dispatch", 0.0) * len(schedule.order)
    for cycles in found:
        total += cycles
    if timing.line_cycles:
        total += timing.line_cycles * lines_read(schedule, read_bytes(schedule), timing.cache_bytes, timing.line_bytes)
    return round(total)


def cycles_of_loops(schedule: Schedule, timing: Timing) -> list[float] | None:
    """Cycles that each operator's loops take in one inference; None as of `count_cycles`."""
    found = []
    for number in range(len(schedule.live.turns)):
        rounds = count_rounds(schedule, number, dsp=timing.dsp)
        if rounds is None or kernel_of(next(iter(rounds))) not in timing.kernels:
            return None
        found.append(sum([timing.cycles.get(name, 0.0) * count for name, count in rounds.items()]))
    return found


def read_bytes(schedule: Schedule) -> list[int]:
    """Constants that each operator reads in a turn."""
    works = [turns.operator.work for turns in schedule.live.turns]
    return [packed_bytes(work) if isinstance(work, Matrix | Depthwise) else 0 for work in works]


def time_and_energy(cycles: int | None, engine: Engine) -> tuple[float | None, float | None]:
    """Microseconds and microjoules of so many cycles, by the board's clock and power; None for what is not known."""
    if cycles is None or engine.board is None:
        return None, None
    latency_us = 1e6 * cycles / engine.board.clock_hz
    power = engine.board.power
    return round(latency_us, 3), None if power is None else power.energy_uj(latency_us)


def constants_bytes(schedule: Schedule) -> int:
    """Weights, channel parameters, tables of functions and the schedule, each array in whole words."""
    entries = sum(2 + len(segment.body) for segment in segments(schedule.order)) + 1
    tables = {turns.rows for turns in schedule.live.turns if turns.step is None}  # GCC keeps one of equal ones
    rows = sum(_aligned(_ROW_BYTES * len(table)) for table in tables)
    works = [turns.operator.work for turns in schedule.live.turns]
    tables_bytes = sum(work.table.size for work in works if isinstance(work, Lookup))
    weights = sum(packed_bytes(work) for work in works if isinstance(work, Matrix | Depthwise))
    return _aligned(entries) + rows + tables_bytes + weights


def packed_bytes(work: Matrix | Depthwise) -> int:
    """Bytes of one operator's weights; a matrix has an even number of channels, each of whole words."""
    if isinstance(work, Depthwise):
        channels = int(work.weights.shape[2])
        return _aligned(work.weights.size) + channels * (_BIAS_BYTES + _MULTIPLIER_BYTES) + _aligned(channels)
    channels, rows, across, depth = map(int, work.weights.shape)
    channels += channels % 2
    weights = channels * _aligned(rows * across * depth)
    return weights + channels * (_BIAS_BYTES + _MULTIPLIER_BYTES) + _aligned(channels)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _complete(graph: Graph) -> Graph:
    """A predicted graph with ones for its weights, and one scale for everything."""
    if all(t.data is not None for t in graph.tensors if t.constant):
        return graph
    tensors = []
    for tensor in graph.tensors:
        if tensor.constant and tensor.data is None:
            data = ones(tensor.shape, tensor.dtype)
            tensor = Tensor(tensor.shape, tensor.dtype, True, tensor.name, data, _WEIGHT_STEPS)
        elif not tensor.constant:
            tensor = Tensor(tensor.shape, tensor.dtype, False, tensor.name, None, _STEPS)
        tensors.append(tensor)
    return replace(graph, tensors=tuple(tensors), ops=tuple(map(_along_time, graph.ops)))


def _along_time(op: Op) -> Op:
    """A convolution with what the predicted graph leaves out: it has no height."""
    if op.kind not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        return op
    return replace(op, options={**op.options, "padding": 1, "strideH": 1, "dilationHFactor": 1})
