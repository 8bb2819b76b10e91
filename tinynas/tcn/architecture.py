"""One temporal convolutional network of the family, as numbers.

The family is that of TinyOdom (Saha et al. 2022), which takes its blocks from the TCN of Bai, Kolter and Koltun (2018):
a block is two causal dilated convolutions, each followed by an optional batch normalisation, a ReLU and spatial
dropout, with a residual path around them (a 1x1 convolution where the channel counts differ) and a ReLU after the
addition. With skip connections the network's feature vector is the sum of every block's last convolution output instead
of the last block's residual output. The last time step feeds one linear layer. (TinyOdom's linear layer of 32 units
before its linear heads is the same function with more parameters, so it is left out.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from math import gcd
from typing import Any

from tinynas.errors import SpaceError

__all__ = ["NORMS", "Architecture"]

NORMS = ("none", "batch")


@dataclass(frozen=True)
class Architecture:
    """A TCN: everything that decides its weights' shapes and its cost.

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

    Raises:
        SpaceError: A field is out of its range.

    Example:
        >>> a = Architecture(filters=16, kernel_size=5, dilations=(1, 2, 4, 8), window=200, channels=6)
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "dilations", tuple(self.dilations))
        for name in ("filters", "kernel_size", "window", "channels", "outputs"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise SpaceError(
                    f"{name} must be a positive integer, not {getattr(self, name)!r}", where="architecture"
                )
        if not self.dilations or any(not isinstance(d, int) or d < 1 for d in self.dilations):
            raise SpaceError(f"dilations must be positive integers, not {self.dilations!r}", where="architecture")
        if not 0.0 <= self.dropout < 1.0:
            raise SpaceError(f"dropout must be in [0, 1), not {self.dropout!r}", where="architecture")
        if self.norm not in NORMS:
            raise SpaceError(f"norm must be one of {', '.join(NORMS)}, not {self.norm!r}", where="architecture")

    @property
    def blocks(self) -> int:
        """Number of residual blocks."""
        return len(self.dilations)

    @property
    def receptive_field(self) -> int:
        """Input samples that the output can depend on if the window is long enough: 1 + 2 (k-1) sum(d)."""
        return 1 + 2 * (self.kernel_size - 1) * sum(self.dilations)

    @cached_property
    def spacings(self) -> tuple[int, ...]:
        """Spacing of the needed positions: at the input of block b (index b) and at the output of the last (index -1).

        The output of block b is needed only every gcd(dilations of the later blocks) samples, counted from the window's
        end. The last entry is 0: of the last block a single position is needed.
        """
        spacings = [0]
        for dilation in reversed(self.dilations):
            spacings.append(gcd(spacings[-1], dilation))
        return tuple(reversed(spacings))

    @property
    def parameters(self) -> int:
        """Trainable parameters, batch normalisation folded: convolution weights and biases, and the linear layer."""
        f, k, c = self.filters, self.kernel_size, self.channels
        convolutions = (k * c * f + f) + (2 * self.blocks - 1) * (k * f * f + f)
        projection = c * f + f if self.projects else 0
        return convolutions + projection + f * self.outputs + self.outputs

    @property
    def projects(self) -> bool:
        """Whether the first block's residual path holds a 1x1 convolution.

        It does where input channels and filters differ; a single block with skip connections has no residual path at
        all.
        """
        return self.channels != self.filters and not (self.skip_connections and self.blocks == 1)

    @property
    def key(self) -> str:
        """Canonical text of the architecture: equal keys, equal networks."""
        dilations = ".".join(map(str, self.dilations))
        form = f"{'skip' if self.skip_connections else 'residual'}-{self.norm}-p{self.dropout:.6g}"
        shape = f"w{self.window}x{self.channels}-o{self.outputs}"
        return f"f{self.filters}-k{self.kernel_size}-d{dilations}-{form}-{shape}"

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return {**asdict(self), "dilations": list(self.dilations)}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Architecture:
        """The inverse of `to_dict`."""
        return cls(**{**fields, "dilations": tuple(fields["dilations"])})
