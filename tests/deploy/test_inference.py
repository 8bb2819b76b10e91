"""Outputs on the host: batches, quantisation, and models or windows that are not what they should be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynas.cost import lower
from tinynas.deploy import (
    Graph,
    LitertInterpreter,
    Op,
    Quantization,
    Tensor,
    dequantize,
    infer,
    pack,
    quantize,
    read_graph,
)
from tinynas.errors import ConversionError
from tinynas.network import TCN

from .candidates import filled, random_windows

NET = TCN(filters=6, kernel_size=3, dilations=(1, 2, 6), window=40, channels=6, skip_connections=True)
MODEL = pack(filled(lower(NET)))
QUANTIZATIONS = st.builds(
    lambda scale, zero: Tensor((4,), "int8", quantization=Quantization((float(np.float32(scale)),), (zero,))),
    st.floats(1e-4, 10.0),
    st.integers(-128, 127),
)


@pytest.mark.parametrize("reference", [False, True])
def test_a_batch_gives_what_its_windows_give_one_by_one(reference):
    windows = random_windows(NET, 7)
    together = infer(MODEL, windows, reference=reference)
    assert np.array_equal(together, np.concatenate([infer(MODEL, w[None], reference=reference) for w in windows]))
    assert together.shape == (7, 2)
    assert np.ptp(together) > 0


def test_a_batch_of_a_float_model_gives_what_its_windows_give_up_to_the_order_of_sums():
    model = pack(filled(lower(NET, "float32")))
    windows = random_windows(NET, 7)
    one_by_one = np.concatenate([infer(model, w[None]) for w in windows])
    assert np.allclose(infer(model, windows), one_by_one, rtol=1e-4, atol=1e-5 * np.abs(one_by_one).max())


def test_batches_are_joined_in_order(monkeypatch):
    windows = random_windows(NET, 11)
    whole = infer(MODEL, windows)
    monkeypatch.setattr("tinynas.deploy.inference._BATCH", 4)  # 4, 4 and a rest of 3
    assert np.array_equal(infer(MODEL, windows), whole)


def test_no_windows_no_outputs():
    assert infer(MODEL, random_windows(NET, 0)).shape == (0, 2)


def test_windows_beyond_the_range_saturate():
    windows = random_windows(NET, 3)
    windows[0, 0, 0] = np.inf
    limited = windows.copy()
    limited[0, 0, 0] = 1e6
    assert np.array_equal(infer(MODEL, windows), infer(MODEL, limited))


def test_windows_with_nan():
    windows = random_windows(NET, 3)
    windows[1, 5, 2] = np.nan
    with pytest.raises(ConversionError, match="not a number"):
        infer(MODEL, windows)


# The first two have a multiple of 40 x 6 values: the model's RESHAPE would not mind.
@pytest.mark.parametrize("shape", [(6, 40, 5), (12, 20, 6), (2, 40, 7), (40, 6), (240,)])
def test_windows_of_another_shape(shape):
    with pytest.raises(ConversionError, match=r"\(n, 40, 6\)"):
        infer(MODEL, np.ones(shape, np.float32))


@pytest.mark.parametrize("data", [b"", b"\0" * 100, MODEL[: len(MODEL) // 2], b"\x10\0\0\0TFL3" + b"\xff" * 50])
@pytest.mark.parametrize("function", [lambda m: infer(m, random_windows(NET, 1)), LitertInterpreter])
def test_no_model(data, function):
    with pytest.raises(ConversionError):
        function(data)


def test_a_model_that_reads_well_but_cannot_run():
    tensors = (Tensor((1, 4), "float32"), Tensor((1, 5), "float32"), Tensor((1, 4), "float32"))
    model = pack(Graph(tensors, (Op("ADD", (0, 1), (2,), {"fusedActivationFunction": 0}, "AddOptions"),), (0, 1), (2,)))
    read_graph(model)
    with pytest.raises(ConversionError, match="LiteRT"):
        LitertInterpreter(model)


@given(QUANTIZATIONS, st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=20))
def test_quantized_values_are_the_nearest_or_the_ends(tensor, values):
    values = np.array(values, np.float32)
    q = tensor.quantization
    steps = quantize(values, tensor)
    assert steps.dtype == np.int8
    back = dequantize(steps, tensor)
    assert back.dtype == np.float32
    low, high = (q.scale[0] * (end - q.zero_point[0]) for end in (-128, 127))
    inside = (values > low) & (values < high)
    assert np.all(np.abs(back - values)[inside] <= 0.5001 * q.scale[0] + 1e-5 * np.abs(values[inside]))
    assert np.all(steps[values > high + q.scale[0]] == 127)
    assert np.all(steps[values < low - q.scale[0]] == -128)


@given(QUANTIZATIONS)
def test_every_step_survives_the_way_there_and_back(tensor):
    steps = np.arange(-128, 128, dtype=np.int8)
    assert np.array_equal(quantize(dequantize(steps, tensor), tensor), steps)


def test_halves_round_to_even_and_infinity_saturates():
    tensor = Tensor((6,), "int8", quantization=Quantization((1.0,), (0,)))
    values = np.array([0.5, 1.5, -0.5, 2.5, np.inf, -np.inf], np.float32)
    assert quantize(values, tensor).tolist() == [0, 2, 0, 2, 127, -128]


def test_floats_pass_as_copies():
    tensor = Tensor((2,), "float32")
    values = np.array([1.5, np.nan], np.float32)
    for passed in (quantize(values, tensor), dequantize(values, tensor)):
        assert np.array_equal(passed, values, equal_nan=True)
        assert not np.shares_memory(passed, values)


def test_other_integer_types_saturate_at_their_own_ends():
    tensor = Tensor((2,), "int16", quantization=Quantization((0.001,), (0,)))
    assert quantize(np.array([1e3, -1e3], np.float32), tensor).tolist() == [32767, -32768]
