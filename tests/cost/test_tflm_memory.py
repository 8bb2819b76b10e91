"""The arena's model against a Cortex-M4's measurements and the official interpreter on the host."""

import pytest
from hypothesis import given

from tests.deploy.candidates import architectures, candidates, converted, filled
from tinynas.cost import Engine, arena_bytes, lower, persistent_bytes
from tinynas.cost.tflm_memory import scratch_buffers
from tinynas.deploy import Graph, Op, Tensor, TflmInterpreter, arena_head_bytes, pack, read_graph
from tinynas.network import TCN

#: What a device's arena and a host's tail are off by at most, in bytes, above the measured figure.
DEVICE_EXCESS, HOST_EXCESS, FLOAT_EXCESS = 20, 96, 192


@pytest.mark.parametrize("kernels", ["reference", "cmsis_nn"])
def test_the_arena_of_a_cortex_m4(anchors, kernels):
    for name, (figures, model) in anchors.items():
        excess = arena_bytes(read_graph(model), cmsis_nn=kernels == "cmsis_nn") - figures["arena"][kernels]
        assert 0 <= excess <= DEVICE_EXCESS, name


@pytest.mark.parametrize("kernels", ["reference", "cmsis_nn"])
def test_flash_and_static_ram_of_a_cortex_m4(anchors, kernels):
    engine = Engine.tflm(kernels)
    for figures, model in anchors.values():
        if kernels in figures:
            assert engine.code_bytes + len(model) == figures[kernels]["flash"]
            assert engine.static_bytes + figures["arena"][kernels] == figures[kernels]["static_ram"]


def test_the_runtimes_share_is_what_was_measured():
    assert Engine.tflm("reference").code_bytes == 55_412
    assert Engine.tflm().code_bytes == Engine.tflm("cmsis_nn").code_bytes == 86_988
    assert Engine.tflm().static_bytes == 716


def test_the_arena_of_the_host(anchors):
    for name, (figures, model) in anchors.items():
        official, graph = TflmInterpreter(model).arena(), read_graph(model)
        assert official.total_bytes == official.head_bytes + official.tail_bytes
        assert official.total_bytes == figures.get("host_arena", official.total_bytes)
        assert arena_head_bytes(graph) == official.head_bytes, name
        assert 0 <= persistent_bytes(graph, pointer_bytes=8) - official.tail_bytes <= HOST_EXCESS, name


@pytest.mark.slow
def test_the_host_arena_of_candidates():
    for a in candidates(14):
        official = TflmInterpreter(converted(a)).arena()
        assert 0 <= arena_bytes(lower(a), pointer_bytes=8) - official.total_bytes <= HOST_EXCESS, a.key


@pytest.mark.slow
def test_the_greedy_plan_is_the_official_one_on_a_hundred_candidates():
    for seed, a in enumerate(candidates(100, seed=3, window=120)):
        model = pack(filled(lower(a), seed))
        assert arena_head_bytes(read_graph(model)) == TflmInterpreter(model).arena().head_bytes, a.key


@pytest.mark.slow
def test_the_host_arena_of_float_candidates():
    for a in candidates(8):
        official = TflmInterpreter(converted(a, "float32")).arena()
        excess = arena_bytes(lower(a, "float32"), pointer_bytes=8) - official.total_bytes
        assert 0 <= excess <= FLOAT_EXCESS, a.key


@given(architectures())
def test_a_device_needs_less_than_the_host_and_more_than_the_activations(architecture):
    graph = lower(architecture)
    assert arena_head_bytes(graph) < arena_bytes(graph) < arena_bytes(graph, pointer_bytes=8)
    # The head may shrink where scratch is added: a greedy plan places the others differently.
    assert persistent_bytes(graph) < persistent_bytes(graph, cmsis_nn=True)
    scratch = max((size for size, *_ in scratch_buffers(graph)), default=0)
    assert persistent_bytes(graph, cmsis_nn=True) + scratch <= arena_bytes(graph, cmsis_nn=True)


@given(architectures())
def test_scratch_is_asked_for_by_int8_convolutions_of_more_than_one_tap(architecture):
    graph = lower(architecture)
    buffers = scratch_buffers(graph)
    assert scratch_buffers(lower(architecture, "float32")) == []
    wide = [i for i, op in enumerate(graph.ops) if op.kind == "CONV_2D" and graph.tensors[op.inputs[1]].shape[2] > 1]
    assert [(first, last) for _, first, last in buffers] == [(i, i) for i in wide]
    for size, index, _ in buffers:
        _, height, width, channels = graph.tensors[graph.ops[index].inputs[1]].shape
        assert size == 4 * height * width * channels


def test_scratch_raises_the_head_where_it_does_not_fit_beside():
    wide = TCN(filters=60, kernel_size=15, dilations=(1,), window=31, channels=1)
    graph = lower(wide)
    assert arena_bytes(graph, cmsis_nn=True) - arena_bytes(graph) > 1000


def test_operators_without_a_model_are_not_free():
    tensors = (Tensor((1, 8), "int8"), Tensor((1, 8), "int8"))
    assert persistent_bytes(Graph(tensors, (Op("SOFTMAX", (0,), (1,)),), (0,), (1,))) > persistent_bytes(
        Graph(tensors, (), (0,), (1,))
    )
