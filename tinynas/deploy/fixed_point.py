"""Fixed-point arithmetic of the integer kernels, bit for bit, on numpy arrays.

A value of m integer bits is an int32 whose unit is 2^(m-31). Arrays are held as int64, so that a product of two of them
is exact; every result lies in the range of int32.

Sources: gemmlowp, fixedpoint/fixedpoint.h; TensorFlow Lite, kernels/internal/common.h (MultiplyByQuantizedMultiplier
with two roundings, GetReciprocal). Both are what TensorFlow Lite Micro's reference kernels run.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "exp_of_negative",
    "logistic",
    "multiply_by_quantized_multiplier",
    "multiply_high",
    "quantize_multiplier",
    "reciprocal",
    "rounding_shift",
    "tanh",
]

Integers = npt.NDArray[np.int64]

_INT32_MAX = (1 << 31) - 1
_INT32_MIN = -(1 << 31)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """A factor as an integer of 31 fractional bits and a power of two.

    Args:
        real: The factor; of either sign.

    Returns:
        (multiplier, shift) with real = multiplier * 2^(shift - 31) to within half a unit of the multiplier, whose
        absolute value is in [2^30, 2^31). Factors that no 32-bit accumulator would notice, below 2^-32, are (0, 0).

    Source: TensorFlow Lite, QuantizeMultiplier.

    Example:
        >>> quantize_multiplier(0.75), quantize_multiplier(3.0), quantize_multiplier(1e-12)
        ((1610612736, 0), (1610612736, 2), (0, 0))
    """
    if real == 0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = int(math.copysign(math.floor(abs(fraction) * (1 << 31) + 0.5), fraction))
    if abs(multiplier) == 1 << 31:
        multiplier //= 2
        shift += 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def multiply_high(a: Any, b: Any) -> Integers:
    """The product of two fixed-point numbers, their integer bits added: a b / 2^31 to the nearest, halves upwards."""
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    # Only -2^31 times -2^31 leaves the range.
    return np.asarray(np.minimum((product + (1 << 30)) >> 31, _INT32_MAX))


def rounding_shift(x: Any, bits: Any) -> Integers:
    """Integers divided by 2^bits to the nearest, halves away from zero; bits in 0 to 31."""
    x, bits = np.asarray(x, np.int64), np.asarray(bits, np.int64)
    half = (np.int64(1) << bits) >> 1
    return np.asarray((x + half - ((x < 0) & (bits > 0))) >> bits)


def multiply_by_quantized_multiplier(x: Any, multiplier: Any, shift: Any) -> Integers:
    """Rescaled integers: x multiplier 2^(shift - 31), rounded after the multiplication and again after the shift.

    Args:
        x: Integers of 32 bits.
        multiplier: As of `quantize_multiplier`; a scalar, or an array that broadcasts with x.
        shift: Likewise.

    Returns:
        Integers of 32 bits. A left shift that overflows wraps around, as it does in the compiled kernels.
    """
    shift = np.asarray(shift, np.int64)
    shifted = np.asarray(x, np.int64) << np.maximum(shift, 0)
    wrapped = ((shifted + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
    return rounding_shift(multiply_high(wrapped, multiplier), np.maximum(-shift, 0))


def _saturating_left_shift(x: Integers, bits: int) -> Integers:
    return np.asarray(np.clip(x << bits, _INT32_MIN, _INT32_MAX))


#: exp(-2^n) for n = -2 to 4 with 31 fractional bits.
_EXP_OF_POWERS = {-2: 1672461947, -1: 1302514674, 0: 790015084, 1: 290630308, 2: 39332535, 3: 720401, 4: 242}
_EXP_OF_MINUS_EIGHTH = 1895147668
_ONE_THIRD = 715827883


def exp_of_negative(x: Any, integer_bits: int) -> Integers:
    """exp(x) for x <= 0.

    Args:
        x: Fixed-point numbers of `integer_bits` integer bits.
        integer_bits: 0 to 5.

    Returns:
        Fixed-point numbers without integer bits; 2^31 - 1 for exp(0).

    A polynomial for the part of x below a quarter, then a factor for every further bit of x.
    """
    x = np.asarray(x, np.int64)
    fractional_bits = 31 - integer_bits
    quarter = 1 << (fractional_bits - 2)
    part = (x & (quarter - 1)) - quarter
    remainder = part - x
    # Taylor's series about -1/8.
    t = (part << integer_bits) + (1 << 28)
    t2 = multiply_high(t, t)
    t3, t4 = multiply_high(t2, t), multiply_high(t2, t2)
    series = rounding_shift(multiply_high(rounding_shift(t4, 2) + t3, _ONE_THIRD) + t2, 1)
    result = _EXP_OF_MINUS_EIGHTH + multiply_high(_EXP_OF_MINUS_EIGHTH, t + series)
    for power, factor in _EXP_OF_POWERS.items():
        if power < integer_bits:
            bit = 1 << (fractional_bits + power)
            result = np.where(remainder & bit, multiply_high(result, factor), result)
    return np.where(x == 0, _INT32_MAX, result)


def _two_over_one_plus(x: Integers) -> Integers:
    """2 / (1 + x) for x in [0, 1) without integer bits, by Newton's method; the result has two integer bits."""
    half_denominator = (x + _INT32_MAX + 1) // 2
    # 48/17 - 32/17 d, the straight line whose greatest error over [1/2, 1] is least.
    y = 1515870810 + multiply_high(half_denominator, -1010580540)
    for _ in range(3):
        error = (1 << 29) - multiply_high(half_denominator, y)
        y = y + _saturating_left_shift(multiply_high(y, error), 2)
    return y


def logistic(x: Any, integer_bits: int) -> Integers:
    """1 / (1 + exp(-x)) of fixed-point numbers; the result has no integer bits."""
    x = np.asarray(x, np.int64)
    positive = _saturating_left_shift(_two_over_one_plus(exp_of_negative(-np.abs(x), integer_bits)), 1)
    return np.where(x == 0, 1 << 30, np.where(x > 0, positive, _INT32_MAX - positive))


def tanh(x: Any, integer_bits: int) -> Integers:
    """The hyperbolic tangent of fixed-point numbers of at most 4 integer bits; the result has no integer bits."""
    x = np.asarray(x, np.int64)
    # exp(-2 |x|): the same integers read with one more integer bit.
    ratio = _two_over_one_plus(exp_of_negative(-np.abs(x), integer_bits + 1)) - (1 << 29)
    positive = _saturating_left_shift(ratio, 2)
    return np.where(x == 0, 0, np.where(x > 0, positive, -positive))


def reciprocal(x: Any, integer_bits: int) -> tuple[Integers, Integers]:
    """1 / x of positive fixed-point numbers.

    Returns:
        (r, n) with 1 / x = r 2^(-31 - n): r without integer bits in [2^30, 2^31), n the bits of x above one.
    """
    x = np.asarray(x, np.int64)
    bits = np.frexp(x.astype(np.float64))[1].astype(np.int64)  # 32 less the leading zeros; exact: x has 31 bits
    mantissa = (x << (32 - bits)) - (1 << 31)
    return _saturating_left_shift(_two_over_one_plus(mantissa), 1), integer_bits - 32 + bits
