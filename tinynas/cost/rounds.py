"""How often the loops of a compiled model's kernels run: what its cycles depend on.

Counted exactly but for two averages: how often a window's rows are split by the end of the ring they lie in, and which
constants a data cache still holds. The names say kernel and loop; `cycle_figures` has what a round of each costs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from tinynas.deploy.compiler import Access, Binary, Depthwise, Lookup, Matrix, Mean, Schedule, Turns

__all__ = ["Rounds", "count_rounds", "lines_read"]

Rounds = Mapping[str, float]

_GROUP, _ROUND = 4, 4  # inputs of a group; groups of a round of the matrix's inner loop
_SPREAD, _WIDEN = 16, 8  # bytes that become 16-bit integers in one round
_KINDS = 4096  # of matrices that are kept
_SINGLE = {"sub": "difference", "mul": "product"}  # kernels of functions of two values


def count_rounds(schedule: Schedule, number: int, *, dsp: bool) -> Rounds | None:
    """Rounds of the loops of one operator, all its turns together.

    Args:
        schedule: Of the model.
        number: The operator, of `schedule.live.turns`.
        dsp: Whether the core has Arm's DSP instructions, for which kernels are written anew.

    Returns:
        How often each loop runs; None for a kind of operator that is not counted.
    """
    turns = schedule.live.turns[number]
    work = turns.operator.work
    calls = -(-len(turns.rows) // schedule.lanes[number])
    if isinstance(work, Matrix) and work.width == 1:
        return _matrix(schedule, turns, work, calls, dsp)
    if isinstance(work, Depthwise) and work.width == 1:
        return _depthwise(turns, work, dsp)
    if isinstance(work, Binary) and work.function == "add":
        return _sum(turns, dsp)
    if isinstance(work, Mean):
        return _mean(turns, dsp)
    name = _SINGLE.get(work.function) if isinstance(work, Binary) else "lookup" if isinstance(work, Lookup) else None
    return None if name is None else _by_value(name, turns)


def _matrix(schedule: Schedule, turns: Turns, work: Matrix, calls: int, dsp: bool) -> Rounds:
    access, count = turns.operator.inputs[0], len(turns.rows)
    channels, taps, _, depth = work.weights.shape
    columns = 1 if count == 1 else 2 * calls
    padding = _padding(access, turns.rows) * columns / count
    return _products((channels, taps, depth), calls, count == 1, padding, _pieces(schedule, access, taps), dsp)


@lru_cache(_KINDS)
def _products(
    sizes: tuple[int, int, int], calls: int, single: bool, padding: float, pieces: float, dsp: bool
) -> Rounds:
    """Rounds of a matrix: layers of one network, and of networks that a search compares, are often alike in this."""
    channels, taps, depth = sizes
    groups, pairs = -(-taps * depth // _GROUP), -(-channels // 2)
    columns = 1 if single else 2 * calls
    found = _columns(columns, taps, depth, padding, pieces)
    if not dsp:
        found |= {"column": columns, "column: pair": columns * pairs, "column: group": columns * pairs * groups}
    elif single:
        rounds, rest = divmod(groups, _ROUND)
        found |= {"row": 1, "row: pair": pairs, "row: round": pairs * rounds, "row: group": pairs * rest}
    else:
        rounds = -(-groups // _ROUND)
        found |= {"rows": calls, "rows: pair": calls * pairs, "rows: odd pair": calls * (channels % 2)}
        found |= {"rows: round": calls * pairs * rounds, "rows: group": calls * pairs * groups}
    return found


def _columns(columns: int, taps: int, depth: int, padding: float, pieces: float) -> dict[str, float]:
    """Windows that are gathered as columns of 16-bit integers; the rows of each lie in so many pieces."""
    there = columns * taps - padding
    runs = there * pieces / taps
    found = {"gather: tap": columns * taps, "gather: run": runs, "gather: padding": padding * depth}
    length = depth * taps / pieces
    if depth % _GROUP == 0:
        rounds = length // _SPREAD if pieces in (1, taps) else length / _SPREAD
        found |= {"spread": runs * rounds, "spread: group": runs * (length - rounds * _SPREAD) / _GROUP}
    else:
        rounds = length // _WIDEN if pieces in (1, taps) else length / _WIDEN - 0.5
        rest = max(length - rounds * _WIDEN, 0.0)
        found |= {"widen": runs * max(rounds, 0.0), "widen: half": runs * (rest >= _GROUP)}
        found |= {"widen: value": runs * (rest % _GROUP), "widen: filled": columns * (-taps * depth % _GROUP)}
    return found


def _pieces(schedule: Schedule, access: Access, taps: int) -> float:
    """In how many pieces the rows of a window lie, on average."""
    if taps == 1 or access.dilation != 1:
        return float(taps)
    buffer = schedule.place.get(access.value)
    lattice = schedule.live.lattices[access.value]
    if buffer is None or lattice is None or lattice.count <= schedule.buffers[buffer].rows:
        return 1.0
    return 1 + (taps - 1) / schedule.buffers[buffer].rows  # a ring, which begins anywhere


def _padding(access: Access, rows: tuple[int, ...]) -> int:
    """Taps of all turns that read no row."""
    base, stride, last = access.base, access.stride, (access.taps - 1) * access.dilation
    if access.low <= base + rows[0] * stride and base + rows[-1] * stride + last < access.high:
        return 0
    # Rows ascend: padding before the first row ends with the turns that begin before it, and the other begins late.
    begins = bisect_left(rows, access.low, key=lambda row: base + row * stride) if stride > 0 else len(rows)
    ends = bisect_left(rows, access.high - last, begins, key=lambda row: base + row * stride)
    found = 0
    for row in (*rows[:begins], *rows[ends:]):
        first, last = access.ends(row)
        found += access.taps - max((last - first) // access.dilation + 1, 0)
    return found


def _depthwise(turns: Turns, work: Depthwise, dsp: bool) -> Rounds:
    taps, _, channels = map(int, work.weights.shape)
    count, padding = len(turns.rows), _padding(turns.operator.inputs[0], turns.rows)
    groups, rest = divmod(channels, _GROUP) if dsp else (0, channels)
    return {
        "depthwise": count,
        "depthwise: tap": count * taps,
        "depthwise: group": count * groups,
        "depthwise: group's tap": count * groups * taps,
        "depthwise: group's padding": padding * groups,
        "depthwise: value": count * rest,
        "depthwise: value's tap": count * rest * taps,
    }


def _sum(turns: Turns, dsp: bool) -> Rounds:
    groups, rest = divmod(turns.operator.rows.bytes, _GROUP) if dsp else (0, turns.operator.rows.bytes)
    count = len(turns.rows)
    return {"sum": count, "sum: group": count * groups, "sum: value": count * rest}


def _mean(turns: Turns, dsp: bool) -> Rounds:
    """Rows are added up, a group of values at a time; at the end each sum becomes a value."""
    count, size = len(turns.rows), turns.operator.rows.bytes
    groups, rest = divmod(size, _GROUP) if dsp else (0, size)
    return {"mean": count, "mean: group": count * groups, "mean: value": count * rest, "mean: result": size}


def _by_value(name: str, turns: Turns) -> Rounds:
    """Of operators whose kernels take one value after another."""
    return {name: len(turns.rows), f"{name}: value": len(turns.rows) * turns.operator.rows.bytes}


def lines_read(schedule: Schedule, constants: Sequence[int], cache_bytes: int, line_bytes: int) -> float:
    """Lines of constants that are read from the flash in one inference, past a data cache.

    What an operator reads is still there at its next turn if all that was read since then is not more than the cache
    holds.

    Args:
        schedule: Of the model.
        constants: Bytes that each operator reads in a turn.
        cache_bytes: What the cache holds.
        line_bytes: What is read at once.
    """
    if sum(constants) <= cache_bytes:
        return 0.0
    turns = np.bincount(schedule.order, minlength=len(constants)).astype(float)
    sizes = np.asarray(constants, float)
    # Between two turns of one operator another one takes so many, each once at most counted.
    between = np.minimum(1.0, turns[None, :] / np.maximum(turns[:, None], 1.0)) @ sizes
    return float((np.where(between > cache_bytes, turns, 1.0) * sizes).sum() / line_bytes)
