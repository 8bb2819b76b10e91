"""Spaces shaped like that of the TCN search, with scores that cost nothing: the discrete mixed problems.

A network has a number of filters, a kernel size, nine membership bits (which dilations it has, 1, 2, ... 256, at least
three and at most eight of them), a dropout rate, two or three categories, and weights that must fit a budget. Its
"error" is lowest where the receptive field matches what the task needs, with many filters, little dropout, and the
budget used up: these pull against each other, as they do in the search for real networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NETWORKS", "PENALTY", "Network"]

Array = NDArray[np.float64]

# Above all scores, and not so far that a surrogate loses sight of what lies below.
PENALTY = 4.0


@dataclass(frozen=True)
class Network:
    """One task on one board.

    Attributes:
        budget: Weights that fit.
        reach: Receptive field that the task needs, in samples.
        favourite: Number of the dilation, 0 to 8, that helps by itself.
        minimum: The lowest score in the space.
        filters: Fewest and most filters.
        kernel_size: Smallest and largest kernel.
        dropout: Lowest and highest rate.
        norms: Kinds of normalisation.
    """

    budget: int
    reach: float
    favourite: int
    minimum: float
    filters: tuple[int, int] = (2, 63)
    kernel_size: tuple[int, int] = (2, 15)
    dropout: tuple[float, float] = (0.0, 0.4)
    norms: tuple[str, ...] = ("none", "batch", "layer")

    @property
    def bits(self) -> tuple[str, ...]:
        """Names of the membership bits."""
        return tuple(f"d{2**k}" for k in range(9))

    def allows(self, params: dict[str, Any]) -> bool:
        """Whether the dilations are of the right number and the weights fit."""
        return bool(self.fits(*self._columns(params)[:3]))

    def score(self, params: dict[str, Any]) -> float:
        """The "error" of a network that fits."""
        return float(self.error(*self._columns(params)))

    def fits(self, filters: Array, kernel_size: Array, bits: Array) -> NDArray[np.bool_]:
        """`allows` for many at once; bits have shape (..., 9)."""
        depth = bits.sum(axis=-1)
        return (depth >= 3) & (depth <= 8) & (_weights(filters, kernel_size, depth) < self.budget)

    def error(self, filters: Array, kernel_size: Array, bits: Array, dropout: Array, skip: Array, norm: Array) -> Array:
        """`score` for many at once; norm is the index of its kind."""
        depth = bits.sum(axis=-1)
        reach = 1 + (kernel_size - 1) * 2 * (bits @ 2.0 ** np.arange(9))
        error = 0.5 * np.abs(np.log(reach / self.reach)) + 0.35 * (2 - np.log10(filters + 1))
        error = error + 6 * (dropout - 0.1) ** 2 + 0.15 * (1 - skip) * (depth > 5) + np.array([0.1, 0, 0.04])[norm]
        error = error + 0.05 * np.abs(depth - 5) - 0.1 * bits[..., self.favourite]
        return error - 0.2 * _weights(filters, kernel_size, depth) / self.budget

    def _columns(self, params: dict[str, Any]) -> tuple[Any, ...]:
        bits = np.array([float(params[bit]) for bit in self.bits])
        norm = self.norms.index(params["norm"])
        rest = (float(params["dropout"]), float(params["skip_connections"]), norm)
        return float(params["filters"]), float(params["kernel_size"]), bits, *rest


def _weights(filters: Array, kernel_size: Array, depth: Array) -> Array:
    return depth * 2 * filters**2 * kernel_size


NETWORKS = {
    "NetworkSmall": Network(budget=8_000, reach=90, favourite=1, minimum=-0.008826887847255577),
    "NetworkMedium": Network(budget=40_000, reach=220, favourite=3, minimum=-0.16995680223867465),
    "NetworkLarge": Network(budget=150_000, reach=700, favourite=6, minimum=-0.22365214627409213),
    "NetworkShort": Network(budget=40_000, reach=30, favourite=0, minimum=-0.1203245901061111),
}
