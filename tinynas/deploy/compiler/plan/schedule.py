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
_PERIODS = 64  # operators in the body of a segment, at most


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
        self.done = [0] * len(self.turns)  # steps
        self.made = [0] * len(self.turns)  # rows of each output that exist, as the number of the first that does not
        # Of each operator: who makes what it reads, and the highest row that each of its steps needs of that.
        self.feeds: list[list[tuple[int, Sequence[int]]]] = [[] for _ in self.turns]
        self.order: list[int] = []
        # Of each value: (reader, lowest row that each of its steps and all later ones read).
        self.readers: dict[int, list[tuple[int, Sequence[int]]]] = {}
        for i, t in enumerate(self.turns):
            for access in t.operator.inputs:
                lows, needs = self._reads(i, access)
                self.readers.setdefault(access.value, []).append((i, lows))
                maker = self.makers.get(access.value)
                if maker is not None:
                    self.feeds[i].append((maker, needs))
        self.group = self._groups()
        self.rows = dict.fromkeys(self.group.values(), 1)
        # Of each buffer: who reads what lies in it; the first row that has not been made.
        self.shared: dict[int, list[tuple[int, Sequence[int]]]] = {leader: [] for leader in self.rows}
        for value, leader in self.group.items():
            self.shared[leader] += self.readers.get(value, [])
        self.end = dict.fromkeys(self.rows, 0)
        self.leaders = [self.group.get(t.operator.output, -1) for t in self.turns]

    def run(self) -> Schedule:
        """Pull the whole output."""
        self._pull()
        first_at: dict[int, int] = {}
        last_at: dict[int, int] = {}
        for at, op in enumerate(self.order):
            first_at.setdefault(op, at)
            last_at[op] = at
        span: dict[int, tuple[int, int]] = {}
        for op, at in first_at.items():
            t = self.turns[op]
            for value in (t.operator.output, *(access.value for access in t.operator.inputs)):
                if (leader := self.group.get(value)) is not None:
                    begun, ended = span.get(leader, (at, 0))
                    span[leader] = min(begun, at), max(ended, last_at[op])
        numbers = {leader: n for n, leader in enumerate(sorted(self.rows))}
        values = self.live.program.values
        buffers = [Buffer(self.rows[leader], values[leader].rows.bytes, *span[leader]) for leader in sorted(self.rows)]
        place = {value: numbers[leader] for value, leader in self.group.items()}
        sums = {}
        for i, t in enumerate(self.turns):
            if isinstance(t.operator.work, Mean):
                sums[i] = len(buffers)
                size = 4 * t.operator.work.outer * t.operator.work.inner
                buffers.append(Buffer(1, size, first_at[i], last_at[i]))
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

    def _reads(self, op: int, access: Access) -> tuple[Sequence[int], Sequence[int]]:
        """Of each step the lowest row that it and all later ones read, and the highest that it reads; -1: none."""
        rows, lanes = self.turns[op].rows, self.lanes[op]
        steps = -(-len(rows) // lanes)
        if access.whole:
            lattice = self.live.lattices[access.value]
            count = 0 if lattice is None else lattice.count
            return [0] * steps + [_NEVER], [count - 1] * steps
        base, stride, low, high = access.base, access.stride, access.low, access.high
        if access.dilation == 1 and stride > 0 and self._meets_rows(access, rows):
            # Rows ascend from turn to turn: the lowest and highest are those of the first and the last turn.
            reach, highest = base + access.taps - 1, high - 1
            lows = [first if (first := base + row * stride) > low else low for row in rows[::lanes]]
            needs = [end if (end := reach + row * stride) < highest else highest for row in rows[lanes - 1 :: lanes]]
            if len(needs) < steps:
                needs.append(min(reach + rows[-1] * stride, highest))
            lows.append(_NEVER)
            return lows, needs
        ends = [access.ends(row) for row in rows]
        firsts = [first if first <= last else _NEVER for first, last in ends]
        tops = [last if first <= last else -1 for first, last in ends]
        lowest = list(accumulate(reversed([*firsts, _NEVER]), min))[::-1]
        return [*lowest[:-1:lanes], _NEVER], [max(tops[at : at + lanes]) for at in range(0, len(rows), lanes)]

    @staticmethod
    def _meets_rows(access: Access, rows: Sequence[int]) -> bool:
        """Whether every turn reads some row that is there, for turns in ascending order."""
        first, last = access.base + rows[0] * access.stride, access.base + rows[-1] * access.stride
        return first + access.taps > access.low and last < access.high and access.low < access.high

    def _ends(self, op: int) -> list[int]:
        """The first row that is not there after each of an operator's steps."""
        turns, lanes = self.turns[op], self.lanes[op]
        if turns.whole:  # the output is there when all turns are done
            return [0] * (-(-len(turns.rows) // lanes) - 1) + [turns.kept]
        ends = [row + 1 for row in turns.rows[lanes - 1 :: lanes]]
        if len(turns.rows) % lanes:
            ends.append(turns.rows[-1] + 1)
        return ends

    def _pull(self) -> None:
        """Let operators take their turns until the output is there, each after all that it reads has been made."""
        # A search asks for thousands of schedules. Local names are quick.
        done, made, order = self.done, self.made, self.order.append
        written, held = self.end, self.rows
        # Of each operator: what it reads, rows that are there after each step, where it writes, who waits for that, and
        # the rows of what it makes as a whole.
        facts = [
            (feeds, self._ends(op), leader, self.shared.get(leader, ()), self.turns[op].kept * self.turns[op].whole)
            for op, (feeds, leader) in enumerate(zip(self.feeds, self.leaders, strict=True))
        ]

        def step(op: int) -> None:
            fed, ends, leader, waiting, kept = facts[op]
            number = done[op]
            for maker, needs in fed:
                need = needs[number]
                while made[maker] <= need:
                    step(maker)  # noqa: F821 (it is deleted below, when all turns are taken)
            order(op)
            done[op] = number + 1
            made[op] = end = ends[number]
            if leader < 0:
                return
            # The buffer holds what was written to it and is still to be read.
            if end > written[leader]:
                written[leader] = end
            else:
                end = written[leader]
            low = _NEVER
            for reader, lows in waiting:
                waits = lows[done[reader]]
                if waits < low:
                    low = waits
            room = end - low if low > 0 else end
            if room < kept:  # what is made as a whole is written into from the first turn on
                room = kept
            if room > held[leader]:
                held[leader] = room

        last = self.makers[self.live.program.output]
        for _ in facts[last][1]:
            step(last)
        del step  # it refers to itself: all that it knows would wait for the garbage collector


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
    at, order = 0, tuple(order)
    while at < len(order):
        best, gain = None, 0
        head = order[at]
        again, end = at, at + min(_PERIODS, (len(order) - at) // 2) + 1
        while True:
            try:
                again = order.index(head, again + 1, end)
            except ValueError:
                break
            period = again - at
            body = order[at:again]
            if order[again : again + period] != body:
                continue
            repeats = 2
            while repeats < 255 and order[at + repeats * period : at + (repeats + 1) * period] == body:
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
            single.append(head)
            at += 1
    return found + _plain(single)


def _plain(order: list[int]) -> list[Segment]:
    return [Segment(1, tuple(order[i : i + 255])) for i in range(0, len(order), 255)]
