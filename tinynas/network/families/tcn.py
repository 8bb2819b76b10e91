"""One temporal convolutional network of the family, as numbers.

The family is that of TinyOdom (Saha et al. 2022), which takes its blocks from the TCN of Bai, Kolter and Koltun (2018):
a block is two causal dilated convolutions, each followed by an optional batch normalisation, a ReLU and spatial
dropout, with a residual path around them (a 1x1 convolution where the channel counts differ) and a ReLU after the
addition. (TinyOdom's linear layer of 32 units before its linear heads is the same function with more parameters, so it
is left out.) With a squeeze the two convolutions run in fewer channels, between 1x1 convolutions that lead there and
back: a bottleneck (He et al., "Deep Residual Learning", 2016).
"""

from __future__ import annotations

from dataclasses import dataclass

from tinynas.network.builder import GraphBuilder
from tinynas.network.families.blocks import BlockNetwork
from tinynas.network.families.fields import check_counts, whole_width

__all__ = ["TCN"]


@dataclass(frozen=True)
class TCN(BlockNetwork, family="tcn"):
    """A temporal convolutional network; see `BlockNetwork` for what it shares with others.

    Attributes:
        squeeze: How many times fewer channels the convolutions over time have than their block; 1: as many.

    Raises:
        SpaceError: A field is out of its range.

    Example:
        >>> a = TCN(filters=16, kernel_size=5, dilations=(1, 2, 4, 8), window=200, channels=6)
        >>> a.receptive_field, a.parameters
        (121, 9714)
        >>> TCN(filters=(8, 12, 16, 24), kernel_size=5, dilations=(1, 2, 4, 8), window=200, channels=6).parameters
        9750
    """

    squeeze: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "squeeze")

    @property
    def receptive_field(self) -> int:
        """Input samples that the output can depend on if the window is long enough: 1 + 2 (k-1) sum(d)."""
        return 1 + 2 * (self.kernel_size - 1) * sum(self.dilations)

    def _stack(self, net: GraphBuilder, x: int, width: int, filters: int, name: str, dilation: int) -> int:  # noqa: ARG002
        inner = whole_width(filters / self.squeeze, tied=self.symmetry == "c4")
        ways = [(f"conv{number}", inner, self.kernel_size, dilation) for number in (1, 2)]
        if self.squeeze > 1:
            ways = [("squeeze", inner, 1, 1), *ways, ("expand", filters, 1, 1)]
        for way, channels, taps, apart in ways:
            label = f"{name}/{way}"
            x = self._activate(net, net.convolution(x, label, channels, taps, apart), label)
        return x

    def _inside(self) -> str:
        return f"-q{self.squeeze}" if self.squeeze > 1 else ""
