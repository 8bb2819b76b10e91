"""The integers behind every operator: what TensorFlow Lite Micro computes from scales and zero points before it runs.

Scales are stored as float32 and widened to double before anything is computed with them: the last bit of a multiplier
decides about an output now and then. The fields have the names of the kernels' parameter structures in C.

Sources: tflite-micro, micro/kernels/{add,sub,mul,reduce,fully_connected,conv,pooling}_common.cc and
kernels/kernel_util.cc (CalculateActivationRangeQuantized, PopulateConvolutionQuantizationParams,
GetQuantizedConvolutionMultipler), kernels/internal/reference/reduce.h (QuantizedMeanOrSum).

Pooling needs no numbers beside `activation_range`: input and output are quantised alike. Of an average pool's sum over
the n taps inside the input the mean is (sum + n/2) / n where the sum is positive, else (sum - n/2) / n, both divisions
towards zero, then the clamp.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tinynas.deploy.fixed_point import quantize_multiplier

__all__ = [
    "MeanParameters",
    "ProductParameters",
    "SumParameters",
    "activation_range",
    "add_parameters",
    "bounded_multiplier",
    "channel_multipliers",
    "fully_connected_multipliers",
    "mean_parameters",
    "mul_parameters",
    "round_half_away",
    "sub_parameters",
]

#: Bits by which ADD and SUB widen their operands before they rescale them.
_LEFT_SHIFT = 20
#: Real bounds by the schema's ActivationFunctionType; the other activations are no clamps.
_ACTIVATIONS: dict[int, tuple[float | None, float | None]] = {
    **{0: (None, None), 1: (0.0, None), 2: (-1.0, 1.0), 3: (0.0, 6.0)},
}


def round_half_away(x: float) -> int:
    """The nearest integer, halves away from zero: C's round()."""
    return int(math.copysign(math.floor(abs(x) + 0.5), x))


def activation_range(activation: int, scale: float, zero_point: int) -> tuple[int, int]:
    """The clamp of an int8 output that a fused activation stands for.

    Args:
        activation: The schema's ActivationFunctionType: 0 none, 1 RELU, 2 RELU_N1_TO_1, 3 RELU6.
        scale: Of the output.
        zero_point: Of the output.

    Returns:
        (low, high) within int8.

    Raises:
        ValueError: The activation is no clamp (TANH, SIGN_BIT), which no kernel of TFLM fuses.

    Example:
        >>> activation_range(3, 0.05, -10)
        (-10, 110)
    """
    if activation not in _ACTIVATIONS:
        raise ValueError(f"activation {activation} cannot be fused")
    low, high = _ACTIVATIONS[activation]
    return (
        -128 if low is None else max(-128, _quantized(low, scale, zero_point)),
        127 if high is None else min(127, _quantized(high, scale, zero_point)),
    )


def _quantized(real: float, scale: float, zero_point: int) -> int:
    return zero_point + round_half_away(float(np.float32(real) / np.float32(scale)))


def channel_multipliers(
    input_scale: float, weight_scales: Sequence[float], output_scale: float, channels: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int8]]:
    """Requantisation of CONV_2D and DEPTHWISE_CONV_2D: accumulator to output, per channel.

    Args:
        input_scale: Of the input.
        weight_scales: One, or one a channel.
        output_scale: Of the output.
        channels: Output channels.

    Returns:
        (multiplier, shift), one of each a channel, as of `fixed_point.quantize_multiplier`.

    Raises:
        ValueError: There are neither one nor `channels` scales, or a factor is not below 2^31.
    """
    if len(weight_scales) not in (1, channels):
        raise ValueError(f"{len(weight_scales)} scales for {channels} channels")
    factors = [_double(input_scale) * _double(s) / _double(output_scale) for s in weight_scales]
    return _multipliers(factors, channels)


#: FULLY_CONNECTED has the same. Older TFLM multiplied the two scales in single precision where there is one of weights.
fully_connected_multipliers = channel_multipliers


def _double(scale: float) -> float:
    """A scale as the file holds it."""
    return float(np.float32(scale))


def _multipliers(factors: list[float], channels: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int8]]:
    pairs = [bounded_multiplier(f) for f in factors]
    repeats = channels // len(pairs)
    multiplier, shift = zip(*pairs, strict=True)
    return np.repeat(np.array(multiplier, np.int32), repeats), np.repeat(np.array(shift, np.int8), repeats)


def bounded_multiplier(factor: float) -> tuple[int, int]:
    """`fixed_point.quantize_multiplier`, for a factor that a shift of 32 bits can express.

    Args:
        factor: Of a rescaling.

    Raises:
        ValueError: Its magnitude is not below 2^31.
    """
    if not abs(factor) < 1 << 31:
        raise ValueError("the scales of the inputs are absurdly large beside the output's")
    multiplier, shift = quantize_multiplier(factor)
    if shift > 31:  # rounded up to 2^31
        raise ValueError("the scales of the inputs are absurdly large beside the output's")
    return multiplier, shift


@dataclass(frozen=True, slots=True)
class SumParameters:
    """ADD and SUB.

    Both operands, less their zero points and shifted left by `left_shift`, are rescaled to half the larger scale; their
    sum or difference is rescaled to the output's, `zero` is added and the result clamped to [low, high].
    """

    zero_a: int
    zero_b: int
    left_shift: int
    multiplier_a: int
    shift_a: int
    multiplier_b: int
    shift_b: int
    multiplier: int
    shift: int
    zero: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class ProductParameters:
    """MUL: the product of the operands less their zero points, rescaled, plus `zero`, clamped to [low, high]."""

    zero_a: int
    zero_b: int
    multiplier: int
    shift: int
    zero: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class MeanParameters:
    """MEAN: the sum of `count` elements, less count * zero_in, rescaled, plus `zero`, clamped to int8.

    1 / count is part of the factor. Whichever axes are averaged, whether they are kept, and also where input and output
    are quantised alike, the formula is the same.
    """

    zero_in: int
    count: int
    multiplier: int
    shift: int
    zero: int


#: Scale and zero point of one tensor.
Affine = tuple[float, int]


def add_parameters(a: Affine, b: Affine, out: Affine, activation: int = 0) -> SumParameters:
    """ADD of int8 operands.

    Args:
        a: Scale and zero point of the first operand.
        b: Scale and zero point of the second.
        out: Scale and zero point of the output.
        activation: As of `activation_range`.

    Raises:
        ValueError: The activation cannot be fused, or the output is more than 2^19 times finer than the operands, which
            TFLM refuses.
    """
    scale_a, scale_b, scale = _double(a[0]), _double(b[0]), _double(out[0])
    twice_max = 2 * max(scale_a, scale_b)
    factors = (scale_a / twice_max, scale_b / twice_max, twice_max / ((1 << _LEFT_SHIFT) * scale))
    if not all(0 < f < 1 for f in factors):
        raise ValueError("the scales of operands and output are absurdly far apart")
    (multiplier_a, shift_a), (multiplier_b, shift_b), (multiplier, shift) = map(quantize_multiplier, factors)
    low, high = activation_range(activation, *out)
    return SumParameters(
        zero_a=a[1],
        zero_b=b[1],
        left_shift=_LEFT_SHIFT,
        multiplier_a=multiplier_a,
        shift_a=shift_a,
        multiplier_b=multiplier_b,
        shift_b=shift_b,
        multiplier=multiplier,
        shift=shift,
        zero=out[1],
        low=low,
        high=high,
    )


#: SUB has the same. Older TFLM computed its factors in single precision.
sub_parameters = add_parameters


def mul_parameters(a: Affine, b: Affine, out: Affine, activation: int = 0) -> ProductParameters:
    """MUL of int8 operands; arguments as of `add_parameters`.

    Raises:
        ValueError: The activation cannot be fused, or the factor of the product is not below 2^31.
    """
    multiplier, shift = bounded_multiplier(_double(a[0]) * _double(b[0]) / _double(out[0]))
    low, high = activation_range(activation, *out)
    return ProductParameters(a[1], b[1], multiplier, shift, out[1], low, high)


def mean_parameters(a: Affine, out: Affine, count: int) -> MeanParameters:
    """MEAN of int8 elements.

    Args:
        a: Scale and zero point of the input.
        out: Scale and zero point of the output.
        count: Elements that one output averages.

    Raises:
        ValueError: There is nothing to average, or the factor is not below 2^31.
    """
    if count < 1:
        raise ValueError(f"a mean of {count} elements")
    multiplier, shift = bounded_multiplier(_double(a[0]) / _double(out[0]))
    bits = min(count.bit_length() - 1, 31 + shift)
    return MeanParameters(a[1], count, (multiplier << bits) // count, shift - bits, out[1])
