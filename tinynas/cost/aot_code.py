"""Code and stack of a compiled model, predicted: what a compiler makes of it at -O2.

Kernels are inlined into their calls and specialised for constants, so each operator has code of its own. Its length
depends on which loops and special cases its sizes leave. The terms name these cases; `code_figures` has their bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from tinynas.cost.code_figures import CODE_BYTES, STACK_BYTES, Code
from tinynas.deploy.compiler import Binary, Depthwise, Lookup, Matrix, Mean, Schedule, Work

__all__ = [
    "code_bytes",
    "depthwise_code_range",
    "dispatch_terms",
    "inlines_operators",
    "matrix_code_range",
    "may_inline",
    "operator_terms",
    "plain_code_range",
    "stack_bytes",
    "stack_terms",
    "sum_code_range",
    "window_bytes",
]

Terms = Mapping[str, int]
Range = tuple[float, float]
"""The least and the most."""

_LANES = 2  # time steps that are computed at once
_INT16, _GROUP, _POINTER = 2, 4, 4
_KINDS = 4096  # of operators whose terms are kept
_PLACES = (2, 3)  # numbers of a buffer's rows: a power of two, and another
_ROUND = 4  # groups of a round of the inner loop
_STATE_BYTES, _TURN_BYTES = 12, 2  # of what one inference carries along, on the stack
# GCC inlines what is called once unless that makes the caller's frame grow tenfold (its large-stack-frame-growth).
_FRAME_GROWTH = 10
# Clang does up to a number of instructions (LLVM's last-call-to-static bonus): this much of their code.
_LAST_CALL_BYTES = {"zig": 11_700, "zig armv6-m": 16_000}


def matrix_code_range(work: Matrix, turns: Iterable[int], code: Code) -> Range:
    """The least and the most code of a matrix, wherever its rows lie.

    Args:
        work: The matrix.
        turns: Numbers of turns that it may take; above 2 all are alike.
        code: Whose code.
    """
    kinds = [_row_terms(work) if n == 1 else _rows_terms(work, n, places) for n in turns for places in _PLACES]
    return _range(kinds, code)


def depthwise_code_range(work: Depthwise, turns: Iterable[int], code: Code) -> Range:
    """The least and the most code of a depthwise convolution; see `matrix_code_range`."""
    return _range([_depthwise_terms(work, n, places) for n in turns for places in _PLACES], code)


def sum_code_range(values: int, turns: Iterable[int], code: Code) -> Range:
    """The least and the most code of a sum of rows of so many values; turns above 4 are like 3 or 4."""
    return _range([_sum_terms(values, n, one_row) for n in turns for one_row in (False, True)], code)


def plain_code_range(kind: str, turns: Iterable[int], code: Code) -> Range:
    """The least and the most code of a product, a difference, a function by table or a mean."""
    return _range([_plain_terms(kind, n) for n in turns], code)


def _range(kinds: Iterable[Terms], code: Code) -> Range:
    found = [_total(CODE_BYTES[code], terms) for terms in kinds]
    return min(found), max(found)


def code_bytes(schedule: Schedule, code: Code) -> int:
    """Code of all operators, with their parameter structures and what lets them take turns.

    Args:
        schedule: Of a model of convolutions, depthwise ones too, fully connected operators, sums, differences,
            products, means and functions by table; another operator is taken for a sum.
        code: Whose code.
    """
    dispatch = dispatch_terms(schedule, inlined=inlines_operators(schedule, code))
    return round(_operators_bytes(schedule, code) + _total(CODE_BYTES[code], dispatch))


def stack_bytes(schedule: Schedule, code: Code) -> int:
    """Peak stack usage: windows, what the compiler spills, calls, protocol and one interrupt frame."""
    terms = stack_terms(schedule, inlined=inlines_operators(schedule, code))
    return window_bytes(schedule) + round(_total(STACK_BYTES[code], terms))


def window_bytes(schedule: Schedule) -> int:
    """Room on the stack for the largest window of two time steps in int16, and for pointers to its rows."""
    groups = pointers = 0
    for turns in schedule.live.turns:
        work = turns.operator.work
        if isinstance(work, Matrix):
            groups, pointers = max(groups, _groups(work)), max(pointers, int(work.weights.shape[1]))
        elif isinstance(work, Depthwise):  # it points at rows, and at positions within them
            rows, across, _ = map(int, work.weights.shape)
            pointers = max(pointers, rows * (1 + across))
    return _LANES * _INT16 * _GROUP * groups + _POINTER * pointers


def inlines_operators(schedule: Schedule, code: Code) -> bool:
    """Whether the function with all operators becomes part of the one that calls it."""
    operators = _operators_bytes(schedule, code) if code.startswith("zig") else 0.0
    window, count = window_bytes(schedule), len(schedule.live.turns)
    [inlined] = may_inline((operators, operators), (window, window), count, code)
    return inlined


def may_inline(operators_bytes: Range, window_bytes: Range, count: int, code: Code) -> set[bool]:
    """Whether the function with all operators may become part of the one that calls it, and whether it may not.

    Args:
        operators_bytes: Code of all operators.
        window_bytes: Room on the stack for windows.
        count: Number of operators.
        code: Whose code.
    """
    if code.startswith("zig"):
        return {size <= _LAST_CALL_BYTES[code] for size in operators_bytes}
    state = _STATE_BYTES + _TURN_BYTES * count
    return {size <= _FRAME_GROWTH * state for size in window_bytes}


def operator_terms(schedule: Schedule, number: int) -> Terms:
    """What the length of an operator's code depends on."""
    turns = schedule.live.turns[number]
    work = turns.operator.work
    if isinstance(work, Depthwise):
        return _depthwise_terms(work, len(turns.rows), _places(schedule, turns.operator.output))
    if not isinstance(work, Matrix):
        first = turns.operator.inputs[0]
        one_row = first.high == first.low + 1
        if isinstance(work, Lookup | Mean) or (isinstance(work, Binary) and work.function != "add"):
            return _plain_terms(_plain_kind(work), len(turns.rows))
        return _sum_terms(turns.operator.rows.bytes, len(turns.rows), one_row)
    if len(turns.rows) == 1:
        return _row_terms(work)
    return _rows_terms(work, len(turns.rows), _places(schedule, turns.operator.output))


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


def _operators_bytes(schedule: Schedule, code: Code) -> float:
    numbers = range(len(schedule.live.turns))
    return sum([_total(CODE_BYTES[code], operator_terms(schedule, number)) for number in numbers])


def _total(figures: Mapping[str, float], terms: Terms) -> float:
    return sum([figures.get(term, 0.0) * count for term, count in terms.items()])


def _rows_terms(work: Matrix, turns: int, places: int) -> Terms:
    """Of a matrix that takes several turns: two columns at a time, by a kernel in assembly that all share."""
    channels, taps, _, depth = work.weights.shape
    return _rows(channels, taps, depth, _groups(work), turns == 2, places & (places - 1) == 0)


@lru_cache(_KINDS)
def _rows(channels: int, taps: int, depth: int, groups: int, two_turns: bool, even_places: bool) -> Terms:
    return _holding(
        {
            "rows": True,
            "rows: one tap": taps == 1,
            "rows: one tap of a round or more": taps == 1 and groups >= _ROUND,
            "rows: whole groups": depth % _GROUP == 0,
            "rows: places of a power of two": even_places,
            "rows: one group": groups == 1,
            "rows: one pair": channels <= 2,
            "rows: two turns": two_turns,
        }
    )


def _row_terms(work: Matrix) -> Terms:
    """Of a matrix that takes one turn: one column, by a kernel that is inlined."""
    channels, taps, _, depth = work.weights.shape
    return _row(channels, taps, depth, _groups(work))


@lru_cache(_KINDS)
def _row(channels: int, taps: int, depth: int, groups: int) -> Terms:
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


def _depthwise_terms(work: Depthwise, turns: int, places: int) -> Terms:
    """Of a depthwise convolution: channels by fours, then what is left of them one by one."""
    rows, across, channels = work.weights.shape
    return _depthwise(rows * across, channels, turns == 1, places & (places - 1) == 0)


@lru_cache(_KINDS)
def _depthwise(taps: int, channels: int, one_turn: bool, even_places: bool) -> Terms:
    return _holding(
        {
            "depthwise": True,
            "depthwise: one tap": taps == 1,
            "depthwise: whole groups": channels % _GROUP == 0,
            "depthwise: less than a group": channels < _GROUP,
            "depthwise: one group": _GROUP <= channels < 2 * _GROUP,
            "depthwise: one turn": one_turn,
            "depthwise: places of a power of two": even_places,
        }
    )


@lru_cache(_KINDS)
def _sum_terms(values: int, turns: int, reads_one_row: bool) -> Terms:
    return _holding(
        {
            "sum": True,
            "sum: up to 3 values": values <= 3,
            "sum: 4 to 7 values": 4 <= values <= 7,
            "sum: whole words": values % 4 == 0,
            "sum: words and one value": values % 4 == 1,
            "sum: odd turns": turns % _LANES == 1,
            "sum: two turns": turns == 2,
            "sum: reads one row": reads_one_row,
        }
    )


def _plain_kind(work: Work) -> str:
    if isinstance(work, Binary):
        return "difference" if work.function == "sub" else "product"
    return "lookup" if isinstance(work, Lookup) else "mean"


@lru_cache(_KINDS)
def _plain_terms(kind: str, turns: int) -> Terms:
    """Of an operator whose inner loop is the same whatever the number of values."""
    return _holding({kind: True, f"{kind}: one turn": turns == 1})


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
