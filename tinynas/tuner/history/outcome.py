"""What the outcome of an evaluation may look like, and what it comes down to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tinynas.tuner.checks import ConfigTypeError, finite_or_none
from tinynas.tuner.config import Params

__all__ = ["read_answer", "read_constraints", "read_values"]


def read_values(value: Any, count: int) -> tuple[float, ...] | None:
    """The values of an evaluation, one for each objective; None for a failed one.

    Args:
        value: A number where there is one objective, else a sequence. None, NaN and infinities, alone or in the
            sequence, mean that the evaluation failed.
        count: Number of objectives.

    Raises:
        ConfigTypeError: If it is something else, or a sequence of another length.

    Example:
        >>> read_values(2, 1), read_values([1, 2], 2), read_values([1, None], 2)
        ((2.0,), (1.0, 2.0), None)
    """
    if count == 1:
        number = finite_or_none(value)
        return None if number is None else (number,)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if not isinstance(value, Iterable) or isinstance(value, str | Mapping):
        raise ConfigTypeError(f"{count} values are needed, one for each objective, not {value!r}")
    parts = [finite_or_none(part) for part in value]
    if len(parts) != count:
        raise ConfigTypeError(f"{count} values are needed, one for each objective, not {len(parts)}")
    numbers = tuple(part for part in parts if part is not None)
    return numbers if len(numbers) == count else None


def read_constraints(constraints: Any) -> tuple[tuple[float, ...] | None, tuple[str, ...] | None]:
    """The constraint values of an evaluation, in the order of their names where they have some.

    Args:
        constraints: A sequence, or a mapping from names. A number must not be above 0 for the point to be feasible;
            True stands for -1 (satisfied), False for +1 (violated). None in place of all of them means there are none.

    Returns:
        The values, and the sorted names or None. The values are None where one of them is None, NaN or infinite: then
        it is not known whether the point is feasible.

    Raises:
        ConfigTypeError: If it is something else.

    Example:
        >>> read_constraints({"flash": -120, "sram": False})
        ((-120.0, 1.0), ('flash', 'sram'))
    """
    if constraints is None:
        return (), None
    if not isinstance(constraints, Iterable) or isinstance(constraints, str):
        raise ConfigTypeError(f"a sequence or a mapping of numbers is needed, not {constraints!r}", where="constraints")
    names = None
    if isinstance(constraints, Mapping):
        names = tuple(sorted(constraints))
        constraints = [constraints[name] for name in names]
    values = tuple(_constraint(value) for value in constraints)
    return (None if any(map(math.isnan, values)) else values), names


def _constraint(value: Any) -> float:
    if isinstance(value, bool | np.bool_):
        return -1.0 if value else 1.0
    try:
        number = math.nan if value is None else float(value)
    except (TypeError, ValueError) as error:
        raise ConfigTypeError(f"must be numbers, not {value!r}", where="constraints") from error
    return number if math.isfinite(number) else math.nan


def read_answer(answer: Any, batch: list[Params], count: int) -> tuple[list[Params], list[Any]]:
    """Take apart what an objective returned: a list of values, or as a tuple the points evaluated and their values.

    Args:
        answer: What it returned.
        batch: The points it was called with.
        count: Number of values of a point.

    Returns:
        As many points as values.

    Raises:
        ConfigTypeError: If it is something else, or there are not as many values as points.

    Example:
        >>> read_answer([0.5], [{"x": 1}], 1), read_answer(([], []), [{"x": 1}], 1)
        (([{'x': 1}], [0.5]), ([], []))
    """
    if isinstance(answer, tuple) and len(answer) != 2:
        raise ConfigTypeError(
            f"the objective returned a tuple of {len(answer)} things, where (points, values) is meant by a tuple",
            where="objective",
        )
    points, values = answer if isinstance(answer, tuple) else (batch, answer)
    if count == 1 and isinstance(values, np.ndarray):
        values = values.ravel()  # a column of values is as good as a row
    try:
        points, values = list(points), list(values)
    except TypeError as error:
        raise ConfigTypeError(
            f"the objective must return a list of values, not {type(answer).__name__}", where="objective"
        ) from error
    if len(points) != len(values):
        raise ConfigTypeError(f"the objective gave {len(values)} values for {len(points)} points", where="objective")
    return points, values
