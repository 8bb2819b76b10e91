"""The streaming form as C: a state that lives on, and a function that takes one sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinynas.deploy.compiler.c.c_source import array, comment
from tinynas.deploy.compiler.c.edges import Edges, header_part, source_part
from tinynas.deploy.compiler.c.operators import OperatorSource, operator_source
from tinynas.deploy.compiler.c.window_form import Sources, Writer, constants_bytes, dispatch
from tinynas.deploy.compiler.plan.layout import ALIGNMENT, Layout
from tinynas.deploy.compiler.plan.streaming import Stream
from tinynas.deploy.graph import Graph

__all__ = ["state_layout", "write_stream"]


def state_layout(stream: Stream) -> Layout:
    """Buffers one after another: all of them live on."""
    sizes = [-(-buffer.bytes // ALIGNMENT) * ALIGNMENT for buffer in stream.schedule.buffers]
    offsets = tuple(int(n) for n in np.cumsum([0, *sizes])[:-1])
    return Layout(offsets, sum(sizes), sum(sizes))


def write_stream(
    stream: Stream, layout: Layout, graph: Graph, affine: Edges, *, name: str, specialise: bool, signature: str
) -> Sources:
    """Write the streaming form; arguments as of `window_form.write`."""
    writer = _StreamWriter(stream, layout, graph, name)
    schedule = stream.schedule
    parts = [operator_source(schedule, i, writer.memory) for i in range(len(schedule.live.turns))]
    sample = replace(affine, samples=1)
    blocks = [
        *writer.preamble(parts, specialise),
        dispatch(f"{name}_stream", "Let an operator make the row of the present time.", parts, writer.case),
        writer.order(),
        writer.invoke(),
        source_part(sample, name),
        writer.hooks(),
    ]
    source = "\n\n".join(block for block in blocks if block) + "\n"
    return Sources(writer.stream_header(sample, signature), source, constants_bytes(schedule, parts))


class _StreamWriter(Writer):
    def __init__(self, stream: Stream, layout: Layout, graph: Graph, name: str) -> None:
        super().__init__(stream.schedule, layout, graph, name)
        self.stream = stream

    def memory(self, value: int) -> str:
        """The C expression of a value's memory."""
        if self.program.values[value].data is not None:
            return f"values{value}"
        if value == self.program.output:
            return "s->out"
        return f"(int8_t *)s->memory + {self.layout.offsets[self.schedule.place[value]]}"

    def stream_header(self, affine: Edges, signature: str) -> str:
        """name.h."""
        name, upper, stream = self.name, self.upper, self.stream
        sample, output = (self.program.values[v].rows.bytes for v in (0, self.program.output))
        return f"""\
/* An int8 network, compiled to take one sample after another; {signature}. */
#ifndef {upper}_H
#define {upper}_H

#include <stdint.h>

#define {upper}_SAMPLE_BYTES {sample}
#define {upper}_OUTPUT_BYTES {output}
#define {upper}_STRIDE {stream.stride} /* samples from one output to the next */
#define {upper}_FIELD {stream.field} /* samples that one output depends on */
#define {upper}_STREAM_BYTES {self.layout.reserved}
#define {upper}_MACS {stream.macs} /* from one output to the next */
#define {upper}_OPERATORS {len(stream.schedule.live.turns)}

#ifdef __cplusplus
extern "C" {{
#endif

/* What lives on from sample to sample. */
typedef struct {{
    int32_t time;
    int32_t seen; /* samples, up to those of one field */
    int8_t *out;
    int32_t memory[({upper}_STREAM_BYTES + 3) / 4];
}} {name}_stream;

/* Begin: nothing has been seen. */
void {name}_start({name}_stream *s);

/* Take one sample of {upper}_SAMPLE_BYTES. Returns 1 where {upper}_OUTPUT_BYTES have been written to `out`: every
 * {upper}_STRIDE samples from the moment the field is filled; else 0. */
int32_t {name}_push({name}_stream *s, const int8_t *sample, int8_t *out);

{header_part(affine, name)}
#ifdef {upper}_HOOKS
/* Called before (done == 0) and after (done == 1) an operator makes a row; of your own making. */
void {name}_hook(int32_t operator_number, int32_t done);
extern const char *const {name}_operators[{upper}_OPERATORS];
#endif

#ifdef __cplusplus
}}
#endif

#endif
"""

    def title(self, number: int) -> str:
        """What an operator is, in words."""
        op = self.schedule.live.turns[number].operator
        often = sum(number in phase for phase in self.stream.phases)
        macs = op.work.macs_of_row * often
        made = self.program.values[op.output].rows.bytes
        work = f", {macs} MACs" if macs else ""
        return f"{op.source} {op.kind}: {often} rows of {made} in {self.stream.stride} samples{work}"

    def case(self, number: int, part: OperatorSource) -> str:
        """One operator within the switch."""
        first, apart = self.stream.times[number]
        statement = part.statement
        if number in self.schedule.sums:
            offset = self.layout.offsets[self.schedule.sums[number]]
            statement = statement.replace(f"sums{number}", f"s->memory + {offset // 4}")
        row = "s->time" if (first, apart) == (0, 1) else f"(s->time - {first}) / {apart}"
        lines = [
            f"case {number}: {{ {comment(self.title(number))}",
            f"    const int32_t row = {row};",
            f"    {statement}",
            "    break;",
            "}",
        ]
        return "\n".join(f"    {line}" for line in lines)

    def order(self) -> str:
        """Operators of every phase, and whether the sample is kept."""
        lists: dict[tuple[int, ...], int] = {}
        flat: list[int] = []
        where = []
        for phase, numbers in enumerate(self.stream.phases):
            key = (int(phase in self.stream.stored), *numbers)
            if key not in lists:
                lists[key] = len(flat)
                flat += [key[0], len(numbers), *numbers]
            where.append(lists[key])
        text = "Per time modulo the stride where its list begins; a list: whether the sample is kept, operators."
        return "\n".join(
            [
                comment(text),
                array("phases", np.array(where, np.uint16)),
                array("lists", np.array(flat, np.uint8 if max(flat, default=0) < 256 else np.uint16)),
            ]
        )

    def invoke(self) -> str:
        """The functions that are called from outside."""
        name, upper, stream = self.name, self.upper, self.stream
        keep = ""
        if 0 in self.schedule.place:
            buffer = self.schedule.buffers[self.schedule.place[0]]
            first, apart = self._input_times()
            keep = f"""\
    if (list[0]) {{
        const int32_t place = (s->time - {first}) / {apart} % {buffer.rows};
        memcpy({self.memory(0)} + place * {upper}_SAMPLE_BYTES, sample, {upper}_SAMPLE_BYTES);
    }}
"""
        kind = "uint8_t" if len(self.schedule.live.turns) < 256 else "uint16_t"
        return f"""\
void {name}_start({name}_stream *s) {{
    memset(s, 0, sizeof *s);
    s->time = {stream.start};
}}

int32_t {name}_push({name}_stream *s, const int8_t *sample, int8_t *out) {{
    const {kind} *list = lists + phases[s->time % {upper}_STRIDE];
    int8_t none[{upper}_OUTPUT_BYTES];
    s->seen += s->seen < {upper}_FIELD;
    const int32_t due = s->time % {upper}_STRIDE == 0 && s->seen == {upper}_FIELD;
    s->out = due ? out : none;
{keep}    for (int32_t i = 0; i < list[1]; i++) {{
#ifdef {upper}_HOOKS
        {name}_hook(list[2 + i], 0);
#endif
        step(s, list[2 + i]);
#ifdef {upper}_HOOKS
        {name}_hook(list[2 + i], 1);
#endif
    }}
    s->time = s->time + 1 == {stream.period} ? 0 : s->time + 1;
    return due;
}}"""

    def _input_times(self) -> tuple[int, int]:
        stored = self.stream.stored
        apart = int(np.gcd.reduce([self.stream.stride, *(phase - stored[0] for phase in stored)]))
        return stored[0] % apart, apart
