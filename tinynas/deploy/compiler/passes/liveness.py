"""Dead time step elimination: which rows of every value the output depends on, and how few rows hold them.

The rows of a value that are needed mostly lie a fixed distance apart, as in a dilated network of which only the last
step counts. They are numbered anew, without those between: a dilated convolution of which every fourth row is needed
becomes one of a quarter of the dilation on a quarter of the rows, and its buffers shrink alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

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


@dataclass(frozen=True, slots=True)
class Turns:
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
        apart = self.rows[1] if len(self.rows) > 1 else 1
        return apart if all(row == i * apart for i, row in enumerate(self.rows)) else None


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
    needed: list[set[int]] = [set() for _ in program.values]
    needed[program.output] = set(range(program.values[program.output].rows.count))
    for op in reversed(program.operators):
        for access in op.inputs:
            rows = needed[access.value]
            if access.whole and needed[op.output]:
                rows.update(range(program.values[access.value].rows.count))
            else:
                for turn in _turns(op, program.values[op.output], needed[op.output]):
                    rows.update(access.existing(turn))
    return needed


def keep_live(program: Program) -> LiveProgram:
    """Leave out the rows of a program that nothing depends on."""
    needed = needed_rows(program)
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
        own = Lattice(0, 1, len(rows)) if _at_once(op, program.values[op.output]) else lattice
        inputs = tuple(_renumber(access, own, lattices[access.value]) for access in op.inputs)
        places = tuple(own.place(row) for row in rows)
        turns.append(Turns(replace(op, inputs=inputs), places, own is not lattice, lattice.count))
    return LiveProgram(program, tuple(turns), tuple(lattices))


def _at_once(op: Operator, value: Value) -> bool:
    """Whether an operator's output is there only when all its turns are done."""
    return op.reduces > 0 or (op.rows.count, op.rows.bytes) != (value.rows.count, value.rows.bytes)


def _turns(op: Operator, value: Value, needed: set[int]) -> Sequence[int]:
    if not needed:
        return ()
    return range(op.turns) if _at_once(op, value) else sorted(needed)


def _find_lattice(
    program: Program,
    needed: list[set[int]],
    value: int,
    maker: Operator | None,
    readers: Sequence[tuple[Operator, Access]],
) -> Lattice | None:
    rows = sorted(needed[value])
    if not rows and value:
        return None
    count = program.values[value].rows.count
    whole = any(access.whole and needed[op.output] for op, access in readers)
    # The caller's memory, constants, and what is made or read as a whole keep every row.
    fixed = maker is None or value == program.output or whole or _at_once(maker, program.values[value])
    if fixed:
        return Lattice(0, 1, count)
    start = rows[0]
    step = math.gcd(*(row - start for row in rows))
    for op, access in readers:
        turns = _turns(op, program.values[op.output], needed[op.output])
        if turns:
            # Padding, too, has to lie on the lattice: numbers of rows are whole.
            apart = math.gcd(*(turn - turns[0] for turn in turns)) * access.stride
            first = access.base + turns[0] * access.stride - start
            step = math.gcd(step, apart, access.dilation if access.taps > 1 else 0, first)
    step = step or 1
    return Lattice(start, step, (rows[-1] - start) // step + 1)


def _renumber(access: Access, own: Lattice, read: Lattice | None) -> Access:
    """An access in numbers of kept rows, for an operator whose turns are numbered by `own`."""
    if access.whole:
        return access
    if read is None:
        # Nothing but padding is read: of the input, too, there is no row then.
        return replace(access, value=0, low=0, high=0)
    first = access.base + own.start * access.stride - read.start
    return replace(
        access,
        base=first // read.step,
        stride=access.stride * own.step // read.step,
        dilation=access.dilation // read.step if access.taps > 1 else 1,
        low=max(-((read.start - access.low) // read.step), 0),
        high=min((access.high - 1 - read.start) // read.step + 1, read.count),
    )
