"""What a test function is: a formula with the facts a benchmark needs to judge by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Array", "Bounds", "TestFunction", "test_function"]

Array = NDArray[np.float64]
Bounds = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class TestFunction:
    """A function to minimise over a box.

    Attributes:
        name: Its name in the literature, with the dimension where that is free.
        bounds: Lowest and highest value of each coordinate.
        minimum: The lowest value in the box.
        minimiser: Where that value is taken; one place of several, maybe. None if unknown.
        function: The formula: coordinates, shape (dimension, ...), to values, shape (...).
        classes: What is peculiar about it, in the words of Dewancker et al.: "unimodal", "multi_min" (several places
            have the minimum), "bound_min" (on the boundary), "oscillatory", "nonsmooth", "discrete" (steps),
            "unscaled" (the highest values are of another order of magnitude), "boring" (flat, but for a small part).
    """

    __test__: ClassVar[bool] = False  # pytest would take the name for a test's

    name: str
    bounds: Bounds
    minimum: float
    minimiser: tuple[float, ...] | None
    function: Callable[[Array], Any]
    classes: tuple[str, ...] = ()

    def __call__(self, x: ArrayLike) -> float:
        """Value at a point, shape (dimension,)."""
        point = np.asarray(x, dtype=float)
        if point.shape != (self.dimension,):
            raise ValueError(f"{self.name} takes a point of shape ({self.dimension},), not {point.shape}")
        return float(self.function(point))

    def values(self, X: Array) -> Array:
        """Values at several points, shape (n, dimension)."""
        return np.asarray(self.function(np.asarray(X, dtype=float).T), dtype=float)

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.bounds)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coordinates in `space`, in order; sorted as text they keep it."""
        return tuple(f"x{i:02}" for i in range(self.dimension))

    def space(self) -> dict[str, Any]:
        """The box as the tuner's parameters: uniform scipy distributions."""
        from scipy.stats import uniform

        return {name: uniform(low, high - low) for name, (low, high) in zip(self.names, self.bounds, strict=True)}

    def at(self, params: dict[str, float]) -> float:
        """Value at a point of `space`."""
        return self([params[name] for name in self.names])

    def random_points(self, rng: np.random.Generator, n: int) -> Array:
        """Uniform points of the box, shape (n, dimension)."""
        low, high = np.array(self.bounds, dtype=float).T
        return low + (high - low) * rng.random((n, self.dimension))


def test_function(
    name: str,
    bounds: Sequence[tuple[float, float]],
    minimum: float,
    minimiser: Sequence[float] | None,
    *classes: str,
) -> Callable[[Callable[[Array], Any]], TestFunction]:
    """Make a `TestFunction` of the formula that follows; the arguments are its attributes."""

    def decorate(function: Callable[[Array], Any]) -> TestFunction:
        at = None if minimiser is None else tuple(map(float, minimiser))
        box = tuple((float(low), float(high)) for low, high in bounds)
        return TestFunction(name, box, float(minimum), at, function, classes)

    return decorate


test_function.__test__ = False  # type: ignore[attr-defined]  # nor is this one
