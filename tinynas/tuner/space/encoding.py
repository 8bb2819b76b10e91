"""Points as dictionaries, as codes, as coordinates of the unit cube, and as features of the kernel."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import SpaceError
from tinynas.tuner.config import ConfigTypeError, Params
from tinynas.tuner.space.conditions import Conditions
from tinynas.tuner.space.describe import classify
from tinynas.tuner.space.parameters import Categorical, Code, Float, Integer, Parameter, PointCode

__all__ = ["Encoding"]

Array = NDArray[np.float64]

# Coordinates end here: told values may be absurd, and the surrogate squares distances.
FAR = 100.0
# Where the coordinates of a parameter lie that a point does not have; discrete ones take the value there.
NEUTRAL = 0.5


class Encoding:
    """The translations of points, which all agree on when two points are the same.

    A parameter that a point does not have is missing in its dictionary, None in its code, and at a fixed place in its
    coordinates.

    Args:
        param_dict: See `Space`.
        conditions: See `Space`.
    """

    def __init__(self, param_dict: Mapping[str, Any], conditions: Mapping[str, Any] | None = None) -> None:
        if not isinstance(param_dict, Mapping):
            raise ConfigTypeError(
                f"param_dict must be a dictionary, not {type(param_dict).__name__}", where="param_dict"
            )
        if not param_dict:
            raise SpaceError("there is no parameter to search", where="param_dict")
        if not all(isinstance(name, str) for name in param_dict):
            raise ConfigTypeError("parameter names must be strings", where="param_dict")
        self.param_dict = {
            name: list(values) if isinstance(values, Iterator) else values for name, values in param_dict.items()
        }
        self.names = sorted(param_dict)
        self.parameters: list[Parameter] = [classify(name, self.param_dict[name]) for name in self.names]
        self.conditions = Conditions(self.parameters, conditions)
        offsets = np.cumsum([0] + [parameter.columns for parameter in self.parameters])
        self._columns = [slice(int(a), int(b)) for a, b in pairwise(offsets)]
        self.blocks = list(zip(self.parameters, self._columns, strict=True))
        self.dimension = int(offsets[-1])
        self.continuous = np.concatenate(
            [[isinstance(parameter, Float)] * parameter.columns for parameter in self.parameters]
        )
        self.size = self.conditions.count()
        self._neutral = self._snapped(np.full((1, self.dimension), NEUTRAL))[0]
        self._lay_out_features()

    def _lay_out_features(self) -> None:
        self._scale = np.ones(self.dimension)
        self._wide: list[tuple[int, Categorical]] = []
        binary = []
        groups = list(range(self.dimension))
        for parameter, columns in self.blocks:
            if not isinstance(parameter, Categorical):
                continue
            # The coordinates 0.25 and 0.75 of two values become features at distance 1; more values need indicators.
            self._scale[columns] = 2.0 if parameter.size == 2 else 0.0
            if parameter.size == 2:
                binary.append(columns.start)
            else:
                self._wide.append((columns.start, parameter))
                groups += [columns.start] * parameter.size
        self.groups = np.array(groups, dtype=np.int64)
        self.binary = np.array(binary, dtype=np.int64)
        self.steppable = [
            (parameter, columns)
            for parameter, columns in self.blocks
            if not isinstance(parameter, Float) and columns.start not in binary
        ]

    def code(self, params: Mapping[str, Any]) -> PointCode:
        """Exact identity of a point. Values of parameters that it does not have are ignored.

        Raises:
            SpaceError: If names are missing or unknown, or a value is not of its parameter's kind.
        """
        if not isinstance(params, Mapping):
            raise SpaceError(f"a point must be a dictionary, not {type(params).__name__}")
        needed = self._needed(params) if self.conditions else self.names
        if set(params) != set(needed):
            missing = [name for name in needed if name not in params]
            unknown = [str(name) for name in params if name not in self.names]
            if missing or unknown:
                parts = [f"{what} {', '.join(n)}" for what, n in (("missing", missing), ("unknown", unknown)) if n]
                raise SpaceError(f"the point does not have the parameters of the space: {'; '.join(parts)}")
        return tuple(
            parameter.code(params[name]) if needed is self.names or name in needed else None
            for name, parameter in zip(self.names, self.parameters, strict=True)
        )

    def _needed(self, params: Mapping[str, Any]) -> list[str]:
        """Names of the parameters a point must have, as far as it can be told without those that are missing."""
        code: list[Code | None] = [None] * len(self.names)
        needed = []
        for place in self.conditions.order:
            required = self.conditions.requirements.get(place, {})
            if all(code[parent] in codes for parent, codes in required.items()):
                name = self.names[place]
                needed.append(name)
                if name in params:
                    code[place] = self.parameters[place].code(params[name])
        return needed

    def canonical(self, code: Sequence[Code | None]) -> PointCode:
        """A code with None in place of the parameters that the point does not have."""
        absent = self.conditions.absent(code)
        return tuple(None if place in absent else part for place, part in enumerate(code))

    def params(self, code: PointCode) -> Params:
        """Dictionary of a point, in the order of `param_dict`."""
        values = {
            name: parameter.value(part)
            for name, parameter, part in zip(self.names, self.parameters, code, strict=True)
            if part is not None
        }
        return {name: values[name] for name in self.param_dict if name in values}

    def coordinates(self, codes: Sequence[PointCode]) -> Array:
        """Codes to coordinates, shape (n, dimension); told numbers far outside their range come back a bit nearer."""
        if not codes:
            return np.empty((0, self.dimension))
        parts = zip(*codes, strict=True)
        X = np.hstack([self._block(i, part) for i, part in enumerate(parts)])
        return np.clip(X, -FAR, FAR)

    def _block(self, place: int, part: Sequence[Code | None]) -> Array:
        if place not in self.conditions.requirements:
            return self.parameters[place].coordinates(part)
        block = np.repeat(self._neutral[None, self._columns[place]], len(part), axis=0)
        there = [row for row, code in enumerate(part) if code is not None]
        if there:
            block[there] = self.parameters[place].coordinates([part[row] for row in there])
        return block

    def codes(self, X: Array) -> list[PointCode]:
        """Coordinates, shape (n, dimension), to codes; discrete parameters take the value at the coordinate."""
        parts: list[list[Any]] = [p.codes(X[:, columns]) for p, columns in self.blocks]
        for place, absent in self.conditions.absent_rows(X, self._columns):
            for row in np.flatnonzero(absent):
                parts[place][row] = None
        return list(zip(*parts, strict=True))

    def snap(self, X: Array) -> Array:
        """Move discrete columns to the coordinates of their values, and those of absent parameters to their place.

        The surrogate sees snapped points only: this is the rounding inside the kernel of Garrido-Merchan &
        Hernandez-Lobato 2020, under which the acquisition is constant between neighbouring integers.
        """
        snapped = self._snapped(X)
        return self._settled(snapped) if self.conditions else snapped

    def _settled(self, X: Array) -> Array:
        """Put the columns of absent parameters in their place, in X itself."""
        for place, absent in self.conditions.absent_rows(X, self._columns):
            X[absent, self._columns[place]] = self._neutral[self._columns[place]]
        return X

    def _snapped(self, X: Array) -> Array:
        snapped = np.array(X, dtype=float)
        for parameter, columns in self.blocks:
            if isinstance(parameter, Integer | Categorical):
                column = snapped[:, columns.start]
                snapped[:, columns.start] = parameter.position(parameter.index(column))
            elif isinstance(parameter, Float):
                np.clip(snapped[:, columns], parameter.low, parameter.high, out=snapped[:, columns])
        return snapped

    def present(self, X: Array) -> NDArray[np.bool_]:
        """Which columns of points, shape (n, dimension), belong to parameters that they have; of the same shape."""
        there = np.ones(X.shape, dtype=bool)
        for place, absent in self.conditions.absent_rows(X, self._columns):
            there[absent, self._columns[place]] = False
        return there

    def features(self, X: Array) -> Array:
        """Snapped coordinates to the Euclidean features of the kernel, shape (n, features).

        The first columns are the coordinates, with those of absent parameters in their place. Two different categories
        are at squared distance 1, whichever they are (overlap or Hamming distance): two values by scaling their column,
        more by an indicator column for each.
        """
        if self.conditions:
            X = self._settled(np.array(X, dtype=float))
        blocks = [X * self._scale]
        for column, parameter in self._wide:
            index = parameter.index(X[:, column])
            blocks.append(np.where(index[:, None] == np.arange(parameter.size), math.sqrt(0.5), 0.0))
        return np.hstack(blocks)

    def grid(self) -> Array:
        """All points of a finite space, constraint or not, each once, shape (size, dimension)."""
        X = np.repeat(self._neutral[None, :], 1, axis=0)
        for place in self.conditions.order:
            columns = self._columns[place]
            levels = self._levels(place)
            absent = dict(self.conditions.absent_rows(X, self._columns)).get(place, np.zeros(len(X), dtype=bool))
            copies = np.where(absent, 1, len(levels))
            row_of = np.repeat(np.arange(len(X)), copies)
            rank = np.arange(len(row_of)) - np.repeat(np.cumsum(copies) - copies, copies)
            X = X[row_of]
            X[:, columns] = np.where(absent[row_of, None], X[:, columns], levels[rank])
        return X

    def _levels(self, place: int) -> Array:
        """Coordinates of all values of a parameter, shape (values, its columns)."""
        parameter = self.parameters[place]
        assert isinstance(parameter, Integer | Categorical)
        return parameter.position(np.arange(parameter.size))[:, None]
