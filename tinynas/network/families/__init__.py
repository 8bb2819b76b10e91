"""The families of networks, one module each; a new one is added to `Space`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Discriminator, Tag

from tinynas.network.families.choice import FamilyChoice, hand_down
from tinynas.network.families.cnn import CNN, ConvolutionalSearchSpace
from tinynas.network.families.ds_tcn import SeparableSearchSpace, SeparableTCN
from tinynas.network.families.fields import NORMS
from tinynas.network.families.gru import MinGRU, RecurrentSearchSpace
from tinynas.network.families.tcn import TCN
from tinynas.network.families.tcn_space import SearchSpace

__all__ = [
    "CNN",
    "NORMS",
    "TCN",
    "ConvolutionalSearchSpace",
    "FamilyChoice",
    "MinGRU",
    "RecurrentSearchSpace",
    "SearchSpace",
    "SeparableSearchSpace",
    "SeparableTCN",
    "Space",
]


def family(space: Any) -> str:
    """The tag of a space's family, of a mapping out of YAML or an object; "tcn" where there is none."""
    name = space.get("family", "tcn") if isinstance(space, Mapping) else getattr(space, "family", "tcn")
    return "<a list>" if isinstance(name, list | tuple) else f"<{name}>"


#: The search space of any family, or of several; in YAML the key `family` says which. `yamlfile` leaves tags in <> out
#: of messages.
Space: TypeAlias = Annotated[
    Annotated[SearchSpace, Tag("<tcn>")]
    | Annotated[SeparableSearchSpace, Tag("<ds_tcn>")]
    | Annotated[ConvolutionalSearchSpace, Tag("<cnn>")]
    | Annotated[RecurrentSearchSpace, Tag("<gru>")]
    | Annotated[FamilyChoice, BeforeValidator(hand_down), Tag("<a list>")],
    Discriminator(family),
]
