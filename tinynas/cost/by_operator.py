"""Where the time of an inference goes, operator by operator, of a network that nobody has run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tinynas.cost.aot import cycles_of_loops, lower_predicted
from tinynas.cost.engine import Engine
from tinynas.cost.lowering import lower
from tinynas.deploy.compiler import keep_live, make_schedule
from tinynas.network import Network

__all__ = ["OperatorWork", "work_by_operator"]


@dataclass(frozen=True)
class OperatorWork:
    """What one operator does in an inference.

    Attributes:
        title: Its number and kind, as `map_program` and `map_graph` call it.
        macs: Multiply-accumulate operations.
        cycles: Of its loops, and of beginning its turns; not of waits for constants, which belong to no operator. None:
            they are not predicted.
    """

    title: str
    macs: int
    cycles: float | None = None


def work_by_operator(network: Network, engine: Engine, dtype: str = "int8") -> list[OperatorWork]:
    """Say what each operator of a network does in an inference, in the order of execution.

    Args:
        network: An architecture, or a layer graph.
        engine: The runtime on the board; of "aot" with figures of the board's core, cycles are known.
        dtype: "int8" or "float32".

    Raises:
        UnsupportedOp, ConversionError: The engine is "aot", which does not compile the network.

    Example:
        >>> from tinynas.network import TCN
        >>> network = TCN(filters=16, kernel_size=5, dilations=(1, 2, 4, 8), window=200, channels=6)
        >>> max(work_by_operator(network, Engine.tflm()), key=lambda one: one.macs).title
        '5 CONV_2D'
    """
    graph = lower(network, dtype)
    if engine.name != "aot":
        return [OperatorWork(f"{number} {op.title}", graph.macs_of(op)) for number, op in enumerate(graph.ops)]
    live = keep_live(lower_predicted(graph))
    schedule = make_schedule(live)
    loops = None if engine.timing is None else cycles_of_loops(schedule, engine.timing)
    begun, found = Counter(schedule.order), []
    for number, turns in enumerate(live.turns):
        cycles = None
        if loops is not None and engine.timing is not None:
            cycles = loops[number] + engine.timing.cycles.get("dispatch", 0.0) * begun[number]
        found.append(OperatorWork(f"{turns.operator.source} {turns.operator.kind}", turns.macs, cycles))
    return found
