"""The layer graph: what a family of networks is made of, and all that training, conversion and cost need to know of it.

A graph is a tuple of layers in the order of execution. Each layer names the layers that it reads by their numbers;
layer 0 is the window, the last layer is the output. All sequences end at the same moment, the window's end, and what
lies before the window is zero: convolutions are causal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol, TypeAlias

from tinynas.errors import SpaceError

__all__ = [
    "GROUP",
    "PAIRWISE",
    "Activation",
    "Addition",
    "Convolution",
    "Dense",
    "Difference",
    "Dropout",
    "Input",
    "Layer",
    "LayerGraph",
    "Mean",
    "Network",
    "Normalisation",
    "Product",
    "Shape",
    "Slice",
    "Turns",
    "sources",
]


#: Quarter turns about the vertical, and channels of a group that they permute.
GROUP = 4


@dataclass(frozen=True, slots=True)
class Input:
    """The window: `length` samples of `channels` values."""

    length: int
    channels: int


@dataclass(frozen=True, slots=True)
class Convolution:
    """A causal convolution over time with a bias.

    Attributes:
        source: Layer that is read.
        name: Prefix of its weights' names, "block/part".
        channels: Of the output.
        taps, dilation: Output at time t reads t, t - dilation, ..., t - (taps - 1) dilation.
        stride: Every how many positions there is an output, counted from the window's end.
        groups: 1, or as many as input channels: then each channel is convolved by itself.
    """

    source: int
    name: str
    channels: int
    taps: int
    dilation: int = 1
    stride: int = 1
    groups: int = 1


@dataclass(frozen=True, slots=True)
class Dense:
    """A linear layer with a bias, of a sequence of one position."""

    source: int
    name: str
    channels: int


@dataclass(frozen=True, slots=True)
class Addition:
    """The sum of two sequences of the same shape."""

    first: int
    second: int


@dataclass(frozen=True, slots=True)
class Difference:
    """The first of two sequences of the same shape minus the second."""

    first: int
    second: int


@dataclass(frozen=True, slots=True)
class Product:
    """The products of the values of two sequences of the same shape."""

    first: int
    second: int


@dataclass(frozen=True, slots=True)
class Slice:
    """The newest `count` positions that lie `step` apart, or those `lag` before them; `lag` is below `step`."""

    source: int
    count: int = 1
    step: int = 1
    lag: int = 0


@dataclass(frozen=True, slots=True)
class Activation:
    """ReLU, of a convolution, a linear layer or a sum that nothing else reads; or a sigmoid, of anything."""

    source: int
    function: Literal["relu", "sigmoid"] = "relu"


@dataclass(frozen=True, slots=True)
class Normalisation:
    """Batch normalisation of the convolution whose name it bears, into which it is folded after training."""

    source: int
    name: str


@dataclass(frozen=True, slots=True)
class Dropout:
    """Dropout of whole channels, in training only; `name` is that of the convolution before it."""

    source: int
    name: str
    rate: float


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean over all positions."""

    source: int


Layer: TypeAlias = (
    Input | Convolution | Dense | Addition | Difference | Product | Slice | Activation | Normalisation | Dropout | Mean
)
PAIRWISE = (Addition, Difference, Product)  # a union of types would be made anew at each of thousands of calls
"""Layers that read two sequences of the same shape, value by value."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Positions and channels of a layer's output."""

    length: int
    channels: int


class Network(Protocol):
    """What has a layer graph: an architecture of any family, or a graph itself."""

    @property
    def graph(self) -> LayerGraph:
        """Its layers."""


def sources(layer: Layer) -> tuple[int, ...]:
    """The layers that a layer reads."""
    if isinstance(layer, PAIRWISE):
        return layer.first, layer.second
    return () if isinstance(layer, Input) else (layer.source,)


@dataclass(frozen=True, slots=True)
class Turns:
    """What a quarter turn about the vertical does to a network that has no preferred direction (`network.symmetry`).

    Attributes:
        inputs: A letter a channel of the window. Channels x and y, in pairs, become -y and x; z stays.
        outputs: The same of the output.
    """

    inputs: str
    outputs: str


@dataclass(frozen=True)
class LayerGraph:
    """A network as layers.

    Attributes:
        layers: In the order of execution; the first is the window, the last the output.
        turns: The symmetry that its weights are tied to; None: they are free.

    Raises:
        SpaceError: A layer does not fit what it reads, or nothing reads it.

    Example:
        >>> from tinynas.network.builder import GraphBuilder
        >>> net = GraphBuilder(window=100, channels=6)
        >>> x = net.relu(net.convolution(net.window, "block0/conv1", 8, taps=3))
        >>> graph = net.finish(net.dense(net.newest(x), "head", 2))
        >>> graph.parameters, graph.shapes[-1]
        (170, Shape(length=1, channels=2))
    """

    layers: tuple[Layer, ...]
    turns: Turns | None = None

    def __post_init__(self) -> None:
        read = {0}
        for number, operands in enumerate(self.operands):
            if (not operands) != (number == 0) or any(not 0 <= source < number for source in operands):
                raise SpaceError(f"layer {number} reads what does not come before it", where="layer graph")
            read.update(operands)
        if unread := set(range(len(self.layers) - 1)) - read:
            raise SpaceError(f"nothing reads layer {min(unread)}", where="layer graph")

    @property
    def graph(self) -> LayerGraph:
        """The graph itself, so that it is a `Network`."""
        return self

    @cached_property
    def operands(self) -> tuple[tuple[int, ...], ...]:
        """Of each layer the layers that it reads."""
        return tuple(map(sources, self.layers))

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """Shape of each layer's output, were all of it computed."""
        shapes: list[Shape] = []
        for number, layer in enumerate(self.layers):
            shapes.append(_shape(number, layer, shapes))
        return tuple(shapes)

    @cached_property
    def readers(self) -> tuple[tuple[int, ...], ...]:
        """Of each layer the layers that read it."""
        readers: list[list[int]] = [[] for _ in self.layers]
        for number, operands in enumerate(self.operands):
            for source in operands:
                readers[source].append(number)
        return tuple(map(tuple, readers))

    @property
    def window(self) -> Input:
        """The first layer."""
        first = self.layers[0]
        assert isinstance(first, Input)
        return first

    @property
    def outputs(self) -> int:
        """Values that the network returns."""
        return self.shapes[-1].length * self.shapes[-1].channels

    def fan_in(self, layer: Convolution | Dense) -> int:
        """Values that one output of a layer is made of."""
        across = self.shapes[layer.source].channels
        return across if isinstance(layer, Dense) else layer.taps * (across // layer.groups)

    @property
    def parameters(self) -> int:
        """Weights and biases, normalisation folded."""
        weighted = (layer for layer in self.layers if isinstance(layer, Convolution | Dense))
        return sum(layer.channels * (self.fan_in(layer) + 1) for layer in weighted)


_POINTWISE = (Activation, Normalisation, Dropout)


def _shape(number: int, layer: Layer, shapes: Sequence[Shape]) -> Shape:
    if isinstance(layer, _POINTWISE):
        return shapes[layer.source]
    if isinstance(layer, Input):
        return Shape(layer.length, layer.channels)
    before = shapes[sources(layer)[0]]
    if isinstance(layer, Convolution):
        if layer.groups != 1 and not before.channels == layer.groups == layer.channels:
            raise SpaceError(f"layer {number} has {layer.groups} groups: 1, or one a channel", where="layer graph")
        return Shape((before.length - 1) // layer.stride + 1, layer.channels)
    if isinstance(layer, Dense):
        if before.length != 1:
            raise SpaceError(f"layer {number} is linear and reads {before.length} positions", where="layer graph")
        return Shape(1, layer.channels)
    if isinstance(layer, PAIRWISE) and before != shapes[layer.second]:
        raise SpaceError(f"layer {number} joins {before} and {shapes[layer.second]}", where="layer graph")
    if isinstance(layer, Slice):
        if not 0 <= layer.lag < layer.step:
            raise SpaceError(f"layer {number} lags by {layer.lag} of a step of {layer.step}", where="layer graph")
        if (layer.count - 1) * layer.step + layer.lag >= before.length:
            raise SpaceError(f"layer {number} takes more than {before.length} positions", where="layer graph")
        return Shape(layer.count, before.channels)
    return Shape(1, before.channels) if isinstance(layer, Mean) else before
