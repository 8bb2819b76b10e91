"""Sums of a few kernels in the unit cube, after McCourt: smooth or kinked, with minima inside and on the boundary."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import j0

from .function import Array, TestFunction

__all__ = ["FUNCTIONS"]

# A digit is ten times a coordinate, "x" stands for 1.
_DIGITS = {character: value for value, character in enumerate("0123456789x")}


def _centres(*rows: str) -> Array:
    return np.array([[_DIGITS[character] for character in row] for row in rows]) / 10


def _kernel_sum(
    profile: Callable[[Array], Array],
    coefficients: Sequence[float],
    scales: Sequence[float] | Array,
    centres: Array,
) -> Callable[[Array], Array]:
    """Sum of coefficient * profile(squared distance from the centre, each coordinate scaled)."""
    weights, rates = np.array(coefficients, dtype=float), np.array(scales, dtype=float)
    rates = np.broadcast_to(rates[:, None] if rates.ndim == 1 else rates, centres.shape)

    def function(x: Array) -> Array:
        squares = (rates * (x.T[..., None, :] - centres) ** 2).sum(axis=-1)
        return profile(squares) @ weights

    return function


def _taxicab_sum(coefficients: Sequence[float], scales: Sequence[float], centres: Array) -> Callable[[Array], Array]:
    """Sum of coefficient * exp(-taxicab distance from the centre, scaled)."""
    weights, rates = np.array(coefficients, dtype=float), np.sqrt(np.array(scales, dtype=float))

    def function(x: Array) -> Array:
        return np.exp(-rates * np.abs(x.T[..., None, :] - centres).sum(axis=-1)) @ weights

    return function


def _gauss(squares: Array) -> Array:
    return np.exp(-squares)


def _inverse_multiquadric(squares: Array) -> Array:
    return 1 / np.sqrt(1 + squares)


def _multiquadric(squares: Array) -> Array:
    return np.sqrt(1 + squares)


def _matern(squares: Array) -> Array:
    r = np.sqrt(squares)
    return (1 + r + squares / 3) * np.exp(-r)


def _damped_cosine(squares: Array) -> Array:
    return np.cos(np.pi * np.sqrt(squares)) * np.exp(-squares)


def _bessel(squares: Array) -> Array:
    return np.asarray(j0(np.sqrt(squares)))


_C7 = _centres("1111111", "3151886", "6783786", "4749419", "9335272", "5528534")
_C9 = _centres(
    "111111111", "315188642", "678378691", "727733864", "464941933", "552853458", "833527246", "833527246", "833527246"
)
_C5 = _centres("11111", "38869", "61252", "72189", "46538", "95324", "28646")
_C4 = _centres("1111", "3894", "6x20", "7218", "408x", "9532", "2864")
_C3 = _centres("111", "389", "6x2", "6x2", "721", "408", "95x", "086")
_C12 = _centres(
    "1111111", "3151886", "6783786", "707x308", "464x42x", "5528534", "12x4567", "9435272", "0532193", "2864665"
)
_C20 = _centres("11", "38", "67", "71", "43", "28", "12", "94", "55", "08")
_C28 = _centres("6284", "1179", "x186", "032x", "2x80", "6929", "1768", "8432", "1x82", "3990", "8x69")

_S8 = 0.7 * np.array([[1, 1, 1, 1], [0.5] * 4, [1, 3, 1, 3], [0.5] * 4, [2, 1, 2, 1], [1] * 4, [0.7] * 4])
_S9 = 0.6 * np.array(
    [[1, 1, 1], [0.6] * 3, [1, 0.5, 1], [4, 10, 4], [0.5] * 3, [0.5, 1, 0.5], [1, 1, 1], [0.3, 0.5, 0.5]]
)
_S12 = 0.7 * np.array([1, 1, 1, 0.5, 1, 10, 0.5, 1, 2, 1])
_S20 = 50 * np.array([1, 1, 1, 0.5, 1, 3, 0.5, 1, 2, 1])
_S28 = np.array(
    [
        [1, 1, 1, 1],
        [5, 3, 3, 3],
        [4, 6, 2, 4],
        [4, 1, 6, 3],
        [2, 5, 3, 5],
        [5, 4, 6, 1],
        [6, 4, 1, 6],
        [5, 1, 2, 1],
        [1, 5, 4, 2],
        [1, 3, 3, 2],
        [4, 6, 6, 2],
    ]
)

_SUMS = {
    "McCourt02": _kernel_sum(_inverse_multiquadric, (-1, -1, -2, 1, 1, -1), (5, 1.5, 1, 5, 5, 5), _C7),
    "McCourt03": _kernel_sum(_gauss, (1, -1, 1, 1, 1, 1, -1, -2, -1), (1, 1, 1, 1, 1, 1, 0.1, 0.5, 1), _C9),
    "McCourt06": _kernel_sum(_multiquadric, (-3, 2, -2, 4, -1, 5, -1), (0.4, 0.2, 0.4, 0.08, 0.2, 0.4, 0.4), _C5),
    "McCourt08": _kernel_sum(_matern, (2, 1, -8, 1, -5, 3, 2), _S8, _C4),
    "McCourt09": _kernel_sum(_damped_cosine, (4, -3, -6, -2, 1, -3, 6, 2), _S9, _C3),
    "McCourt12": _kernel_sum(_bessel, (5, -4, 5, -5, -7, -2, 10, 2, -5, 5), _S12, _C12),
    "McCourt20": _taxicab_sum((5, -4, 5, -7, -4, -2, 10, 4, -2, -5), _S20, _C20),
    "McCourt28": _kernel_sum(_gauss, (-10, 2, 3, 5, 3, 2, 1, 2, 5, 2, 2), _S28, _C28),
}

_FACTS = {
    "McCourt02": (
        -2.74162116801238,
        [0.40678095, 0.44323712, 0.64785999, 0.19777042, 0.76601085, 0.75528428, 0.56403207],
        "multimodal",
    ),
    "McCourt03": (
        -3.02379637466390,
        [0.93165323, 0.18914586, 0.25034313, 0.36456696, 0.16032227, 0.98287635, 0.03918978, 0.32631679, 0.65232680],
        "multimodal",
    ),
    "McCourt06": (2.80720263234001, [1, 1, 0.76355856, 0.52683861, 1], "bound_min"),
    "McCourt08": (-3.45224058874384, [0.50672172, 1, 0.59138322, 0.08230017], "bound_min nonsmooth"),
    "McCourt09": (-10.17146707797255, [0.59398548, 1, 0.20497097], "bound_min oscillatory"),
    "McCourt12": (
        3.54274987790219,
        [0.44986502, 0.45533948, 0.00459942, 1, 0.37838491, 0.30668665, 0.61732200],
        "bound_min",
    ),
    "McCourt20": (-6.59763663216357, [0.7, 0.1], "nonsmooth multimodal"),
    "McCourt28": (-7.69432628908675, [0.44933325, 0.06666878, 0.90834382, 0.27103451], "unimodal"),
}


def _function(name: str) -> TestFunction:
    minimum, minimiser, classes = _FACTS[name]
    at = tuple(map(float, minimiser))
    return TestFunction(name, ((0.0, 1.0),) * len(at), minimum, at, _SUMS[name], tuple(classes.split()))


FUNCTIONS = tuple(_function(name) for name in _SUMS)
