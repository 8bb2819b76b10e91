"""Gradients by central differences, which those by formula have to match."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["differentiate"]

Array = NDArray[np.float64]


def differentiate(f: Callable[[Array], float], x: Array, step: float = 1e-5) -> Array:
    """The gradient of a function of a vector, shape (n,)."""
    return np.array([(f(x + e) - f(x - e)) / (2 * step) for e in step * np.eye(len(x))])
