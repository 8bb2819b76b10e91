"""The errors of wrong arguments, and the checks that raise them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tinynas.errors import ConfigError, StudyError

__all__ = [
    "ConfigTypeError",
    "ConfigValueError",
    "JobsError",
    "StateError",
    "check_callable",
    "check_choice",
    "check_count",
    "check_fidelity",
    "check_initial_custom",
    "check_number",
    "finite_or_none",
]


class ConfigTypeError(ConfigError, TypeError):
    """An argument of the tuner has the wrong type or an unknown name; also a `TypeError`, as in Mango."""


class ConfigValueError(ConfigError, ValueError):
    """An argument of the tuner has a value outside its range; also a `ValueError`, as in Mango."""


class StateError(StudyError, ConfigValueError):
    """A saved state is damaged, or belongs to another search."""


class JobsError(ConfigError, AssertionError):
    """A number of parallel jobs that makes no sense; also an `AssertionError`, as in Mango."""


def check_choice(key: str, value: object, choices: Iterable[str]) -> None:
    """Refuse what is not one of the choices.

    Raises:
        ConfigValueError: If it is none of them.
    """
    known = list(choices)
    if not isinstance(value, str) or value not in known:
        raise ConfigValueError(f"{value!r} is not one of {', '.join(map(repr, known))}", where=f"conf_dict:{key}")


def check_count(key: str, value: object, least: int, *, where: str = "conf_dict:") -> None:
    """Refuse what is not an integer of at least `least`.

    Raises:
        ConfigTypeError: If it is not an integer.
        ConfigValueError: If it is too small.
    """
    # numpy integers have __index__ too; bool has it by accident.
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ConfigTypeError(f"must be an integer, not {value!r}", where=f"{where}{key}")
    if int(value.__index__()) < least:
        raise ConfigValueError(f"must be at least {least}, not {value!r}", where=f"{where}{key}")


def check_number(key: str, value: Any, *, least: float, most: float, where: str = "conf_dict:") -> None:
    """Refuse what is not a number between two ends, both included.

    Raises:
        ConfigTypeError: If it is not a number.
        ConfigValueError: If it is outside.
    """
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise ConfigTypeError(f"must be a number, not {value!r}", where=f"{where}{key}")
    if not least <= float(value) <= most:
        raise ConfigValueError(f"must lie in [{least}, {most}], not {value!r}", where=f"{where}{key}")


def check_fidelity(value: Any) -> None:
    """Refuse what is not a number in (0, 1].

    Raises:
        ConfigTypeError: If it is not a number.
        ConfigValueError: If it is outside.
    """
    check_number("fidelity", value, least=0.0, most=1.0, where="")
    if float(value) == 0.0:
        raise ConfigValueError("must be above 0", where="fidelity")


def check_callable(key: str, value: object) -> None:
    """Refuse what can neither be called nor is None.

    Raises:
        ConfigTypeError: If so.
    """
    if value is not None and not callable(value):
        raise ConfigTypeError(f"'{key}' must be callable", where=f"conf_dict:{key}")


def check_initial_custom(custom: object) -> None:
    """Refuse what is neither a list of points nor a list of (point, value) pairs.

    Raises:
        ConfigTypeError: If so, with Mango's words at the start.
    """
    is_list = isinstance(custom, Iterable) and not isinstance(custom, str | Mapping)
    items = list(custom) if isinstance(custom, Iterable) and is_list else []
    points = all(isinstance(item, Mapping) for item in items)
    pairs = all(isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], Mapping) for item in items)
    if not is_list or not (points or pairs):
        raise ConfigTypeError(
            "Elements of initial_custom param should be either a dict of params or tuple (params, value), all alike"
        )


def finite_or_none(value: Any) -> float | None:
    """The value of an evaluation; None for a failed one, which NaN and infinities stand for as well.

    Raises:
        ConfigTypeError: If it is neither a number nor None.

    Example:
        >>> finite_or_none(2), finite_or_none(float("nan"))
        (2.0, None)
    """
    if value is None:
        return None
    try:
        # An array of one number is a number.
        number = float(value.item() if isinstance(value, np.ndarray) and value.size == 1 else value)
    except OverflowError:
        return None
    except (TypeError, ValueError) as error:
        raise ConfigTypeError(f"the value of the objective must be a number or None, not {value!r}") from error
    return number if math.isfinite(number) else None
