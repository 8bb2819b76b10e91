"""The resource model as a whole, and the proxies of the literature beside it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.deploy.candidates import architectures, candidates, converted
from tests.network.builders import projects
from tinynas.board import load_board
from tinynas.cost import (
    Engine,
    arena_bytes,
    costs,
    estimate,
    lower,
    measure_graph,
    plain_flash_bytes,
    sparse_working_memory_bytes,
    tflite_bytes,
)
from tinynas.deploy import Graph, Op, Tensor, arena_head_bytes, read_graph
from tinynas.network import TCN, plan

ENGINES = st.sampled_from([Engine.tflm("reference"), Engine.tflm("cmsis_nn")])


@given(architectures(), ENGINES, st.sampled_from(["int8", "float32"]))
def test_an_estimate_is_the_sum_of_its_parts(architecture, engine, dtype):
    cost, graph = estimate(architecture, engine, dtype), lower(architecture, dtype)
    assert cost.arena_bytes == arena_bytes(graph, cmsis_nn=engine.kernels == "cmsis_nn")
    assert cost.sram_bytes == cost.arena_bytes + engine.static_bytes
    assert cost.tflite_bytes == tflite_bytes(graph)
    assert cost.flash_bytes == cost.tflite_bytes + engine.code_bytes
    assert cost.macs == graph.macs == plan(architecture).macs
    assert cost.parameters == cost.plain_flash_bytes == architecture.parameters
    assert (cost.source, cost.engine, cost.kernels) == ("proxy", "tflm", engine.kernels)
    assert cost.latency_us is cost.energy_uj is cost.parity is cost.host_arena_bytes is None


@given(architectures(), st.sampled_from([Engine.tflm(), Engine.aot(load_board("nucleo_f446re"))]))
@settings(max_examples=40, deadline=None)
def test_costs_are_those_of_the_estimate(architecture, engine):
    cost, whole = costs(architecture, engine), estimate(architecture, engine)
    for figure in ("sram_bytes", "flash_bytes", "macs", "arena_bytes", "stack_bytes"):
        assert getattr(cost, figure) == getattr(whole, figure), figure


def test_an_estimate_is_what_the_converted_model_costs():
    engine = Engine.tflm()
    for a in candidates(8):
        model = converted(a)
        predicted, real = estimate(a, engine), measure_graph(read_graph(model), len(model), a, engine)
        assert replace(predicted, tflite_bytes=0, flash_bytes=0) == replace(real, tflite_bytes=0, flash_bytes=0), a.key
        assert abs(predicted.flash_bytes - real.flash_bytes) < 0.01 * real.tflite_bytes


@given(architectures(), st.integers(1, 30))
@settings(max_examples=60)
def test_more_filters_never_cost_less(architecture, more):
    """But where sizes become equal: that spares the projection, or constants that are stored once."""
    wider = replace(architecture, filters=architecture.filters + more)
    if projects(wider) != projects(architecture) or wider.filters in (wider.channels, wider.outputs):
        return
    a, b = estimate(architecture, Engine.tflm("reference")), estimate(wider, Engine.tflm("reference"))
    assert b.macs > a.macs
    assert b.parameters > a.parameters
    assert b.flash_bytes >= a.flash_bytes
    assert b.sparse_sram_bytes >= a.sparse_sram_bytes


def test_more_filters_take_more_sram_up_to_the_luck_of_a_greedy_plan():
    """The greedy planner may find a better order for larger buffers; over the family it hardly ever does."""
    for a in candidates(40):
        arenas = [estimate(replace(a, filters=f), Engine.tflm("reference")).arena_bytes for f in (11, 16, 24, 36, 54)]
        assert arenas == sorted(arenas), a.key


@given(architectures(max_filters=40), st.sampled_from(["int8", "float32"]))
def test_the_working_memory_of_sparse_never_exceeds_the_head(architecture, dtype):
    graph = lower(architecture, dtype)
    assert 0 < sparse_working_memory_bytes(graph) <= arena_head_bytes(graph)


def test_the_working_memory_of_sparse_by_hand():
    tensors = (Tensor((10,), "int8"), Tensor((99,), "int8", True), Tensor((20,), "int8"), Tensor((5,), "float32"))
    ops = (Op("CONV_2D", (0, 1, -1), (2,)), Op("ADD", (2, 2), (3,)))
    assert (
        sparse_working_memory_bytes(Graph(tensors, ops, (0,), (3,))) == 40
    )  # 20 + 5 x 4; an operand twice counts once


def test_the_plain_flash_proxy_by_hand():
    a = TCN(filters=2, kernel_size=3, dilations=(1,), window=10, channels=1, outputs=2)
    assert plain_flash_bytes(a) == (3 * 2 + 2) + (3 * 4 + 2) + (2 + 2) + (4 + 2)


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_an_estimate_repeats(dtype):
    a = candidates(1)[0]
    assert estimate(a, Engine.tflm(), dtype) == estimate(a, Engine.tflm(), dtype)
