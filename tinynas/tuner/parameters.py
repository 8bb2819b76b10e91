"""The kinds of parameter, each a translation between values, codes and coordinates of the unit cube.

A *code* is the exact, JSON-able identity of a value: the integer itself, the index of a category, the float, or a tuple
of floats. Codes decide whether two points are the same and are what a saved state holds. *Coordinates* are what the
surrogate
sees: a number in [0, 1] per column, with equal probability in equal lengths.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import SpaceError

__all__ = ["Categorical", "Code", "Float", "Integer", "Multivariate", "Parameter"]

Code = int | float | tuple[float, ...]
Array = NDArray[np.float64]

# Tails of a distribution with infinite support are cut at this probability.
TAIL = 1e-6

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
        return [int(self.values[i]) for i in self.index(coordinates[:, 0])]

    def moves(self, coordinate: float, rng: np.random.Generator) -> Array:  # noqa: ARG002 (one signature for all)
        """Coordinates one move away: the next integers, and some at shares of the range."""
        here = int(self.index(np.array([coordinate]))[0])
        shares = np.round(self.size * SHARES).astype(np.int64)
        steps = np.concatenate([[1], shares])
        reached = np.unique(np.clip(here + np.concatenate([steps, -steps]), 0, self.size - 1))
        return self.position(reached[reached != here])


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
        matches = [i for i, known in enumerate(self.values) if known is value or bool(np.all(known == value))]
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
        return [int(i) for i in self.index(coordinates[:, 0])]

    def moves(self, coordinate: float, rng: np.random.Generator) -> Array:
        """Coordinates of the other categories, of 20 random ones where there are more."""
        here = int(self.index(np.array([coordinate]))[0])
        reached = rng.permutation(self.size)[:20] if self.size > 20 else np.arange(self.size)
        return self.position(reached[reached != here].astype(np.int64))


@dataclass(frozen=True)
class Float:
    """A frozen continuous univariate scipy distribution, mapped to [0, 1] by its own cumulative distribution."""

    name: str
    distribution: Any
    low: float
    high: float
    # Ends of scipy's own uniform distribution, whose general machinery takes a hundred times as long as a line.
    line: tuple[float, float] | None = None

    columns = 1
    size = None

    @classmethod
    def of(cls, name: str, distribution: Any) -> Float:
        """Check a distribution and find which part of [0, 1] has finite values.

        Raises:
            SpaceError: If the distribution is degenerate (its parameters are outside their domain).
        """
        ends = np.asarray(distribution.ppf([0.0, 1.0]), dtype=float)
        low, high = (
            end if np.isfinite(ppf) else tail for end, ppf, tail in zip((0, 1), ends, (TAIL, 1 - TAIL), strict=True)
        )
        values = np.asarray(distribution.ppf([low, 0.5, high]), dtype=float)
        if not (np.all(np.isfinite(values)) and values[0] < values[2]):
            raise SpaceError("the distribution has no finite values to choose from", where=name)
        family = getattr(getattr(distribution, "dist", None), "name", None)
        line = (float(values[0]), float(values[2])) if family == "uniform" else None
        return cls(name, distribution, float(low), float(high), line)

    def code(self, value: Any) -> float:
        """The float itself; it must be finite."""
        try:
            number = float(value)
        except (TypeError, ValueError) as error:
            raise SpaceError(f"{value!r} is not a number", where=self.name) from error
        if not np.isfinite(number):
            raise SpaceError(f"{value!r} is not finite", where=self.name)
        return number

    def value(self, code: Any) -> float:
        """The value a code stands for."""
        return float(code)

    def coordinates(self, codes: Sequence[Any]) -> Array:
        """Codes to coordinates, shape (n, 1); values outside the support count as the nearest end."""
        number = np.array(codes, dtype=float)
        if self.line is None:
            unit = np.asarray(self.distribution.cdf(number))
        else:
            unit = (number - self.line[0]) / (self.line[1] - self.line[0])
        return np.asarray(np.clip(unit, self.low, self.high))[:, None]

    def codes(self, coordinates: Array) -> list[Code]:
        """Coordinates, shape (n, 1), to codes."""
        unit = np.clip(coordinates[:, 0], self.low, self.high)
        if self.line is None:
            return [float(value) for value in np.asarray(self.distribution.ppf(unit))]
        return [float(value) for value in (1.0 - unit) * self.line[0] + unit * self.line[1]]


@dataclass(frozen=True)
class Multivariate:
    """A frozen multivariate scipy distribution whose draws are vectors; the value is a list of floats.

    Its support has no general description, so new points are draws, or (where the support is convex) points between a
    known one and a draw. Coordinates are the components, shifted and scaled to about [0, 1].
    """

    name: str
    distribution: Any
    shift: Array
    scale: Array
    convex: bool

    size = None

    @classmethod
    def of(cls, name: str, distribution: Any) -> Multivariate:
        """Measure the spread of a distribution on a fixed draw.

        Raises:
            SpaceError: If the draws are not vectors.
        """
        draw = np.asarray(distribution.rvs(size=256, random_state=np.random.default_rng(0)), dtype=float)
        draw = draw[:, None] if draw.ndim == 1 else draw
        if draw.ndim != 2:
            raise SpaceError("only distributions of vectors are supported", where=name)
        spread = np.ptp(draw, axis=0)
        convex = type(distribution).__name__ in (
            "dirichlet_frozen",
            "multivariate_normal_frozen",
            "multivariate_t_frozen",
        )
        return cls(name, distribution, draw.min(axis=0), np.where(spread > 0, spread, 1.0), convex)

    @property
    def columns(self) -> int:
        """Number of components."""
        return len(self.shift)

    def code(self, value: Any) -> tuple[float, ...]:
        """The components as a tuple."""
        try:
            vector = tuple(float(component) for component in value)
        except (TypeError, ValueError) as error:
            raise SpaceError(f"{value!r} is not a list of numbers", where=self.name) from error
        if len(vector) != self.columns or not np.all(np.isfinite(vector)):
            raise SpaceError(f"{value!r} is not a list of {self.columns} finite numbers", where=self.name)
        return vector

    def value(self, code: Any) -> list[float]:
        """The value a code stands for."""
        return [float(component) for component in code]

    def coordinates(self, codes: Sequence[Any]) -> Array:
        """Codes to coordinates, shape (n, columns)."""
        return np.asarray((np.array(codes, dtype=float).reshape(-1, self.columns) - self.shift) / self.scale)

    def codes(self, coordinates: Array) -> list[Code]:
        """Coordinates, shape (n, columns), to codes."""
        return [tuple(float(x) for x in row) for row in coordinates * self.scale + self.shift]

    def sample(self, rng: np.random.Generator, n: int) -> Array:
        """Coordinates of n draws, shape (n, columns)."""
        draw = np.asarray(self.distribution.rvs(size=n, random_state=rng), dtype=float)
        return np.asarray((draw.reshape(n, self.columns) - self.shift) / self.scale)


Parameter = Integer | Categorical | Float | Multivariate
