"""Functions defined for any number of coordinates, each in one or a few dimensions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .function import Array, TestFunction

__all__ = ["FUNCTIONS"]

PI = math.pi


def _index(x: Array) -> Array:
    """1, 2, ... along the coordinates of points, shape (d, 1, ...)."""
    return np.arange(1.0, len(x) + 1).reshape((-1,) + (1,) * (x.ndim - 1))


def ackley(x: Array) -> Array:
    slope = -20 * np.exp(-0.2 * np.sqrt((x**2).mean(axis=0)))
    return slope - np.exp(np.cos(2 * PI * x).mean(axis=0)) + 20 + math.e


def alpine01(x: Array) -> Array:
    return np.abs(x * np.sin(x) + 0.1 * x).sum(axis=0)


def cigar(x: Array) -> Array:
    return x[0] ** 2 + 1e6 * (x[1:] ** 2).sum(axis=0)


def cosine_mixture(x: Array) -> Array:
    return (0.1 * np.cos(5 * PI * x) + x**2).sum(axis=0)


def csendes(x: Array) -> Array:
    # The sixth power wins over the wildest sine: nothing is lost by leaving 1/0 out.
    return (x**6 * (2 + np.sin(1 / np.where(x == 0, 1.0, x)))).sum(axis=0)


def deb01(x: Array) -> Array:
    return -(np.sin(5 * PI * x) ** 6).mean(axis=0)


def deflected_corrugated_spring(x: Array) -> Array:
    square = ((x - 5) ** 2).sum(axis=0)
    return 0.1 * square - np.cos(5 * np.sqrt(square))


def dixon_price(x: Array) -> Array:
    return (x[0] - 1) ** 2 + (_index(x)[1:] * (2 * x[1:] ** 2 - x[:-1]) ** 2).sum(axis=0)


def exponential(x: Array) -> Array:
    return -np.exp(-0.5 * (x**2).sum(axis=0))


def griewank(x: Array) -> Array:
    return 1 + (x**2).sum(axis=0) / 4000 - np.prod(np.cos(x / np.sqrt(_index(x))), axis=0)


def levy03(x: Array) -> Array:
    z = 1 + (x - 1) / 4
    middle = ((z[:-1] - 1) ** 2 * (1 + 10 * np.sin(PI * z[:-1] + 1) ** 2)).sum(axis=0)
    return np.sin(PI * z[0]) ** 2 + middle + (z[-1] - 1) ** 2 * (1 + np.sin(2 * PI * z[-1]) ** 2)


def michalewicz(x: Array) -> Array:
    return -(np.sin(x) * np.sin(_index(x) * x**2 / PI) ** 20).sum(axis=0)


def pinter(x: Array) -> Array:
    i, before, after = _index(x), np.roll(x, 1, axis=0), np.roll(x, -1, axis=0)
    a = before * np.sin(x) + np.sin(after)
    b = before**2 - 2 * x + 3 * after - np.cos(x) + 1
    return (i * (x**2 + 20 * np.sin(a) ** 2 + np.log10(1 + i * b**2))).sum(axis=0)


def plateau(x: Array) -> Array:
    return 30 + np.floor(np.abs(x)).sum(axis=0)


def qing(x: Array) -> Array:
    return ((x**2 - _index(x)) ** 2).sum(axis=0)


def rastrigin(x: Array) -> Array:
    return (x**2 - 10 * np.cos(2 * PI * x) + 10).sum(axis=0)


def rosenbrock(x: Array) -> Array:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum(axis=0)


def rosenbrock_log(x: Array) -> Array:
    return np.log1p(rosenbrock(x))


def salomon(x: Array) -> Array:
    norm = np.sqrt((x**2).sum(axis=0))
    return 1 - np.cos(2 * PI * norm) + 0.1 * norm


def sargan(x: Array) -> Array:
    # The sum over pairs of different coordinates, written with the square of the whole sum.
    return len(x) * (0.6 * (x**2).sum(axis=0) + 0.4 * x.sum(axis=0) ** 2)


def sine_envelope(x: Array) -> Array:
    square = x[:-1] ** 2 + x[1:] ** 2
    return ((np.sin(np.sqrt(square)) ** 2 - 0.5) / (1 + 0.001 * square) ** 2 + 0.5).sum(axis=0)


def sphere(x: Array) -> Array:
    return (x**2).sum(axis=0)


def styblinski_tang(x: Array) -> Array:
    return (x**4 - 16 * x**2 + 5 * x).sum(axis=0) / 2


def sum_powers(x: Array) -> Array:
    return (np.abs(x) ** (_index(x) + 1)).sum(axis=0)


def weierstrass(x: Array) -> Array:
    k = np.arange(21.0)
    weights, rates = 0.5**k, 3.0**k
    waves = np.cos(2 * PI * (x[..., None] + 0.5) * rates) - np.cos(PI * rates)
    return (waves @ weights).sum(axis=0)


def _family(
    name: str,
    function: Callable[[Array], Any],
    dimensions: Sequence[int],
    bounds: tuple[float, float] | Sequence[tuple[float, float]],
    minimum: float | Callable[[int], float] = 0.0,
    at: float | Sequence[float] = 0.0,
    classes: str = "",
) -> tuple[TestFunction, ...]:
    """A function in several dimensions; a number given for the minimiser holds for all coordinates."""
    made = []
    for d in dimensions:
        box = (bounds,) * d if isinstance(bounds, tuple) else tuple(bounds)
        minimiser = (at,) * d if isinstance(at, int | float) else tuple(at[:d])
        lowest = minimum(d) if callable(minimum) else minimum
        made.append(TestFunction(f"{name}{d}", box, lowest, minimiser, function, tuple(classes.split())))
    return tuple(made)


_COSINE_MIXTURE = (0.184872823182918, -0.063012202176250)
_STYBLINSKI_TANG = (-2.903534027771178, -39.16616570377141)
_MICHALEWICZ_AT = (2.2029055201726, 1.5707963267949, 1.2849915705950, 1.9230584698663)
_MICHALEWICZ_AT += (1.7204697741147, 1.5707963267949, 1.4544139710430, 1.7560865240578)
_RASTRIGIN_BOX = [(-5, 2)] * 2 + [(-2, 5)] * 2 + [(-5, 2)] * 2 + [(-2, 5)] * 2
_ROSENBROCK_LOG_BOX = [(-2, 2), (-2, 1.1), (0.5, 2), (-2, 2), (0.8, 2), (-2, 1.5)]
_ROSENBROCK_LOG_BOX += [(-2, 2), (-2, 1.2), (0.7, 2), (-2, 2), (-2, 2)]


def _michalewicz_minimum(dimension: int) -> float:
    return float(michalewicz(np.array(_MICHALEWICZ_AT[:dimension])))


FUNCTIONS = (
    *_family("Ackley", ackley, (3, 5, 8, 11), (-10, 30), classes="oscillatory boring"),
    *_family("Alpine01_", alpine01, (4,), (-6, 10), classes="nonsmooth multimodal"),
    *_family("Cigar", cigar, (3,), (-1, 2), classes="unimodal unscaled"),
    *_family(
        "CosineMixture",
        cosine_mixture,
        (4,),
        (-1, 1),
        lambda d: d * _COSINE_MIXTURE[1],
        _COSINE_MIXTURE[0],
        "oscillatory multi_min",
    ),
    *_family("Csendes", csendes, (3,), (-0.5, 1), classes="unimodal"),
    *_family("Deb01_", deb01, (3,), (-1, 1), -1, 0.3, "oscillatory multi_min"),
    *_family("DeflectedCorrugatedSpring", deflected_corrugated_spring, (4,), (0, 7.5), -1, 5, "oscillatory"),
    *_family(
        "DixonPrice", dixon_price, (4,), (-10, 10), 0, [2 ** -(1 - 2.0 ** (1 - i)) for i in range(1, 5)], "unscaled"
    ),
    *_family("Exponential", exponential, (6,), (-0.7, 0.2), -1, classes="unimodal"),
    *_family("Griewank", griewank, (3,), (-50, 20), classes="oscillatory"),
    *_family("Levy03_", levy03, (8,), (-10, 10), 0, 1, "multimodal"),
    *_family("Michalewicz", michalewicz, (4, 8), (0, PI), _michalewicz_minimum, _MICHALEWICZ_AT, "boring multimodal"),
    *_family("Pinter", pinter, (3,), (-5, 2), classes="multimodal"),
    *_family("Plateau", plateau, (5,), (-2.34, 5.12), 30, classes="discrete unimodal"),
    *_family("Qing", qing, (3,), (-10, 10), 0, [math.sqrt(i) for i in range(1, 4)], "multi_min unscaled"),
    *_family("Rastrigin", rastrigin, (8,), _RASTRIGIN_BOX, classes="oscillatory"),
    *_family("Rosenbrock", rosenbrock, (4,), (-5, 10), 0, 1, "unscaled"),
    *_family("RosenbrockLog", rosenbrock_log, (11,), _ROSENBROCK_LOG_BOX, 0, 1),
    *_family("Salomon", salomon, (4,), (-100, 50), classes="oscillatory"),
    *_family("Sargan", sargan, (5,), (-2, 4), classes="unimodal"),
    *_family("SineEnvelope", sine_envelope, (3,), (-20, 10), classes="oscillatory"),
    *_family("Sphere", sphere, (7,), (-5.12, 2.12), classes="unimodal"),
    *_family(
        "StyblinskiTang",
        styblinski_tang,
        (5,),
        (-5, 5),
        lambda d: d * _STYBLINSKI_TANG[1],
        _STYBLINSKI_TANG[0],
        "multimodal",
    ),
    *_family("SumPowers", sum_powers, (10,), (-1, 0.5), classes="unimodal"),
    *_family("Weierstrass", weierstrass, (3,), (-0.5, 0.2), classes="oscillatory nonsmooth"),
)
