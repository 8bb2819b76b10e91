"""Depthwise separable temporal convolutional networks: each convolution of a block is split in two.

A channel is convolved by itself over time, then a 1x1 convolution mixes the channels (Howard et al., "MobileNets",
2017), without an activation in between (Chollet, "Xception", 2017). Of k C F weights k C + C F are left, so that long
kernels cost little. Blocks, residual paths and skip connections are those of a `TCN`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tinynas.checked import options
from tinynas.network.builder import GraphBuilder
from tinynas.network.families.tcn import TCN
from tinynas.network.families.tcn_space import BlockSpace

__all__ = ["SeparableSearchSpace", "SeparableTCN"]


@dataclass(frozen=True)
class SeparableTCN(TCN, family="ds_tcn"):
    """A depthwise separable temporal convolutional network; fields as of a `TCN`.

    Example:
        >>> a = SeparableTCN(filters=16, kernel_size=5, dilations=(1, 2, 4, 8), window=200, channels=6)
        >>> a.parameters
        2870
    """

    def _convolve(self, net: GraphBuilder, x: int, width: int, name: str, dilation: int) -> int:
        x = net.convolution(x, f"{name}/depthwise", width, self.kernel_size, dilation, groups=width)
        return self._activate(net, net.convolution(x, name, self.filters), name)


@options("space")
class SeparableSearchSpace(BlockSpace):
    """Bounds of the depthwise separable networks; see `BlockSpace`."""

    family: Literal["ds_tcn"] = "ds_tcn"
    network: ClassVar[type[TCN]] = SeparableTCN
