"""Activations as tables: the output for each of the 256 values of an int8 input, and the exponentials of SOFTMAX.

Every int8 function of one value is a table, computed here as TensorFlow Lite Micro's reference kernels compute it.

Sources: tflite-micro, kernels/internal/reference/{softmax,requantize,leaky_relu}.h and integer_ops/{logistic,tanh}.h,
micro/kernels/{activations,softmax,logistic,leaky_relu}_common.cc; quantization_util.cc (PreprocessSoftmaxScaling,
CalculateInputRadius).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tinynas.deploy import fixed_point
from tinynas.deploy.arithmetic import Affine, bounded_multiplier, round_half_away
from tinynas.deploy.fixed_point import multiply_by_quantized_multiplier, quantize_multiplier, rounding_shift

__all__ = [
    "SOFTMAX_MAX_DEPTH",
    "SoftmaxParameters",
    "leaky_relu_table",
    "logistic_table",
    "relu6_table",
    "relu_table",
    "requantize_table",
    "softmax_int8",
    "softmax_parameters",
    "tanh_table",
]

Table = npt.NDArray[np.int8]

#: More values than that could let the sum of SOFTMAX leave the range in which TFLM divides.
SOFTMAX_MAX_DEPTH = 511
_INPUTS = np.arange(-128, 128)
#: Integer bits of LOGISTIC's and TANH's argument, and of SOFTMAX's.
_ARGUMENT_BITS, _EXPONENT_BITS = 4, 5
#: Integer bits of the sum of SOFTMAX's exponentials.
_SUM_BITS = 12


def _int8(values: Any) -> Table:
    return np.asarray(np.clip(values, -128, 127), np.int8)


def requantize_table(a: Affine, out: Affine) -> Table:
    """QUANTIZE from int8 to int8.

    Args:
        a: Scale and zero point of the input.
        out: The same of the output.

    Returns:
        (256,): the output for inputs -128 to 127.

    Raises:
        ValueError: The factor from scale to scale is not below 2^31.
    """
    return _int8(_requantized(a, out))


def _requantized(a: Affine, out: Affine, slope: float = 1.0) -> npt.NDArray[np.int64]:
    multiplier, shift = bounded_multiplier(float(np.float32(a[0])) * slope / float(np.float32(out[0])))
    return multiply_by_quantized_multiplier(_INPUTS - a[1], multiplier, shift) + out[1]


def relu_table(a: Affine, out: Affine) -> Table:
    """RELU on its own, which may requantise; as `requantize_table`."""
    return _int8(np.maximum(_requantized(a, out), out[1]))


def relu6_table(a: Affine) -> Table:
    """RELU6 on its own: a clamp of the input's integers, whatever the output's quantisation says."""
    six = a[1] + round_half_away(float(np.float32(6) / np.float32(a[0])))
    return _int8(np.clip(_INPUTS, a[1], six))


def leaky_relu_table(a: Affine, out: Affine, alpha: float) -> Table:
    """LEAKY_RELU with slope `alpha` below zero; as `requantize_table`."""
    kept, scaled = _requantized(a, out), _requantized(a, out, float(np.float32(alpha)))
    return _int8(np.where(a[1] <= _INPUTS, kept, scaled))


def logistic_table(a: Affine) -> Table:
    """LOGISTIC.

    Args:
        a: Scale and zero point of the input. The output's are 1/256 and -128.

    Returns:
        (256,): the output for inputs -128 to 127.
    """
    x, argument, radius = _argument(a)
    result = rounding_shift(fixed_point.logistic(argument, _ARGUMENT_BITS), 23) - 128
    return _saturated(x, radius, result)


def tanh_table(a: Affine) -> Table:
    """TANH; as `logistic_table`. The output's scale is 1/128, its zero point 0."""
    x, argument, radius = _argument(a)
    return _saturated(x, radius, rounding_shift(fixed_point.tanh(argument, _ARGUMENT_BITS), 24))


def _argument(a: Affine) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int]:
    """Inputs less the zero point; the same as fixed-point numbers; how far from zero they fit into such numbers."""
    multiplier, shift = quantize_multiplier(float(np.float32(a[0])) * (1 << (31 - _ARGUMENT_BITS)))
    x = _INPUTS - a[1]
    return x, multiply_by_quantized_multiplier(x, multiplier, shift), _radius(_ARGUMENT_BITS, shift)


def _radius(integer_bits: int, shift: int) -> int:
    return math.floor(math.ldexp((1 << integer_bits) - 1, 31 - integer_bits - shift))


def _saturated(x: npt.NDArray[np.int64], radius: int, result: npt.NDArray[np.int64]) -> Table:
    return _int8(np.where(x <= -radius, -128, np.where(x >= radius, 127, result)))


@dataclass(frozen=True, slots=True, eq=False)
class SoftmaxParameters:
    """SOFTMAX.

    Attributes:
        exponential: (256,) int32: exp(-beta scale d) without integer bits for d = max - x, 0 where it is too small to
            count. Kernels sum these shifted right by 12 bits with rounding.
    """

    exponential: npt.NDArray[np.int32]


def softmax_parameters(scale: float, beta: float = 1.0) -> SoftmaxParameters:
    """SOFTMAX over int8 values.

    Args:
        scale: Of the input, whose zero point does not matter. The output's scale is 1/256, its zero point -128.
        beta: Factor of the exponent.

    Raises:
        ValueError: beta or scale are not positive, or so small that TFLM refuses them.

    Example:
        >>> softmax_int8(np.array([[10, 10, -128]]), softmax_parameters(0.1))
        array([[   0,    0, -128]], dtype=int8)
    """
    factor = float(np.float32(beta)) * float(np.float32(scale)) * (1 << (31 - _EXPONENT_BITS))
    if not factor > 1:
        raise ValueError("beta and scale of a softmax are too small")
    multiplier, shift = quantize_multiplier(min(factor, (1 << 31) - 1.0))
    difference = -np.arange(256)
    exponent = multiply_by_quantized_multiplier(difference, multiplier, shift)
    exponential = fixed_point.exp_of_negative(exponent, _EXPONENT_BITS)
    counts = difference >= -_radius(_EXPONENT_BITS, shift)
    return SoftmaxParameters(np.where(counts, exponential, 0).astype(np.int32))


def softmax_int8(x: npt.NDArray[Any], parameters: SoftmaxParameters) -> npt.NDArray[np.int8]:
    """SOFTMAX over the last axis, exactly as TFLM's integer kernel.

    Args:
        x: (..., depth) int8 values, depth at most `SOFTMAX_MAX_DEPTH`.
        parameters: Of `softmax_parameters`.

    Returns:
        An array of x's shape.
    """
    x = x.astype(np.int64)
    exponential = parameters.exponential[x.max(-1, keepdims=True) - x].astype(np.int64)
    total = rounding_shift(exponential, _SUM_BITS).sum(-1, keepdims=True)
    inverse, bits = fixed_point.reciprocal(total, _SUM_BITS)
    return _int8(rounding_shift(fixed_point.multiply_high(inverse, exponential), bits + 31 - 8) - 128)
