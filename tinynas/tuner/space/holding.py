"""A space of which some parameters are held at a value for a while."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import SpaceError
from tinynas.tuner.space.encoding import Encoding
from tinynas.tuner.space.parameters import Code, Float, Multivariate, PointCode

__all__ = ["MAX_TRIES", "HoldingEncoding"]

Array = NDArray[np.float64]

#: Random points tried, at most, in the search for one that is allowed. No larger space is gone through point by point.
MAX_TRIES = 16_384


class HoldingEncoding(Encoding):
    """An encoding in which `holding` leaves only the points with given values.

    Candidates are moved there, wherever they come from (`snap`), and what cannot be moved is no point (`holds`). The
    coordinates of what was told stay: a model of the whole space serves every part of it.
    """

    def __init__(self, param_dict: Mapping[str, Any], conditions: Mapping[str, Any] | None = None) -> None:
        self._held: dict[int, Code] = {}
        super().__init__(param_dict, conditions)

    @property
    def held(self) -> bool:
        """Whether something is held now."""
        return bool(self._held)

    @contextmanager
    def holding(self, fixed: Mapping[str, Any]) -> Iterator[None]:
        """Within the block, the space has only the points with these values of some parameters.

        Args:
            fixed: Name to value. Points that do not have one of the parameters are left out, too.

        Raises:
            SpaceError: If a name is unknown, or a value is not one of its parameter.

        Example:
            >>> space = HoldingEncoding({"depth": range(3, 9), "norm": ["none", "batch"]})
            >>> with space.holding({"depth": 4}):
            ...     [space.params(code) for code in space.codes(space.grid())]
            [{'depth': 4, 'norm': 'none'}, {'depth': 4, 'norm': 'batch'}]
        """
        size = self.size
        self._held = self._codes_of(fixed)
        try:
            self.size = self._count(size)
            yield
        finally:
            self._held, self.size = {}, size

    def _count(self, size: int | None) -> int | None:
        """Number of points with what is held, in a space of so many; not more than it where conditions are at work."""
        if self.conditions:
            return len(self.grid()) if size is not None and size <= MAX_TRIES else size
        free = [parameter.size for place, parameter in enumerate(self.parameters) if place not in self._held]
        return None if None in free else math.prod(count or 0 for count in free)

    def _codes_of(self, fixed: Mapping[str, Any]) -> dict[int, Code]:
        """Place to code of some values that points can have."""
        held = {}
        for name, value in fixed.items():
            if name not in self.names:
                raise SpaceError(
                    f"there is no parameter {name!r} to hold fixed",
                    where="fixed",
                    advice=f"one of {', '.join(self.names)}",
                )
            place = self.names.index(name)
            parameter = self.parameters[place]
            held[place] = code = parameter.code(value)
            # `code` takes what was told, also from outside the range; a suggestion has to lie within.
            there = parameter.coordinates([code])
            if isinstance(parameter, Float):
                inside = bool(np.isclose(parameter.codes(there)[0], code, rtol=1e-6, atol=1e-12))
            else:
                inside = isinstance(parameter, Multivariate) or parameter.codes(there) == [code]
            if not inside:
                raise SpaceError(f"{name} cannot be held at {value!r}: the space does not have it", where="fixed")
        return held

    def holds(self, code: PointCode) -> bool:
        """Whether a point has the values that are held now; True where none are."""
        return all(code[place] == held for place, held in self._held.items())

    def snap(self, X: Array) -> Array:
        """See `Encoding.snap`; what is held is in its place."""
        if not self._held:
            return super().snap(X)
        Y = np.array(X, dtype=float)
        for place, code in self._held.items():
            parameter, columns = self.blocks[place]
            Y[:, columns] = parameter.coordinates([code])
        return super().snap(Y)

    def codes(self, X: Array) -> list[PointCode]:
        """See `Encoding.codes`; what is held has exactly its value, not that of its coordinate."""
        codes = super().codes(X)
        exact = [place for place in self._held if isinstance(self.parameters[place], Float | Multivariate)]
        if not exact:
            return codes
        return [
            tuple(self._held[i] if i in exact and part is not None else part for i, part in enumerate(code))
            for code in codes
        ]

    def grid(self) -> Array:
        """See `Encoding.grid`."""
        X = super().grid()
        return X[[self.holds(code) for code in self.codes(X)]] if self._held else X

    def _levels(self, place: int) -> Array:
        if place not in self._held:
            return super()._levels(place)
        return self.parameters[place].coordinates([self._held[place]])

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """Lowest and highest coordinate of each continuous column."""
        found = []
        for place, parameter in enumerate(self.parameters):
            if isinstance(parameter, Float):
                held = [float(x) for x in parameter.coordinates([self._held[place]])[0]] if place in self._held else []
                found.append((held[0], held[0]) if held else (parameter.low, parameter.high))
        return found
