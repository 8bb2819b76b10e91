"""The map of an arena: buffers that live at one time lie apart, and its height is what the engines report."""

from itertools import combinations

import pytest

from tests.deploy.candidates import candidates, filled
from tinynas.cost import lower, scratch_buffers
from tinynas.deploy import (
    Graph,
    Model,
    Op,
    Quantization,
    Tensor,
    arena_head_bytes,
    compile_model,
    map_arena,
    operator_costs,
    pack,
)

STEPS = Quantization((0.1,), (0,))


def small() -> Graph:
    """TANH, LOGISTIC and their sum over 40 values."""
    values = tuple(Tensor((1, 40), "int8", quantization=STEPS) for _ in range(4))
    ops = (Op("TANH", (0,), (1,)), Op("LOGISTIC", (0,), (2,)), Op("ADD", (1, 2), (3,)))
    return Graph(values, ops, (0,), (3,))


def test_tflm_by_hand():
    found = map_arena(Model(pack(small())), "tflm")
    assert (found.steps, found.step_is) == (3, "operator")
    assert {slot.label: (slot.bytes, slot.first, slot.last) for slot in found.slots} == {
        "input": (40, 0, 1),
        "output of 0 TANH": (40, 0, 2),
        "output of 1 LOGISTIC": (40, 1, 2),
        "output of 2 ADD": (40, 2, 2),
    }
    assert [found.held_at(step) for step in range(3)] == [80, 120, 120]
    assert found.bytes == 2 * 48 + 40


@pytest.mark.parametrize("network", candidates(4), ids=str)
def test_of_networks(network):
    graph = filled(lower(network))
    model = Model(pack(graph))
    compiled, scratch = compile_model(model), tuple(scratch_buffers(graph))
    for engine, most in (("aot", compiled.arena_bytes), ("tflm", arena_head_bytes(graph, scratch))):
        found = map_arena(model, engine, scratch)
        for a, b in combinations(found.slots, 2):
            if a.first <= b.last and b.first <= a.last:
                assert a.end <= b.offset or b.end <= a.offset, "two things in one place"
        assert 0 <= most - found.bytes < 16, "but for the alignment of the highest one"
        assert max(found.held_at(step) for step in range(found.steps)) <= found.bytes
        costs = operator_costs(model, engine)
        assert sum(cost.macs for cost in costs) == (compiled.macs if engine == "aot" else graph.macs) > 0
    assert sum(cost.constant_bytes for cost in costs) == graph.weights_bytes
