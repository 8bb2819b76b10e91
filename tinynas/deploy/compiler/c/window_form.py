"""The compiled model's C: model.h for whoever calls it, model.c with constants, operators and their schedule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinynas.deploy.compiler.c.c_source import array, comment
from tinynas.deploy.compiler.c.edges import Edges, header_part, source_part
from tinynas.deploy.compiler.c.operators import OperatorSource, operator_source
from tinynas.deploy.compiler.plan.layout import Layout
from tinynas.deploy.compiler.plan.schedule import Schedule, segments
from tinynas.deploy.graph import Graph

__all__ = ["Sources", "Writer", "constants_bytes", "dispatch", "write"]


@dataclass(frozen=True)
class Sources:
    """Text of a compiled model.

    Attributes:
        header: name.h.
        source: name.c.
        weights_bytes: Bytes of all constants: weights, biases, multipliers, tables.
    """

    header: str
    source: str
    weights_bytes: int


def write(
    schedule: Schedule, layout: Layout, graph: Graph, affine: Edges, *, name: str, specialise: bool, signature: str
) -> Sources:
    """Write a model.

    Args:
        schedule: What runs when.
        layout: Where buffers lie in the arena.
        graph: The model that it was made from, for the comments.
        affine: How real numbers become the model's integers, and back.
        name: Prefix of all public names and of the files.
        specialise: Inline kernels into their calls, with the parameters as constants.
        signature: Identifies the model, for the header.
    """
    writer = Writer(schedule, layout, graph, name)
    parts = [operator_source(schedule, i, writer.memory) for i in range(len(schedule.live.turns))]
    header = writer.header(affine, signature)
    source = writer.source(parts, affine, specialise)
    return Sources(header, source, constants_bytes(schedule, parts))


def constants_bytes(schedule: Schedule, parts: Sequence[OperatorSource]) -> int:
    """Bytes of all constants of a model."""
    values = schedule.live.program.values
    constants = sum(v.data.nbytes for v in values if v.data is not None)
    return sum(part.weights_bytes for part in parts) + constants


class Writer:
    """Writes the window form; the streaming form shares what does not depend on the form."""

    def __init__(self, schedule: Schedule, layout: Layout, graph: Graph, name: str) -> None:
        self.schedule, self.layout, self.graph, self.name = schedule, layout, graph, name
        self.program = schedule.live.program
        self.upper = name.upper()

    def memory(self, value: int) -> str:
        """The C expression of a value's memory."""
        if self.program.values[value].data is not None:
            return f"values{value}"
        if value == 0:
            return "s->in"
        if value == self.program.output:
            return "s->out"
        return f"s->arena + {self.layout.offsets[self.schedule.place[value]]}"

    def header(self, affine: Edges, signature: str) -> str:
        """What callers include."""
        name, upper = self.name, self.upper
        sizes = [self.program.values[v].rows for v in (0, self.program.output)]
        return f"""\
/* An int8 network, compiled; {signature}. */
#ifndef {upper}_H
#define {upper}_H

#include <stdint.h>

#define {upper}_INPUT_BYTES {sizes[0].count * sizes[0].bytes}
#define {upper}_OUTPUT_BYTES {sizes[1].count * sizes[1].bytes}
#define {upper}_ARENA_BYTES {self.layout.reserved} /* at least {self.layout.lower_bound} are needed at one time */
#define {upper}_MACS {self.schedule.live.macs}
#define {upper}_OPERATORS {len(self.schedule.live.turns)}

#ifdef __cplusplus
extern "C" {{
#endif

/* One inference: {upper}_INPUT_BYTES from `in` to {upper}_OUTPUT_BYTES at `out`, which do not overlap. Works in an
 * arena of its own, so not from two threads at once; define {upper}_NO_ARENA for the build to leave it out. */
void {name}_invoke(const int8_t *in, int8_t *out);

/* The same in {upper}_ARENA_BYTES of the caller's, aligned to 4 bytes: re-entrant. */
void {name}_invoke_in(void *arena, const int8_t *in, int8_t *out);

{header_part(affine, name)}
#ifdef {upper}_HOOKS
/* Called before (done == 0) and after (done == 1) an operator takes a turn; of your own making. */
void {name}_hook(int32_t operator_number, int32_t done);
extern const char *const {name}_operators[{upper}_OPERATORS];
#endif

#ifdef __cplusplus
}}
#endif

#endif
"""

    def source(self, parts: Sequence[OperatorSource], affine: Edges, specialise: bool) -> str:
        """What is compiled."""
        blocks = [
            *self.preamble(parts, specialise),
            self.state(),
            self.step(parts),
            self.order(),
            self.invoke(),
            source_part(affine, self.name),
            self.hooks(),
        ]
        return "\n\n".join(block for block in blocks if block) + "\n"

    def preamble(self, parts: Sequence[OperatorSource], specialise: bool) -> list[str]:
        """What comes first: includes and constants."""
        values = [
            array(f"values{v}", value.data, aligned=True)
            for v, value in enumerate(self.program.values)
            if value.data is not None and self.schedule.live.lattices[v] is not None
        ]
        return [
            f'#include "{self.name}.h"',
            "#define TN_SPECIALISE" if specialise else comment("Kernels are shared: TN_SPECIALISE is not defined."),
            '#include "tinynas_kernels.h"',
            *values,
            *(self.constants(i, part) for i, part in enumerate(parts)),
        ]

    def title(self, number: int) -> str:
        """What an operator is, in words."""
        t = self.schedule.live.turns[number]
        op, values = t.operator, self.program.values
        reads = " and ".join(f"{values[a.value].rows.count} x {values[a.value].rows.bytes}" for a in op.inputs)
        made = values[op.output].rows
        turns = f"{len(t.rows)} of {op.turns} rows" if len(t.rows) < op.turns else f"{op.turns} rows"
        work = f", {t.macs} MACs" if t.macs else ""
        return f"{op.source} {op.kind}: {reads} -> {made.count} x {made.bytes}, {turns}{work}"

    def constants(self, number: int, part: OperatorSource) -> str:
        """Definitions at file scope of one operator."""
        t = self.schedule.live.turns[number]
        rows = [] if t.step is not None else [array(f"rows{number}", np.array(t.rows, np.uint16))]
        return "\n".join([comment(self.title(number)), *part.constants, *rows])

    def state(self) -> str:
        """The type of what one inference carries along."""
        turns = max(len(t.rows) for t in self.schedule.live.turns) + 2
        counter = "uint16_t" if turns < 1 << 16 else "int32_t"
        return f"""\
/* What one inference carries along: its memory, and the turns that each operator has taken. */
typedef struct {{
    const int8_t *in;
    int8_t *out;
    int8_t *arena;
    {counter} turns[{len(self.schedule.live.turns)}];
}} state;"""

    def step(self, parts: Sequence[OperatorSource]) -> str:
        """The function that lets an operator take its next turns."""
        return dispatch("state", "Let an operator take its next turns.", parts, self.case)

    def case(self, number: int, part: OperatorSource) -> str:
        """One operator within the switch."""
        t = self.schedule.live.turns[number]
        lanes, count, apart = self.schedule.lanes[number], len(t.rows), t.step

        def row(turn: str) -> str:
            return f"rows{number}[{turn}]" if apart is None else turn if apart == 1 else f"({turn}) * {apart}"

        statement = part.statement
        if number in self.schedule.sums:
            offset = self.layout.offsets[self.schedule.sums[number]]
            statement = statement.replace(f"sums{number}", f"(int32_t *)(void *)(s->arena + {offset})")
        lines = [f"case {number}: {{ {comment(self.title(number))}", f"    const int32_t turn = s->turns[{number}];"]
        if part.together:
            following = row("turn + 1") if count % lanes == 0 else f"turn + 1 < {count} ? {row('turn + 1')} : row"
            lines += [
                f"    const int32_t row = {row('turn')};",
                f"    const int32_t next = {following};",
                f"    {statement}",
            ]
        elif lanes > 1 and count > 1:
            within = "" if count % lanes == 0 else f" && i < {count}"
            lines += [
                f"    for (int32_t i = turn; i < turn + {lanes}{within}; i++) {{",
                f"        const int32_t row = {row('i')};",
                f"        {statement}",
                "    }",
            ]
        else:
            lines += [f"    const int32_t row = {row('turn')};", f"    {statement}"]
        lines += [f"    s->turns[{number}] += {lanes};", "    break;", "}"]
        return "\n".join(f"    {line}" for line in lines)

    def order(self) -> str:
        """The schedule."""
        dtype = np.uint8 if len(self.schedule.live.turns) < 256 else np.uint16
        flat = [n for s in segments(self.schedule.order) for n in (s.repeats, len(s.body), *s.body)]
        return "\n".join(
            [
                comment("The schedule: how often, how many, and then the operators that take turns in this order."),
                array("schedule", np.array([*flat, 0], dtype)),
            ]
        )

    def invoke(self) -> str:
        """The functions that are called from outside."""
        name, upper = self.name, self.upper
        kind = "uint8_t" if len(self.schedule.live.turns) < 256 else "uint16_t"
        return f"""\
void {name}_invoke_in(void *arena, const int8_t *in, int8_t *out) {{
    state s = {{.in = in, .out = out, .arena = arena}};
    for (const {kind} *at = schedule; *at != 0; at += 2 + at[1]) {{
        for (int32_t repeat = 0; repeat < at[0]; repeat++) {{
            for (int32_t i = 0; i < at[1]; i++) {{
#ifdef {upper}_HOOKS
                {name}_hook(at[2 + i], 0);
#endif
                step(&s, at[2 + i]);
#ifdef {upper}_HOOKS
                {name}_hook(at[2 + i], 1);
#endif
            }}
        }}
    }}
}}

#ifndef {upper}_NO_ARENA
void {name}_invoke(const int8_t *in, int8_t *out) {{
    static int32_t arena[({upper}_ARENA_BYTES + 3) / 4];
    {name}_invoke_in(arena, in, out);
}}
#endif"""

    def hooks(self) -> str:
        """Names of the operators, for whoever times them."""
        titles = ",\n".join(
            '    "' + self.title(i).replace("\\", "\\\\").replace('"', "'") + '"'
            for i in range(len(self.schedule.live.turns))
        )
        return f"#ifdef {self.upper}_HOOKS\nconst char *const {self.name}_operators[] = {{\n{titles},\n}};\n#endif"


def dispatch(
    state: str, title: str, parts: Sequence[OperatorSource], case: Callable[[int, OperatorSource], str]
) -> str:
    """The function that lets an operator do its work, with room for what the kernels need.

    Args:
        state: Type of what is carried along.
        title: What the function does.
        parts: All operators.
        case: Writes the case of one.
    """
    taps = max((part.taps for part in parts), default=0)
    columns = max((part.columns for part in parts), default=0)
    room = f"    const int8_t *taps[{taps}];\n" * (taps > 0)
    room += f"    int16_t columns[{columns}] __attribute__((aligned(4)));\n" * (columns > 0)
    cases = "\n".join(case(i, part) for i, part in enumerate(parts))
    return f"""\
{comment(title)}
static void step({state} *s, int32_t number) {{
{room}    switch (number) {{
{cases}
    default:
        break;
    }}
}}"""
