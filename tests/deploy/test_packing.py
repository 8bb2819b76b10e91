"""Packing: the order of the weights, the folded zero point, and when the fast requantisation is enough."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynas.deploy.packing import FAST_SHIFTS, fold_bias, needs_general_requantization, pack_matrix, pad_channels
from tinynas.errors import ConversionError

SHAPES = st.tuples(st.integers(1, 7), st.integers(1, 4), st.integers(1, 9))


def weights_of(shape, seed=0):
    return np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)


def column_of(x, depth):
    """As the kernel `tn_expand` leaves one window."""
    column = np.pad(x.astype(np.int64), (0, -len(x) % 4)).reshape(-1, 4)
    return column if depth % 4 else column[:, [0, 2, 1, 3]]


@given(SHAPES, st.integers(0, 99))
def test_dual_multiplications_of_packed_weights_are_the_matrix_product(shape, seed):
    """Bytes 0 and 2 meet the first two inputs of a group, bytes 1 and 3 the last two: so SXTB16 unpacks them."""
    weights = weights_of(shape, seed)
    x = weights_of((shape[1] * shape[2],), seed + 1)
    packed = pack_matrix(weights)
    column = column_of(x, shape[2])
    assert packed.dtype == np.int8
    groups = packed.reshape(-1, len(column), 2, 4).astype(np.int64)  # pair, group, channel of the pair, byte
    sums = (groups[..., [0, 2, 1, 3]] * column[None, :, None, :]).sum(axis=(1, 3)).reshape(-1)
    expected = weights.reshape(shape[0], -1).astype(np.int64) @ x.astype(np.int64)
    assert sums[: shape[0]].tolist() == expected.tolist()
    assert not sums[shape[0] :].any()


@given(SHAPES)
def test_packed_weights_take_pairs_of_channels_and_groups_of_four(shape):
    channels, taps, depth = shape
    assert pack_matrix(weights_of(shape)).size == 8 * ((channels + 1) // 2) * ((taps * depth + 3) // 4)


@given(SHAPES, st.integers(-128, 127), st.booleans())
def test_folded_bias_stands_for_the_zero_point(shape, zero_in, with_bias):
    weights = weights_of(shape).reshape(shape[0], -1)
    bias = np.arange(shape[0], dtype=np.int32) * 1000 if with_bias else None
    x = weights_of((weights.shape[1],), 5).astype(np.int64)
    folded = fold_bias(bias, weights.reshape(shape), zero_in)
    direct = weights.astype(np.int64) @ (x - zero_in) + (0 if bias is None else bias)
    assert folded.dtype == np.int32
    assert len(folded) % 2 == 0
    assert (weights.astype(np.int64) @ x + folded[: shape[0]]).tolist() == direct.tolist()


@pytest.mark.parametrize(("bias", "weight"), [(2**31 - 1, 127), (-(2**31), -128)])
def test_a_folded_bias_beyond_32_bits_is_refused(bias, weight):
    with pytest.raises(ConversionError, match=r"op 3: .*32 bits"):
        fold_bias(np.array([bias], np.int32), np.full((1, 4), weight, np.int8), -128, where="op 3")


def test_channels_are_padded_to_an_even_number_only():
    odd, even = np.array([1, 2, 3], np.int32), np.array([1, 2], np.int8)
    assert pad_channels(odd, 9).tolist() == [1, 2, 3, 9]
    assert pad_channels(even, 9).tolist() == [1, 2]
    assert pad_channels(odd, 9).dtype == np.int32


class TestGeneralRequantization:
    @pytest.mark.parametrize("shift", [1, 0, -FAST_SHIFTS.stop])
    def test_shifts_that_the_fast_one_does_not_take(self, shift):
        weights, bias = np.ones((2, 4), np.int8), np.zeros(2, np.int32)
        assert needs_general_requantization(bias, weights, np.array([-FAST_SHIFTS.start, shift]))
        assert not needs_general_requantization(bias, weights, np.array([-FAST_SHIFTS.start, 1 - FAST_SHIFTS.stop]))

    @pytest.mark.parametrize("sign", [1, -1])
    def test_accumulators_that_may_reach_30_bits(self, sign):
        """One weight of -1 reaches 128 at most: with the input -128."""
        weights, shift = np.full((1, 1), -1, np.int8), np.array([-5])
        fits = np.array([sign * (2**30 - 129), 0], np.int32)
        assert not needs_general_requantization(fits, weights, shift)
        assert needs_general_requantization(fits + np.int32(sign), weights, shift)

    def test_the_padding_channel_does_not_count(self):
        assert not needs_general_requantization(
            np.array([0, 2**31 - 1], np.int32), np.ones((1, 4), np.int8), np.array([-5])
        )
