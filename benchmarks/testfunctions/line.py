"""Functions of one coordinate, numbered as in Gavana's collection."""

from __future__ import annotations

import math

import numpy as np

from .function import Array, test_function

__all__ = ["FUNCTIONS"]


@test_function("Problem03", [(-10, 10)], -12.031249442167141, [-6.774576143438902], "oscillatory", "multi_min")
def problem03(x: Array) -> Array:
    return -sum(k * np.sin((k + 1) * x[0] + k) for k in range(1, 6))


@test_function("Problem05", [(0, 1.2)], -1.4890725386, [0.9660857981], "multimodal")
def problem05(x: Array) -> Array:
    return -(1.4 - 3 * x[0]) * np.sin(18 * x[0])


@test_function("Problem13", [(0.001, 0.99)], -(4 ** (1 / 3)), [math.sqrt(0.5)], "unimodal")
def problem13(x: Array) -> Array:
    return -np.cbrt(x[0] ** 2) - np.cbrt(1 - x[0] ** 2)


@test_function("Problem15", [(-5, 5)], 3.5 - 2.5 * math.sqrt(2), [1 + math.sqrt(2)], "unimodal")
def problem15(x: Array) -> Array:
    return (x[0] ** 2 - 5 * x[0] + 6) / (x[0] ** 2 + 1)


@test_function("Problem20", [(-10, 10)], -0.0634905289, [1.1951366455], "unimodal", "boring")
def problem20(x: Array) -> Array:
    return -(x[0] - np.sin(x[0])) * np.exp(-(x[0] ** 2))


FUNCTIONS = (problem03, problem05, problem13, problem15, problem20)
