"""Parameters with a continuum of values: numbers and vectors that follow a distribution of scipy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import SpaceError

__all__ = ["TAIL", "Code", "Float", "Multivariate"]

Code = int | float | tuple[float, ...]
Array = NDArray[np.float64]

# Tails of a distribution with infinite support are cut at this probability.
TAIL = 1e-6


@dataclass(frozen=True)
class Float:
    """A frozen continuous univariate scipy distribution, mapped to [0, 1] by its own cumulative distribution."""

    name: str
    distribution: Any
    low: float
    high: float
    # Ends of scipy's uniform and log-uniform distributions, whose general machinery takes a hundred times as long as
    # a line.
    line: tuple[float, float] | None = None
    logarithmic: bool = False

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
        logarithmic = family in ("loguniform", "reciprocal") and bool(
            # Shifted, it is no straight line in the logarithm.
            values[0] > 0 and math.isclose(values[1], math.sqrt(values[0]) * math.sqrt(values[2]), rel_tol=1e-9)
        )
        line = (float(values[0]), float(values[2])) if family == "uniform" or logarithmic else None
        return cls(name, distribution, float(low), float(high), line, logarithmic)

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
        elif self.logarithmic:
            low, high = self.line
            unit = np.log(np.clip(number, low, high) / low) / math.log(high / low)
        else:
            unit = (number - self.line[0]) / (self.line[1] - self.line[0])
        return np.asarray(np.clip(unit, self.low, self.high))[:, None]

    def codes(self, coordinates: Array) -> list[Code]:
        """Coordinates, shape (n, 1), to codes."""
        unit = np.clip(coordinates[:, 0], self.low, self.high)
        if self.line is None:
            values = np.asarray(self.distribution.ppf(unit), dtype=float)
        elif self.logarithmic:
            low, high = self.line
            values = np.clip(low * np.exp(unit * math.log(high / low)), low, high)
        else:
            values = (1.0 - unit) * self.line[0] + unit * self.line[1]
        listed: list[Code] = values.tolist()
        return listed


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
        return [tuple(row) for row in (coordinates * self.scale + self.shift).tolist()]

    def sample(self, rng: np.random.Generator, n: int) -> Array:
        """Coordinates of n draws, shape (n, columns)."""
        draw = np.asarray(self.distribution.rvs(size=n, random_state=rng), dtype=float)
        return np.asarray((draw.reshape(n, self.columns) - self.shift) / self.scale)
