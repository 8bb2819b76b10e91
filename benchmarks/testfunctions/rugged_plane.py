"""Functions of two coordinates with many local minima."""

from __future__ import annotations

import math

import numpy as np

from .function import Array, test_function

__all__ = ["FUNCTIONS"]

PI = math.pi


@test_function("Alpine02", [(0, 10)] * 2, -6.1295038911, [7.91705268, 4.81584232], "oscillatory", "multi_min")
def alpine02(x: Array) -> Array:
    return np.prod(np.sqrt(x) * np.sin(x), axis=0)


@test_function("Bird", [(-2 * PI, 2 * PI)] * 2, -106.764536749265, [4.70104312, 3.15293851], "multi_min")
def bird(x: Array) -> Array:
    a, b = x
    return np.sin(a) * np.exp((1 - np.cos(b)) ** 2) + np.cos(b) * np.exp((1 - np.sin(a)) ** 2) + (a - b) ** 2


@test_function("Bohachevsky", [(-15, 8)] * 2, 0, [0, 0], "oscillatory")
def bohachevsky(x: Array) -> Array:
    a, b = x
    return a**2 + 2 * b**2 - 0.3 * np.cos(3 * PI * a) - 0.4 * np.cos(4 * PI * b) + 0.7


@test_function(
    "CrossInTray", [(-10, 10)] * 2, -2.0626118708, [1.3494066, 1.3494066], "oscillatory", "multi_min", "nonsmooth"
)
def cross_in_tray(x: Array) -> Array:
    a, b = x
    bulge = np.exp(np.abs(100 - np.hypot(a, b) / PI))
    return -0.0001 * (np.abs(np.sin(a) * np.sin(b) * bulge) + 1) ** 0.1


@test_function("DropWave", [(-2, 5.12)] * 2, -1, [0, 0], "oscillatory")
def drop_wave(x: Array) -> Array:
    square = (x**2).sum(axis=0)
    return -(1 + np.cos(12 * np.sqrt(square))) / (0.5 * square + 2)


@test_function("EggHolder", [(-512.1, 512)] * 2, -959.6406627, [512, 404.2318058], "bound_min", "oscillatory")
def egg_holder(x: Array) -> Array:
    a, b = x[0], x[1] + 47
    return -b * np.sin(np.sqrt(np.abs(a / 2 + b))) - a * np.sin(np.sqrt(np.abs(a - b)))


@test_function("HolderTable", [(-10, 10)] * 2, -19.2085025679, [8.0550235, 9.6645900], "multi_min", "oscillatory")
def holder_table(x: Array) -> Array:
    a, b = x
    return -np.abs(np.sin(a) * np.cos(b) * np.exp(np.abs(1 - np.hypot(a, b) / PI)))


@test_function("Keane", [(0, 10)] * 2, -0.673667521147, [0, 1.3932490], "oscillatory", "bound_min")
def keane(x: Array) -> Array:
    a, b = x
    return -((np.sin(a - b) * np.sin(a + b)) ** 2) / np.hypot(np.hypot(a, b), 1e-8)


@test_function("Langermann", [(0, 10)] * 2, -5.1621261599, [2.0029922, 1.0060960], "oscillatory", "multimodal")
def langermann(x: Array) -> Array:
    a, b = x
    value = np.zeros_like(a)
    for weight, u, v in zip((1, 2, 5, 2, 3), (3, 5, 2, 1, 7), (5, 2, 1, 4, 9), strict=True):
        square = (a - u) ** 2 + (b - v) ** 2
        value = value - weight * np.exp(-square / PI) * np.cos(PI * square)
    return value


@test_function("Mishra06", [(-10, 10)] * 2, -2.283949838474759, [2.88630722, 1.82326033], "multimodal")
def mishra06(x: Array) -> Array:
    a, b = x
    inner = np.sin((np.cos(a) + np.cos(b)) ** 2) ** 2 - np.cos((np.sin(a) + np.sin(b)) ** 2) ** 2 + a
    return -2 * np.log(np.abs(inner)) + 0.1 * ((a - 1) ** 2 + (b - 1) ** 2)


@test_function("Parsopoulos", [(-5, 5)] * 2, 0, [PI / 2, PI], "oscillatory", "multi_min")
def parsopoulos(x: Array) -> Array:
    a, b = x
    return np.cos(a) ** 2 + np.sin(b) ** 2


@test_function("Schwefel26", [(-500, 500)] * 2, 0, [420.9687463] * 2, "oscillatory")
def schwefel26(x: Array) -> Array:
    # The constant is the lowest value of one coordinate's term, so that the minimum is 0.
    return (418.98288727243369 - x * np.sin(np.sqrt(np.abs(x)))).sum(axis=0)


@test_function("StretchedV", [(-10, 5)] * 2, 0, [0, 0], "oscillatory", "multi_min")
def stretched_v(x: Array) -> Array:
    square = (x**2).sum(axis=0)
    return square**0.25 * np.sin(50 * square**0.1 + 1) ** 2


@test_function("Trefethen", [(-10, 10)] * 2, -3.3068686475, [-0.0244030796, 0.2106124272], "oscillatory")
def trefethen(x: Array) -> Array:
    a, b = x
    fast = np.exp(np.sin(50 * a)) + np.sin(60 * np.exp(b)) + np.sin(70 * np.sin(a)) + np.sin(np.sin(80 * b))
    return fast - np.sin(10 * (a + b)) + (a**2 + b**2) / 4


@test_function("UrsemWaves", [(-0.9, 1.2), (-1.2, 1.2)], -8.5536, [1.2, 1.2], "bound_min", "oscillatory")
def ursem_waves(x: Array) -> Array:
    a, b = x
    return -0.9 * a**2 - 3.5 * a * b**3 + 4.7 * np.cos(3 * a - b**2 * (2 + a)) * np.sin(2.5 * PI * a)


FUNCTIONS = (
    alpine02,
    bird,
    bohachevsky,
    cross_in_tray,
    drop_wave,
    egg_holder,
    holder_table,
    keane,
    langermann,
    mishra06,
    parsopoulos,
    schwefel26,
    stretched_v,
    trefethen,
    ursem_waves,
)
