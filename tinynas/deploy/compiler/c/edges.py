"""The affine steps around a compiled network: SI units to normalised int8, int8 to metres a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinynas.deploy.compiler.c.c_source import real
from tinynas.deploy.graph import Tensor
from tinynas.errors import ConversionError

__all__ = ["Edges", "describe_edges", "header_part", "source_part"]


@dataclass(frozen=True)
class Edges:
    """How real numbers become the model's integers, and back.

    Attributes:
        channels: Channels of a sample.
        samples: Samples of a window.
        mean, gain: Of each channel: an integer is (x - mean) gain + zero, rounded half to even.
        zero: Zero point of the input.
        outputs: Values of the output.
        scale, zero_out: A result is (integer - zero_out) scale.
    """

    channels: int
    samples: int
    mean: tuple[float, ...]
    gain: tuple[float, ...]
    zero: int
    outputs: int
    scale: float
    zero_out: int


def describe_edges(source: Tensor, target: Tensor, mean: Sequence[float] | None, std: Sequence[float] | None) -> Edges:
    """The affine steps of a model.

    Args:
        source: The int8 input (.., samples, channels).
        target: The int8 output.
        mean: Of each channel, in the units that the network was trained on; None takes 0.
        std: Standard deviation of each channel; None takes 1.

    Raises:
        ConversionError: There is not one mean and one positive deviation for each channel, or they are absurd.
    """
    channels = source.shape[-1] if source.shape else 1
    count = int(np.prod(source.shape))
    means = np.zeros(channels) if mean is None else np.asarray(mean, float).reshape(-1)
    deviations = np.ones(channels) if std is None else np.asarray(std, float).reshape(-1)
    fits = len(means) == len(deviations) == channels and np.isfinite(means).all() and np.isfinite(deviations).all()
    if not fits or not (deviations > 0).all():
        raise ConversionError(f"a mean and a positive deviation for each of {channels} channels are expected")
    assert source.quantization is not None
    assert target.quantization is not None
    with np.errstate(over="ignore", divide="ignore"):
        gains = 1.0 / (deviations * source.quantization.scale[0])
        finite = np.isfinite(np.concatenate([means, gains]).astype(np.float32)).all()
    if not finite:
        raise ConversionError("means and deviations, in steps of the input's scale, are beyond what a float32 holds")
    return Edges(
        channels, count // channels, tuple(means.tolist()), tuple(gains.tolist()), source.quantization.zero_point[0],
        int(np.prod(target.shape)), target.quantization.scale[0], target.quantization.zero_point[0],
    )  # fmt: skip


def header_part(affine: Edges, name: str) -> str:
    """Declarations."""
    return f"""\
/* Real numbers to the input: {affine.samples} samples of {affine.channels} channels, in the units that the network was
 * trained on, normalised and rounded half to even. */
void {name}_prepare(const float *samples, int8_t *in);

/* The output as {affine.outputs} real numbers. */
void {name}_result(const int8_t *out, float *result);
"""


def source_part(affine: Edges, name: str) -> str:
    """Definitions."""
    channels, samples = affine.channels, affine.samples
    if len(set(affine.mean)) == len(set(affine.gain)) == 1:
        # All channels alike: tables of one number, however long the rows of a model's input are.
        channels, samples = 1, channels * samples
    mean, gain = (", ".join(map(real, values[:channels])) for values in (affine.mean, affine.gain))
    return f"""\
void {name}_prepare(const float *samples, int8_t *in) {{
    static const float mean[{channels}] = {{{mean}}};
    static const float gain[{channels}] = {{{gain}}};
    for (int32_t i = 0; i < {samples}; i++) {{
        for (int32_t c = 0; c < {channels}; c++) {{
            float x = (*samples++ - mean[c]) * gain[c];
            /* What is not a number becomes the lowest value. */
            x = x > -256.0f ? x < 256.0f ? x : 256.0f : -256.0f;
            /* Adding 1.5 2^23 leaves no bits behind the point: the sum is rounded half to even. */
            const volatile float rounded = x + 12582912.0f;
            const int32_t q = (int32_t)(rounded - 12582912.0f) + {affine.zero};
            *in++ = (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
        }}
    }}
}}

void {name}_result(const int8_t *out, float *result) {{
    for (int32_t i = 0; i < {affine.outputs}; i++) {{
        result[i] = (float)(out[i] - {affine.zero_out}) * {real(affine.scale)};
    }}
}}"""
