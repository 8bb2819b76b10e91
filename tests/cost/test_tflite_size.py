"""The predicted length against files that were written."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.deploy.candidates import architectures, candidates, converted, filled
from tests.network.builders import projects
from tinynas.cost import lower, tflite_bytes
from tinynas.deploy import pack
from tinynas.network import TCN

NET = TCN(filters=8, kernel_size=3, dilations=(1, 2, 4), window=64, channels=6)


@given(architectures(max_filters=30), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_the_length_of_float_models_is_exact(architecture, seed):
    graph = lower(architecture, "float32")
    assert tflite_bytes(graph) == len(pack(filled(graph, seed)))


@given(architectures(max_filters=30))
@settings(max_examples=60, deadline=None)
def test_the_length_of_int8_models_is_exact_but_for_zero_points_that_coincide(architecture):
    """A random model has no zero point of -128 after its ReLUs, which real ones share: 16 bytes for each activation."""
    graph = lower(architecture)
    activations = sum(op.kind in ("CONV_2D", "ADD", "FULLY_CONNECTED") for op in graph.ops)
    assert 0 <= len(pack(filled(graph))) - tflite_bytes(graph) + 16 <= 16 * (activations + 2)


def test_the_length_of_converted_models_is_within_one_percent():
    errors = [(tflite_bytes(lower(a)) - len(converted(a))) / len(converted(a)) for a in candidates(14)]
    assert max(map(abs, errors)) < 0.01
    assert np.median(np.abs(errors)) < 0.002


def test_the_length_of_converted_float_models_is_exact():
    for a in candidates(4):
        assert tflite_bytes(lower(a, "float32")) == len(converted(a, "float32")), a.key


@pytest.mark.slow
def test_the_length_of_many_converted_models_is_within_one_percent():
    many = [*candidates(20, seed=1), *candidates(16, seed=2, window=97)]
    wrong = {a.key: tflite_bytes(lower(a)) - len(converted(a)) for a in many}
    assert not {k: d for (k, d), a in zip(wrong.items(), many, strict=False) if abs(d) > 0.01 * len(converted(a))}


@given(architectures(), st.integers(1, 40))
@settings(max_examples=40)
def test_more_filters_never_take_less(architecture, more):
    wider = replace(architecture, filters=architecture.filters + more)
    if projects(wider) == projects(architecture):  # equal numbers of channels and filters spare the projection
        assert tflite_bytes(lower(wider)) >= tflite_bytes(lower(architecture))


@given(architectures())
def test_the_file_is_larger_than_its_constants(architecture):
    for dtype in ("int8", "float32"):
        graph = lower(architecture, dtype)
        assert tflite_bytes(graph) > graph.weights_bytes
        assert tflite_bytes(graph) % 16 == 0
