"""The steps around a compiled network: SI units to int8 and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.deploy._building import Model
from tests.deploy.compiler._library import library, needs_compiler, pointer
from tinynas.deploy import compile_model, dequantize, quantize, read_graph
from tinynas.errors import ConversionError

CHANNELS, SAMPLES = 5, 12
RNG = np.random.default_rng(2)
MEAN, STD = RNG.normal(0, 5, CHANNELS), RNG.uniform(0.01, 20, CHANNELS)


def network():
    m = Model(np.random.default_rng(1))
    return m.pack(m.conv(m.input(1, 1, SAMPLES, CHANNELS), 4, (1, 3)))


MODEL = network()
GRAPH = read_graph(MODEL)
SOURCE, TARGET = GRAPH.tensors[GRAPH.inputs[0]], GRAPH.tensors[GRAPH.outputs[0]]
SCALE, ZERO = SOURCE.quantization.scale[0], SOURCE.quantization.zero_point[0]


@pytest.fixture(scope="module")
def standardising(tmp_path_factory):
    return library(compile_model(MODEL, mean=MEAN, std=STD, optimise="size"), tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return library(compile_model(MODEL, optimise="size"), tmp_path_factory.mktemp("plain"))


def prepared(lib, samples):
    x, out = np.ascontiguousarray(samples, np.float32), np.zeros(CHANNELS * SAMPLES, np.int8)
    assert x.size == out.size
    lib.model_prepare(pointer(x), pointer(out))
    return out.reshape(SAMPLES, CHANNELS)


@needs_compiler
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 8))
@settings(max_examples=60, deadline=None)
def test_samples_become_standardised_integers(standardising, seed, spread):
    deviations = np.random.default_rng(seed).normal(0, spread, (SAMPLES, CHANNELS))
    samples = (MEAN + STD * deviations).astype(np.float32)
    exact = (samples.astype(float) - MEAN) / (STD * SCALE) + ZERO
    got = prepared(standardising, samples)
    # Single precision decides otherwise only within a little of a half.
    near_half = np.abs(exact - np.floor(exact) - 0.5) < 1e-3 * np.maximum(np.abs(exact), 1)
    assert (got == np.clip(np.rint(exact), -128, 127))[~near_half].all()
    assert near_half.mean() < 0.5


@needs_compiler
def test_without_means_it_is_the_quantisation_alone(plain):
    steps = np.arange(SAMPLES * CHANNELS).reshape(SAMPLES, CHANNELS) * 3.7 - 100
    samples = (steps * SCALE).astype(np.float32)
    assert np.array_equal(prepared(plain, samples), quantize(samples[None], SOURCE).reshape(SAMPLES, CHANNELS))


@needs_compiler
def test_halves_are_rounded_to_even(tmp_path):
    m = Model(np.random.default_rng(0))
    model = m.pack(m.unary("RELU", m.input(1, SAMPLES, CHANNELS, scale=0.25)))
    graph = read_graph(model)
    zero = graph.tensors[graph.inputs[0]].quantization.zero_point[0]
    halves = (np.arange(SAMPLES * CHANNELS) - 30 + 0.5).reshape(SAMPLES, CHANNELS)
    lib = library(compile_model(model), tmp_path)
    assert np.array_equal(prepared(lib, halves * 0.25), np.clip(np.rint(halves) + zero, -128, 127))


@needs_compiler
@pytest.mark.parametrize("fixture", ["standardising", "plain"])
def test_numbers_out_of_range_are_limited(fixture, request):
    samples = np.zeros((SAMPLES, CHANNELS), np.float32)
    samples[0], samples[1], samples[2], samples[3] = 1e30, -1e30, np.inf, -np.inf
    samples[4] = np.nan
    got = prepared(request.getfixturevalue(fixture), samples)
    assert (got[[0, 2]] == 127).all()
    assert (got[[1, 3, 4]] == -128).all()


@needs_compiler
def test_results_are_real_numbers(plain):
    out = np.resize(np.arange(-128, 128), int(np.prod(TARGET.shape))).astype(np.int8)
    result = np.zeros(out.size, np.float32)
    plain.model_result(pointer(out), pointer(result))
    assert np.array_equal(result, dequantize(out.reshape(TARGET.shape), TARGET).reshape(-1))


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ([0.0] * 4, [1.0] * 5),
        ([0.0] * 5, [1.0] * 6),
        (None, [1.0, 1.0, 1.0, 1.0, 0.0]),
        (None, [1.0, 1.0, 1.0, 1.0, -2.0]),
        ([np.nan] * 5, [1.0] * 5),
        ([0.0] * 5, [np.inf] * 5),
        ([0.0] * 5, [1e-300] * 5),
        ([1e300] * 5, [1.0] * 5),
    ],
)
def test_means_and_deviations_that_make_no_sense(mean, std):
    with pytest.raises(ConversionError):
        compile_model(MODEL, mean=mean, std=std)


def test_channels_that_are_alike_share_one_number():
    m = Model(np.random.default_rng(0))
    wide = m.pack(m.dense(m.input(1, 640), 3))
    assert "mean[1]" in compile_model(wide).files["model.c"]
    assert f"mean[{CHANNELS}]" in compile_model(MODEL, mean=MEAN, std=STD).files["model.c"]
    assert f"gain[{CHANNELS}]" in compile_model(MODEL, std=STD).files["model.c"]
