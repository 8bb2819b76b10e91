"""The least that a network can cost: a lower bound from its layers alone, in a fraction of an estimate's time.

It holds for every network with the same layers but for their dilations, where each of these is no larger than here: a
larger dilation leaves fewer taps of a kernel within the window, and nothing else of the bound depends on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from typing import Literal, NamedTuple

from tinynas.cost.aot import packed_bytes
from tinynas.cost.aot_code import least_depthwise_bytes, least_matrix_bytes, least_plain_bytes, least_sum_bytes
from tinynas.cost.aot_program import depthwise_work, matrix_work
from tinynas.cost.code_figures import CODE_BYTES, STACK_BYTES, Code
from tinynas.cost.engine import Engine
from tinynas.cost.lowering import lower
from tinynas.cost.tflite_size import tflite_bytes
from tinynas.cost.tflm_memory import persistent_bytes
from tinynas.network import (
    Activation,
    Addition,
    Convolution,
    Dense,
    Difference,
    Input,
    Layer,
    LayerGraph,
    Mean,
    Network,
    Product,
    Slice,
)

__all__ = ["LeastCosts", "least_costs"]

_GROUP, _WORD, _ROUNDS = 4, 4, 15
_COLUMNS_BYTES = 4  # of two columns in int16, for each value
_OUTPUT_BYTES = 4  # of each output, as a real number
_ALIGNMENT = 16  # of constants in a .tflite


class LeastCosts(NamedTuple):
    """Bytes that are needed in any case."""

    sram_bytes: int
    flash_bytes: int


class _Product(NamedTuple):
    """A convolution or linear layer: its taps within the window, and with the zeros before it."""

    channels: int
    depth: int
    live: int
    taps: int
    depthwise: bool
    reads_window: bool


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
    products = list(_products(graph))
    if engine.name == "aot":
        return _of_aot(graph, products, engine)
    item = 1 if dtype == "int8" else 4
    size, tail = _shortest(_one_sample(graph), dtype, engine.kernels == "cmsis_nn")
    for product in products:
        inputs = 1 if product.depthwise else product.depth
        more = (product.live - 1) * inputs * product.channels * item
        size += more // _ALIGNMENT * _ALIGNMENT
    window = _up(graph.window.length * graph.window.channels * item, _ALIGNMENT)
    sram = engine.static_bytes + tail + 2 * window  # the window, and what RESHAPE makes of it
    return LeastCosts(sram, engine.code_bytes + size)


def _products(graph: LayerGraph) -> Iterator[_Product]:
    for layer in graph.layers:
        if isinstance(layer, Convolution):
            source = graph.shapes[layer.source]
            live = min(layer.taps, (source.length - 1) // layer.dilation + 1)
            window = isinstance(graph.layers[layer.source], Input)
            yield _Product(layer.channels, source.channels, live, layer.taps, layer.groups > 1, window)
        elif isinstance(layer, Dense):
            yield _Product(layer.channels, graph.shapes[layer.source].channels, 1, 1, False, False)


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
def _shortest(graph: LayerGraph, dtype: str, cmsis_nn: bool) -> tuple[int, int]:
    """Bytes of a graph's .tflite and of its arena's tail."""
    model = lower(graph, dtype)
    return tflite_bytes(model), persistent_bytes(model, cmsis_nn=cmsis_nn)


def _of_aot(graph: LayerGraph, products: list[_Product], engine: Engine) -> LeastCosts:
    sums = [graph.shapes[n].channels for n, layer in enumerate(graph.layers) if isinstance(layer, Addition)]
    plain = [kind for layer in graph.layers if (kind := _plain(layer))]
    operators = len(products) + len(sums) + len(plain)
    code, stack = CODE_BYTES[engine.code], STACK_BYTES[engine.code]
    flash = engine.code_bytes + _up(operators + 3, _WORD)  # the schedule holds each operator once, and its own ends
    flash += sum(_least_product(engine.code, *product[:5]) for product in products)
    flash += sum(int(least_sum_bytes(channels, engine.code)) for channels in sums)
    flash += sum(int(least_plain_bytes(kind, engine.code)) for kind in plain)
    flash += int(min(_in_all(code, "dispatch", operators, inlined) for inlined in (False, True))) - 1
    groups = max((-(-p.live * p.depth // _GROUP) for p in products if not p.depthwise), default=0)
    room = _COLUMNS_BYTES * _GROUP * groups + _WORD * max(p.live for p in products)
    room += int(min(_calls(stack, operators, inlined) for inlined in (False, True))) - 1
    # All rows that a kernel reads for its newest output lie in the arena, but for those of the window.
    held = max((_up(p.live * p.depth, _WORD) for p in products if not p.reads_window and p.live > 1), default=0)
    given, made = graph.window.length * graph.window.channels, graph.outputs
    static = engine.static_bytes + held + _up(given, _WORD) + _up(made, _WORD) + _OUTPUT_BYTES * made
    return LeastCosts(static + room, flash)


def _plain(layer: Layer) -> Literal["product", "difference", "lookup", "mean"] | None:
    """The kind of code of a layer that is neither a product of matrices nor a sum; None where it has none."""
    if isinstance(layer, Product):
        return "product"
    if isinstance(layer, Difference):
        return "difference"
    if isinstance(layer, Activation) and layer.function == "sigmoid":
        return "lookup"
    return "mean" if isinstance(layer, Mean) else None


@cache
def _least_product(code: Code, channels: int, depth: int, live: int, taps: int, depthwise: bool) -> int:
    """Bytes of the least code and weights of a product of `live` to `taps` taps."""
    if depthwise:
        each = [depthwise_work(n, channels) for n in range(live, min(taps, live + 1) + 1)]
        return min(packed_bytes(work) + int(least_depthwise_bytes(work, code)) for work in each)
    # Sixteen taps more are whole rounds of the kernel's loop: the same code, or more, and more weights.
    works = [matrix_work(channels, n, depth) for n in range(live, min(taps, live + _ROUNDS) + 1)]
    return min(packed_bytes(work) + int(least_matrix_bytes(work, code)) for work in works)


def _in_all(figures: Mapping[str, float], kind: str, operators: int, inlined: bool) -> float:
    found = figures[kind] + operators * figures[f"{kind}: operator"]
    if inlined:
        found += figures[f"{kind}: inlined"] + operators * figures[f"{kind}: operator, inlined"]
    return found


def _calls(figures: Mapping[str, float], operators: int, inlined: bool) -> float:
    found = figures["calls"] + operators * figures["operator"]
    return found + figures["inlined"] + operators * figures["operator, inlined"] if inlined else found


def _up(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment
