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
from tinynas.network.families.blocks import BlockNetwork
from tinynas.network.families.bounds import Bounds
from tinynas.network.families.tcn import TCN

__all__ = ["BlockSpace", "Inside", "SearchSpace"]

Inside = Annotated[int, Field(strict=True, ge=1, le=16)]

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

    network: ClassVar[type[BlockNetwork]]
    inside: ClassVar[str]
    """The field that says how many channels the inside of a block has."""

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
        self.check_ascending(self.inside)
        self.whole_groups("filters")

    @property
    def insides(self) -> tuple[int, ...]:
        """Values to try of the field that says how many channels the inside of a block has."""
        values: tuple[int, ...] = getattr(self, self.inside)
        return values

    @property
    def conditions(self) -> dict[str, dict[str, list[Any]]]:
        """Parameters that a suggestion has only with certain values of others: none."""
        return {}

    def parameters(self) -> dict[str, Any]:
        """The space as a tuner's parameter dictionary: ranges, lists and scipy distributions."""
        common = self.bounded()
        dropout, norm = common.pop("dropout"), common.pop("norm")
        return {
            **common,
            **({self.inside: list(self.insides)} if len(self.insides) > 1 else {}),
            **{f"dilation_{d}": [False, True] for d in self.dilations},
            "dropout": dropout,
            "skip_connections": list(self.skip_connections),
            "norm": norm,
        }

    def chosen(self, parameters: Mapping[str, Any]) -> tuple[int, ...]:
        """The dilations whose bits are set."""
        return tuple(d for d in self.dilations if parameters[f"dilation_{d}"])

    def architecture(
        self, parameters: Mapping[str, Any], *, window: int, channels: int, outputs: int = 2
    ) -> BlockNetwork | None:
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
            filters=self.widths(parameters, len(dilations)),
            kernel_size=int(parameters["kernel_size"]),
            dilations=dilations,
            window=window,
            channels=channels,
            dropout=self.rate(parameters["dropout"]),
            skip_connections=bool(parameters["skip_connections"]),
            norm=str(parameters["norm"]),
            outputs=outputs,
            symmetry=self.symmetry or "none",
            **{self.inside: int(parameters.get(self.inside, self.insides[0]))},
        )

    def sample(self, rng: np.random.Generator, *, window: int, channels: int, outputs: int = 2) -> BlockNetwork:
        """A network drawn uniformly: of the filters, kernel sizes, allowed sets of dilations and so on."""
        sizes = range(self.blocks[0], self.blocks[1] + 1)
        sets = np.array([comb(len(self.dilations), size) for size in sizes], float)
        size = int(rng.choice(sizes, p=sets / sets.sum()))
        chosen = sorted(rng.choice(len(self.dilations), size, replace=False))
        filters = self.whole_groups("filters")
        drawn: dict[str, Any] = {
            "filters": filters[int(rng.integers(len(filters)))],
            "kernel_size": int(rng.integers(self.kernel_size[0], self.kernel_size[1] + 1)),
            **{f"dilation_{d}": index in chosen for index, d in enumerate(self.dilations)},
            "dropout": rng.uniform(*self.dropout),
            "skip_connections": self.skip_connections[int(rng.integers(len(self.skip_connections)))],
            "norm": self.norm[int(rng.integers(len(self.norm)))],
        }
        # What is not chosen draws nothing: the networks are those of a space without it.
        if len(self.growths) > 1:
            drawn["growth"] = self.growths[int(rng.integers(len(self.growths)))]
        if len(self.insides) > 1:
            drawn[self.inside] = self.insides[int(rng.integers(len(self.insides)))]
        network = self.architecture(drawn, window=window, channels=channels, outputs=outputs)
        assert network is not None
        return network

    def smallest(self, *, window: int, channels: int, outputs: int = 2) -> Iterator[Group]:
        """Suggestions among whose networks the cheapest of the space is, in any resource, in groups of the same layers.

        The fewest blocks are always cheapest. Of the filters see `least_widths`. The shortest kernel is, unless a
        longer one reaches over the whole window and spares the subsampling of the input, or makes constants of the
        model equal, which are stored once. Which inside of a block is cheapest depends on the filters.

        Returns:
            The groups, the likely ones first. The dilations of a group's widest network are no smaller than any of its
            members', block by block. Members of a part have the same taps within the window.
        """
        kernels = range(self.kernel_size[0], self.kernel_size[1] + 1)
        widths = self.least_widths(channels, self.blocks[0])
        shape = {"window": window, "channels": channels, "outputs": outputs}
        for kernel_size, width, skip, inside in product(kernels, widths, self.skip_connections, self.insides):
            common = {**width, "kernel_size": kernel_size, "skip_connections": skip}
            common |= {self.inside: inside} if len(self.insides) > 1 else {}
            yield Group(self._network(common, self.dilations[-self.blocks[0] :], shape), self._parts(common, shape))

    def _parts(self, common: Mapping[str, Any], shape: Mapping[str, int]) -> Iterator[Part]:
        """The members by the taps of each block within the window, on which alone `cost.least_costs` depends."""
        live = {d: min(common["kernel_size"], (shape["window"] - 1) // d + 1) for d in self.dilations}
        alike: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
        for dilations in combinations(self.dilations, self.blocks[0]):
            alike.setdefault(tuple([live[d] for d in dilations]), []).append(dilations)
        for sets in alike.values():
            yield Part(self._network(common, sets[-1], shape), (self._suggestion(common, one) for one in sets))

    def _network(self, common: Mapping[str, Any], dilations: Sequence[int], shape: Mapping[str, int]) -> BlockNetwork:
        network = self.architecture(self._suggestion(common, dilations), **shape)
        assert network is not None
        return network

    def _suggestion(self, common: Mapping[str, Any], dilations: Sequence[int]) -> dict[str, Any]:
        return {
            **common,
            **{f"dilation_{d}": d in dilations for d in self.dilations},
            "dropout": self.rate(self.dropout[0]),
            "norm": self.norm[0],
        }


@options("space")
class SearchSpace(BlockSpace):
    """Bounds of the temporal convolutional networks; see `BlockSpace`.

    Attributes:
        squeeze: Values to try, ascending; with one value nothing is chosen.

    Example:
        >>> space = SearchSpace(dilations=(1, 2, 4, 8), blocks=(2, 3))
        >>> architecture = space.architecture(
        ...     {"filters": 8, "kernel_size": 3, "dilation_1": True, "dilation_2": False, "dilation_4": True,
        ...      "dilation_8": False, "dropout": 0.1, "skip_connections": False, "norm": "none"},
        ...     window=100, channels=6)
        >>> architecture.dilations
        (1, 4)
    """

    squeeze: Annotated[tuple[Inside, ...], Field(max_length=8)] = (1,)
    family: Literal["tcn"] = "tcn"
    network: ClassVar[type[BlockNetwork]] = TCN
    inside: ClassVar[str] = "squeeze"
