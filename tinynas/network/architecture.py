"""What every family of networks has in common: one network of it as numbers, and the space of all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from tinynas.errors import SpaceError
from tinynas.network.layers import LayerGraph

__these_ = ["Architecture", "Group", "NetworkFamily", "Part"]


class Architecture(ABC):
    """One network: everything that decides its weights' shapes and its cost.

    A family subclasses it as a frozen dataclass and gives its name: `class TCN(Architecture, family="tcn")`.

    Attributes:
        family: Name of the family.
        window: Input length in samples.
        channels: Input channels.
        outputs: Regressed values.
    """

    family: ClassVar[str]
    window: int
    channels: int
    outputs: int
    _families: ClassVar[dict[str, type[Architecture]]] = {}

    def __init_subclass__(cls, *, family: str | None, **options: Any) -> None:
        super().__init_subclass__(**options)
        if family is not None:  # a base of several families has none
            cls.family = family
            Architecture._families[family] = cls

    @property
    @abstractmethod
    def graph(self) -> LayerGraph:
        """Its layers."""

    @property
    @abstractmethod
    def key(self) -> str:
        """Canonical text of the architecture: equal keys, equal networks."""

    @property
    def parameters(self) -> int:
        """Weights and biases, batch normalisation folded."""
        return self.graph.parameters

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values, with the family's name."""

    @staticmethod
    def from_dict(fields: Mapping[str, Any]) -> Architecture:
        """The inverse of `to_dict`.

        Args:
            fields: Of any family; where its name is missing, it is "tcn".

        Raises:
            SpaceError: There is no such family, or the fields are not its.
        """
        rest = {**fields}
        name = rest.pop("family", "tcn")
        if name not in Architecture._families:
            raise SpaceError(f"there is no family {name!r:.40} of networks", where="architecture")
        try:
            return Architecture._families[name](**rest)
        except TypeError as error:
            raise SpaceError(f"not an architecture of the family {name}: {error}", where="architecture") from error


class Part(NamedTuple):
    """Suggestions with a common lower bound of their costs.

    Attributes:
        widest: A network that costs no more than any of the members in `cost.least_costs`.
        members: The suggestions.
    """

    widest: Architecture
    members: Iterator[dict[str, Any]]


class Group(NamedTuple):
    """Suggestions for networks of the same layers, bounded together and, more closely, in parts.

    Attributes:
        widest: As of a `Part`, for the members of all parts.
        parts: All of the group, made when they are asked for.
    """

    widest: Architecture
    parts: Iterator[Part]

    def join(self, chosen: Mapping[str, Any], suit: Callable[[Architecture], Architecture] = lambda a: a) -> Group:
        """The group with more parameters in each suggestion.

        Args:
            chosen: The parameters.
            suit: What they make of a network.
        """
        return Group(suit(self.widest), (Part(suit(widest), _join(these, chosen)) for widest, these in self.parts))


def _join(members: Iterator[dict[str, Any]], chosen: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from ({**params, **chosen} for params in members)


class NetworkFamily(Protocol):
    """The search space of one family, with bounds for all that a tuner chooses."""

    @property
    def conditions(self) -> Mapping[str, Mapping[str, list[Any]]]:
        """Parameters that a suggestion has only with certain values of others, in the form a tuner takes."""

    def parameters(self) -> dict[str, Any]:
        """The space as a tuner's parameter dictionary: ranges, lists and scipy distributions."""

    def architecture(
        self, parameters: Mapping[str, Any], *, window: int, channels: int, outputs: int = 2
    ) -> Architecture | None:
        """The network that a tuner's suggestion stands for; None where it stands for none of the space."""

    def sample(self, rng: np.random.Generator, *, window: int, channels: int, outputs: int = 2) -> Architecture:
        """A random network of the space."""

    def smallest(self, *, window: int, channels: int, outputs: int = 2) -> Iterator[Group]:
        """Suggestions among whose networks the cheapest of the space is, in any resource, in groups of the same layers.

        Returns:
            The groups, the likely ones first.
        """
