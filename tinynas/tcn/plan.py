"""The pyramid form: which time steps of each layer are computed, and with which strides.

A TCN's output is its last time step, so of the output of block b only the positions spaced by the gcd of the later
blocks' dilations are needed, aligned to the window's end and within the receptive field. On that grid the block's
dilated convolutions become undilated ones (relative dilation d_b / g_(b-1), 1 whenever the dilations ascend in powers
of one base) and the second one strides by g_b / g_(b-1). Positions before the window's start are zeros in every layer,
as causal padding makes them in the dilated form, so both forms give the same outputs.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinynas.tcn.architecture import Architecture

__all__ = ["BlockPlan", "ConvPlan", "PyramidPlan", "SlicePlan", "plan"]


@dataclass(frozen=True)
class SlicePlan:
    """End-aligned subsampling of a sequence: the positions begin, begin + step, ..., length - 1."""

    length: int
    begin: int
    step: int

    @property
    def out_length(self) -> int:
        """Positions kept."""
        return (self.length - 1 - self.begin) // self.step + 1

    @property
    def identity(self) -> bool:
        """Whether every position is kept."""
        return self.begin == 0 and self.step == 1


@dataclass(frozen=True)
class ConvPlan:
    """One convolution on the grid: `in_length` positions, left padding, then a VALID convolution.

    Attributes:
        in_length: Positions of the input, all of them used.
        pad: Zeros before the first position.
        taps: Newest taps of the kernel in use; older ones would meet padding at every output position.
        rate: Dilation relative to the input's spacing.
        stride: Step between outputs in input positions.
        in_channels, out_channels: Channels.
    """

    in_length: int
    pad: int
    taps: int
    rate: int
    stride: int
    in_channels: int
    out_channels: int

    @property
    def out_length(self) -> int:
        """Output positions."""
        return (self.in_length + self.pad - (self.taps - 1) * self.rate - 1) // self.stride + 1

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations, padding included as the kernels execute it."""
        return self.out_length * self.taps * self.in_channels * self.out_channels


@dataclass(frozen=True)
class BlockPlan:
    """One residual block on the grid.

    Attributes:
        first, second: The two convolutions.
        residual: Subsampling of the block's input to the output's positions; None where the sum is not needed.
        projection: 1x1 convolution of the residual path, None where the channel counts agree.
        skip: Subsampling of the second convolution's output to the last position; None without skip connections.
    """

    first: ConvPlan
    second: ConvPlan
    residual: SlicePlan | None
    projection: ConvPlan | None
    skip: SlicePlan | None

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of the block."""
        return self.first.macs + self.second.macs + (self.projection.macs if self.projection else 0)


@dataclass(frozen=True)
class PyramidPlan:
    """The whole network: subsampling of the input, the blocks, and the linear layer (features x outputs)."""

    input: SlicePlan
    blocks: tuple[BlockPlan, ...]
    features: int
    outputs: int

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of one inference."""
        return sum(block.macs for block in self.blocks) + self.features * self.outputs


def plan(architecture: Architecture) -> PyramidPlan:
    """Lay the network out on the grid of needed positions.

    Args:
        architecture: The network.

    Returns:
        The plan; lengths in positions, from the top down: each layer computes what the layer above reads and no more.

    Example:
        >>> p = plan(Architecture(filters=8, kernel_size=3, dilations=(1, 4, 16), window=200, channels=6))
        >>> [(b.first.in_length, b.second.out_length, b.second.stride) for b in p.blocks]
        [(85, 21, 4), (21, 5, 4), (5, 1, 1)]
    """
    a = architecture
    out_length = 1
    blocks: list[BlockPlan] = []
    for index in reversed(range(a.blocks)):
        block = _block(a, index, out_length)
        blocks.insert(0, block)
        out_length = block.first.in_length
    step = a.spacings[0]
    begin = a.window - 1 - (out_length - 1) * step
    return PyramidPlan(SlicePlan(a.window, begin, step), tuple(blocks), a.filters, a.outputs)


def _block(a: Architecture, index: int, out_length: int) -> BlockPlan:
    """Plan block `index` so that it yields the last `out_length` positions of its output grid."""
    spacing, next_spacing = a.spacings[index], a.spacings[index + 1]
    available = (a.window - 1) // spacing + 1  # positions of the input grid at non-negative times
    rate = a.dilations[index] // spacing
    stride = next_spacing // spacing or 1  # the last block yields one position: nothing to stride over
    in_channels = a.channels if index == 0 else a.filters
    second = _convolution(a, out_length, available, rate, stride, a.filters)
    first = _convolution(a, second.in_length, available, rate, 1, in_channels)
    last = index == a.blocks - 1
    residual = projection = None
    if not (last and a.skip_connections):
        residual = SlicePlan(first.in_length, first.in_length - 1 - (out_length - 1) * stride, stride)
        if in_channels != a.filters:
            projection = ConvPlan(out_length, 0, 1, 1, 1, in_channels, a.filters)
    skip = SlicePlan(out_length, out_length - 1, 1) if a.skip_connections else None
    return BlockPlan(first, second, residual, projection, skip)


def _convolution(a: Architecture, out_length: int, available: int, rate: int, stride: int, channels: int) -> ConvPlan:
    """The convolution that yields `out_length` outputs from at most `available` inputs."""
    reach = (out_length - 1) * stride  # from the first output's newest tap to the last output's
    taps = min(a.kernel_size, (available - 1) // rate + 1)
    wanted = reach + (taps - 1) * rate + 1
    in_length = min(wanted, available)
    return ConvPlan(in_length, wanted - in_length, taps, rate, stride, channels, a.filters)
