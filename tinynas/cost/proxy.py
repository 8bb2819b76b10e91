"""The resource model: what a candidate costs, from its architecture alone, in about a millisecond.

Exact where the rules are known: the arena's head follows TFLM's planner, the .tflite length the flatbuffer layout, and
the MACs the layer plan. The arena's tail is within 20 bytes of a Cortex-M4's (`cost.tflm_memory`).
"""

from __future__ import annotations

from tinynas.cost.aot import Costs, aot_costs, lower_predicted
from tinynas.cost.aot_program import predict_program
from tinynas.cost.engine import Engine
from tinynas.cost.lowering import lower
from tinynas.cost.tflite_size import tflite_bytes
from tinynas.cost.tflm_image import operator_bytes
from tinynas.cost.tflm_memory import arena_bytes
from tinynas.deploy import Graph
from tinynas.deploy.compiler import Program
from tinynas.measurement import Measurement
from tinynas.network import Network, plan

__all__ = ["costs", "estimate", "measure_graph", "plain_flash_bytes", "sparse_working_memory_bytes"]


def estimate(network: Network, engine: Engine, dtype: str = "int8") -> Measurement:
    """Cost a candidate without building it.

    Args:
        network: An architecture, or a layer graph.
        engine: The runtime on the board.
        dtype: "int8" or "float32".

    Returns:
        A measurement of source "proxy".

    Example:
        >>> from tinynas.cost import Engine
        >>> from tinynas.network import TCN
        >>> a = TCN(filters=16, kernel_size=5, dilations=(1, 2, 4, 8), window=200, channels=6)
        >>> m = estimate(a, Engine.tflm())
        >>> m.sram_bytes < 16_000, m.source
        (True, 'proxy')
    """
    planned = plan(network)
    graph = lower(network, dtype, planned=planned)
    program = predict_program(planned) if engine.name == "aot" else None
    return measure_graph(graph, tflite_bytes(graph), network, engine, program)


def costs(network: Network, engine: Engine, dtype: str = "int8") -> Costs:
    """Cost a candidate's SRAM, flash and MACs only: what `estimate` says of them, of engine "aot" in less time.

    Args:
        network: An architecture, or a layer graph.
        engine: The runtime on the board.
        dtype: "int8" or "float32".

    Example:
        >>> from tinynas.cost import Engine
        >>> from tinynas.network import TCN
        >>> a = TCN(filters=16, kernel_size=5, dilations=(1, 2, 4, 8), window=200, channels=6)
        >>> costs(a, Engine.tflm()).sram_bytes == estimate(a, Engine.tflm()).sram_bytes
        True
    """
    planned = plan(network)
    program = predict_program(planned) if engine.name == "aot" else None
    if program is not None:  # neither the .tflite nor its length is needed
        return aot_costs(program, engine)
    graph = lower(network, dtype, planned=planned)
    return _costs(graph, tflite_bytes(graph), engine)


def measure_graph(
    graph: Graph, model_bytes: int, network: Network, engine: Engine, program: Program | None = None
) -> Measurement:
    """Cost a model whose graph and length are known, predicted or converted.

    Args:
        graph: The model's operators and tensors.
        model_bytes: Length of the .tflite.
        network: What it came from.
        engine: The runtime on the board.
        program: The compiler's form of the graph, where the caller has it; it is made for the engine "aot" only.

    Returns:
        A measurement of source "proxy".
    """
    cost = _costs(graph, model_bytes, engine, program)
    return Measurement(
        sram_bytes=cost.sram_bytes,
        flash_bytes=cost.flash_bytes,
        macs=cost.macs,
        source="proxy",
        engine=engine.name,
        kernels=engine.kernels,
        arena_bytes=cost.arena_bytes,
        tflite_bytes=model_bytes,
        parameters=network.graph.parameters,
        sparse_sram_bytes=sparse_working_memory_bytes(graph),
        plain_flash_bytes=plain_flash_bytes(network),
        stack_bytes=cost.stack_bytes,
        toolchain=engine.compiler if engine.name == "aot" else None,
        clock_hz=None if engine.board is None else engine.board.clock_hz,
        cycles=cost.cycles,
        latency_us=cost.latency_us,
        energy_uj=cost.energy_uj,
    )


def _costs(graph: Graph, model_bytes: int, engine: Engine, program: Program | None = None) -> Costs:
    if engine.name == "aot":
        return aot_costs(program or lower_predicted(graph), engine)
    arena = arena_bytes(graph, cmsis_nn=engine.kernels == "cmsis_nn")
    flash, variables = operator_bytes(graph) if engine.whole_image else (0, 0)
    sram = arena + engine.static_bytes + variables
    return Costs(sram, model_bytes + engine.code_bytes + flash, arena, graph.macs)


def sparse_working_memory_bytes(graph: Graph) -> int:
    """SpArSe's working memory: the largest sum of an operator's inputs and outputs.

    An optimistic bound, since tensors that wait for a later operator are left out: always below the arena.

    Source:
        Fedorov et al., "SpArSe: Sparse Architecture Search for CNNs on Resource-Constrained Microcontrollers", NeurIPS
        2019, working-memory model 1.
    """
    sizes = [0 if t.constant else t.size_bytes for t in graph.tensors]
    return max(sum(sizes[t] for t in {*op.inputs, *op.outputs} if t >= 0) for op in graph.ops)


def plain_flash_bytes(network: Network) -> int:
    """The flash proxy that is common in the literature: one byte for every weight and bias, no format, no runtime."""
    return network.graph.parameters
