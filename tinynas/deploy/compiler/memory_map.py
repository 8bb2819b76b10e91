"""What lies where in a model's arena, and when; and what each operator of the model does and holds."""

from __future__ import annotations

from dataclasses import dataclass

from tinynas.deploy.compiler.passes.liveness import keep_live
from tinynas.deploy.compiler.plan.layout import lay_out
from tinynas.deploy.compiler.plan.schedule import make_schedule
from tinynas.deploy.compiler.program.ir import Program
from tinynas.deploy.graph import Graph, Op
from tinynas.deploy.model import Model
from tinynas.deploy.planner import Buffer, lifetimes, place

__all__ = ["ArenaMap", "OperatorCost", "Slot", "map_arena", "map_graph", "map_program", "operator_costs"]


@dataclass(frozen=True)
class Slot:
    """Bytes of the arena that hold something for a while.

    Attributes:
        label: What they hold.
        offset: First byte.
        bytes: How many.
        first, last: Steps of the inference from the first write to the last use, both inclusive.
    """

    label: str
    offset: int
    bytes: int
    first: int
    last: int

    @property
    def end(self) -> int:
        """The byte behind its last one."""
        return self.offset + self.bytes


@dataclass(frozen=True)
class ArenaMap:
    """The part of a model's arena that changes during an inference.

    Attributes:
        slots: What lies where and when.
        steps: Steps of the inference.
        step_is: What a step is: `operator`, or `turn` of an operator where these are interleaved.
    """

    slots: tuple[Slot, ...]
    steps: int
    step_is: str

    @property
    def bytes(self) -> int:
        """The highest end of a slot."""
        return max((slot.end for slot in self.slots), default=0)

    @property
    def fullest(self) -> int:
        """The step, the first of equal ones, at which most bytes are in use."""
        return max(sorted({slot.first for slot in self.slots}), key=self.held_at, default=0)

    def held_at(self, step: int) -> int:
        """Bytes that are in use at a step."""
        return sum(slot.bytes for slot in self.slots if slot.first <= step <= slot.last)


@dataclass(frozen=True)
class OperatorCost:
    """One operator of a model.

    Attributes:
        title: Its number and kind.
        macs: Multiply-accumulate operations of one inference.
        constant_bytes: Weights and biases, as the model holds them; what several operators share counts for the first.
    """

    title: str
    macs: int
    constant_bytes: int


def map_arena(model: Model, engine: str, scratch: tuple[Buffer, ...] = ()) -> ArenaMap:
    """Say what lies where in a model's arena, by the plan of the engine that runs it.

    Args:
        model: The model.
        engine: `aot`: the compiler's plan, a step a turn of an operator. Else TFLM's, a step an operator.
        scratch: Of TFLM's: further buffers that kernels ask for, (bytes, operator, operator).

    Raises:
        UnsupportedOp, ConversionError: The compiler does not take the model.
    """
    return map_program(model.program) if engine == "aot" else map_graph(model.graph, scratch)


def operator_costs(model: Model, engine: str) -> list[OperatorCost]:
    """Say what each operator of a model computes and holds, in the order of the .tflite file.

    Args:
        model: The model.
        engine: `aot` leaves out what the output does not depend on.

    Raises:
        UnsupportedOp, ConversionError: The compiler does not take the model.
    """
    graph = model.graph
    macs = [graph.macs_of(op) for op in graph.ops]
    if engine == "aot":
        macs = [0] * len(graph.ops)
        for turns in keep_live(model.program).turns:
            macs[turns.operator.source] += turns.macs
    held = graph.constants_by_operator
    return [OperatorCost(_title(index, op), macs[index], held[index]) for index, op in enumerate(graph.ops)]


def map_graph(graph: Graph, scratch: tuple[Buffer, ...] = ()) -> ArenaMap:
    """Like `map_arena` by TFLM's plan, of a graph alone, such as a predicted one."""
    made = {tensor: _title(index, op) for index, op in enumerate(graph.ops) for tensor in op.outputs}
    living = lifetimes(graph)
    labels = [f"output of {made[tensor]}" if tensor in made else "input" for tensor, _ in living]
    labels += [f"scratch of {_title(first, graph.ops[first])}" for _, first, _ in scratch]
    buffers = [buffer for _, buffer in living] + list(scratch)
    slots = [
        Slot(label, offset, size, first, last)
        for label, offset, (size, first, last) in zip(labels, place(buffers), buffers, strict=True)
    ]
    return ArenaMap(tuple(slots), len(graph.ops), "operator")


def map_program(program: Program) -> ArenaMap:
    """Like `map_arena` by the compiler's plan, of a program alone, such as a predicted one."""
    live = keep_live(program)
    schedule = make_schedule(live)
    makers = {turns.operator.output: turns.operator for turns in live.turns}
    held: dict[int, list[str]] = {}
    for value, buffer in schedule.place.items():
        maker = makers.get(value)
        held.setdefault(buffer, []).append("input" if maker is None else f"{maker.source} {maker.kind}")
    for number, buffer in schedule.sums.items():
        operator = live.turns[number].operator
        held.setdefault(buffer, []).append(f"sums of {operator.source} {operator.kind}")
    slots = [
        Slot(", ".join(held.get(index, ["scratch"])), offset, buffer.bytes, buffer.first, buffer.last)
        for index, (buffer, offset) in enumerate(zip(schedule.buffers, lay_out(schedule.buffers).offsets, strict=True))
    ]
    return ArenaMap(tuple(slots), len(schedule.order), "turn")


def _title(index: int, op: Op) -> str:
    return f"{index} {op.title}"
