"""The streaming form of a causal network: buffers live on from sample to sample, and only what is new is computed.

A window form computes every row that its output depends on. Where windows follow each other `stride` samples apart,
most of these rows have been computed before: the row of one window that lies a certain time back from its end is a row
of the next window that lies `stride` further back. Rows are therefore named by time: that of the latest sample that
they depend on. A value that an output needs at the lags L, in samples, is computed at the times -l modulo stride, and
its buffer reaches as far back as somebody still reads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tinynas.deploy.compiler.passes.liveness import Lattice, LiveProgram, Turns, needed_rows
from tinynas.deploy.compiler.plan.schedule import Buffer, Schedule
from tinynas.deploy.compiler.program.ir import Access, Operator, Program
from tinynas.deploy.compiler.program.work import Binary, Lookup, Mean
from tinynas.errors import UnsupportedOp

__all__ = ["Stream", "make_stream"]

#: Rows always exist for an operator that is run when the field is filled.
_EVER = 1 << 30
#: Times count modulo a number below this.
_TIMES = 1 << 30


@dataclass(frozen=True)
class Stream:
    """A program that takes one sample after another.

    Attributes:
        schedule: Operators and buffers; every value has a buffer of its own but the output.
        stride: Samples from one output to the next.
        phases: Operators that run with each sample, by its time modulo stride.
        stored: Phases in which the sample itself is kept.
        times: Of each operator the time of its row 0 and the samples from row to row.
        start: Time of the first sample.
        period: Times count modulo this.
        field: Samples that one output depends on, from the first to the last.
        macs: Multiply-accumulate operations from one output to the next.
    """

    schedule: Schedule
    stride: int
    phases: tuple[tuple[int, ...], ...]
    stored: tuple[int, ...]
    times: tuple[tuple[int, int], ...]
    start: int
    period: int
    field: int
    macs: int


def make_stream(program: Program, stride: int) -> Stream:
    """Turn a window form into a streaming form.

    Args:
        program: The window form.
        stride: Samples from one output to the next, at least 1.

    Raises:
        UnsupportedOp: The network is not causal with a receptive field within its window: it averages over time, its
            output does not end with the window, or padding reaches its output.
    """
    return _Streaming(program, stride).result()


class _Streaming:
    def __init__(self, program: Program, stride: int) -> None:
        self.program, self.stride = program, stride
        needed = needed_rows(program)
        self.operators = [op for op in program.operators if needed[op.output]]
        self.needed = needed
        # A value's row r is of the time clock[0] + clock[1] r.
        self.clock: dict[int, tuple[int, int]] = {0: (0, 1)}
        for op in self.operators:
            self._tick(op)
        end = program.values[0].rows.count - 1
        last = self.clock[program.output][0]
        if last != end or program.values[program.output].rows.count != 1:
            raise self._refuse(self.operators[-1], "the output is not that of the window's last sample")
        self.lags = {
            value: {last - start - apart * row for row in needed[value]} for value, (start, apart) in self.clock.items()
        }
        self.lattice = {value: self._lattice(lags) for value, lags in self.lags.items() if lags}

    def result(self) -> Stream:
        """Everything that the streaming form consists of."""
        rows = dict.fromkeys(self.lattice, 1)
        for op in self.operators:
            for access in self._moving(op):
                oldest = max(self._behind(op, access, tap) for tap in range(access.taps))
                apart = self.lattice[access.value][1]
                rows[access.value] = max(rows[access.value], oldest // apart + 1)
        group = self._groups(rows)
        period = math.lcm(self.stride, *(self.lattice[v][1] * n for v, n in rows.items()))
        if period > _TIMES:
            # Powers of two have short common multiples.
            rows = {value: 1 << (n - 1).bit_length() for value, n in rows.items()}
            period = math.lcm(self.stride, *(self.lattice[v][1] * n for v, n in rows.items()))
        schedule = self._schedule(rows, group)
        phases = tuple(
            tuple(i for i, op in enumerate(self.operators) if phase in self._phases(op.output))
            for phase in range(self.stride)
        )
        end = self.program.values[0].rows.count - 1
        return Stream(
            schedule, self.stride, phases, tuple(sorted(self._phases(0))),
            tuple(self.lattice[op.output] for op in self.operators), -end % period, period,
            max(self.lags[0], default=0) + 1,
            sum(op.work.macs_of_row * len(self._phases(op.output)) for op in self.operators),
        )  # fmt: skip

    def _refuse(self, op: Operator, why: str) -> UnsupportedOp:
        return UnsupportedOp(
            f"operator {op.source} ({op.kind}): no streaming form, for {why}", advice="compile the window form"
        )

    def _moving(self, op: Operator) -> list[Access]:
        """Accesses to values that change with time."""
        return [access for access in op.inputs if self.program.values[access.value].data is None]

    def _tick(self, op: Operator) -> None:
        """Find out when an operator's rows are made, and whether they depend on nothing but the samples before."""
        made = self.program.values[op.output]
        turns = sorted(self.needed[op.output])
        if op.reduces or (op.rows.count, op.rows.bytes) != (made.rows.count, made.rows.bytes):
            raise self._refuse(op, "it needs the whole window at once")
        clocks = []
        for access in op.inputs:
            if self.program.values[access.value].data is not None:
                if access.stride and len(turns) > 1:
                    raise self._refuse(op, "its constant changes along the window")
                continue
            if access.whole or (access.stride == 0 and len(turns) > 1):
                raise self._refuse(op, "it needs the whole window at once")
            if any(len(access.existing(turn)) < access.taps for turn in turns):
                raise self._refuse(op, "padding reaches the output: the receptive field does not fit the window")
            start, apart = self.clock[access.value]
            newest = start + apart * (access.base + (access.taps - 1) * access.dilation)
            clocks.append((newest, apart * access.stride))
        if not clocks or (len(turns) > 1 and len({apart for _, apart in clocks}) > 1):
            raise self._refuse(op, "its inputs advance at different rates")
        self.clock[op.output] = (max(start for start, _ in clocks), clocks[0][1])

    def _behind(self, op: Operator, access: Access, tap: int) -> int:
        """Samples that lie between the row that an operator makes and one that it reads for it."""
        start, apart = self.clock[access.value]
        row = min(self.needed[op.output])
        read = access.base + row * access.stride + tap * access.dilation
        made, each = self.clock[op.output]
        return made + each * row - (start + apart * read)

    def _lattice(self, lags: set[int]) -> tuple[int, int]:
        """Times at which rows exist, as the first one from 0 on and the distance."""
        some = min(lags)
        apart = math.gcd(self.stride, *(lag - some for lag in lags))
        return -some % apart, apart

    def _phases(self, value: int) -> set[int]:
        return {-lag % self.stride for lag in self.lags[value]}

    def _groups(self, rows: dict[int, int]) -> dict[int, int]:
        """Values, each with the one whose buffer it lies in: what is used up at once is worked on in place."""
        values = self.program.values
        group = {value: value for value in rows if value != self.program.output}
        for op in self.operators:
            if not isinstance(op.work, Binary | Lookup) or op.output not in group:
                continue
            for access in self._moving(op):
                readers = [a for other in self.operators for a in other.inputs if a.value == access.value]
                alike = self.lattice[access.value] == self.lattice[op.output]
                same = values[access.value].rows.bytes == values[op.output].rows.bytes
                if access.value and len(readers) == 1 and alike and same and self._behind(op, access, 0) == 0:
                    leader = group[access.value]
                    group[op.output] = leader
                    rows[leader] = max(rows[leader], rows[op.output])
                    break
        for value, leader in group.items():
            rows[value] = max(rows[value], rows[leader])
        return group

    def _schedule(self, rows: dict[int, int], group: dict[int, int]) -> Schedule:
        """Operators and buffers in the form that they are written from."""
        values = self.program.values
        leaders = sorted(set(group.values()))
        buffers = [Buffer(rows[leader], values[leader].rows.bytes, 0, 0) for leader in leaders]
        place = {value: leaders.index(leader) for value, leader in group.items()}
        turns, sums = [], {}
        for i, op in enumerate(self.operators):
            own = self.lattice[op.output]
            inputs = tuple(self._renumber(op, access, own) for access in op.inputs)
            turns.append(Turns(op._replace(inputs=inputs), (0,), False, 1))
            if isinstance(op.work, Mean):
                sums[i] = len(buffers)
                buffers.append(Buffer(1, 4 * op.work.outer * op.work.inner, 0, 0))
        lattices: list[Lattice | None] = [
            Lattice(0, 1, 1 if v.data is None else v.rows.count) if i in self.lattice or v.data is not None else None
            for i, v in enumerate(values)
        ]
        live = LiveProgram(self.program, tuple(turns), tuple(lattices))
        return Schedule(live, (), (1,) * len(turns), tuple(buffers), place, sums)

    def _renumber(self, op: Operator, access: Access, own: tuple[int, int]) -> Access:
        """An access in numbers of rows that exist: row n of a lattice is of the time first + n apart."""
        if self.program.values[access.value].data is not None:
            row = access.base + min(self.needed[op.output]) * access.stride
            return access._replace(base=row, stride=0)
        first, apart = self.lattice[access.value]
        back = self._behind(op, access, 0)
        dilation = self.clock[access.value][1] * access.dilation // apart if access.taps > 1 else 1
        return access._replace(
            base=(own[0] - back - first) // apart,
            stride=own[1] // apart,
            dilation=dilation,
            low=-_EVER,
            high=_EVER,
        )
