"""Code and stack of a compiled model, predicted: what a compiler makes of it at -O2 for a Cortex-M4.

Kernels are inlined into their calls and specialised for constants, so each operator has code of its own. Its length
depends on which loops and special cases its sizes leave. The terms name these cases. Their figures are least squares
over the code of random networks' operators (`benchmarks/aot_code.py` finds them again): GCC 12.2, and Clang out of
ziglang 0.17. Another release's code differs a little.
"""

from __future__ import annotations

from collections.abc import Mapping

from tinynas.cost.engine import Compiler
from tinynas.deploy.compiler.passes.liveness import Turns
from tinynas.deploy.compiler.plan.schedule import Schedule
from tinynas.deploy.compiler.program.work import Matrix

__all__ = [
    "CODE_BYTES",
    "STACK_BYTES",
    "code_bytes",
    "dispatch_terms",
    "inlines_operators",
    "operator_terms",
    "stack_bytes",
    "stack_terms",
    "window_bytes",
]

Terms = Mapping[str, int]

#: Bytes that each of `operator_terms` and `dispatch_terms` adds, by compiler; a term without a figure adds none.
CODE_BYTES: Mapping[Compiler, Mapping[str, float]] = {
    "gcc": {
        "rows": 624.8,
        "rows: one tap": -262.1,
        "rows: whole groups": -45.6,
        "rows: places of a power of two": -24.2,
        "row": 555.3,
        "row: several taps": 182.7,
        "row: whole groups": -28.1,
        "row: whole rounds": -68.2,
        "row: rounds and one group": -38.4,
        "row: less than a round": -227.3,
        "row: one pair": -103.6,
        "sum": 469.3,
        "sum: up to 3 values": -278.7,
        "sum: 4 to 7 values": -48.5,
        "sum: whole words": -98.5,
        "sum: words and one value": -31.4,
        "sum: odd turns": -23.0,
        "sum: reads one row": -47.8,
        "dispatch": 29.8,
        "dispatch: inlined": 83.0,
        "dispatch: operator": 3.0,
        "dispatch: operator, inlined": 2.1,
    },
    "zig": {
        "rows": 555.8,
        "rows: one tap": -229.3,
        "rows: whole groups": -79.6,
        "rows: places of a power of two": -35.5,
        "rows: one group": -145.1,
        "rows: one pair": -28.4,
        "rows: two turns": -30.5,
        "row": 438.4,
        "row: several taps": 156.0,
        "row: whole groups": 1.6,
        "row: whole rounds": -93.2,
        "row: rounds and one group": -25.3,
        "row: less than a round": -208.7,
        "row: one pair": -12.6,
        "sum": 498.9,
        "sum: up to 3 values": -293.0,
        "sum: 4 to 7 values": -37.6,
        "sum: whole words": -115.4,
        "sum: words and one value": -46.0,
        "sum: odd turns": -42.3,
        "sum: two turns": -33.6,
        "sum: reads one row": -35.2,
        "dispatch": -114.0,
        "dispatch: inlined": 218.8,
        "dispatch: operator": 19.8,
        "dispatch: operator, inlined": 24.4,
    },
}
#: Bytes that each of `stack_terms` adds to the room for windows, by compiler.
STACK_BYTES: Mapping[Compiler, Mapping[str, float]] = {
    "gcc": {
        "calls": 475.0,
        "inlined": -26.5,
        "operator": 2.3,
        "operator, inlined": 2.1,
    },
    "zig": {
        "calls": 480.3,
        "inlined": -83.7,
        "operator": 0.3,
        "operator, inlined": 10.4,
    },
}
_LANES = 2  # time steps that are computed at once
_INT16, _GROUP, _POINTER = 2, 4, 4
_ROUND = 4  # groups of a round of the inner loop
_STATE_BYTES, _TURN_BYTES = 12, 2  # of what one inference carries along, on the stack
# GCC inlines what is called once unless that makes the caller's frame grow tenfold (its large-stack-frame-growth).
_FRAME_GROWTH = 10
# Clang does up to a number of instructions (LLVM's last-call-to-static bonus): this much of their code.
_LAST_CALL_BYTES = 11_700


def code_bytes(schedule: Schedule, compiler: Compiler) -> int:
    """Code of all operators, with their parameter structures and what lets them take turns.

    Args:
        schedule: Of a model of convolutions, fully connected operators and sums; another operator is taken for a sum.
        compiler: Whose code.
    """
    dispatch = dispatch_terms(schedule, inlined=inlines_operators(schedule, compiler))
    return round(_operators_bytes(schedule, compiler) + _total(CODE_BYTES[compiler], dispatch))


def stack_bytes(schedule: Schedule, compiler: Compiler) -> int:
    """Peak stack usage: windows, what the compiler spills, calls, protocol and one interrupt frame."""
    terms = stack_terms(schedule, inlined=inlines_operators(schedule, compiler))
    return window_bytes(schedule) + round(_total(STACK_BYTES[compiler], terms))


def window_bytes(schedule: Schedule) -> int:
    """Room on the stack for the largest window of two time steps in int16, and for pointers to its rows."""
    works = [turns.operator.work for turns in schedule.live.turns]
    groups = max((_groups(work) for work in works if isinstance(work, Matrix)), default=0)
    taps = max((work.weights.shape[1] for work in works if isinstance(work, Matrix)), default=0)
    return _LANES * _INT16 * _GROUP * groups + _POINTER * int(taps)


def inlines_operators(schedule: Schedule, compiler: Compiler) -> bool:
    """Whether the function with all operators becomes part of the one that calls it."""
    if compiler == "zig":
        return _operators_bytes(schedule, compiler) <= _LAST_CALL_BYTES
    state = _STATE_BYTES + _TURN_BYTES * len(schedule.live.turns)
    return window_bytes(schedule) <= _FRAME_GROWTH * state


def operator_terms(schedule: Schedule, number: int) -> Terms:
    """What the length of an operator's code depends on."""
    turns = schedule.live.turns[number]
    work = turns.operator.work
    if not isinstance(work, Matrix):
        return _sum_terms(turns)
    return (
        _row_terms(work) if len(turns.rows) == 1 else _rows_terms(turns, work, _places(schedule, turns.operator.output))
    )


def dispatch_terms(schedule: Schedule, *, inlined: bool) -> Terms:
    """What the code between the operators depends on."""
    count = len(schedule.live.turns)
    return {
        "dispatch": 1,
        "dispatch: inlined": int(inlined),
        "dispatch: operator": count,
        "dispatch: operator, inlined": inlined * count,
    }


def stack_terms(schedule: Schedule, *, inlined: bool) -> Terms:
    """What the stack's depth depends on beside the windows."""
    count = len(schedule.live.turns)
    return {"calls": 1, "inlined": int(inlined), "operator": count, "operator, inlined": inlined * count}


def _operators_bytes(schedule: Schedule, compiler: Compiler) -> float:
    numbers = range(len(schedule.live.turns))
    return sum(_total(CODE_BYTES[compiler], operator_terms(schedule, number)) for number in numbers)


def _total(figures: Mapping[str, float], terms: Terms) -> float:
    return sum(figures.get(term, 0.0) * count for term, count in terms.items())


def _rows_terms(turns: Turns, work: Matrix, places: int) -> Terms:
    """Of a matrix that takes several turns: two columns at a time, by a kernel in assembly that all share."""
    channels, taps, _, depth = map(int, work.weights.shape)
    return _holding(
        {
            "rows": True,
            "rows: one tap": taps == 1,
            "rows: whole groups": depth % _GROUP == 0,
            "rows: places of a power of two": places & (places - 1) == 0,
            "rows: one group": _groups(work) == 1,
            "rows: one pair": channels <= 2,
            "rows: two turns": len(turns.rows) == 2,
        }
    )


def _row_terms(work: Matrix) -> Terms:
    """Of a matrix that takes one turn: one column, by a kernel that is inlined."""
    channels, taps, _, depth = map(int, work.weights.shape)
    groups = _groups(work)
    return _holding(
        {
            "row": True,
            "row: several taps": taps > 1,
            "row: whole groups": depth % _GROUP == 0,
            "row: whole rounds": groups % _ROUND == 0,
            "row: rounds and one group": groups % _ROUND == 1,
            "row: less than a round": groups < _ROUND,
            "row: one pair": channels <= 2,
        }
    )


def _sum_terms(turns: Turns) -> Terms:
    values, first = turns.operator.rows.bytes, turns.operator.inputs[0]
    return _holding(
        {
            "sum": True,
            "sum: up to 3 values": values <= 3,
            "sum: 4 to 7 values": 4 <= values <= 7,
            "sum: whole words": values % 4 == 0,
            "sum: words and one value": values % 4 == 1,
            "sum: odd turns": len(turns.rows) % _LANES == 1,
            "sum: two turns": len(turns.rows) == 2,
            "sum: reads one row": first.high == first.low + 1,
        }
    )


def _holding(terms: Mapping[str, bool]) -> Terms:
    return {term: 1 for term, holds in terms.items() if holds}


def _places(schedule: Schedule, value: int) -> int:
    """Rows that a value's memory holds."""
    number = schedule.place.get(value)
    if number is not None:
        return schedule.buffers[number].rows
    lattice = schedule.live.lattices[value]
    return 1 if lattice is None else lattice.count


def _groups(work: Matrix) -> int:
    _, rows, across, depth = work.weights.shape
    return int(-(-rows * across * depth // _GROUP))
