"""Strided convolutional networks: each convolution leaves fewer positions, none is dilated.

A stack of convolutions, each followed by an optional batch normalisation, a ReLU and dropout. What reaches the linear
layer is the last one's newest position or the mean over all of its positions. With the newest position only the end of
each sequence counts, as in a `TCN`; with the mean all of it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, ClassVar, Literal

from tinynas.checked import options
from tinynas.errors import SpaceError
from tinynas.network.builder import GraphBuilder
from tinynas.network.families.fields import check_counts, check_kind, check_symmetry, settle_widths, turns_of
from tinynas.network.families.strided import StridedNetwork, convolve
from tinynas.network.families.strided_space import StridedSpace
from tinynas.network.layers import LayerGraph

__all__ = ["CNN", "POOLS", "ConvolutionalSearchSpace"]

POOLS = ("newest", "mean")


@dataclass(frozen=True)
class CNN(StridedNetwork, family="cnn"):
    """A strided convolutional network.

    Attributes:
        filters: Channels of every convolution; or of each one, first one first.
        kernel_size: Taps of every convolution.
        strides: Stride of each convolution, first one first; any positive integers.
        window: Input length in samples.
        channels: Input channels.
        pool: What the linear layer reads: "newest", the last convolution's newest position, or the "mean" of all.
        dropout: Rate of spatial dropout in training, in [0, 1).
        norm: "none" or "batch" (batch normalisation after each convolution).
        outputs: Regressed values.
        symmetry: "none" or "c4"; as of a `TCN`.

    Raises:
        SpaceError: A field is out of its range.

    Example:
        >>> a = CNN(filters=16, kernel_size=5, strides=(4, 2, 2), window=200, channels=6)
        >>> a.graph.shapes[-3].length, a.parameters  # positions of the last convolution
        (13, 3122)
    """

    filters: int | tuple[int, ...]
    kernel_size: int
    strides: tuple[int, ...]
    window: int
    channels: int
    pool: str = "newest"
    dropout: float = 0.0
    norm: str = "none"
    outputs: int = 2
    symmetry: str = "none"

    def __post_init__(self) -> None:
        object.__setattr__(self, "strides", tuple(self.strides))
        settle_widths(self, "strides")
        check_counts(self, "filters", "kernel_size", "strides", "window", "channels", "outputs")
        check_kind(self)
        if self.pool not in POOLS:
            raise SpaceError(f"pool must be one of {', '.join(POOLS)}, not {self.pool!r}", where="architecture")
        check_symmetry(self, *self.widths)

    @property
    def receptive_field(self) -> int:
        """Input samples that the newest position depends on if the window is long enough."""
        spacings = [prod(self.strides[:block]) for block in range(len(self.strides))]
        return 1 + (self.kernel_size - 1) * sum(spacings)

    @cached_property
    def graph(self) -> LayerGraph:
        """Its layers."""
        net = GraphBuilder(self.window, self.channels)
        x = convolve(net, self)
        x = net.mean(x) if self.pool == "mean" and self.positions > 1 else net.newest(x)
        return net.finish(net.dense(x, "head", self.outputs), turns_of(self))

    def _form(self) -> str:
        return f"{self.pool}-{self.norm}-p{self.dropout:.6g}"


@options("space")
class ConvolutionalSearchSpace(StridedSpace):
    """Bounds of the strided convolutional networks; see `StridedSpace`.

    Attributes:
        pool: What the linear layer may read; values to try.

    Example:
        >>> space = ConvolutionalSearchSpace(blocks=(1, 2), pool=("newest",))
        >>> found = space.architecture(
        ...     {"filters": 8, "kernel_size": 3, "blocks": 1, "stride_0": 4, "dropout": 0, "norm": "none",
        ...      "pool": "newest"}, window=100, channels=6)
        >>> found.strides
        (4,)
    """

    pool: tuple[Literal["newest", "mean"], ...] = POOLS  # type: ignore[assignment]
    family: Literal["cnn"] = "cnn"
    network: ClassVar[type[Any]] = CNN

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.pool or len(set(self.pool)) < len(self.pool):
            raise SpaceError(f"{list(self.pool)} names no value, or one twice", where="space.pool")

    def parameters(self) -> dict[str, Any]:
        """The space as a tuner's parameter dictionary: ranges, lists and scipy distributions."""
        return {**super().parameters(), "pool": list(self.pool)}

    def _own(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {"pool": str(parameters["pool"])}

    def _smallest_own(self) -> Iterator[dict[str, Any]]:
        # The newest position needs a part of what the mean needs.
        yield {"pool": "newest" if "newest" in self.pool else "mean"}
