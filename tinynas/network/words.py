"""A network in words, from its layer graph: the same for every family."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tinynas.network.layers import Activation, Addition, Convolution, Dropout, LayerGraph, Mean, Network, Normalisation

__all__ = ["describe", "describe_short"]


class _Traits(NamedTuple):
    """What is said of a network.

    Attributes:
        filters: Channels of the convolutions over time, or of those that mix channels behind depthwise ones; of the
            blocks where their inside has other ones. Each number once, in the order of the blocks.
        inside: Channels of the inside of blocks that have fewer or more there, likewise; empty elsewhere.
        taps: Lengths of the convolutions over time.
        dilations: One a block.
        strides: One a block; empty where none is above 1.
        gated: Steps and units of a recurrence; None without one.
        averaged: Whether the output is made of a mean over time.
        separable: Whether there are depthwise convolutions.
        dropout: The highest rate.
        normalised: Whether there is batch normalisation.
        skips: Whether the blocks' outputs are summed.
        tied: Whether weights are tied over the quarter turns.
    """

    filters: Sequence[int]
    inside: Sequence[int]
    taps: Sequence[int]
    dilations: Sequence[int]
    strides: Sequence[int]
    gated: tuple[int, int] | None
    averaged: bool
    separable: bool
    dropout: float
    normalised: bool
    skips: bool
    tied: bool


def describe(network: Network) -> str:
    """Describe a network in a sentence.

    Args:
        network: An architecture, or a layer graph.

    Example:
        >>> from tinynas.network import TCN
        >>> describe(TCN(12, 8, (4, 32), window=200, channels=6, norm="batch", skip_connections=True))
        '12 filters, kernel 8, dilations 4 and 32, batch normalisation, skip connections'
    """
    t = _traits(network.graph)
    parts = [f"{_span(t.filters)} filters", f"{'depthwise ' * t.separable}kernel {_span(t.taps)}"]
    parts[1:1] = [f"{_span(t.inside)} inside"] if t.inside else []
    what, numbers = ("stride", t.strides) if t.strides else ("dilation", t.dilations)
    if numbers:
        *head, last = map(str, numbers)
        parts.append(f"{what}s {', '.join(head)} and {last}" if head else f"{what} {last}")
    parts += [f"{t.gated[0]} gated steps of {t.gated[1]} units"] if t.gated else []
    parts += ["mean over time"] * t.averaged
    parts += [f"dropout {t.dropout:.2g}"] if t.dropout else []
    parts.append("batch normalisation" if t.normalised else "no normalisation")
    if not t.strides and not t.gated:
        parts.append("skip connections" if t.skips else "no skip connections")
    parts += ["the same in all quarter turns"] * t.tied
    return ", ".join(parts)


def describe_short(network: Network) -> str:
    """Describe a network in a table cell.

    Args:
        network: An architecture, or a layer graph.

    Example:
        >>> from tinynas.network import TCN
        >>> describe_short(TCN(12, 8, (4, 32), window=200, channels=6, norm="batch"))
        '12 f · k 8 · d 4 32 · BN'
    """
    t = _traits(network.graph)
    parts = [f"{_span(t.filters)} f"]
    parts += [f"{_span(t.inside)} in"] if t.inside else []
    parts.append(f"k {_span(t.taps)}")
    what, numbers = ("s", t.strides) if t.strides else ("d", t.dilations)
    parts += [f"{what} {' '.join(map(str, numbers))}"] if numbers else []
    parts += [f"{t.gated[0]} x {t.gated[1]} u"] if t.gated else []
    marks = {"mean": t.averaged, "DW": t.separable, "BN": t.normalised, "skip": t.skips, "C4": t.tied}
    return " · ".join(parts + [mark for mark, holds in marks.items() if holds])


def _traits(graph: LayerGraph) -> _Traits:
    # What leads a block's output to the sum of all says nothing of the block.
    convolutions = [one for one in graph.layers if isinstance(one, Convolution) and _part(one) != "skip"]
    over_time = [layer for layer in convolutions if layer.taps > 1] or convolutions
    separable = any(layer.groups > 1 for layer in convolutions)
    mixing = [layer for layer in convolutions if layer.groups == 1] if separable else over_time
    inside = [layer for layer in convolutions if _part(layer) == "squeeze"]
    outward = [layer for layer in convolutions if _part(layer) == "expand"]
    if inside:
        mixing = outward
    elif outward:
        mixing, inside = [layer for layer in mixing if layer not in outward], outward
    strides = tuple(layer.stride for layer in over_time)
    gates = [n for n, layer in enumerate(graph.layers) if isinstance(layer, Activation) and layer.function == "sigmoid"]
    gated = graph.shapes[gates[0]] if gates else None
    blocks = {layer.name.partition("/")[0]: layer.dilation for layer in over_time}
    rates = [layer.rate for layer in graph.layers if isinstance(layer, Dropout)]
    return _Traits(
        filters=list(dict.fromkeys(layer.channels for layer in mixing)),
        inside=list(dict.fromkeys(layer.channels for layer in inside)),
        taps=_distinct(layer.taps for layer in over_time),
        dilations=tuple(blocks.values()),
        strides=strides if max(strides, default=1) > 1 else (),
        gated=(gated.length, gated.channels) if gated else None,
        averaged=any(isinstance(layer, Mean) for layer in graph.layers),
        separable=separable,
        dropout=max(rates, default=0.0),
        normalised=any(isinstance(layer, Normalisation) for layer in graph.layers),
        skips=not gates and _skips(graph),
        tied=graph.turns is not None,
    )


def _part(layer: Convolution) -> str:
    return layer.name.partition("/")[2]


def _skips(graph: LayerGraph) -> bool:
    """Whether what a block's convolutions make is read by a sum and by something else: a sum, or the way to it."""
    for number, layer in enumerate(graph.layers):
        readers = [graph.layers[reader] for reader in graph.readers[number]]
        if len(readers) < 2 or not any(isinstance(reader, Addition) for reader in readers):
            continue
        while isinstance(layer, Activation | Normalisation | Dropout):
            layer = graph.layers[layer.source]
        if isinstance(layer, Convolution):
            return True
    return False


def _distinct(values: Iterable[int]) -> list[int]:
    return sorted(set(values))


def _span(values: Sequence[int]) -> str:
    """One number; of several the first and the last where they only grow or shrink, else the extremes."""
    if len(values) <= 1:
        return "".join(map(str, values)) or "no"
    steady = list(values) in (sorted(values), sorted(values, reverse=True))
    low, high = (values[0], values[-1]) if steady else (min(values), max(values))
    return f"{low} to {high}"
