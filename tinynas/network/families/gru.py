"""Recurrent networks whose steps a microcontroller takes at once: minimal GRUs behind strided convolutions.

Strided convolutions make a short sequence of features x. Of it the recurrence is

    a_t = sigmoid(conv(x_t))        h_t = a_t h_(t-1) + (1 - a_t) conv(x_t)        h_0 = 0

The gate a does not see the state (Feng et al., "Were RNNs All We Needed?", 2024, minGRU), so one convolution computes
all gates and its weights are stored once. With b = (1 - a) conv(x) the recurrence is associative: an older pair (a, b)
and a newer one (a', b') together are (a' a, a' b + b'). Neighbours are joined until one pair is left (Blelloch, "Prefix
Sums and Their Applications", 1990): log2(steps) rounds of two products and a sum, where one step after another takes
`steps` of them. Each value is a weighted mean of what the convolution gives, so that int8 holds it well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from tinynas.checked import options
from tinynas.errors import SpaceError
from tinynas.network.architecture import Architecture
from tinynas.network.builder import GraphBuilder
from tinynas.network.families.bounds import Width
from tinynas.network.families.fields import WHOLE, check_counts, check_kind, check_symmetry, settle_widths, turns_of
from tinynas.network.families.strided import StridedNetwork, convolve, strided_positions
from tinynas.network.families.strided_space import StridedSpace
from tinynas.network.layers import LayerGraph

__all__ = ["MinGRU", "RecurrentSearchSpace"]

_Steps = Annotated[int, Field(strict=True, ge=2, le=1024)]


@dataclass(frozen=True)
class MinGRU(StridedNetwork, family="gru"):
    """A minimal gated recurrent network.

    Attributes:
        filters: Channels of every strided convolution; or of each one, first one first.
        kernel_size: Taps of every strided convolution.
        strides: Stride of each convolution, first one first; any positive integers.
        units: Values of the state.
        steps: Steps of the recurrence, a power of two; the newest so many positions of the last convolution.
        window: Input length in samples.
        channels: Input channels.
        dropout: Rate of spatial dropout in training, in [0, 1).
        norm: "none" or "batch" (batch normalisation after each strided convolution).
        outputs: Regressed values.
        symmetry: "none" or "c4"; as of a `TCN`.

    Raises:
        SpaceError: A field is out of its range, or the last convolution has fewer positions than steps.

    Example:
        >>> a = MinGRU(filters=16, kernel_size=5, strides=(4, 4), units=16, steps=8, window=200, channels=6)
        >>> a.parameters, a.positions
        (2370, 13)
    """

    filters: int | tuple[int, ...]
    kernel_size: int
    strides: tuple[int, ...]
    units: int
    steps: int
    window: int
    channels: int
    dropout: float = 0.0
    norm: str = "none"
    outputs: int = 2
    symmetry: str = "none"

    def __post_init__(self) -> None:
        object.__setattr__(self, "strides", tuple(self.strides))
        settle_widths(self, "strides")
        check_counts(self, "filters", "kernel_size", "strides", "units", "steps", "window", "channels", "outputs")
        check_kind(self)
        if self.steps & (self.steps - 1):
            raise SpaceError(f"steps must be a power of two, not {self.steps}", where="architecture")
        if self.steps > self.positions:
            what = f"the convolutions leave {self.positions} positions of the window, and {self.steps} steps are asked"
            raise SpaceError(what, where="architecture")
        check_symmetry(self, *self.widths, self.units)

    @cached_property
    def graph(self) -> LayerGraph:
        """Its layers."""
        net = GraphBuilder(self.window, self.channels)
        x = net.newest(convolve(net, self), self.steps)
        a = net.sigmoid(net.convolution(x, "gru/gate", self.units))
        candidate = net.convolution(x, "gru/candidate", self.units)
        b = net.difference(candidate, net.product(a, candidate))
        count = self.steps
        while count > 1:
            count //= 2
            newer = net.newest(a, count, 2)
            b = net.sum(net.product(newer, net.newest(b, count, 2, lag=1)), net.newest(b, count, 2))
            if count > 1:
                a = net.product(newer, net.newest(a, count, 2, lag=1))
        return net.finish(net.dense(b, "head", self.outputs), turns_of(self))

    def _form(self) -> str:
        return f"u{self.units}-t{self.steps}-{self.norm}-p{self.dropout:.6g}"


@options("space")
class RecurrentSearchSpace(StridedSpace):
    """Bounds of the recurrent networks; see `StridedSpace`.

    Attributes:
        blocks: Least and greatest number of strided convolutions.
        units: Least and greatest number of values of the state.
        steps: Numbers of steps to choose from, ascending powers of two.
    """

    strides: Annotated[tuple[Annotated[int, Field(strict=True, le=64)], ...], Field(max_length=12)] = (2, 3, 4, 5)
    blocks: tuple[Annotated[int, Field(strict=True)], Annotated[int, Field(strict=True)]] = (1, 3)
    units: tuple[Width, Width] = (2, 63)
    steps: Annotated[tuple[_Steps, ...], Field(max_length=10)] = (4, 8, 16, 32)
    family: Literal["gru"] = "gru"
    network: ClassVar[type[Any]] = MinGRU
    _limited_by: ClassVar[str] = "space.steps"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ranges("units")
        self.check_ascending("steps")
        if any(steps & (steps - 1) for steps in self.steps):
            raise SpaceError(f"{list(self.steps)} are not powers of two", where="space.steps")
        self.whole_groups("units")

    def parameters(self) -> dict[str, Any]:
        """The space as a tuner's parameter dictionary: ranges, lists and scipy distributions."""
        return {**super().parameters(), "units": self.whole_groups("units"), "steps": list(self.steps)}

    def _own(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {"units": int(parameters["units"]), "steps": int(parameters["steps"])}

    def _possible(self, fields: Mapping[str, Any], window: int) -> bool:
        return bool(strided_positions(window, fields["strides"]) >= fields["steps"])

    def _smallest_own(self) -> Iterator[dict[str, Any]]:
        # A step more is never less; units that make whole words may be.
        widths = self.whole_groups("units")
        units = [n for n in widths if n <= -(-widths[0] // WHOLE) * WHOLE]
        yield from ({"units": n, "steps": steps} for steps, n in product(self.steps[:1], units))

    def _widest(self, common: dict[str, Any], shape: dict[str, int]) -> Architecture | None:
        """With the shortest sequences that hold the steps: of each kernel so many taps meet samples, or all of them."""
        if next(self._members(common, shape), None) is None:
            return None
        ones = {f"stride_{block}": 1 for block in range(common["blocks"])}
        network = self.architecture({**common, **ones}, **shape)
        assert isinstance(network, MinGRU)
        return network if network.kernel_size <= network.steps else replace(network, window=network.steps)
