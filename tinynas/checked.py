"""Option types that check themselves, whether they are made from YAML or in Python."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from typing_extensions import dataclass_transform

from tinynas.yamlfile import explain

__all__ = ["ByteCount", "Count", "Flag", "NotNegative", "Positive", "Whole", "options", "parse_bytes"]

T = TypeVar("T")

_UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2}


def parse_bytes(value: object) -> object:
    """Let a size be written as a number of bytes or as text such as `96 KiB`.

    Raises:
        ValueError: A text of another form.

    Example:
        >>> parse_bytes("96 KiB"), parse_bytes(5)
        (98304, 5)
    """
    if isinstance(value, str):
        match = re.fullmatch(r"\s*(\d{1,10})\s*(B|KiB|MiB)\s*", value)
        if not match:
            raise ValueError("expected bytes, or a whole number of B, KiB or MiB such as '96 KiB'")
        return int(match[1]) * _UNITS[match[2]]
    return value


# Strict: YAML has whole numbers and truth values of its own, so `true` for a count or "yes" for a flag is a slip.
Whole = Annotated[int, Field(strict=True)]
# The upper bound is far beyond any use: a slip of a digit is told, not computed with.
Count = Annotated[int, Field(strict=True, ge=1, le=10**12)]
ByteCount = Annotated[int, Field(strict=True, ge=1, le=10**12), BeforeValidator(parse_bytes)]
Flag = Annotated[bool, Field(strict=True)]
NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


@dataclass_transform(frozen_default=True)
def options(section: str = "") -> Callable[[type[T]], type[T]]:
    """Make a class a frozen dataclass that refuses unknown names and wrong values with a `ConfigError`.

    Args:
        section: Dotted key of the options in a configuration, for `where`; empty for the configuration itself.

    Example:
        >>> @options("walk")
        ... class Walk:
        ...     steps: Count = 3
        >>> Walk(steps=0)
        Traceback (most recent call last):
        ...
        tinynas.errors.ConfigError: walk.steps: should be greater than or equal to 1, found 0
    """

    def decorate(cls: type[T]) -> type[T]:
        made: Any = dataclass(frozen=True, config=ConfigDict(extra="forbid"))(cls)
        unchecked = made.__init__

        def __init__(self: Any, *args: Any, **values: Any) -> None:  # noqa: N807
            try:
                unchecked(self, *args, **values)
            except ValidationError as error:
                raise explain(TypeAdapter(made), error, section=section) from error

        made.__init__ = __init__
        checked: type[T] = made
        return checked

    return decorate
