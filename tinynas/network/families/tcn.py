"""One temporal convolutional network of the family, as numbers.

The family is that of TinyOdom (Saha et al. 2022), which takes its blocks from the TCN of Bai, Kolter and Koltun (2018):
a block is two causal dilated convolutions, each followed by an optional batch normalisation, a ReLU and spatial
dropout, with a residual path around them (a 1x1 convolution where the channel counts differ) and a ReLU after the
addition. With skip connections the network's feature vector is the sum of every block's last convolution output instead
of the last block's residual output. The last time step feeds one linear layer. (TinyOdom's linear layer of 32 units
before its linear heads is the same function with more parameters, so it is left out.)
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from tinynas.network.architecture import Architecture
from tinynas.network.builder import GraphBuilder
from tinynas.network.families.fields import check_counts, check_kind, check_symmetry, turns_of
from tinynas.network.layers import LayerGraph

__all__ = ["TCN"]


@dataclass(frozen=True)
class TCN(Architecture, family="tcn"):
    """A temporal convolutional network.

    Attributes:
        filters: Channels of every convolution but the input's, F.
        kernel_size: Taps of every convolution, k.
        dilations: Dilation of each residual block in samples, first block first; any positive integers.
        dropout: Rate of spatial dropout in training, in [0, 1).
        skip_connections: Sum the blocks' convolution outputs instead of taking the last block's residual output.
        norm: "none" or "batch" (batch normalisation after each convolution of a block).
        window: Input length T in samples.
        channels: Input channels C.
        outputs: Regressed values.
        symmetry: "none", or "c4": the network commutes with quarter turns about the vertical. Then the channels are
            vectors (x, y, z), the outputs are one (x, y), and the filters come in groups of four (`network.symmetry`).

    Raises:
        SpaceError: A field is out of its range.

    Example:
        >>> a = TCN(filters=16, kernel_size=5, dilations=(1, 2, 4, 8), window=200, channels=6)
        >>> a.receptive_field, a.parameters
        (121, 9714)
    """

    filters: int
    kernel_size: int
    dilations: tuple[int, ...]
    window: int
    channels: int
    dropout: float = 0.0
    skip_connections: bool = False
    norm: str = "none"
    outputs: int = 2
    symmetry: str = "none"

    def __post_init__(self) -> None:
        object.__setattr__(self, "dilations", tuple(self.dilations))
        check_counts(self, "filters", "kernel_size", "dilations", "window", "channels", "outputs")
        check_kind(self)
        check_symmetry(self, self.filters)

    @property
    def blocks(self) -> int:
        """Number of residual blocks."""
        return len(self.dilations)

    @property
    def receptive_field(self) -> int:
        """Input samples that the output can depend on if the window is long enough: 1 + 2 (k-1) sum(d)."""
        return 1 + 2 * (self.kernel_size - 1) * sum(self.dilations)

    @cached_property
    def graph(self) -> LayerGraph:
        """Its layers."""
        net = GraphBuilder(self.window, self.channels)
        x, width, features = net.window, self.channels, None
        turns = turns_of(self)
        for block, dilation in enumerate(self.dilations):
            name = f"block{block}"
            residual = None
            # The residual path comes first, so that the block's input, the largest sequence alive, can go before the
            # second convolution runs.
            if not (self.skip_connections and block == self.blocks - 1):
                alike = width == self.filters and (block > 0 or turns is None)
                residual = x if alike else net.convolution(x, f"{name}/projection", self.filters)
            for conv in (1, 2):
                x = self._convolve(net, x, width, f"{name}/conv{conv}", dilation)
                width = self.filters
            if self.skip_connections:
                features = x if features is None else net.sum(features, x)
            if residual is not None:
                x = net.relu(net.sum(residual, x))
        x = net.newest(x if features is None else features)
        return net.finish(net.dense(x, "head", self.outputs), turns)

    def _convolve(self, net: GraphBuilder, x: int, width: int, name: str, dilation: int) -> int:  # noqa: ARG002
        """Add one convolution of a block, from `width` channels to `filters`, with what follows it."""
        return self._activate(net, net.convolution(x, name, self.filters, self.kernel_size, dilation), name)

    def _activate(self, net: GraphBuilder, x: int, name: str) -> int:
        if self.norm == "batch":
            x = net.normalise(x, name)
        return net.dropout(net.relu(x), name, self.dropout)

    @property
    def key(self) -> str:
        """Canonical text of the architecture: equal keys, equal networks."""
        dilations = ".".join(map(str, self.dilations))
        form = f"{'skip' if self.skip_connections else 'residual'}-{self.norm}-p{self.dropout:.6g}"
        shape = f"w{self.window}x{self.channels}-o{self.outputs}"
        prefix = "" if self.family == "tcn" else f"{self.family}-"
        turns = "" if self.symmetry == "none" else f"-{self.symmetry}"
        return f"{prefix}f{self.filters}-k{self.kernel_size}-d{dilations}-{form}-{shape}{turns}"

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values, with the family's name."""
        return {"family": self.family, **asdict(self), "dilations": list(self.dilations)}
