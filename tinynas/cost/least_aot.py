"""The least that a compiled model can cost, from its layers alone: engine "aot" of `least`.

What is not known without a schedule is bounded: where rows lie, and how often an operator takes a turn beyond the
positions that its readers need in any case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

from tinynas.cost.aot import packed_bytes
from tinynas.cost.aot_code import (
    Range,
    depthwise_code_range,
    matrix_code_range,
    may_inline,
    plain_code_range,
    sum_code_range,
)
from tinynas.cost.aot_program import depthwise_work, matrix_work
from tinynas.cost.code_figures import CODE_BYTES, STACK_BYTES, Code
from tinynas.cost.engine import Engine
from tinynas.network import (
    Activation,
    Addition,
    Convolution,
    Dense,
    Difference,
    Dropout,
    Layer,
    LayerGraph,
    Mean,
    Normalisation,
    Product,
    Slice,
)

__all__ = ["least_of_aot", "live_taps"]

_GROUP, _WORD = 4, 4
_LANES = 2  # rows that an operator makes at once
_COLUMNS_BYTES = 4  # of two columns in int16, for each value
_OUTPUT_BYTES = 4  # of each output, as a real number
_TABLE_BYTES = 256  # of a function of one value
_KINDS = 1 << 14  # of operators that are kept
# Sixteen taps more are whole rounds of the kernel's loop: the same code, or more, and more weights.
_ROUNDS = 15
# Of a single value a tap, the first rounds are a kind of their own.
_FIRST_ROUNDS = 47


class _Product(NamedTuple):
    """A convolution or linear layer.

    Attributes:
        layer, reads: Its number, and that of the layer whose values it reads; 0 is the window.
        channels, depth: Values of a position that it makes, and that it reads.
        live, taps: Taps that can meet a sample, and those of networks with smaller dilations at most.
        depthwise: Each channel is convolved by itself.
        turns: Numbers of turns that it may take.
    """

    layer: int
    reads: int
    channels: int
    depth: int
    live: int
    taps: int
    depthwise: bool
    turns: tuple[int, ...]


def least_of_aot(graph: LayerGraph, engine: Engine) -> tuple[int, int]:
    """Bound a compiled model's bytes of SRAM and of flash from below.

    Args:
        graph: Its layers.
        engine: "aot".

    Returns:
        Neither is above `aot_costs` of the network, or of the same layers with smaller dilations.
    """
    least = _positions(graph, [live_taps(graph, layer) for layer in graph.layers])
    most = _positions(graph, [_all_taps(graph, layer) for layer in graph.layers], apart=1)
    turns = [_turns(*both) for both in zip(least, most, strict=True)]
    products = list(_products(graph, turns))
    made = [_code_of(product, engine.code) for product in products]
    others = list(_others(graph, turns, engine.code))
    operators = len(products) + len(others)
    ranges = [*(code for _, code in made), *others]
    code_range = sum(low for low, _ in ranges), sum(high for _, high in ranges)
    windows = _window(products, most=False), _window(products, most=True)
    inlined = may_inline(code_range, windows, operators, engine.code)
    # The schedule holds each operator once, and its own ends.
    tables = sum(_TABLE_BYTES for layer in graph.layers if _plain(layer) == "lookup")
    flash = engine.code_bytes + _up(operators + 3, _WORD) + tables + sum(size for size, _ in made)
    code = sum(low for low, _ in others) + min(_dispatch(engine.code, operators, one) for one in inlined)
    stack = min(_calls(engine.code, operators, one) for one in inlined)
    sizes = graph.window.length * graph.window.channels, graph.outputs
    static = engine.static_bytes + sum(_up(size, _WORD) for size in sizes) + _OUTPUT_BYTES * graph.outputs
    # The sums are rounded to the nearest whole byte.
    return static + _held(graph, products, least) + windows[0] + int(stack) - 1, flash + int(code) - 1


def live_taps(graph: LayerGraph, layer: Layer) -> int:
    """Taps of a convolution that can meet a sample of the window; 1 of any other layer."""
    if not isinstance(layer, Convolution):
        return 1
    return min(layer.taps, (graph.shapes[layer.source].length - 1) // layer.dilation + 1)


def _all_taps(graph: LayerGraph, layer: Layer) -> int:
    """The same with the smallest dilation."""
    return min(layer.taps, graph.shapes[layer.source].length) if isinstance(layer, Convolution) else 1


def _positions(graph: LayerGraph, taps: list[int], apart: int = 0) -> list[int]:
    """Of each layer a number of positions that its readers need in any case, for kernels of so many live taps.

    With `apart` 1 positions that lag are taken for other ones: then it is 1 only where no more than one is needed.
    """
    needed = [1] * len(graph.layers)
    needed[-1] = graph.shapes[-1].length
    for number in range(len(graph.layers) - 2, -1, -1):
        found: dict[tuple[int, int], int] = {}  # (step, lag) -> positions that readers take there
        for reader in graph.readers[number]:
            layer = graph.layers[reader]
            # The newest output needs all live taps, and every output the tap at its own moment.
            count = graph.shapes[number].length if isinstance(layer, Mean) else max(needed[reader], taps[reader])
            at = (layer.step, layer.lag) if isinstance(layer, Slice) else (0, 0)
            found[at] = max(found.get(at, 0), count + apart * at[1])
        # What lags by different numbers of positions is not the same.
        needed[number] = max(sum(n for at, n in found.items() if at[0] == step) for step, _ in found)
    return needed


def _turns(least: int, most: int) -> tuple[int, ...]:
    """Numbers of turns that make code of different kinds."""
    return (1,) if most == 1 else tuple(n for n in (1, 2, 3, 4) if n >= min(least, 3))


def _products(graph: LayerGraph, turns: list[tuple[int, ...]]) -> Iterator[_Product]:
    for number, layer in enumerate(graph.layers):
        if isinstance(layer, Convolution | Dense):
            depth, depthwise = graph.shapes[layer.source].channels, isinstance(layer, Convolution) and layer.groups > 1
            live, taps = live_taps(graph, layer), _all_taps(graph, layer)
            reads = _maker(graph, layer.source)
            yield _Product(number, reads, layer.channels, depth, live, taps, depthwise, turns[number])


def _maker(graph: LayerGraph, number: int) -> int:
    """The layer whose memory holds what a layer stands for."""
    layer = graph.layers[number]
    while isinstance(layer, Slice | Normalisation | Dropout) or (
        isinstance(layer, Activation) and layer.function == "relu"
    ):
        number = layer.source
        layer = graph.layers[number]
    return number


def _code_of(product: _Product, code: Code) -> tuple[int, Range]:
    taps = min(product.taps, product.live + _FIRST_ROUNDS)
    return _code(code, product.channels, product.depth, product.live, taps, product.depthwise, product.turns)


@lru_cache(_KINDS)
def _code(
    code: Code, channels: int, depth: int, live: int, taps: int, depthwise: bool, turns: tuple[int, ...]
) -> tuple[int, Range]:
    """Bytes of the least code and weights of a product of `live` to `taps` taps, and the range of its code."""
    if depthwise:
        each = [(w, depthwise_code_range(w, turns, code)) for w in (depthwise_work(live, channels),)]
        if taps > live:
            work = depthwise_work(live + 1, channels)
            each.append((work, depthwise_code_range(work, turns, code)))
        sizes = [packed_bytes(work) + int(low) for work, (low, _) in each]
        ranges = [found for _, found in each]
    else:
        works = [matrix_work(channels, n, depth) for n in range(live, taps + 1)]
        ranges = [matrix_code_range(work, turns, code) for work in works]
        sizes = [packed_bytes(w) + int(low) for w, (low, _) in zip(works[:16], ranges[:16], strict=True)]
    return min(sizes), (min(low for low, _ in ranges), max(high for _, high in ranges))


def _others(graph: LayerGraph, turns: list[tuple[int, ...]], code: Code) -> Iterator[Range]:
    """Code of sums, and of operators with plain loops."""
    for number, layer in enumerate(graph.layers):
        if isinstance(layer, Addition):
            yield sum_code_range(graph.shapes[number].channels, turns[number], code)
        elif kind := _plain(layer):
            count = (1, 2) if kind == "mean" else turns[number]
            yield plain_code_range(kind, count, code)


def _plain(layer: Layer) -> Literal["product", "difference", "lookup", "mean"] | None:
    """The kind of code of a layer that is neither a product of matrices nor a sum; None where it has none."""
    if isinstance(layer, Product):
        return "product"
    if isinstance(layer, Difference):
        return "difference"
    if isinstance(layer, Activation) and layer.function == "sigmoid":
        return "lookup"
    return "mean" if isinstance(layer, Mean) else None


def _window(products: list[_Product], *, most: bool) -> int:
    """Room on the stack for windows, with the live taps or with all of them."""
    groups = pointers = 0
    for product in products:
        taps = product.taps if most else product.live
        if product.depthwise:  # it points at rows, and at positions within them
            pointers = max(pointers, 2 * taps)
        else:
            groups, pointers = max(groups, -(-taps * product.depth // _GROUP)), max(pointers, taps)
    return _COLUMNS_BYTES * _GROUP * groups + _WORD * pointers


def _held(graph: LayerGraph, products: list[_Product], needed: list[int]) -> int:
    """Bytes of the arena while an operator takes a turn: what it reads and makes, and what a sum keeps for later."""
    output, kept = _maker(graph, len(graph.layers) - 1), _kept(graph)

    def rows(layer: int) -> int:  # that are there at once, if the operator makes several
        return min(needed[layer], _LANES)

    held = 0
    for product in products:
        sizes = []
        if product.reads:
            sizes.append(max(product.live, rows(product.reads)) * product.depth)
        if product.layer != output:
            sizes.append(rows(product.layer) * product.channels)
        waiting = kept.get(product.layer, 0)
        if waiting not in (0, product.reads):
            sizes.append(rows(waiting) * graph.shapes[waiting].channels)
        held = max(held, sum(_up(size, _WORD) for size in sizes))
    return held


def _kept(graph: LayerGraph) -> dict[int, int]:
    """Layer -> the first summand of a sum whose second one needs the layer, and which nothing else needs.

    A schedule makes the first summand first, and it lies in memory until both are there.
    """
    kept = {}
    for layer in graph.layers:
        if not isinstance(layer, Addition):
            continue
        first, number = _maker(graph, layer.first), layer.second
        while len(graph.readers[number]) == 1 and len(graph.operands[number]) == 1:
            kept[number] = first
            [number] = graph.operands[number]
    return kept


def _dispatch(code: Code, operators: int, inlined: bool) -> float:
    return _in_all(CODE_BYTES[code], "dispatch", "dispatch: ", operators, inlined)


def _calls(code: Code, operators: int, inlined: bool) -> float:
    return _in_all(STACK_BYTES[code], "calls", "", operators, inlined)


def _in_all(figures: Mapping[str, float], first: str, prefix: str, operators: int, inlined: bool) -> float:
    found = figures[first] + operators * figures[f"{prefix}operator"]
    if inlined:
        found += figures[f"{prefix}inlined"] + operators * figures[f"{prefix}operator, inlined"]
    return found


def _up(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment
