"""What networks that are stacks of dilated residual blocks have in common.

With skip connections the network's feature vector is the sum of every block's output before its residual path is
added, instead of the last block's residual output. Where blocks differ in width, each output reaches the last block's
width by a 1x1 convolution, as in WaveNet (van den Oord et al. 2016). The last time step feeds one linear layer.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from tinynas.network.architecture import Architecture
from tinynas.network.builder import GraphBuilder
from tinynas.network.families.fields import (
    check_counts,
    check_kind,
    check_symmetry,
    settle_widths,
    turns_of,
    width_key,
    widths_of,
)
from tinynas.network.layers import LayerGraph

__all__ = ["BlockNetwork"]


@dataclass(frozen=True)
class BlockNetwork(Architecture, family=None):
    """A stack of blocks, each with a dilation and a residual path.

    Attributes:
        filters: Channels of every block, F; or of each block, first block first.
        kernel_size: Taps of every convolution over time, k.
        dilations: Dilation of each residual block in samples, first block first; any positive integers.
        window: Input length T in samples.
        channels: Input channels C.
        dropout: Rate of spatial dropout in training, in [0, 1).
        skip_connections: Sum the blocks' convolution outputs instead of taking the last block's residual output.
        norm: "none" or "batch" (batch normalisation after each convolution of a block).
        outputs: Regressed values.
        symmetry: "none", or "c4": the network commutes with quarter turns about the vertical. Then the channels are
            vectors (x, y, z), the outputs are one (x, y), and the filters come in groups of four (`network.symmetry`).

    Raises:
        SpaceError: A field is out of its range.
    """

    filters: int | tuple[int, ...]
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
        settle_widths(self, "dilations")
        check_counts(self, "filters", "kernel_size", "dilations", "window", "channels", "outputs")
        check_kind(self)
        check_symmetry(self, *self.widths)

    @property
    def blocks(self) -> int:
        """Number of residual blocks."""
        return len(self.dilations)

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each block."""
        return widths_of(self, self.blocks)

    @property
    @abstractmethod
    def receptive_field(self) -> int:
        """Input samples that the output can depend on if the window is long enough."""

    @cached_property
    def graph(self) -> LayerGraph:
        """Its layers."""
        net = GraphBuilder(self.window, self.channels)
        x, width, features = net.window, self.channels, None
        turns = turns_of(self)
        for block, (dilation, filters) in enumerate(zip(self.dilations, self.widths, strict=True)):
            name = f"block{block}"
            residual = None
            # The residual path comes first, so that the block's input, the largest sequence alive, can go before the
            # second convolution runs.
            if not (self.skip_connections and block == self.blocks - 1):
                alike = width == filters and (block > 0 or turns is None)
                residual = x if alike else net.convolution(x, f"{name}/projection", filters)
            x = self._stack(net, x, width, filters, name, dilation)
            width = filters
            if self.skip_connections:
                last = self.widths[-1]
                shown = x if width == last else net.convolution(x, f"{name}/skip", last)
                features = shown if features is None else net.sum(features, shown)
            if residual is not None:
                x = self._join(net, net.sum(residual, x))
        x = net.newest(x if features is None else features)
        return net.finish(net.dense(x, "head", self.outputs), turns)

    @abstractmethod
    def _stack(self, net: GraphBuilder, x: int, width: int, filters: int, name: str, dilation: int) -> int:
        """Add the convolutions of a block, from `width` channels to `filters`, with what follows each."""

    def _join(self, net: GraphBuilder, x: int) -> int:
        """Add what follows the sum of a block and its residual path."""
        return net.relu(x)

    def _activate(self, net: GraphBuilder, x: int, name: str) -> int:
        return net.dropout(net.relu(self._normalise(net, x, name)), name, self.dropout)

    def _normalise(self, net: GraphBuilder, x: int, name: str) -> int:
        return net.normalise(x, name) if self.norm == "batch" else x

    @property
    def key(self) -> str:
        """Canonical text of the architecture: equal keys, equal networks."""
        dilations = ".".join(map(str, self.dilations))
        form = f"{'skip' if self.skip_connections else 'residual'}-{self.norm}-p{self.dropout:.6g}"
        shape = f"w{self.window}x{self.channels}-o{self.outputs}"
        prefix = "" if self.family == "tcn" else f"{self.family}-"
        turns = "" if self.symmetry == "none" else f"-{self.symmetry}"
        start = f"{prefix}f{width_key(self)}-k{self.kernel_size}{self._inside()}"
        return f"{start}-d{dilations}-{form}-{shape}{turns}"

    @abstractmethod
    def _inside(self) -> str:
        """The key's part for the inside of a block."""

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values, with the family's name."""
        lists = {name: list(value) for name, value in asdict(self).items() if isinstance(value, tuple)}
        return {"family": self.family, **asdict(self), **lists}
