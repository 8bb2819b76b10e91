import ctypes

import numpy as np
import pytest

from tests.deploy._building import Model
from tests.deploy._models import BUILDERS
from tests.deploy.compiler._library import library, needs_compiler, pointer
from tinynas.deploy import compile_model, read_graph
from tinynas.deploy.compiler.passes.lower import lower
from tinynas.deploy.compiler.plan.streaming import make_stream
from tinynas.errors import ConfigError, UnsupportedOp


def outputs(model, samples, stride, directory, optimise="size"):
    """Of the streaming form: (number of the sample, output) wherever one is due."""
    compiled = compile_model(model, stream_stride=stride, optimise=optimise)
    lib = library(compiled, directory / "stream")
    state = (ctypes.c_int32 * (compiled.arena_bytes // 4 + 16))()
    out = np.zeros(compiled.output_bytes, np.int8)
    lib.model_start(state)
    return [(i, out.copy()) for i, sample in enumerate(samples) if lib.model_push(state, pointer(sample), pointer(out))]


def windows(model, samples, ends, directory):
    """Of the window form: the outputs of the windows that end with certain samples."""
    compiled = compile_model(model, optimise="size")
    lib = library(compiled, directory / "window")
    count = compiled.input_bytes // samples.shape[1]
    found = []
    for end in ends:
        window = np.ascontiguousarray(samples[end + 1 - count : end + 1])
        out = np.zeros(compiled.output_bytes, np.int8)
        lib.model_invoke(pointer(window), pointer(out))
        found.append(out)
    return found


def fitting(seed, count=1):
    """Random causal chains whose receptive field fits their window."""
    made = []
    for n in range(10_000):
        model = BUILDERS["tcn_last_step"](np.random.default_rng([seed, n]))
        try:
            make_stream(lower(read_graph(model))[0], 1)
        except UnsupportedOp:
            continue
        made.append(model)
        if len(made) == count:
            return made
    raise AssertionError("no chain fits")


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("stride", [1, 2, 3, 4, 7, 10, 40])
def test_every_output_is_that_of_the_window_which_ends_there(stride, tmp_path):
    (model,) = fitting(stride)
    shape = read_graph(model).tensors[read_graph(model).inputs[0]].shape
    count = max(shape)
    samples = np.random.default_rng(stride).integers(-128, 128, (count + 6 * stride + 5, shape[-1])).astype(np.int8)
    found = outputs(model, samples, stride, tmp_path, "speed" if stride % 2 else "size")
    whole = [(i, out) for i, out in found if i >= count - 1]
    assert [i for i, _ in whole] == list(range(count - 1, len(samples), stride))
    expected = windows(model, samples, [i for i, _ in whole], tmp_path)
    assert [out.tolist() for _, out in whole] == [out.tolist() for out in expected]


@pytest.mark.slow
@needs_compiler
def test_many_networks_at_strides_of_any_kind(tmp_path):
    rng, compared = np.random.default_rng(3), 0
    for n, model in enumerate(fitting(20, 16)):
        graph, stride = read_graph(model), int(rng.integers(1, 33))
        shape = graph.tensors[graph.inputs[0]].shape
        count = max(shape)
        samples = rng.integers(-128, 128, (count + 4 * stride + 1, shape[-1])).astype(np.int8)
        found = [(i, out) for i, out in outputs(model, samples, stride, tmp_path / str(n)) if i >= count - 1]
        expected = windows(model, samples, [i for i, _ in found], tmp_path / str(n))
        assert [out.tolist() for _, out in found] == [out.tolist() for out in expected], n
        compared += len(found)
    assert compared == 16 * 5


@needs_compiler
def test_outputs_begin_when_the_field_is_filled_and_do_not_depend_on_what_came_before(tmp_path):
    (model,) = fitting(99)
    graph = read_graph(model)
    stream = make_stream(lower(graph)[0], 3)
    count, channels = max(graph.tensors[graph.inputs[0]].shape), graph.tensors[graph.inputs[0]].shape[-1]
    rng = np.random.default_rng(0)
    samples = rng.integers(-128, 128, (2 * count, channels)).astype(np.int8)
    found = outputs(model, samples, 3, tmp_path)
    assert stream.field <= found[0][0] + 1 < stream.field + 3
    # A window that holds other samples before the field has the same output.
    first = found[0][0]
    before = rng.integers(-128, 128, (count, channels)).astype(np.int8)
    filled = np.vstack([before, samples[: first + 1]])
    (expected,) = windows(model, filled, [len(filled) - 1], tmp_path)
    assert found[0][1].tolist() == expected.tolist()


def test_a_stride_that_shares_nothing_with_the_dilations_costs_no_more_than_the_window_form():
    for model in fitting(7, 5):
        window = compile_model(model)
        costs = {stride: compile_model(model, stream_stride=stride) for stride in (1, 2, 5, 1000)}
        assert all(stream.macs <= window.macs for stream in costs.values())
        assert costs[1].macs <= costs[1000].macs
        assert costs[1000].macs == window.macs


@pytest.mark.parametrize("name", ["tcn_mean", "keyword_spotting", "mean_time", "concat_height"])
def test_what_needs_its_whole_window_has_no_streaming_form(name):
    with pytest.raises(UnsupportedOp, match="no streaming form"):
        compile_model(BUILDERS[name](np.random.default_rng(0)), stream_stride=1)


@pytest.mark.parametrize("stride", [0, -1])
def test_a_stride_below_one(stride):
    with pytest.raises(ConfigError, match="stride"):
        compile_model(fitting(1)[0], stream_stride=stride)


def test_padding_that_reaches_the_output():
    m = Model(np.random.default_rng(0))
    x = m.input(1, 1, 8, 4)
    model = m.pack(m.conv(x, 3, (1, 3), same=True))
    with pytest.raises(UnsupportedOp, match="no streaming form"):
        compile_model(model, stream_stride=1)
