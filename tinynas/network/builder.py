"""How families put their layer graphs together."""

from __future__ import annotations

from tinynas.errors import SpaceError
from tinynas.network.layers import (
    Activation,
    Addition,
    Convolution,
    Dense,
    Difference,
    Dropout,
    Input,
    Layer,
    LayerGraph,
    Mean,
    Normalisation,
    Product,
    Slice,
    Turns,
)

__all__ = ["GraphBuilder"]


class GraphBuilder:
    """Puts layers together; every method returns the number of the layer that it added.

    Args:
        window: Samples of the input.
        channels: Values of a sample.
    """

    def __init__(self, window: int, channels: int) -> None:
        self.layers: list[Layer] = [Input(window, channels)]
        self.window = 0

    def convolution(
        self, source: int, name: str, channels: int, taps: int = 1, dilation: int = 1, stride: int = 1, groups: int = 1
    ) -> int:
        """Add a `Convolution`."""
        return self._add(Convolution(source, name, channels, taps, dilation, stride, groups))

    def dense(self, source: int, name: str, channels: int) -> int:
        """Add a `Dense`."""
        return self._add(Dense(source, name, channels))

    def sum(self, first: int, second: int) -> int:
        """Add an `Addition`."""
        return self._add(Addition(first, second))

    def difference(self, first: int, second: int) -> int:
        """Add a `Difference`."""
        return self._add(Difference(first, second))

    def product(self, first: int, second: int) -> int:
        """Add a `Product`."""
        return self._add(Product(first, second))

    def newest(self, source: int, count: int = 1, step: int = 1, lag: int = 0) -> int:
        """Add a `Slice`."""
        return self._add(Slice(source, count, step, lag))

    def relu(self, source: int) -> int:
        """Add an `Activation`, a ReLU."""
        return self._add(Activation(source))

    def sigmoid(self, source: int) -> int:
        """Add an `Activation`, a sigmoid."""
        return self._add(Activation(source, "sigmoid"))

    def normalise(self, source: int, name: str) -> int:
        """Add a `Normalisation`."""
        return self._add(Normalisation(source, name))

    def dropout(self, source: int, name: str, rate: float) -> int:
        """Add a `Dropout`, unless its rate is 0."""
        return self._add(Dropout(source, name, rate)) if rate else source

    def mean(self, source: int) -> int:
        """Add a `Mean`."""
        return self._add(Mean(source))

    def finish(self, output: int, turns: Turns | None = None) -> LayerGraph:
        """The graph.

        Args:
            output: The layer that was added last.
            turns: The symmetry that its weights are tied to.

        Raises:
            SpaceError: It was not added last, or nothing reads one of the layers.
        """
        if output != len(self.layers) - 1:
            raise SpaceError("the output is not the last layer", where="layer graph")
        return LayerGraph(tuple(self.layers), turns)

    def _add(self, layer: Layer) -> int:
        self.layers.append(layer)
        return len(self.layers) - 1
