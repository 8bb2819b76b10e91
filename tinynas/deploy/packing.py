"""Parameters in the order in which the C kernels read them (firmware/kernels)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tinynas.errors import ConversionError

__all__ = ["FAST_SHIFTS", "fold_bias", "needs_general_requantization", "pack_matrix", "pad_channels"]

#: Right shifts that the fast requantisation takes: it keeps zero point and rounding as one number of 31 bits.
FAST_SHIFTS = range(1, 23)

_ACCUMULATOR_LIMIT = 1 << 30
_GROUP = 4  # inputs that one pair of 16-bit by 16-bit dual multiplications takes


def pack_matrix(weights: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """Interleave a matrix by pairs of output channels and groups of four inputs.

    Each pair of channels is a run of groups, each group four weights of the first and four of the second. Inputs
    are filled up with zeros to a multiple of four, channels to an even number. Where `depth` is no multiple of four the
    column holds the inputs in natural order, and the two middle weights of a group change places instead.

    Args:
        weights: int8 (channels, taps, depth): one run of `depth` inputs for each tap.

    Returns:
        int8, 8 ceil(channels / 2) ceil(taps depth / 4) long.

    Example:
        >>> import numpy as np
        >>> pack_matrix(np.arange(1, 9, dtype=np.int8).reshape(2, 1, 4)).tolist()
        [1, 2, 3, 4, 5, 6, 7, 8]
        >>> pack_matrix(np.array([[[1, 2, 3]]], np.int8)).tolist()
        [1, 3, 2, 0, 0, 0, 0, 0]
    """
    channels, taps, depth = weights.shape
    inputs = taps * depth
    pairs, groups = -(-channels // 2), -(-inputs // _GROUP)
    matrix = np.zeros((2 * pairs, _GROUP * groups), np.int8)
    matrix[:channels, :inputs] = weights.reshape(channels, inputs)
    packed = matrix.reshape(pairs, 2, groups, _GROUP).transpose(0, 2, 1, 3)
    if depth % _GROUP:
        packed = packed[..., [0, 2, 1, 3]]
    return np.ascontiguousarray(packed).reshape(-1)


def fold_bias(
    bias: npt.NDArray[np.int32] | None, weights: npt.NDArray[np.int8], zero_in: int, *, where: str | None = None
) -> npt.NDArray[np.int32]:
    """Fold the zero point of the inputs into the bias: sum w (x - z) + b = sum w x + (b - z sum w).

    Args:
        bias: int32 (channels,), or None for zeros.
        weights: int8 (channels, ...), the first axis the output's channels.
        zero_in: Zero point of the inputs.
        where: The operator, for the error's text.

    Returns:
        int32, channels filled up with 0 to an even number.

    Raises:
        ConversionError: A folded bias does not fit into 32 bits.

    Example:
        >>> import numpy as np
        >>> fold_bias(np.array([10], np.int32), np.array([[1, 2]], np.int8), -128).tolist()
        [394, 0]
    """
    channels = weights.shape[0]
    sums = weights.reshape(channels, -1).astype(np.int64).sum(axis=1)
    folded = -zero_in * sums if bias is None else bias.astype(np.int64) - zero_in * sums
    limits = np.iinfo(np.int32)
    if folded.size and (folded.min() < limits.min or folded.max() > limits.max):
        what = "a bias with the zero point of its input does not fit into 32 bits"
        raise ConversionError(f"{where}: {what}" if where else what)
    return pad_channels(folded.astype(np.int32), 0)


def pad_channels(values: npt.NDArray[Any], fill: int) -> npt.NDArray[Any]:
    """Append `fill` where the number of channels is odd: the kernels take two at a time.

    Example:
        >>> import numpy as np
        >>> pad_channels(np.array([-7], np.int8), -1).tolist()
        [-7, -1]
    """
    return np.concatenate([values, np.full(len(values) % 2, fill, values.dtype)])


def needs_general_requantization(
    folded_bias: npt.NDArray[np.int32], weights: npt.NDArray[np.int8], shift: npt.NDArray[np.integer[Any]]
) -> bool:
    """Whether a layer needs the general requantisation, the field `left` of the kernels' structs.

    The fast one doubles the accumulator in 32 bits and adds zero point and rounding before a right shift.

    Args:
        folded_bias: int32 (channels or one more,), as `fold_bias` gives it.
        weights: int8 (channels, ...).
        shift: (channels,), positive to the left.

    Example:
        >>> import numpy as np
        >>> one, bias = np.ones((1, 1), np.int8), np.zeros(2, np.int32)
        >>> [needs_general_requantization(bias, one, np.array([s])) for s in (1, 0, -1, -22, -23)]
        [True, True, False, False, True]
    """
    channels = weights.shape[0]
    reach = 128 * np.abs(weights.reshape(channels, -1).astype(np.int64)).sum(axis=1)
    reach += np.abs(folded_bias[:channels].astype(np.int64))
    outside = (-shift < FAST_SHIFTS.start) | (-shift >= FAST_SHIFTS.stop)
    return bool(np.any(outside) or np.any(reach >= _ACCUMULATOR_LIMIT))
