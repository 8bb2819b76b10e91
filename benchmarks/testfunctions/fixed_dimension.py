"""Functions whose number of coordinates, three or more, is part of their definition."""

from __future__ import annotations

import math

import numpy as np

from .function import Array, TestFunction, test_function

__all__ = ["FUNCTIONS"]

_HARTMANN_WEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
_HARTMANN3_SCALES = np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]])
_HARTMANN3_CENTRES = 1e-5 * np.array(
    [[36890, 11700, 26730], [46990, 43870, 74700], [10910, 87320, 55470], [3815, 57430, 88280]]
)
_HARTMANN6_SCALES = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
_HARTMANN6_CENTRES = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)
_SHEKEL_CENTRES = np.array(
    [
        [4, 4, 4, 4],
        [1, 1, 1, 1],
        [8, 8, 8, 8],
        [6, 6, 6, 6],
        [3, 7, 3, 7],
        [2, 9, 2, 9],
        [5, 5, 3, 3],
        [8, 1, 8, 1],
        [6, 2, 6, 2],
        [7, 3.6, 7, 3.6],
    ]
)
_SHEKEL_WIDTHS = np.array([0.1, 0.2, 0.2, 0.4, 0.4, 0.6, 0.3, 0.7, 0.5, 0.5])


def _squares(x: Array, centres: Array, scales: Array | float = 1.0) -> Array:
    """Squared distances of points, shape (d, ...), from m centres, shape (..., m)."""
    return (scales * (x.T[..., None, :] - centres) ** 2).sum(axis=-1)


@test_function("Colville", [(-10, 10)] * 4, 0, [1, 1, 1, 1], "unimodal", "unscaled")
def colville(x: Array) -> Array:
    a, b, c, d = x
    valleys = 100 * (a**2 - b) ** 2 + (a - 1) ** 2 + (c - 1) ** 2 + 90 * (c**2 - d) ** 2
    return valleys + 10.1 * ((b - 1) ** 2 + (d - 1) ** 2) + 19.8 * (b - 1) * (d - 1)


@test_function("Hartmann3", [(0, 1)] * 3, -3.862782147820755, [0.11461436, 0.55564885, 0.85254695], "multimodal")
def hartmann3(x: Array) -> Array:
    return -np.exp(-_squares(x, _HARTMANN3_CENTRES, _HARTMANN3_SCALES)) @ _HARTMANN_WEIGHTS


@test_function(
    "Hartmann6",
    [(0, 1)] * 6,
    -3.322368011415514,
    [0.20168952, 0.15001069, 0.47687398, 0.27533243, 0.31165162, 0.65730054],
    "multimodal",
    "boring",
)
def hartmann6(x: Array) -> Array:
    return -np.exp(-_squares(x, _HARTMANN6_CENTRES, _HARTMANN6_SCALES)) @ _HARTMANN_WEIGHTS


@test_function("HelicalValley", [(-1, 2)] * 3, 0, [1, 0, 0], "unscaled")
def helical_valley(x: Array) -> Array:
    a, b, c = x
    turn = np.arctan2(b, a) / (2 * math.pi)
    return 100 * ((c - 10 * turn) ** 2 + (np.hypot(a, b) - 1) ** 2) + c**2


def _powell(x: Array) -> Array:
    a, b, c, d = x
    return (a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4


powell = TestFunction("Powell", ((-4.0, 5.0),) * 4, 0.0, (0.0,) * 4, _powell, ("unimodal", "unscaled"))


@test_function("PowellTripleLog", [(-4, 1)] * 12, 0, [0] * 12, "unimodal")
def powell_triple_log(x: Array) -> Array:
    return np.log1p(_powell(x[:4]) + _powell(x[4:8]) + _powell(x[8:]))


def _shekel(x: Array, terms: int) -> Array:
    return -(1 / (_squares(x, _SHEKEL_CENTRES[:terms]) + _SHEKEL_WIDTHS[:terms])).sum(axis=-1)


@test_function("Shekel05", [(0, 10)] * 4, -10.1531996791, [4.0000372, 4.0001333, 4.0000372, 4.0001333], "boring")
def shekel05(x: Array) -> Array:
    return _shekel(x, 5)


@test_function("Shekel10", [(0, 10)] * 4, -10.5364098167, [4.0007465, 4.0005929, 3.9996634, 3.9995098], "boring")
def shekel10(x: Array) -> Array:
    return _shekel(x, 10)


@test_function("Trid", [(0, 20)] * 6, -50, [6, 10, 12, 12, 10, 6], "unimodal")
def trid(x: Array) -> Array:
    return ((x - 1) ** 2).sum(axis=0) - (x[1:] * x[:-1]).sum(axis=0)


@test_function("Wolfe", [(-1, 2)] * 3, -1, [0, 0, -1], "unimodal", "bound_min", "nonsmooth")
def wolfe(x: Array) -> Array:
    a, b, c = x
    return 4 / 3 * (a**2 + b**2 - a * b) ** 0.75 + c


FUNCTIONS = (
    colville,
    hartmann3,
    hartmann6,
    helical_valley,
    powell,
    powell_triple_log,
    shekel05,
    shekel10,
    trid,
    wolfe,
)
