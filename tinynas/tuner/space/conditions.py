"""Conditional parameters: which parameters a point has, given the values of others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import SpaceError
from tinynas.tuner.config import ConfigTypeError, ConfigValueError
from tinynas.tuner.space.parameters import Categorical, Code, Integer, Parameter

__all__ = ["Conditions"]

# Parameters with at most this many values have a table of which are allowed.
MAX_TABLE = 100_000
# For each conditional parameter (by its place) the codes of other parameters with which it exists.
Requirements = dict[int, dict[int, frozenset[Code]]]


class _Allowed:
    """Whether an index is among some, by a table where it is short enough: a lookup is many times faster."""

    def __init__(self, indices: NDArray[np.int64], size: int) -> None:
        self._indices = indices
        self._table = np.isin(np.arange(size), indices) if size <= MAX_TABLE else None

    def __call__(self, index: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.isin(index, self._indices) if self._table is None else self._table[index]


class Conditions:
    """A parameter with conditions exists where every parameter they mention exists and has one of the values given.

    Args:
        parameters: All parameters of the space.
        description: Name of a conditional parameter to the names of others, and to the values these must have (a list,
            or a single value). None where there is none.

    Attributes:
        order: Places of all parameters, each after those its existence depends on.
        requirements: For each conditional parameter what must hold, of all its ancestors: then their own existence
            follows and need not be looked at.

    Raises:
        ConfigTypeError: If the description is not such a dictionary.
        ConfigValueError: If it names what does not exist, goes round in a circle, depends on a parameter that is not
            discrete, or can never hold.
    """

    def __init__(self, parameters: Sequence[Parameter], description: Mapping[str, Any] | None) -> None:
        self._parameters = list(parameters)
        self._allowed: dict[tuple[int, int], _Allowed] = {}
        direct = self._read({} if description is None else description)
        self.requirements: Requirements = {}
        for child in direct:
            self._close(child, direct, ())
        depth = [self._depth(i, direct) for i in range(len(parameters))]
        self.order = sorted(range(len(parameters)), key=lambda i: depth[i])
        for child, required in self.requirements.items():
            for parent, codes in required.items():
                parameter = self._parameters[parent]
                values = parameter.values if isinstance(parameter, Integer) else range(parameter.size or 0)
                self._allowed[child, parent] = _Allowed(np.array([values.index(code) for code in codes]), len(values))

    def __bool__(self) -> bool:
        return bool(self.requirements)

    def absent(self, code: Sequence[Code | None]) -> list[int]:
        """Places of the parameters that a point does not have, given the codes of those it may have."""
        return [
            child
            for child, required in self.requirements.items()
            if any(code[parent] not in codes for parent, codes in required.items())
        ]

    def absent_rows(self, X: NDArray[np.float64], columns: Sequence[slice]) -> Iterator[tuple[int, NDArray[np.bool_]]]:
        """For each conditional parameter its place, and which rows of coordinates, shape (n, dimension), lack it."""
        index: dict[int, NDArray[np.int64]] = {}
        for child, required in self.requirements.items():
            present = np.ones(len(X), dtype=bool)
            for parent in required:
                if parent not in index:
                    parameter = self._parameters[parent]
                    assert isinstance(parameter, Integer | Categorical)
                    index[parent] = parameter.index(X[:, columns[parent].start])
                present &= self._allowed[child, parent](index[parent])
            yield child, ~present

    def count(self) -> int | None:
        """Number of distinct points; None when infinite."""
        if any(parameter.size is None for parameter in self._parameters):
            return None
        linked = frozenset(self.requirements).union(*self.requirements.values())
        loose = math.prod(p.size or 0 for i, p in enumerate(self._parameters) if i not in linked)
        return loose * self._count(linked, {})

    def plain(self) -> dict[str, dict[str, list[Any]]]:
        """The requirements by name, as JSON data."""
        names = [parameter.name for parameter in self._parameters]
        return {
            names[child]: {names[parent]: sorted(codes) for parent, codes in sorted(required.items())}
            for child, required in sorted(self.requirements.items())
        }

    # -- reading -------------------------------------------------------------------------------------------------------

    def _read(self, description: Mapping[str, Any]) -> Requirements:
        if not isinstance(description, Mapping):
            raise ConfigTypeError(f"a dictionary is needed, not {description!r}", where="conf_dict:conditions")
        direct: Requirements = {}
        for name, required in description.items():
            where = f"conf_dict:conditions.{name}"
            child = self._place(name, where)
            if not isinstance(required, Mapping) or not required:
                raise ConfigTypeError(f"a dictionary of other parameters is needed, not {required!r}", where=where)
            direct[child] = {
                self._place(other, where): self._codes(self._place(other, where), values, where)
                for other, values in required.items()
            }
        return direct

    def _place(self, name: Any, where: str) -> int:
        for i, parameter in enumerate(self._parameters):
            if parameter.name == name:
                return i
        raise ConfigValueError(f"there is no parameter {name!r}", where=where)

    def _codes(self, place: int, values: Any, where: str) -> frozenset[Code]:
        parameter = self._parameters[place]
        if not isinstance(parameter, Integer | Categorical):
            raise ConfigValueError(
                f"'{parameter.name}' is not discrete: conditions are about lists and ranges", where=where
            )
        several = isinstance(values, Iterable) and not isinstance(values, str | bytes)
        codes: set[Code] = set()
        for value in values if several else [values]:
            try:
                code = parameter.code(value)
            except SpaceError as error:
                raise ConfigValueError(str(error), where=where) from error
            if isinstance(parameter, Integer) and code not in parameter.values:
                raise ConfigValueError(f"{value!r} is not among the values of '{parameter.name}'", where=where)
            codes.add(code)
        if not codes:
            raise ConfigValueError(f"no value of '{parameter.name}' is given", where=where)
        return frozenset(codes)

    def _close(self, child: int, direct: Requirements, below: tuple[int, ...]) -> dict[int, frozenset[Code]]:
        """Add to a parameter's requirements those of the parameters it depends on."""
        where = f"conf_dict:conditions.{self._parameters[child].name}"
        if child in below:
            raise ConfigValueError("the conditions go round in a circle", where=where)
        if child in self.requirements:
            return self.requirements[child]
        closed = dict(direct[child])
        for parent in direct[child]:
            above = self._close(parent, direct, (*below, child)) if parent in direct else {}
            for ancestor, codes in above.items():
                closed[ancestor] = closed.get(ancestor, codes) & codes
        for ancestor, codes in closed.items():
            if not codes:
                name = self._parameters[ancestor].name
                raise ConfigValueError(f"the conditions can never hold: no value of '{name}' is left", where=where)
        self.requirements[child] = closed
        return closed

    def _depth(self, place: int, direct: Requirements) -> int:
        return 1 + max((self._depth(parent, direct) for parent in direct[place]), default=0) if place in direct else 0

    # -- counting ------------------------------------------------------------------------------------------------------

    def _count(self, free: frozenset[int], known: dict[int, Code | None]) -> int:
        """Number of ways to settle the free parameters, given the codes of others that matter to them."""
        return math.prod(self._count_together(group, known) for group in self._groups(free))

    def _count_together(self, group: frozenset[int], known: dict[int, Code | None]) -> int:
        first = min(group, key=self.order.index)
        rest = group - {first}
        required = self.requirements.get(first, {})
        if any(known[parent] not in codes for parent, codes in required.items()):
            return self._count(rest, {**known, first: None})
        size = self._parameters[first].size or 0
        wanted = [self.requirements[child][first] for child in rest if first in self.requirements.get(child, {})]
        # Values that the same conditions ask for lead to the same number of points.
        alike: dict[tuple[bool, ...], list[Code]] = {}
        for code in frozenset().union(*wanted):
            alike.setdefault(tuple(code in codes for codes in wanted), []).append(code)
        total = sum(len(codes) * self._count(rest, {**known, first: codes[0]}) for codes in alike.values())
        others = size - sum(map(len, alike.values()))
        return total + (others * self._count(rest, {**known, first: None}) if others else 0)

    def _groups(self, free: frozenset[int]) -> list[frozenset[int]]:
        """Parts of the free parameters that have nothing to do with each other."""
        groups: list[frozenset[int]] = []
        for place in free:
            linked = {place, *(self.requirements.get(place, {}).keys() & free)}
            touched = [group for group in groups if group & linked]
            groups = [group for group in groups if not group & linked]
            groups.append(frozenset(linked).union(*touched))
        return groups
