"""The least that a network can cost: a lower bound from its layers alone, in a fraction of an estimate's time.

It holds for every network with the same layers but for their dilations, where each of these is no larger than here: a
larger dilation leaves fewer taps of a kernel within the window, and nothing else of the bound depends on it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from tinynas.cost.engine import Engine
from tinynas.cost.least_aot import least_of_aot, live_taps
from tinynas.cost.lowering import lower
from tinynas.cost.tflite_size import tflite_bytes
from tinynas.cost.tflm_image import operator_bytes
from tinynas.cost.tflm_memory import persistent_bytes
from tinynas.network import Convolution, Input, LayerGraph, Network, Slice

__all__ = ["LeastCosts", "least_costs"]

_ALIGNMENT = 16  # of constants in a .tflite


class LeastCosts(NamedTuple):
    """Bytes that are needed in any case."""

    sram_bytes: int
    flash_bytes: int


def least_costs(network: Network, engine: Engine, dtype: str = "int8") -> LeastCosts:
    """Bound what a network costs from below.

    Args:
        network: An architecture, or a layer graph.
        engine: The runtime on the board.
        dtype: "int8" or "float32".

    Returns:
        Neither figure is above that of `estimate`, for this network and for those of the same layers with smaller
        dilations.

    Example:
        >>> from tinynas.cost import Engine, estimate
        >>> from tinynas.network import TCN
        >>> network = TCN(filters=16, kernel_size=5, dilations=(1, 2, 4), window=200, channels=6)
        >>> least, cost = least_costs(network, Engine.tflm()), estimate(network, Engine.tflm())
        >>> least.sram_bytes <= cost.sram_bytes, least.flash_bytes <= cost.flash_bytes
        (True, True)
    """
    graph = network.graph
    if engine.name == "aot":
        return LeastCosts(*least_of_aot(graph, engine))
    item = 1 if dtype == "int8" else 4
    size, tail, operators = _shortest(_one_sample(graph), dtype, engine.kernels == "cmsis_nn")
    flash, variables = operators if engine.whole_image else (0, 0)
    for layer in graph.layers:
        if isinstance(layer, Convolution):
            inputs = graph.shapes[layer.source].channels // layer.groups
            more = (live_taps(graph, layer) - 1) * inputs * layer.channels * item
            size += more // _ALIGNMENT * _ALIGNMENT
    window = _up(graph.window.length * graph.window.channels * item, _ALIGNMENT)
    sram = engine.static_bytes + variables + tail + 2 * window  # the window, and what RESHAPE makes of it
    return LeastCosts(sram, engine.code_bytes + flash + size)


def _one_sample(graph: LayerGraph) -> LayerGraph:
    """The same layers on one sample, each kernel of one tap: without PAD and STRIDED_SLICE."""
    layers = tuple(
        replace(layer, taps=1, dilation=1)
        if isinstance(layer, Convolution)
        else replace(layer, length=1)
        if isinstance(layer, Input)
        else replace(layer, count=1, step=1, lag=0)
        if isinstance(layer, Slice)
        else layer
        for layer in graph.layers
    )
    return LayerGraph(layers)


@lru_cache(256)
def _shortest(graph: LayerGraph, dtype: str, cmsis_nn: bool) -> tuple[int, int, tuple[int, int]]:
    """Bytes of a graph's .tflite, of its arena's tail, and of flash and SRAM of the operators that it registers."""
    model = lower(graph, dtype)
    return tflite_bytes(model), persistent_bytes(model, cmsis_nn=cmsis_nn), operator_bytes(model)


def _up(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment
