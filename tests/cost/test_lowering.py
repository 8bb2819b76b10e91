"""The predicted graph: sound on its own, and in agreement with the layer plan."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.deploy.candidates import architectures, candidates, converted
from tinynas.cost import lower
from tinynas.deploy import read_graph
from tinynas.network import TCN, plan

NET = TCN(filters=8, kernel_size=3, dilations=(1, 2, 4), window=64, channels=6)


@given(architectures(), st.sampled_from(["int8", "float32"]))
def test_every_operand_exists_before_it_is_read(architecture, dtype):
    graph = lower(architecture, dtype)
    known = {*graph.inputs, *(i for i, t in enumerate(graph.tensors) if t.constant)}
    for op in graph.ops:
        assert set(op.inputs) <= known
        assert not set(op.outputs) & known
        known |= set(op.outputs)
    assert known == set(range(len(graph.tensors)))
    assert set(graph.outputs) <= known
    assert graph.tensors[graph.outputs[0]].shape == (1, architecture.outputs)


@given(architectures())
def test_every_result_but_the_output_is_used(architecture):
    graph = lower(architecture)
    read = {t for op in graph.ops for t in op.inputs}
    assert {t for op in graph.ops for t in op.outputs} - read == set(graph.outputs)


@given(architectures())
def test_macs_are_those_of_the_plan(architecture):
    assert lower(architecture).macs == plan(architecture).macs


@given(architectures())
def test_weights_are_those_of_the_architecture(architecture):
    """Taps that would only ever meet padding are left out of the file; all others are in it."""
    graph = lower(architecture, "float32")
    weights = sum(np.prod(t.shape) for t in graph.tensors if t.constant and t.dtype == "float32")
    steps = plan(architecture).steps
    cropped = sum(
        (step.what.taps - step.taps.taps) * steps[step.reads[0]].channels * step.channels for step in steps if step.taps
    )
    assert weights == architecture.parameters - cropped


@given(architectures())
def test_shapes_fit_their_operators(architecture):
    graph = lower(architecture)
    for op in graph.ops:
        out = graph.tensors[op.outputs[0]].shape
        x = graph.tensors[op.inputs[0]].shape
        if op.kind == "CONV_2D":
            weights = graph.tensors[op.inputs[1]].shape
            reach = (weights[2] - 1) * op.options["dilationWFactor"] + 1
            assert out == (1, 1, (x[2] - reach) // op.options["strideW"] + 1, weights[0])
            assert weights[3] == x[3]
            assert reach <= x[2]
        elif op.kind == "ADD":
            assert x == graph.tensors[op.inputs[1]].shape == out
        elif op.kind == "PAD":
            assert out[2] == x[2] + graph.tensors[op.inputs[1]].data[2, 0]
        elif op.kind == "STRIDED_SLICE":
            begin, step = (int(graph.tensors[op.inputs[i]].data[2]) for i in (1, 3))
            assert out == (1, 1, len(range(begin, x[2], step)), x[3])
            assert (x[2] - 1 - begin) % step == 0  # the last position is kept
        elif op.kind == "RESHAPE":
            assert np.prod(out) == np.prod(x)
        else:
            assert op.kind == "FULLY_CONNECTED"


def test_the_dtype_decides_types_only():
    a, b = lower(NET), lower(NET, "float32")
    assert [t.shape for t in a.tensors] == [t.shape for t in b.tensors]
    assert {t.dtype for t in a.tensors} == {"int8", "int32"}
    assert {t.dtype for t in b.tensors} == {"float32", "int32"}


def test_norm_and_dropout_leave_no_trace():
    assert lower(NET).same_structure(lower(replace(NET, norm="batch", dropout=0.3)))


def test_constants_that_graphs_share_cannot_be_overwritten():
    data = next(t.data for t in lower(NET).tensors if t.data is not None)
    with pytest.raises(ValueError):
        data[0] = 1


def test_converted_models_have_this_structure():
    for architecture in candidates(8):
        assert read_graph(converted(architecture)).same_structure(lower(architecture)), architecture.key
