"""When each operator takes its turns, and how many rows each buffer has to hold for that.

The order is found by pulling: the output is asked for, which asks its inputs for the rows that it needs next, and so
on. Rows are made as late as possible, and buffers hold what is still to be read: a convolution its window's reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from tinynas.deploy.compiler.passes.liveness import LiveProgram
from tinynas.deploy.compiler.program.ir import Access
from tinynas.deploy.compiler.program.work import Binary, Lookup, Mean

__all__ = ["LANES", "Buffer", "Schedule", "Segment", "make_schedule", "segments"]

#: Turns that an operator takes at once where rows are single positions: two columns share every load of weights.
LANES = 2
_NEVER = 1 << 60


@dataclass(frozen=True, slots=True)
class Buffer:
    """Memory of one value or several that take turns in it.

    Attributes:
        rows: Rows that it holds; row r lies at place r modulo rows.
        row_bytes: Bytes of a row.
        first, last: Positions in the schedule of the first write and the last use.
    """

    rows: int
    row_bytes: int
    first: int
    last: int

    @property
    def bytes(self) -> int:
        """Bytes of all rows."""
        return self.rows * self.row_bytes


@dataclass(frozen=True)
class Schedule:
    """The order of turns, and the memory it takes.

    Attributes:
        live: The program without its dead rows.
        order: Numbers of operators (of `live.turns`); each entry lets one take its next turns, up to its lanes.
        lanes: Turns that each operator takes at once.
        buffers: Memory in the arena.
        place: Of each value in the arena the number of its buffer.
        sums: Of each operator that keeps sums the number of their buffer.
    """

    live: LiveProgram
    order: tuple[int, ...]
    lanes: tuple[int, ...]
    buffers: tuple[Buffer, ...]
    place: dict[int, int]
    sums: dict[int, int]


def make_schedule(live: LiveProgram) -> Schedule:
    """Find an order of turns and the buffers that it needs."""
    return _Simulation(live).run()


class _Simulation:
    def __init__(self, live: LiveProgram) -> None:
        self.live = live
        self.turns = live.turns
        self.makers = {t.operator.output: i for i, t in enumerate(self.turns)}
        narrow = [t.operator.rows.width == 1 or isinstance(t.operator.work, Binary | Lookup) for t in self.turns]
        self.lanes = tuple(LANES if one else 1 for one in narrow)
        self.done = [0] * len(self.turns)
        self.made = [0] * len(self.turns)  # rows of each output that exist, as the number of the first that does not
        # Of each operator: who makes what it reads, and the highest row that each of its steps needs of that.
        self.feeds: list[list[tuple[int, list[int]]]] = [[] for _ in self.turns]
        self.order: list[int] = []
        # Of each value: (reader, lowest row that each of its turns and all later ones read).
        self.readers: dict[int, list[tuple[int, list[int]]]] = {}
        for i, t in enumerate(self.turns):
            for access in t.operator.inputs:
                reads = () if access.whole else [access.existing(row) for row in t.rows]
                lows = [0] * len(t.rows) if access.whole else [rows[0] if rows else _NEVER for rows in reads]
                lows = list(accumulate(reversed([*lows, _NEVER]), min))[::-1]
                self.readers.setdefault(access.value, []).append((i, lows))
                maker = self.makers.get(access.value)
                if maker is not None:
                    self.feeds[i].append((maker, self._needs(i, access, reads)))
        self.group = self._groups()
        # Of each operator: the buffers that a step reads or writes, each by its leader.
        touched = [{t.operator.output, *(access.value for access in t.operator.inputs)} for t in self.turns]
        self.touches = [{self.group[value] for value in values if value in self.group} for values in touched]
        self.rows = dict.fromkeys(self.group.values(), 0)
        self.span: dict[int, tuple[int, int]] = {}
        # Of each buffer: who reads what lies in it; the first row that has not been made; who is farthest behind.
        self.shared: dict[int, list[tuple[int, list[int]]]] = {leader: [] for leader in self.rows}
        for value, leader in self.group.items():
            self.shared[leader] += self.readers.get(value, [])
        self.end = dict.fromkeys(self.rows, 0)
        self.last: dict[int, tuple[int, int, int]] = {}

    def run(self) -> Schedule:
        """Pull the whole output."""
        last = self.makers[self.live.program.output]
        while self.done[last] < len(self.turns[last].rows):
            self._step(last)
        numbers = {leader: n for n, leader in enumerate(sorted(self.rows))}
        values = self.live.program.values
        buffers = [
            Buffer(self.rows[leader], values[leader].rows.bytes, *self.span[leader]) for leader in sorted(self.rows)
        ]
        place = {value: numbers[leader] for value, leader in self.group.items()}
        sums = {}
        for i, t in enumerate(self.turns):
            if isinstance(t.operator.work, Mean):
                steps = [at for at, op in enumerate(self.order) if op == i]
                sums[i] = len(buffers)
                buffers.append(Buffer(1, 4 * t.operator.work.outer * t.operator.work.inner, steps[0], steps[-1]))
        return Schedule(self.live, tuple(self.order), self.lanes, tuple(buffers), place, sums)

    def _groups(self) -> dict[int, int]:
        """Values in the arena, each with the value whose memory it lies in: elementwise operators work in place."""
        group = {t.operator.output: t.operator.output for t in self.turns}
        del group[self.live.program.output]
        for t in self.turns:
            out = t.operator.output
            if not isinstance(t.operator.work, Binary | Lookup) or out not in group or t.whole:
                continue
            for access in t.operator.inputs:
                maker = self.makers.get(access.value)
                alone = access.value in group and len(self.readers[access.value]) == 1
                straight = (access.base, access.stride, access.whole) == (0, 1, False)
                if maker is not None and alone and straight and self._alike(access.value, out):
                    group[out] = group[access.value]
                    break
        return group

    def _alike(self, a: int, b: int) -> bool:
        values = self.live.program.values
        return values[a].rows.bytes == values[b].rows.bytes and self.live.lattices[a] == self.live.lattices[b]

    def _needs(self, op: int, access: Access, reads: Sequence[range]) -> list[int]:
        """The highest row that each step of an operator needs of a value; -1 where it needs none."""
        lanes, count = self.lanes[op], len(self.turns[op].rows)
        if access.whole:
            lattice = self.live.lattices[access.value]
            assert lattice is not None
            return [lattice.count - 1] * -(-count // lanes)
        highest = [rows[-1] if rows else -1 for rows in reads]
        return [max(highest[first : first + lanes]) for first in range(0, count, lanes)]

    def _step(self, op: int) -> None:
        """Let an operator take its next turns, after all that it reads has been made."""
        lanes = self.lanes[op]
        number = self.done[op] // lanes
        for maker, needs in self.feeds[op]:
            while self.made[maker] <= needs[number]:
                self._step(maker)
        at = len(self.order)
        self.order.append(op)
        for leader in self.touches[op]:
            self.span[leader] = (self.span[leader][0], at) if leader in self.span else (at, at)
        t = self.turns[op]
        done = self.done[op] = min(self.done[op] + lanes, len(t.rows))
        self.made[op] = t.rows[done - 1] + 1 if not t.whole else t.kept if done == len(t.rows) else 0
        leader = self.group.get(t.operator.output, -1)
        if leader >= 0:
            self._grow(leader, self.made[op])
            if t.whole:
                # It is written into from the first turn on.
                self.rows[leader] = max(self.rows[leader], t.kept)

    def _grow(self, leader: int, made: int) -> None:
        """Let a buffer hold what was written to it, up to a certain row, and is still to be read."""
        end = self.end[leader] = max(self.end[leader], made)
        low, reader, done = self.last.get(leader, (0, 0, -1))
        if self.done[reader] != done:  # readers only go forward: else it still is the one farthest behind
            # Of those equally far the latest operator, which in a chain is the last to go on.
            behind = min(((lows[self.done[r]], -r) for r, lows in self.shared[leader]), default=(_NEVER, 0))
            low, reader = behind[0], -behind[1]
            self.last[leader] = low, reader, self.done[reader]
        self.rows[leader] = max(self.rows[leader], min(end - low, end), 1)


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the schedule: operators that take turns in this order, over and over."""

    repeats: int
    body: tuple[int, ...]


def segments(order: Sequence[int]) -> list[Segment]:
    """Write a schedule with its repetitions, short.

    Example:
        >>> segments([0, 1, 2, 1, 2, 1, 2, 1, 2, 3])
        [Segment(repeats=1, body=(0,)), Segment(repeats=4, body=(1, 2)), Segment(repeats=1, body=(3,))]
    """
    found: list[Segment] = []
    single: list[int] = []
    at = 0
    while at < len(order):
        best, gain = None, 0
        for period in range(1, min(64, (len(order) - at) // 2) + 1):
            if order[at + period] != order[at]:
                continue
            body = tuple(order[at : at + period])
            repeats = 1
            while repeats < 255 and tuple(order[at + repeats * period : at + (repeats + 1) * period]) == body:
                repeats += 1
            if (repeats - 1) * period > gain:
                best, gain = Segment(repeats, body), (repeats - 1) * period
        # Two bytes introduce a segment, and those before and after it.
        if best is not None and gain > 4:
            found += _plain(single)
            single = []
            found.append(best)
            at += best.repeats * len(best.body)
        else:
            single.append(order[at])
            at += 1
    return found + _plain(single)


def _plain(order: list[int]) -> list[Segment]:
    return [Segment(1, tuple(order[i : i + 255])) for i in range(0, len(order), 255)]
