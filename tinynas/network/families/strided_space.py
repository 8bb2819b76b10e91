"""The search space of networks that begin with strided convolutions, in the form a tuner takes.

How many convolutions there are is a number, and each has a stride that exists only where the convolution does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from tinynas.checked import Whole, options
from tinynas.errors import SpaceError
from tinynas.network.architecture import Architecture, Group, Part
from tinynas.network.families.bounds import Bounds

__all__ = ["StridedSpace"]

_MOST_BLOCKS = 8
_DRAWS = 2000  # after which it is given up to find a network for a window
_Stride = Annotated[int, Field(strict=True, le=64)]


@options("space")
class StridedSpace(Bounds):
    """Bounds of a family of networks that begin with strided convolutions, both ends included; see `Bounds`.

    Attributes:
        strides: Candidates for each convolution's stride, ascending.
        blocks: Least and greatest number of convolutions.

    Raises:
        SpaceError: Bounds are reversed, empty or out of range.
    """

    network: ClassVar[type[Any]]
    _limited_by: ClassVar[str] = "space.strides"

    strides: Annotated[tuple[_Stride, ...], Field(max_length=12)] = (1, 2, 3, 4)
    blocks: tuple[Whole, Whole] = (2, 5)

    def __post_init__(self) -> None:
        self.check_ranges("filters", "kernel_size", "blocks")
        self.check_ascending("strides")
        if self.blocks[1] > _MOST_BLOCKS:
            raise SpaceError(f"more than {_MOST_BLOCKS} blocks", where="space.blocks")
        self.whole_groups("filters")

    def parameters(self) -> dict[str, Any]:
        """The space as a tuner's parameter dictionary: ranges, lists and scipy distributions."""
        common = self.bounded()
        dropout, norm = common.pop("dropout"), common.pop("norm")
        return {
            **common,
            "blocks": range(self.blocks[0], self.blocks[1] + 1),
            **{f"stride_{block}": list(self.strides) for block in range(self.blocks[1])},
            "dropout": dropout,
            "norm": norm,
        }

    @property
    def conditions(self) -> dict[str, dict[str, list[Any]]]:
        """Parameters that a suggestion has only with certain values of others: a stride for each block there is."""
        least, most = self.blocks
        return {f"stride_{block}": {"blocks": list(range(block + 1, most + 1))} for block in range(least, most)}

    def architecture(
        self, parameters: Mapping[str, Any], *, window: int, channels: int, outputs: int = 2
    ) -> Architecture | None:
        """The network that a tuner's suggestion stands for; None where it stands for none of the space.

        Args:
            parameters: A value for every key of `parameters()` that the conditions leave.
            window: Input length in samples.
            channels: Input channels.
            outputs: Regressed values.
        """
        fields: dict[str, Any] = {
            "filters": self.widths(parameters, int(parameters["blocks"])),
            "kernel_size": int(parameters["kernel_size"]),
            "strides": tuple(int(parameters[f"stride_{block}"]) for block in range(int(parameters["blocks"]))),
            "dropout": self.rate(parameters["dropout"]),
            "norm": str(parameters["norm"]),
            "symmetry": self.symmetry or "none",
            **self._own(parameters),
        }
        if not self._possible(fields, window):
            return None
        made: Architecture = self.network(**fields, window=window, channels=channels, outputs=outputs)
        return made

    def _possible(self, fields: Mapping[str, Any], window: int) -> bool:  # noqa: ARG002
        """Whether there is such a network for a window."""
        return True

    def _own(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Fields that only networks of this family have."""
        raise NotImplementedError

    def _smallest_own(self) -> Iterator[dict[str, Any]]:
        """Their values among which those of the cheapest networks are."""
        raise NotImplementedError

    def sample(self, rng: np.random.Generator, *, window: int, channels: int, outputs: int = 2) -> Architecture:
        """A network drawn uniformly: of the filters, kernel sizes, numbers of blocks and so on."""
        for _ in range(_DRAWS):
            drawn = {
                name: values.rvs(random_state=rng) if hasattr(values, "rvs") else values[int(rng.integers(len(values)))]
                for name, values in self.parameters().items()
            }
            network = self.architecture(drawn, window=window, channels=channels, outputs=outputs)
            if network is not None:
                return network
        raise SpaceError(f"hardly a network of the space reads windows of {window} samples", where=self._limited_by)

    def smallest(self, *, window: int, channels: int, outputs: int = 2) -> Iterator[Group]:
        """Suggestions among whose networks the cheapest of the space is, in any resource, in groups of the same layers.

        Of networks that read the newest position the fewest blocks are cheapest; of those that read a mean more blocks
        may leave less to be averaged. Of the filters see `least_widths`. The shortest kernel is cheapest, unless a
        longer one makes constants of the model equal or reaches over the whole window.

        Returns:
            The groups, each one part; the likely ones first.
        """
        kernels = range(self.kernel_size[0], self.kernel_size[1] + 1)
        shape = {"window": window, "channels": channels, "outputs": outputs}
        for kernel_size, own in product(kernels, list(self._smallest_own())):
            choices = [(width, n) for n in self._fewest_blocks(own) for width in self.least_widths(channels, n)]
            for width, blocks in choices:
                common = {**width, "kernel_size": kernel_size, "blocks": blocks, **own}
                common |= {"dropout": self.rate(self.dropout[0]), "norm": self.norm[0]}
                widest = self._widest(common, shape)
                if widest is not None:
                    yield Group(widest, iter([Part(widest, self._members(common, shape))]))

    def _members(self, common: dict[str, Any], shape: dict[str, int]) -> Iterator[dict[str, Any]]:
        """Suggestions with all strides."""
        for strides in product(self.strides, repeat=common["blocks"]):
            suggestion = {**common, **{f"stride_{block}": stride for block, stride in enumerate(strides)}}
            if self.architecture(suggestion, **shape) is not None:
                yield suggestion

    def _fewest_blocks(self, own: Mapping[str, Any]) -> range:
        """Numbers of blocks that the cheapest networks may have."""
        return range(self.blocks[0], self.blocks[0] + 1 if own.get("pool") != "mean" else self.blocks[1] + 1)

    def _widest(self, common: dict[str, Any], shape: dict[str, int]) -> Architecture | None:
        """A network that costs no more than a group's members in `cost.least_costs`; None where there are none.

        It is the one whose sequences are shortest: the fewest taps of its kernels can meet a sample.
        """
        strides = {f"stride_{block}": self.strides[-1] for block in range(common["blocks"])}
        return self.architecture({**common, **strides}, **shape)
