"""What networks that begin with strided convolutions have in common."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import asdict
from functools import reduce
from typing import Any

from tinynas.network.architecture import Architecture
from tinynas.network.builder import GraphBuilder
from tinynas.network.families.fields import width_key, widths_of

__all__ = ["StridedNetwork", "convolve", "strided_positions"]


class StridedNetwork(Architecture, family=None):
    """A network that begins with strided convolutions.

    Attributes:
        filters: Channels of every strided convolution; or of each one, first one first.
        kernel_size: Taps of every strided convolution.
        strides: Stride of each convolution, first one first.
        dropout: Rate of spatial dropout in training.
        norm: "none" or "batch".
        symmetry: "none" or "c4".
    """

    filters: int | tuple[int, ...]
    kernel_size: int
    strides: tuple[int, ...]
    dropout: float
    norm: str
    symmetry: str

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each strided convolution."""
        return widths_of(self, len(self.strides))

    @property
    def positions(self) -> int:
        """Positions that the last convolution could have."""
        return strided_positions(self.window, self.strides)

    @property
    def key(self) -> str:
        """Canonical text of the architecture: equal keys, equal networks."""
        strides = ".".join(map(str, self.strides))
        shape = f"w{self.window}x{self.channels}-o{self.outputs}"
        turns = "" if self.symmetry == "none" else f"-{self.symmetry}"
        return f"{self.family}-f{width_key(self)}-k{self.kernel_size}-s{strides}-{self._form()}-{shape}{turns}"

    @abstractmethod
    def _form(self) -> str:
        """The key's part for all but the convolutions and the shape."""

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values, with the family's name."""
        fields: dict[str, Any] = asdict(self)  # type: ignore[call-overload]
        lists = {name: list(value) for name, value in fields.items() if isinstance(value, tuple)}
        return {"family": self.family, **fields, **lists}


def strided_positions(window: int, strides: tuple[int, ...]) -> int:
    """Positions that are left of a window after convolutions of these strides."""
    return reduce(lambda length, stride: (length - 1) // stride + 1, strides, window)


def convolve(net: GraphBuilder, network: StridedNetwork) -> int:
    """Add strided convolutions, with what follows each.

    Args:
        net: Has the window only.
        network: Its convolutions are added.

    Returns:
        The number of the last layer.
    """
    x = net.window
    for block, (stride, filters) in enumerate(zip(network.strides, network.widths, strict=True)):
        name = f"block{block}/conv"
        x = net.convolution(x, name, filters, network.kernel_size, stride=stride)
        if network.norm == "batch":
            x = net.normalise(x, name)
        x = net.dropout(net.relu(x), name, network.dropout)
    return x
