"""Damaged and contradictory files: only ConversionError, in little time, or C that stays within its memory."""

import time
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.deploy._models import BUILDERS, UNREFEREED
from tinynas.deploy import compile_model
from tinynas.errors import ConversionError

from ._bundle import bundle

ALL = {**BUILDERS, **UNREFEREED}
EXTREMES = (0, 1, 2, 3, 255, 256, 65_535, 65_536, 1 << 20, 1 << 24, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 0x7F800000)
SECONDS = 10
NAMES = st.sampled_from(list(ALL))
PLACES = st.floats(0, 1, exclude_max=True)
STRIDES = st.sampled_from([None, None, 1, 3])


@cache
def model(name):
    return ALL[name](np.random.default_rng(0))


@cache
def sizes_of(name):
    return sizes(compile_model(model(name)))


def sizes(c):
    return c.macs, c.arena_bytes, c.input_bytes, c.output_bytes


def compiled(data, stride=None):
    """The model, or None where it is refused; everything else is a failure."""
    began, made = time.process_time(), None
    try:
        made = compile_model(data, stream_stride=stride, where="f.tflite")
    except ConversionError as error:
        named = error.where == "f.tflite"
    else:
        named = True
    assert named
    assert time.process_time() - began < SECONDS
    return made


def with_word(data, word, value):
    at = 4 * word
    return data[:at] + value.to_bytes(4, "little") + data[at + 4 :]


@given(NAMES, st.lists(st.tuples(PLACES, st.integers(0, 255)), min_size=1, max_size=5), STRIDES)
@settings(max_examples=300, deadline=None)
def test_flipped_bytes(name, flips, stride):
    data = bytearray(model(name))
    for place, value in flips:
        data[8 + int(place * (len(data) - 8))] = value
    compiled(bytes(data), stride)


@given(NAMES, st.lists(st.tuples(PLACES, st.sampled_from(EXTREMES)), min_size=1, max_size=3), STRIDES)
@settings(max_examples=300, deadline=None)
def test_extreme_numbers(name, changes, stride):
    data = model(name)
    for place, value in changes:
        data = with_word(data, 2 + int(place * (len(data) // 4 - 2)), value)
    compiled(data, stride)


@pytest.mark.parametrize("name", ["tcn_last_step", "space_to_batch_3d_causal", "branches"])
def test_cut_short(name):
    data = model(name)
    refused = [compiled(data[:n]) is None for n in range(0, len(data) - 16, max(len(data) // 40, 1))]
    assert all(refused)


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\0\0\0\0TFL3", b"\x1f\x8b" * 40, bytes(range(256))])
def test_no_model_at_all(data):
    assert compiled(data) is None


@pytest.mark.parametrize(
    ("seed", "count"),
    [pytest.param(0, 30, marks=pytest.mark.slow), pytest.param(1, 100, marks=pytest.mark.exhaustive)],
)
def test_contradictory_models_that_pass_stay_within_their_memory(seed, count, tmp_path):
    """Small changes of small numbers: shapes, amounts, axes, options. What is let through runs under sanitizers."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(200_000):
        name = list(ALL)[rng.integers(len(ALL))]
        data = model(name)
        for _ in range(rng.integers(1, 4)):
            word = int(rng.integers(2, len(data) // 4))
            value = int.from_bytes(data[4 * word : 4 * word + 4], "little", signed=True)
            if abs(value) < 2000:
                data = with_word(data, word, (value + int(rng.choice([-1, 1, 2, -2, value, -value]))) % (1 << 32))
        made = compiled(data)
        # Mostly those that are of another form than before: others differ in weights.
        if made is not None and made.input_bytes < 1 << 16 and (sizes(made) != sizes_of(name) or rng.random() < 0.2):
            found.append(data)
        if len(found) == count:
            break
    assert len(found) == count
    made = bundle(found, "size", tmp_path)
    made.run(made.build(), [rng.integers(-128, 128, (3, c.input_bytes)).astype(np.int8) for c in made.compiled])
