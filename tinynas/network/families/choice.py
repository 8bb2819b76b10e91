"""Several families at once: the family itself is chosen, and each has bounds of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from tinynas.checked import options
from tinynas.errors import SpaceError
from tinynas.network.architecture import Architecture, Group, NetworkFamily
from tinynas.network.families.bounds import Clock, Window
from tinynas.network.families.cnn import ConvolutionalSearchSpace
from tinynas.network.families.ds_tcn import SeparableSearchSpace
from tinynas.network.families.gru import RecurrentSearchSpace
from tinynas.network.families.tcn_space import SearchSpace

__all__ = ["FamilyChoice", "hand_down"]

_SHARED = ("symmetry", "window", "frame", "turns", "clock_hz")
_FAMILIES: Mapping[str, type[Any]] = {
    "tcn": SearchSpace,
    "ds_tcn": SeparableSearchSpace,
    "cnn": ConvolutionalSearchSpace,
    "gru": RecurrentSearchSpace,
}


@options("space")
class FamilyChoice:
    """Bounds of several families; a suggestion has a parameter more, `family`, and otherwise those of its family.

    Attributes:
        family: Names of the families.
        symmetry, window, frame, turns, clock_hz: Of all of them; as of `BlockSpace`.
        candidates: Networks that are tried first, each by its family and the values of its parameters.
        tcn, ds_tcn, cnn, gru: Bounds of each; the family's own where they are left out.

    Raises:
        SpaceError: A family is named twice, has bounds without being named, or bounds that its space refuses.

    Example:
        >>> space = FamilyChoice(family=("tcn", "cnn"), cnn=ConvolutionalSearchSpace(filters=(4, 8)))
        >>> list(space.spaces), space.spaces["cnn"].filters
        (['tcn', 'cnn'], (4, 8))
    """

    family: Annotated[tuple[Literal["tcn", "ds_tcn", "cnn", "gru"], ...], Field(min_length=1)]
    symmetry: Literal["none", "c4"] | None = None
    window: tuple[Window, ...] = ()
    frame: tuple[Literal["body", "level", "north"], ...] = ()
    turns: tuple[Literal[1, 2, 4], ...] = ()
    clock_hz: tuple[Clock, ...] = ()
    candidates: tuple[dict[str, Any], ...] = dataclasses.field(default=(), hash=False)
    tcn: SearchSpace | None = None
    ds_tcn: SeparableSearchSpace | None = None
    cnn: ConvolutionalSearchSpace | None = None
    gru: RecurrentSearchSpace | None = None
    conditions: ClassVar[Mapping[str, Mapping[str, list[Any]]]] = {}

    def __post_init__(self) -> None:
        if len(set(self.family)) < len(self.family):
            raise SpaceError(f"{list(self.family)} names a family twice", where="space.family")
        for name, kind in _FAMILIES.items():
            bounds = getattr(self, name)
            if bounds is not None and name not in self.family:
                what = f"{name} is not among the families {', '.join(self.family)}"
                raise SpaceError(what, where=f"space.{name}", advice="name it in space.family, or leave its bounds out")
            if bounds is None and name in self.family:
                object.__setattr__(self, name, kind())
            for key in (*_SHARED, "candidates"):
                if getattr(bounds, key, None):
                    advice = f"write it as space.{key}"
                    raise SpaceError(f"{key} is the same for all families", where=f"space.{name}.{key}", advice=advice)
        _ = self.spaces

    @cached_property
    def spaces(self) -> dict[str, NetworkFamily]:
        """Each family's space, with what is the same for all of them."""
        shared = {key: getattr(self, key) for key in _SHARED}
        return {name: dataclasses.replace(getattr(self, name), **shared) for name in self.family}

    def parameters(self) -> dict[str, Any]:
        """What every suggestion has: its family. The others are those of its family's space."""
        return {"family": list(self.family)}

    def architecture(
        self, parameters: Mapping[str, Any], *, window: int, channels: int, outputs: int = 2
    ) -> Architecture | None:
        """The network that a tuner's suggestion stands for; None where it stands for none of the space."""
        space = self.spaces[str(parameters["family"])]
        return space.architecture(parameters, window=window, channels=channels, outputs=outputs)

    def sample(self, rng: np.random.Generator, *, window: int, channels: int, outputs: int = 2) -> Architecture:
        """A random network of a random family."""
        name = self.family[int(rng.integers(len(self.family)))]
        return self.spaces[name].sample(rng, window=window, channels=channels, outputs=outputs)

    def smallest(self, *, window: int, channels: int, outputs: int = 2) -> Iterator[Group]:
        """Suggestions among whose networks the cheapest of the space is: those of each family."""
        for name, space in self.spaces.items():
            for group in space.smallest(window=window, channels=channels, outputs=outputs):
                yield group.join({"family": name})


def hand_down(space: Any) -> Any:
    """Give bounds that stand beside `family` in a configuration to the families that have such bounds.

    Args:
        space: A mapping out of YAML; anything else is left as it is.

    Returns:
        The mapping with a section for each family, in which what the family's own section says comes first. A key that
        no family has is left where it is, and will be refused there.
    """
    if not isinstance(space, Mapping) or not isinstance(space.get("family"), list | tuple):
        return space
    names = [name for name in space["family"] if isinstance(name, str) and name in _FAMILIES]
    own = {field.name for field in dataclasses.fields(FamilyChoice)}
    known = {name: {field.name for field in dataclasses.fields(_FAMILIES[name])} for name in names}
    common = {key: value for key, value in space.items() if key not in own and any(key in known[n] for n in names)}
    found = {key: value for key, value in space.items() if key not in common}
    for name in names:
        section = found.get(name)
        if section is None or isinstance(section, Mapping):
            shared = {key: value for key, value in common.items() if key in known[name]}
            found[name] = {**shared, **(section or {})}
    return found
