"""Functions of two coordinates with one or a few broad valleys."""

from __future__ import annotations

import math

import numpy as np

from .function import Array, test_function

__all__ = ["FUNCTIONS"]

PI = math.pi


@test_function("Adjiman", [(-1, 2), (-1, 1)], -2.0218067833, [2, 0.1057834707], "unimodal", "bound_min")
def adjiman(x: Array) -> Array:
    a, b = x
    return np.cos(a) * np.sin(b) - a / (b**2 + 1)


@test_function("Beale", [(-4.5, 4.5)] * 2, 0, [3, 0.5], "boring", "unscaled")
def beale(x: Array) -> Array:
    a, b = x
    return (1.5 - a + a * b) ** 2 + (2.25 - a + a * b**2) ** 2 + (2.625 - a + a * b**3) ** 2


@test_function("Branin01", [(-5, 10), (0, 15)], 0.3978873577297382, [-PI, 12.275], "multi_min")
def branin01(x: Array) -> Array:
    a, b = x
    return (b - 5.1 * a**2 / (4 * PI**2) + 5 * a / PI - 6) ** 2 + 10 * (1 - 1 / (8 * PI)) * np.cos(a) + 10


@test_function("Bukin06", [(-15, -5), (-3, 3)], 0, [-10, 1], "nonsmooth")
def bukin06(x: Array) -> Array:
    a, b = x
    return 100 * np.sqrt(np.abs(b - 0.01 * a**2)) + 0.01 * np.abs(a + 10)


@test_function("Easom", [(-100, 20)] * 2, -1, [PI, PI], "unimodal", "boring")
def easom(x: Array) -> Array:
    a, b = x
    return -np.cos(a) * np.cos(b) * np.exp(-((a - PI) ** 2) - (b - PI) ** 2)


@test_function("Franke", [(0, 1)] * 2, 0.0011152824, [0.4557103743, 0.7841906729], "multimodal")
def franke(x: Array) -> Array:
    a, b = 9 * x
    return (
        0.75 * np.exp(-((a - 2) ** 2 + (b - 2) ** 2) / 4)
        + 0.75 * np.exp(-((a + 1) ** 2) / 49 - (b + 1) / 10)
        + 0.5 * np.exp(-((a - 7) ** 2 + (b - 3) ** 2) / 4)
        - 0.2 * np.exp(-((a - 4) ** 2) - (b - 7) ** 2)
    )


@test_function("Giunta", [(-1, 1)] * 2, 0.0644704205, [0.46732002, 0.46732002], "unimodal")
def giunta(x: Array) -> Array:
    t = 16 * x / 15 - 1
    return 0.6 + (np.sin(t) + np.sin(t) ** 2 + np.sin(4 * t) / 50).sum(axis=0)


@test_function("GoldsteinPrice", [(-2, 2)] * 2, 3, [0, -1], "unscaled", "multimodal")
def goldstein_price(x: Array) -> Array:
    a, b = x
    first = 1 + (a + b + 1) ** 2 * (19 - 14 * a + 3 * a**2 - 14 * b + 6 * a * b + 3 * b**2)
    second = 30 + (2 * a - 3 * b) ** 2 * (18 - 32 * a + 12 * a**2 + 48 * b - 36 * a * b + 27 * b**2)
    return first * second


@test_function("HimmelBlau", [(-2, 6)] * 2, 0, [3, 2], "multimodal", "unscaled")
def himmelblau(x: Array) -> Array:
    a, b = x
    return (a**2 + b - 11) ** 2 + (a + b**2 - 7) ** 2


@test_function("Leon", [(-1.2, 1.2)] * 2, 0, [1, 1], "unimodal", "unscaled")
def leon(x: Array) -> Array:
    a, b = x
    return 100 * (b - a**2) ** 2 + (1 - a) ** 2


@test_function("Matyas", [(-10, 3), (-3, 10)], 0, [0, 0], "unimodal")
def matyas(x: Array) -> Array:
    a, b = x
    return 0.26 * (a**2 + b**2) - 0.48 * a * b


@test_function("McCormick", [(-1.5, 4), (-3, 4)], -PI / 3 - math.sqrt(0.75), [0.5 - PI / 3, -0.5 - PI / 3], "unimodal")
def mccormick(x: Array) -> Array:
    a, b = x
    return np.sin(a + b) + (a - b) ** 2 - 1.5 * a + 2.5 * b + 1


@test_function("Schwefel06", [(-50, 100)] * 2, 0, [1, 3], "unimodal", "nonsmooth")
def schwefel06(x: Array) -> Array:
    a, b = x
    return np.maximum(np.abs(a + 2 * b - 7), np.abs(2 * a + b - 5))


@test_function("SixHumpCamel", [(-2, 2), (-1.5, 1.5)], -1.0316284535, [0.08984201, -0.71265640], "multi_min")
def six_hump_camel(x: Array) -> Array:
    a, b = x
    return (4 - 2.1 * a**2 + a**4 / 3) * a**2 + a * b + (4 * b**2 - 4) * b**2


@test_function("Tripod", [(-100, 100)] * 2, 0, [0, -50], "nonsmooth", "multimodal")
def tripod(x: Array) -> Array:
    a, b = x
    right, upper = np.where(a >= 0, 1.0, 0.0), np.where(b >= 0, 1.0, 0.0)
    return upper * (1 + right) + np.abs(a + 50 * upper * (1 - 2 * right)) + np.abs(b + 50 * (1 - 2 * upper))


@test_function("XinSheYang03", [(-10, 20)] * 2, -1, [0, 0], "boring", "unimodal")
def xin_she_yang03(x: Array) -> Array:
    return np.exp(-((x / 15) ** 10).sum(axis=0)) - 2 * np.exp(-(x**2).sum(axis=0)) * np.prod(np.cos(x) ** 2, axis=0)


@test_function("Zimmerman", [(0, 8)] * 2, 0, [7, 2], "nonsmooth", "multimodal")
def zimmerman(x: Array) -> Array:
    a, b = x
    line, circle, hyperbola = 9 - a - b, (a - 3) ** 2 + (b - 2) ** 2 - 16, a * b - 14
    terms = [line] + [100 * (1 + t) * np.sign(s) for t, s in ((circle,) * 2, (hyperbola,) * 2, (-a, a), (-b, b))]
    return np.minimum(np.max(np.stack(terms), axis=0), 3000.0)


FUNCTIONS = (
    adjiman,
    beale,
    branin01,
    bukin06,
    easom,
    franke,
    giunta,
    goldstein_price,
    himmelblau,
    leon,
    matyas,
    mccormick,
    schwefel06,
    six_hump_camel,
    tripod,
    xin_she_yang03,
    zimmerman,
)
