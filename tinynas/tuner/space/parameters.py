"""The kinds of parameter, each a translation between values, codes and coordinates of the unit cube.

A *code* is the exact, JSON-able identity of a value: the integer itself, the index of a category, the float, or a tuple
of floats. Codes decide whether two points are the same and are what a saved state holds. *Coordinates* are what the
surrogate sees: a number in [0, 1] per column, with equal probability in equal lengths.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import SpaceError
from tinynas.tuner.space.continuous import TAIL, Code, Float, Multivariate

__all__ = ["TAIL", "Categorical", "Code", "Float", "Integer", "Multivariate", "Parameter", "PointCode", "equal"]

# One code for each parameter, in the order of their names; None where the parameter does not exist.
PointCode = tuple[Code | None, ...]
Array = NDArray[np.float64]

# Steps of the local search over integers, as shares of their number; those below 1 fall away.
SHARES = np.array([1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 5e-3, 0.02, 0.06, 0.15, 0.4])


@dataclass(frozen=True)
class Integer:
    """Integers in rank order: equal steps from one listed value to the next, so [1, 10, 100] is evenly spaced.

    Attributes:
        name: Name of the parameter.
        values: Distinct, ascending; a `range` is kept as such, however long.
        edges: Cumulative probabilities, shape (len(values) + 1,), from 0 to 1; None when all values are equally likely.
    """

    name: str
    values: Sequence[int]
    edges: Array | None = None

    columns = 1

    @property
    def size(self) -> int:
        """Number of values."""
        return len(self.values)

    def code(self, value: Any) -> int:
        """The integer itself. Integers outside the listed values are accepted: they can be told, never suggested."""
        try:
            number = int(value)
            if number == value and math.isfinite(float(number)):
                return number
        except (TypeError, ValueError, OverflowError):
            pass
        raise SpaceError(f"{value!r} is not an integer", where=self.name)

    def value(self, code: Any) -> int:
        """The value a code stands for."""
        return int(code)

    def coordinates(self, codes: Sequence[Any]) -> Array:
        """Codes to coordinates, shape (n, 1); integers outside the listed values fall outside [0, 1]."""
        number = np.array([float(code) for code in codes])
        first, last, n = float(self.values[0]), float(self.values[-1]), self.size
        step = (last - first) / (n - 1) if n > 1 else 1.0
        if isinstance(self.values, range):
            rank = (number - first) / step
        else:
            rank = np.interp(number, np.array(self.values, dtype=float), np.arange(n))
            rank += np.minimum(number - first, 0.0) / step + np.maximum(number - last, 0.0) / step
        if self.edges is None:
            return np.asarray((rank + 0.5) / n)[:, None]
        return np.asarray(np.interp(rank, np.arange(n), (self.edges[1:] + self.edges[:-1]) / 2))[:, None]

    def index(self, coordinate: Array) -> NDArray[np.int64]:
        """Rank of the value whose interval holds the coordinate."""
        if self.edges is None:
            return np.clip(np.floor(coordinate * self.size), 0, self.size - 1).astype(np.int64)
        return np.clip(np.searchsorted(self.edges, coordinate, side="right") - 1, 0, self.size - 1)

    def position(self, index: NDArray[np.int64]) -> Array:
        """Coordinate of the values of given rank: the middle of their interval."""
        if self.edges is None:
            return np.asarray((index + 0.5) / self.size)
        return np.asarray((self.edges[index] + self.edges[index + 1]) / 2)

    def codes(self, coordinates: Array) -> list[Code]:
        """Coordinates, shape (n, 1), to codes."""
        return [int(self.values[i]) for i in self.index(coordinates[:, 0]).tolist()]

    def moves(self, coordinate: float, rng: np.random.Generator) -> Array:  # noqa: ARG002 (one signature for all)
        """Coordinates one move away: the next integers, and some at shares of the range."""
        here = int(self.index(np.array([coordinate]))[0])
        shares = np.round(self.size * SHARES).astype(np.int64)
        steps = np.concatenate([[1], shares])
        reached = np.unique(np.clip(here + np.concatenate([steps, -steps]), 0, self.size - 1))
        return self.position(reached[reached != here])


def equal(known: Any, value: Any) -> bool:
    """Whether two values are the same; arrays, also inside lists, must agree in shape as well. NaN is itself.

    Example:
        >>> equal(np.array([64]), np.array([64, 64])), equal((1, np.array([2])), (1, np.array([2])))
        (False, True)
    """
    if known is value:
        return True
    if isinstance(known, np.ndarray) or isinstance(value, np.ndarray):
        try:
            return bool(np.array_equal(known, value))
        except ValueError:  # a list that is no array
            return False
    if isinstance(known, list | tuple) and isinstance(value, list | tuple):
        return type(known) is type(value) and len(known) == len(value) and all(map(equal, known, value))
    try:
        return bool(known == value or (known != known and value != value))
    except ValueError:
        return False


@dataclass(frozen=True)
class Categorical:
    """Values without order. The code is the index in `values`, the coordinate only says which one."""

    name: str
    values: tuple[Any, ...]

    columns = 1

    @property
    def size(self) -> int:
        """Number of values."""
        return len(self.values)

    def code(self, value: Any) -> int:
        """Index of a value. True and 1 are told apart where both are listed."""
        matches = [i for i, known in enumerate(self.values) if equal(known, value)]
        exact = [i for i in matches if type(self.values[i]) is type(value)]
        if not matches:
            listed = ", ".join(repr(known) for known in self.values[:8]) + (", ..." if self.size > 8 else "")
            raise SpaceError(f"{value!r} is not one of {listed}", where=self.name)
        return (exact or matches)[0]

    def value(self, code: Any) -> Any:
        """The value a code stands for."""
        return self.values[int(code)]

    def coordinates(self, codes: Sequence[Any]) -> Array:
        """Codes to coordinates, shape (n, 1)."""
        return self.position(np.array(codes, dtype=np.int64))[:, None]

    def index(self, coordinate: Array) -> NDArray[np.int64]:
        """Index of the category at a coordinate."""
        return np.clip(np.floor(coordinate * self.size), 0, self.size - 1).astype(np.int64)

    def position(self, index: NDArray[np.int64]) -> Array:
        """Coordinate of a category."""
        return np.asarray((index + 0.5) / self.size)

    def codes(self, coordinates: Array) -> list[Code]:
        """Coordinates, shape (n, 1), to codes."""
        listed: list[Code] = self.index(coordinates[:, 0]).tolist()
        return listed

    def moves(self, coordinate: float, rng: np.random.Generator) -> Array:
        """Coordinates of the other categories, of 20 random ones where there are more."""
        here = int(self.index(np.array([coordinate]))[0])
        reached = rng.permutation(self.size)[:20] if self.size > 20 else np.arange(self.size)
        return self.position(reached[reached != here].astype(np.int64))


Parameter = Integer | Categorical | Float | Multivariate
