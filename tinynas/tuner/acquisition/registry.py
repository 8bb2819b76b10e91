"""What an acquisition function is, and the names of those there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["ACQUISITIONS", "Acquisition", "register"]

Array = NDArray[np.float64]


class Acquisition(Protocol):
    """How promising a point is, given what the surrogate says of it.

    Attributes:
        label: Name in a figure.
        logarithmic: Whether values are logarithms.
        polishes: Whether some suggestions may refine the best point instead.
        exploration: Share of random suggestions that goes with it, unless the user wants another one; 0 where the
            function balances exploration itself.
    """

    label: str
    logarithmic: bool
    polishes: bool
    exploration: float

    def __call__(self, mean: Array, deviation: Array, best: float, factor: float) -> tuple[Array, Array, Array]:
        """Values to be maximised, and their derivatives by mean and deviation; each of shape (n,).

        Args:
            mean: Posterior means of values to be minimised, shape (n,).
            deviation: Posterior standard deviations, above 0, shape (n,).
            best: The value to improve on.
            factor: Weight of the deviation, where there is one.
        """
        ...


ACQUISITIONS: dict[str, Acquisition] = {}

Kind = TypeVar("Kind", bound=type[Acquisition])


def register(name: str) -> Callable[[Kind], Kind]:
    """Enter a class of acquisition functions under the name that configurations use.

    Args:
        name: What `TunerConfig.acquisition` calls it.
    """

    def enter(kind: Kind) -> Kind:
        ACQUISITIONS[name] = kind()
        return kind

    return enter
