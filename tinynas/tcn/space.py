"""The search space of architectures, in the form a tuner takes.

Bounds are TinyOdom's (Saha et al. 2022). The dilations are membership bits, one for each candidate, with a bound on
how many are set: two networks whose dilations differ by one block differ in one bit, which a single category of 465
sets would hide from the tuner.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, product
from math import comb
from typing import Any

import numpy as np

from tinynas.errors import SpaceError
from tinynas.tcn.architecture import NORMS, Architecture

__all__ = ["SearchSpace"]


@dataclass(frozen=True)
class SearchSpace:
    """Bounds of the family, both ends included.

    Attributes:
        filters: Least and greatest number of filters.
        kernel_size: Least and greatest kernel size.
        dilations: Candidates, ascending; a network uses a subset of them in this order.
        blocks: Least and greatest number of dilations in use.
        dropout: Least and greatest rate.
        skip_connections: Values to try.
        norm: Values to try.

    Raises:
        SpaceError: Bounds are reversed, empty or out of range.

    Example:
        >>> space = SearchSpace(dilations=(1, 2, 4, 8), blocks=(2, 3))
        >>> architecture = space.architecture(
        ...     {"filters": 8, "kernel_size": 3, "dilation_1": True, "dilation_2": False, "dilation_4": True,
        ...      "dilation_8": False, "dropout": 0.1, "skip_connections": False, "norm": "none"},
        ...     window=100, channels=6)
        >>> architecture.dilations
        (1, 4)
    """

    filters: tuple[int, int] = (2, 63)
    kernel_size: tuple[int, int] = (2, 15)
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 256)
    blocks: tuple[int, int] = (3, 8)
    dropout: tuple[float, float] = (0.0, 0.4)
    skip_connections: tuple[bool, ...] = (False, True)
    norm: tuple[str, ...] = NORMS

    def __post_init__(self) -> None:
        for name in ("filters", "kernel_size", "blocks"):
            low, high = getattr(self, name)
            if not 1 <= low <= high:
                raise SpaceError(f"the bounds [{low}, {high}] are no range of positive integers", where=f"space.{name}")
        if not self.dilations or list(self.dilations) != sorted(set(self.dilations)) or self.dilations[0] < 1:
            raise SpaceError(
                f"{list(self.dilations)} is not a list of positive integers in ascending order", where="space.dilations"
            )
        if self.blocks[1] > len(self.dilations):
            advice = f"{len(self.dilations)} dilations are given"
            raise SpaceError(f"no network can have {self.blocks[1]} blocks", where="space.blocks", advice=advice)
        if not 0.0 <= self.dropout[0] <= self.dropout[1] < 1.0:
            raise SpaceError(f"the bounds {list(self.dropout)} are not within [0, 1)", where="space.dropout")
        if not self.skip_connections:
            raise SpaceError("no value is given", where="space.skip_connections")
        if not self.norm or any(norm not in NORMS for norm in self.norm):
            raise SpaceError(f"{list(self.norm)} are not among {', '.join(NORMS)}", where="space.norm")

    def parameters(self) -> dict[str, Any]:
        """The space as a tuner's parameter dictionary: ranges, lists and scipy distributions."""
        from scipy.stats import uniform

        low, high = self.dropout
        return {
            "filters": range(self.filters[0], self.filters[1] + 1),
            "kernel_size": range(self.kernel_size[0], self.kernel_size[1] + 1),
            **{f"dilation_{d}": [False, True] for d in self.dilations},
            "dropout": uniform(low, high - low) if high > low else [low],
            "skip_connections": list(self.skip_connections),
            "norm": list(self.norm),
        }

    def chosen(self, parameters: Mapping[str, Any]) -> tuple[int, ...]:
        """The dilations whose bits are set."""
        return tuple(d for d in self.dilations if parameters[f"dilation_{d}"])

    def admits(self, parameters: Mapping[str, Any]) -> bool:
        """Whether the number of dilations is within bounds."""
        return self.blocks[0] <= len(self.chosen(parameters)) <= self.blocks[1]

    def suggestion(self, architecture: Architecture) -> dict[str, Any]:
        """The inverse of `architecture`: what a tuner would have to suggest for this network."""
        a = architecture
        return {
            "filters": a.filters,
            "kernel_size": a.kernel_size,
            **{f"dilation_{d}": d in a.dilations for d in self.dilations},
            "dropout": a.dropout,
            "skip_connections": a.skip_connections,
            "norm": a.norm,
        }

    def architecture(
        self, parameters: Mapping[str, Any], *, window: int, channels: int, outputs: int = 2
    ) -> Architecture:
        """The network that a tuner's suggestion stands for.

        Args:
            parameters: A value for every key of `parameters()`.
            window: Input length in samples.
            channels: Input channels.
            outputs: Regressed values.
        """
        return Architecture(
            filters=int(parameters["filters"]),
            kernel_size=int(parameters["kernel_size"]),
            dilations=self.chosen(parameters),
            window=window,
            channels=channels,
            dropout=self._rate(parameters["dropout"]),
            skip_connections=bool(parameters["skip_connections"]),
            norm=str(parameters["norm"]),
            outputs=outputs,
        )

    def sample(self, rng: np.random.Generator, *, window: int, channels: int, outputs: int = 2) -> Architecture:
        """A network drawn uniformly: of the filters, kernel sizes, allowed sets of dilations and so on."""
        sizes = range(self.blocks[0], self.blocks[1] + 1)
        sets = np.array([comb(len(self.dilations), size) for size in sizes], float)
        size = int(rng.choice(sizes, p=sets / sets.sum()))
        chosen = sorted(rng.choice(len(self.dilations), size, replace=False))
        return Architecture(
            filters=int(rng.integers(self.filters[0], self.filters[1] + 1)),
            kernel_size=int(rng.integers(self.kernel_size[0], self.kernel_size[1] + 1)),
            dilations=tuple(self.dilations[index] for index in chosen),
            window=window,
            channels=channels,
            dropout=self._rate(rng.uniform(*self.dropout)),
            skip_connections=self.skip_connections[int(rng.integers(len(self.skip_connections)))],
            norm=self.norm[int(rng.integers(len(self.norm)))],
            outputs=outputs,
        )

    def smallest(self, *, window: int, channels: int, outputs: int = 2) -> Iterator[Architecture]:
        """Networks among which the cheapest of the space is, in any resource; the likely ones come first.

        The fewest blocks are always cheapest. The fewest filters are, unless as many filters as channels spare the 1x1
        convolution of the residual path. The shortest kernel is, unless a longer one reaches over the whole window and
        spares the subsampling of the input, or makes constants of the model equal, which are stored once.
        """
        base = Architecture(
            filters=self.filters[0],
            kernel_size=self.kernel_size[0],
            dilations=self.dilations[: self.blocks[0]],
            window=window,
            channels=channels,
            dropout=self._rate(self.dropout[0]),
            norm=self.norm[0],
            outputs=outputs,
        )
        filters = [self.filters[0]]
        if self.filters[0] < channels <= self.filters[1]:
            filters.append(channels)
        for kernel_size, f, dilations, skip in product(
            range(self.kernel_size[0], self.kernel_size[1] + 1),
            filters,
            combinations(self.dilations, self.blocks[0]),
            self.skip_connections,
        ):
            yield replace(base, filters=f, kernel_size=kernel_size, dilations=dilations, skip_connections=skip)

    def _rate(self, dropout: float) -> float:
        """A dropout rate in whole percent, for finer steps are no other network, but never outside the bounds."""
        low, high = self.dropout
        return min(max(round(float(dropout), 2), low), high)
