"""Dead time step elimination: which rows of every value the output depends on, and how few rows hold them.

The rows of a value that are needed mostly lie a fixed distance apart, as in a dilated network of which only the last
step counts. They are numbered anew, without those between: a dilated convolution of which every fourth row is needed
becomes one of a quarter of the dilation on a quarter of the rows, and its buffers shrink alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from tinynas.deploy.compiler.program.ir import Access, Operator, Program, Value

__all__ = ["Lattice", "LiveProgram", "Turns", "keep_live", "needed_rows"]


@dataclass(frozen=True, slots=True)
class Lattice:
    """Rows start, start + step, ... of a value, `count` of them: those that are kept."""

    start: int
    step: int
    count: int

    def place(self, row: int) -> int:
        """Number of a row among those kept."""
        return (row - self.start) // self.step


class Turns(NamedTuple):
    """What an operator does, in order.

    Attributes:
        operator: The operator, its accesses in numbers of kept rows.
        rows: The row that each turn makes, as its number among those kept; of an operator that reduces, or that makes
            a value as a whole, simply 0, 1, 2, ...
        whole: The output is there when all turns are done, not row by row.
        kept: Rows of the output that are made, and dead rows between them.
    """

    operator: Operator
    rows: tuple[int, ...]
    whole: bool
    kept: int

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of all turns."""
        return self.operator.work.macs_of_row * len(self.rows)

    @property
    def step(self) -> int | None:
        """Distance of rows that begin at 0 and lie evenly; None where they do not, and need a table."""
        rows = self.rows
        if rows[0]:
            return None
        apart = rows[1] if len(rows) > 1 else 1
        return apart if rows == tuple(range(0, len(rows) * apart, apart)) else None


@dataclass(frozen=True)
class LiveProgram:
    """A program without its dead rows.

    Attributes:
        program: The program.
        turns: Of the operators that are needed, in the program's order.
        lattices: Of every value; None where nothing of it is needed. The input is kept in any case.
    """

    program: Program
    turns: tuple[Turns, ...]
    lattices: tuple[Lattice | None, ...]

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of one inference."""
        return sum(turns.macs for turns in self.turns)


def needed_rows(program: Program) -> list[set[int]]:
    """Rows of every value that the output depends on."""
    return [set(rows) for rows in _needed(program)]


def _needed(program: Program) -> list[Sequence[int]]:
    """The same in ascending order; a range wherever rows lie evenly, which is quick to work with."""
    needed: list[Sequence[int]] = [()] * len(program.values)
    needed[program.output] = range(program.values[program.output].rows.count)
    for op in reversed(program.operators):
        wanted = needed[op.output]
        for access in op.inputs:
            if len(needed[access.value]) == program.values[access.value].rows.count:
                continue  # all of it is needed already
            if access.whole and wanted:
                rows: Sequence[int] = range(program.values[access.value].rows.count)
            else:
                rows = _read(access, _turns(op, program.values[op.output], wanted))
            needed[access.value] = _union(needed[access.value], rows)
    return needed


def _read(access: Access, turns: Sequence[int]) -> Sequence[int]:
    """Rows that exist and that an operator reads in certain turns, in ascending order."""
    if not turns:
        return ()
    if isinstance(turns, range) and access.stride > 0:
        first, apart = access.base + turns[0] * access.stride, turns.step * access.stride
        if access.taps == 1:
            start = first + max(-((first - access.low) // apart), 0) * apart
            return range(start, max(min(first + (len(turns) - 1) * apart + 1, access.high), start), apart)
        if access.dilation == 1 and (apart <= access.taps or len(turns) == 1):
            start, last = max(first, access.low), first + (len(turns) - 1) * apart
            return range(start, max(min(last + access.taps, access.high), start))
    found: set[int] = set()
    for turn in turns:
        first, last = access.ends(turn)
        found.update(range(first, last + 1, access.dilation))
    return _in_order(found)


def _union(a: Sequence[int], b: Sequence[int]) -> Sequence[int]:
    """Rows of both, in ascending order."""
    if not a or not b:
        return a or b
    if isinstance(a, range) and isinstance(b, range):
        if a == b:
            return a
        if a.step == 1 and a[0] <= b[0] and b[-1] <= a[-1]:
            return a
        if b.step == 1 and b[0] <= a[0] and a[-1] <= b[-1]:
            return b
        if a.step == b.step == 1 and max(a[0], b[0]) <= min(a[-1], b[-1]) + 1:
            return range(min(a[0], b[0]), max(a[-1], b[-1]) + 1)
    return _in_order({*a, *b})


def _in_order(rows: set[int]) -> Sequence[int]:
    found = sorted(rows)
    if found and found[-1] - found[0] + 1 == len(found):
        return range(found[0], found[-1] + 1)
    return found


def keep_live(program: Program) -> LiveProgram:
    """Leave out the rows of a program that nothing depends on."""
    needed = _needed(program)
    makers = {op.output: op for op in program.operators}
    readers: list[list[tuple[Operator, Access]]] = [[] for _ in program.values]
    for op in program.operators:
        for access in op.inputs:
            readers[access.value].append((op, access))
    lattices = [
        _find_lattice(program, needed, value, makers.get(value), readers[value]) for value in range(len(program.values))
    ]
    turns = []
    for op in program.operators:
        lattice = lattices[op.output]
        if lattice is None:
            continue
        rows = _turns(op, program.values[op.output], needed[op.output])
        at_once = _at_once(op, program.values[op.output])
        own = _every(len(rows)) if at_once else lattice
        inputs = tuple([_renumber(access, own, lattices[access.value]) for access in op.inputs])
        if inputs != op.inputs:
            op = op._replace(inputs=inputs)
        turns.append(Turns(op, _places(own, rows), at_once, lattice.count))
    return LiveProgram(program, tuple(turns), tuple(lattices))


def _places(lattice: Lattice, rows: Sequence[int]) -> tuple[int, ...]:
    """Numbers of rows among those that a lattice keeps."""
    if isinstance(rows, range) and rows:
        first, apart = lattice.place(rows[0]), rows.step // lattice.step if len(rows) > 1 else 1
        return tuple(range(first, first + len(rows) * apart, apart))
    return tuple(lattice.place(row) for row in rows)


def _at_once(op: Operator, value: Value) -> bool:
    """Whether an operator's output is there only when all its turns are done."""
    if op.reduces > 0 or op.rows is value.rows:  # mostly it is the same one
        return op.reduces > 0
    return (op.rows.count, op.rows.bytes) != (value.rows.count, value.rows.bytes)


def _turns(op: Operator, value: Value, needed: Sequence[int]) -> Sequence[int]:
    return range(op.turns) if needed and _at_once(op, value) else needed


def _apart(rows: Sequence[int]) -> int:
    """The largest step on which rows lie; 0 of a single one."""
    if isinstance(rows, range):
        return rows.step if len(rows) > 1 else 0
    return math.gcd(*(row - rows[0] for row in rows))


def _find_lattice(
    program: Program,
    needed: list[Sequence[int]],
    value: int,
    maker: Operator | None,
    readers: Sequence[tuple[Operator, Access]],
) -> Lattice | None:
    rows = needed[value]
    if not rows and value:
        return None
    count = program.values[value].rows.count
    if len(rows) == count:
        return _every(count)
    whole = any(access.whole and needed[op.output] for op, access in readers)
    # The caller's memory, constants, and what is made or read as a whole keep every row.
    fixed = maker is None or value == program.output or whole or _at_once(maker, program.values[value])
    if fixed:
        return _every(count)
    start = rows[0]
    step = _apart(rows)
    if step == 1:  # nothing lies between them
        return Lattice(start, 1, rows[-1] - start + 1)
    for op, access in readers:
        turns = _turns(op, program.values[op.output], needed[op.output])
        if turns:
            # Padding, too, has to lie on the lattice: numbers of rows are whole.
            apart = _apart(turns) * access.stride
            first = access.base + turns[0] * access.stride - start
            step = math.gcd(step, apart, access.dilation if access.taps > 1 else 0, first)
    step = step or 1
    return Lattice(start, step, (rows[-1] - start) // step + 1)


@cache
def _every(count: int) -> Lattice:
    """All rows of a value."""
    return Lattice(0, 1, count)


def _renumber(access: Access, own: Lattice, read: Lattice | None) -> Access:
    """An access in numbers of kept rows, for an operator whose turns are numbered by `own`."""
    if access.whole:
        return access
    if read is None:
        # Nothing but padding is read: of the input, too, there is no row then.
        return access._replace(value=0, low=0, high=0)
    if (own.start, own.step, read.start, read.step) == (0, 1, 0, 1):  # they keep their numbers
        low, high = max(access.low, 0), min(access.high, read.count)
        if (low, high) == (access.low, access.high) and (access.taps > 1 or access.dilation == 1):
            return access
    first = access.base + own.start * access.stride - read.start
    return Access(
        access.value,
        first // read.step,
        access.stride * own.step // read.step,
        access.dilation // read.step if access.taps > 1 else 1,
        access.taps,
        max(-((read.start - access.low) // read.step), 0),
        min((access.high - 1 - read.start) // read.step + 1, read.count),
    )
