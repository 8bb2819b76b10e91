"""The resource model: what a candidate costs, from its architecture alone, in less than a millisecond.

Exact where the rules are known: the arena's head follows TFLM's planner, the .tflite length the flatbuffer layout, and
the MACs the layer plan. The arena's tail is within 20 bytes of a Cortex-M4's (`cost.tflm_memory`).
"""

from __future__ import annotations

from dataclasses import replace

from tinynas.cost.aot import Costs, aot_costs
from tinynas.cost.engine import Engine
from tinynas.cost.lowering import lower
from tinynas.cost.tflite_size import tflite_bytes
from tinynas.cost.tflm_memory import arena_bytes
from tinynas.deploy.graph import Graph
from tinynas.measurement import Measurement
from tinynas.tcn.architecture import Architecture
from tinynas.tcn.plan import plan

__all__ = ["estimate", "measure_graph", "plain_flash_bytes", "sparse_working_memory_bytes"]


def estimate(architecture: Architecture, engine: Engine, dtype: str = "int8") -> Measurement:
    """Cost a candidate without building it.

    Args:
        architecture: The candidate.
        engine: The runtime on the board.
        dtype: "int8" or "float32".

    Returns:
        A measurement of source "proxy".

    Example:
        >>> from tinynas.cost import Engine
        >>> from tinynas.tcn import Architecture
        >>> a = Architecture(filters=16, kernel_size=5, dilations=(1, 2, 4, 8), window=200, channels=6)
        >>> m = estimate(a, Engine.tflm())
        >>> m.sram_bytes < 16_000, m.source
        (True, 'proxy')
    """
    pyramid = plan(architecture)
    graph = lower(architecture, dtype, pyramid=pyramid)
    measured = measure_graph(graph, tflite_bytes(graph), architecture, engine)
    return measured if engine.name == "aot" else replace(measured, macs=pyramid.macs)


def measure_graph(graph: Graph, model_bytes: int, architecture: Architecture, engine: Engine) -> Measurement:
    """Cost a model whose graph and length are known, foreseen or converted.

    Args:
        graph: The model's operators and tensors.
        model_bytes: Length of the .tflite.
        architecture: The candidate it came from.
        engine: The runtime on the board.

    Returns:
        A measurement of source "proxy".
    """
    if engine.name == "aot":
        costs = aot_costs(graph, engine)
    else:
        arena = arena_bytes(graph, cmsis_nn=engine.kernels == "cmsis_nn")
        costs = Costs(arena + engine.static_bytes, model_bytes + engine.code_bytes, arena, graph.macs)
    return Measurement(
        sram_bytes=costs.sram_bytes,
        flash_bytes=costs.flash_bytes,
        macs=costs.macs,
        source="proxy",
        engine=engine.name,
        kernels=engine.kernels,
        arena_bytes=costs.arena_bytes,
        tflite_bytes=model_bytes,
        parameters=architecture.parameters,
        sparse_sram_bytes=sparse_working_memory_bytes(graph),
        plain_flash_bytes=plain_flash_bytes(architecture),
        stack_bytes=costs.stack_bytes,
        toolchain=engine.compiler if engine.name == "aot" else None,
    )


def sparse_working_memory_bytes(graph: Graph) -> int:
    """SpArSe's working memory: the largest sum of an operator's inputs and outputs.

    An optimistic bound, since tensors that wait for a later operator are left out: always below the arena.

    Source:
        Fedorov et al., "SpArSe: Sparse Architecture Search for CNNs on Resource-Constrained Microcontrollers", NeurIPS
        2019, working-memory model 1.
    """
    sizes = [0 if t.constant else t.size_bytes for t in graph.tensors]
    return max(sum(sizes[t] for t in {*op.inputs, *op.outputs} if t >= 0) for op in graph.ops)


def plain_flash_bytes(architecture: Architecture) -> int:
    """The flash proxy that is common in the literature: one byte for every weight and bias, no format, no runtime."""
    return architecture.parameters
