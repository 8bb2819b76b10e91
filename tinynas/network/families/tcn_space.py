"""The search space of architectures, in the form a tuner takes.

Bounds are TinyOdom's (Saha et al. 2022). The dilations are membership bits, one for each candidate, with a bound on
how many are set: two networks whose dilations differ by one block differ in one bit, which a single category of 465
sets would hide from the tuner.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from math import comb
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from tinynas.checked import Flag, Whole, options
from tinynas.errors import SpaceError
from tinynas.network.architecture import Group, Part
from tinynas.network.families.bounds import Bounds
from tinynas.network.families.fields import WHOLE
from tinynas.network.families.tcn import TCN

__all__ = ["BlockSpace", "SearchSpace"]

_Dilation = Annotated[int, Field(strict=True, le=100_000)]


@options("space")
class BlockSpace(Bounds):
    """Bounds of a family of networks that are stacks of blocks, both ends included; see `Bounds`.

    Attributes:
        dilations: Candidates, ascending; a network uses a subset of them in this order.
        blocks: Least and greatest number of dilations in use.
        skip_connections: Values to try.

    Raises:
        SpaceError: Bounds are reversed, empty or out of range.
    """

    network: ClassVar[type[TCN]]

    dilations: Annotated[tuple[_Dilation, ...], Field(max_length=12)] = (1, 2, 4, 8, 16, 32, 64, 128, 256)
    blocks: tuple[Whole, Whole] = (3, 8)
    skip_connections: tuple[Flag, ...] = (False, True)

    def __post_init__(self) -> None:
        self.check_ranges("filters", "kernel_size", "blocks")
        self.check_ascending("dilations")
        if self.blocks[1] > len(self.dilations):
            advice = f"{len(self.dilations)} dilations are given"
            raise SpaceError(f"no network can have {self.blocks[1]} blocks", where="space.blocks", advice=advice)
        if not self.skip_connections:
            raise SpaceError("no value is given", where="space.skip_connections")
        _ = self.widths

    @property
    def widths(self) -> range:
        """Numbers of filters to choose from."""
        return self.whole_groups("filters")

    @property
    def conditions(self) -> dict[str, dict[str, list[Any]]]:
        """Parameters that a suggestion has only with certain values of others: none."""
        return {}

    def parameters(self) -> dict[str, Any]:
        """The space as a tuner's parameter dictionary: ranges, lists and scipy distributions."""
        common = self.bounded()
        return {
            "filters": common["filters"],
            "kernel_size": common["kernel_size"],
            **{f"dilation_{d}": [False, True] for d in self.dilations},
            "dropout": common["dropout"],
            "skip_connections": list(self.skip_connections),
            "norm": common["norm"],
        }

    def chosen(self, parameters: Mapping[str, Any]) -> tuple[int, ...]:
        """The dilations whose bits are set."""
        return tuple(d for d in self.dilations if parameters[f"dilation_{d}"])

    def architecture(
        self, parameters: Mapping[str, Any], *, window: int, channels: int, outputs: int = 2
    ) -> TCN | None:
        """The network that a tuner's suggestion stands for.

        Args:
            parameters: A value for every key of `parameters()`.
            window: Input length in samples.
            channels: Input channels.
            outputs: Regressed values.

        Returns:
            The network, or None where the number of dilations is out of bounds.
        """
        dilations = self.chosen(parameters)
        if not self.blocks[0] <= len(dilations) <= self.blocks[1]:
            return None
        return self.network(
            filters=int(parameters["filters"]),
            kernel_size=int(parameters["kernel_size"]),
            dilations=dilations,
            window=window,
            channels=channels,
            dropout=self.rate(parameters["dropout"]),
            skip_connections=bool(parameters["skip_connections"]),
            norm=str(parameters["norm"]),
            outputs=outputs,
            symmetry=self.symmetry or "none",
        )

    def sample(self, rng: np.random.Generator, *, window: int, channels: int, outputs: int = 2) -> TCN:
        """A network drawn uniformly: of the filters, kernel sizes, allowed sets of dilations and so on."""
        sizes = range(self.blocks[0], self.blocks[1] + 1)
        sets = np.array([comb(len(self.dilations), size) for size in sizes], float)
        size = int(rng.choice(sizes, p=sets / sets.sum()))
        chosen = sorted(rng.choice(len(self.dilations), size, replace=False))
        return self.network(
            filters=self.widths[int(rng.integers(len(self.widths)))],
            kernel_size=int(rng.integers(self.kernel_size[0], self.kernel_size[1] + 1)),
            dilations=tuple(self.dilations[index] for index in chosen),
            window=window,
            channels=channels,
            dropout=self.rate(rng.uniform(*self.dropout)),
            skip_connections=self.skip_connections[int(rng.integers(len(self.skip_connections)))],
            norm=self.norm[int(rng.integers(len(self.norm)))],
            outputs=outputs,
            symmetry=self.symmetry or "none",
        )

    def smallest(self, *, window: int, channels: int, outputs: int = 2) -> Iterator[Group]:
        """Suggestions among whose networks the cheapest of the space is, in any resource, in groups of the same layers.

        The fewest blocks are always cheapest. The fewest filters are, unless as many filters as channels spare the 1x1
        convolution of the residual path, or a few more make whole words, for which compiled code is shorter. The
        shortest kernel is, unless a longer one reaches over the whole window and spares the subsampling of the input,
        or makes constants of the model equal, which are stored once.

        Returns:
            The groups, the likely ones first. The dilations of a group's widest network are no smaller than any of its
            members', block by block. Members of a part have the same taps within the window.
        """
        low = self.widths[0]
        whole = -(-low // WHOLE) * WHOLE
        filters = [n for n in self.widths if n <= whole or (n == channels and self.symmetry != "c4")]
        kernels = range(self.kernel_size[0], self.kernel_size[1] + 1)
        shape = {"window": window, "channels": channels, "outputs": outputs}
        for kernel_size, f, skip in product(kernels, filters, self.skip_connections):
            common = (f, kernel_size, skip)
            yield Group(self._network(common, self.dilations[-self.blocks[0] :], shape), self._parts(common, shape))

    def _parts(self, common: tuple[int, int, bool], shape: Mapping[str, int]) -> Iterator[Part]:
        """The members by the taps of each block within the window, on which alone `cost.least_costs` depends."""
        _, kernel_size, _ = common
        live = {d: min(kernel_size, (shape["window"] - 1) // d + 1) for d in self.dilations}
        alike: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
        for dilations in combinations(self.dilations, self.blocks[0]):
            alike.setdefault(tuple([live[d] for d in dilations]), []).append(dilations)
        for sets in alike.values():
            yield Part(self._network(common, sets[-1], shape), (self._suggestion(*common, one) for one in sets))

    def _network(self, common: tuple[int, int, bool], dilations: Sequence[int], shape: Mapping[str, int]) -> TCN:
        network = self.architecture(self._suggestion(*common, dilations), **shape)
        assert network is not None
        return network

    def _suggestion(self, filters: int, kernel_size: int, skip: bool, dilations: Sequence[int]) -> dict[str, Any]:
        return {
            "filters": filters,
            "kernel_size": kernel_size,
            **{f"dilation_{d}": d in dilations for d in self.dilations},
            "dropout": self.rate(self.dropout[0]),
            "skip_connections": skip,
            "norm": self.norm[0],
        }


@options("space")
class SearchSpace(BlockSpace):
    """Bounds of the temporal convolutional networks; see `BlockSpace`.

    Example:
        >>> space = SearchSpace(dilations=(1, 2, 4, 8), blocks=(2, 3))
        >>> architecture = space.architecture(
        ...     {"filters": 8, "kernel_size": 3, "dilation_1": True, "dilation_2": False, "dilation_4": True,
        ...      "dilation_8": False, "dropout": 0.1, "skip_connections": False, "norm": "none"},
        ...     window=100, channels=6)
        >>> architecture.dilations
        (1, 4)
    """

    family: Literal["tcn"] = "tcn"
    network: ClassVar[type[TCN]] = TCN
