"""Depthwise separable temporal convolutional networks: each convolution of a block is split in two.

A channel is convolved by itself over time, then a 1x1 convolution mixes the channels (Howard et al., "MobileNets",
2017), without an activation in between (Chollet, "Xception", 2017). Of k C F weights k C + C F are left, so that long
kernels cost little. Residual paths and skip connections are those of a `TCN`.

With an expansion a block is one inverted residual instead (Sandler et al., "MobileNetV2", 2018): a 1x1 convolution to
so many times as many channels, a depthwise one, both with a ReLU, and a 1x1 convolution back, without one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from tinynas.checked import options
from tinynas.network.builder import GraphBuilder
from tinynas.network.families.blocks import BlockNetwork
from tinynas.network.families.fields import check_counts
from tinynas.network.families.tcn_space import BlockSpace, Inside

__all__ = ["SeparableSearchSpace", "SeparableTCN"]


@dataclass(frozen=True)
class SeparableTCN(BlockNetwork, family="ds_tcn"):
    """A depthwise separable temporal convolutional network; other fields as of a `TCN`.

    Attributes:
        expansion: How many times as many channels the inside of an inverted residual has as its block; 1: blocks are
            two separable convolutions.

    Example:
        >>> a = SeparableTCN(filters=16, kernel_size=5, dilations=(1, 2, 4, 8), window=200, channels=6)
        >>> a.parameters
        2870
    """

    expansion: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "expansion")

    @property
    def receptive_field(self) -> int:
        """Input samples that the output can depend on if the window is long enough."""
        return 1 + (2 if self.expansion == 1 else 1) * (self.kernel_size - 1) * sum(self.dilations)

    def _stack(self, net: GraphBuilder, x: int, width: int, filters: int, name: str, dilation: int) -> int:
        if self.expansion > 1:
            inner, inside = self.expansion * filters, f"{name}/depthwise"
            x = self._activate(net, net.convolution(x, f"{name}/expand", inner), f"{name}/expand")
            x = net.convolution(x, inside, inner, self.kernel_size, dilation, groups=inner)
            x = net.convolution(self._activate(net, x, inside), f"{name}/conv", filters)
            return self._normalise(net, x, f"{name}/conv")
        for label, channels in ((f"{name}/conv1", width), (f"{name}/conv2", filters)):
            x = net.convolution(x, f"{label}/depthwise", channels, self.kernel_size, dilation, groups=channels)
            x = self._activate(net, net.convolution(x, label, filters), label)
        return x

    def _join(self, net: GraphBuilder, x: int) -> int:
        # What an inverted residual hands on is narrow: a ReLU would lose half of it.
        return x if self.expansion > 1 else super()._join(net, x)

    def _inside(self) -> str:
        return f"-e{self.expansion}" if self.expansion > 1 else ""


@options("space")
class SeparableSearchSpace(BlockSpace):
    """Bounds of the depthwise separable networks; see `BlockSpace`.

    Attributes:
        expansion: Values to try, ascending; with one value nothing is chosen.
    """

    expansion: Annotated[tuple[Inside, ...], Field(max_length=8)] = (1,)
    family: Literal["ds_tcn"] = "ds_tcn"
    network: ClassVar[type[BlockNetwork]] = SeparableTCN
    inside: ClassVar[str] = "expansion"
