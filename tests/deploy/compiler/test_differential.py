"""Models with small contradictions: what is compiled computes TFLM's bytes, or it is refused."""

from dataclasses import replace

import numpy as np
import pytest

from tests.deploy._models import BUILDERS
from tinynas.deploy import Model, compile_model, pack, read_graph
from tinynas.errors import ConversionError

from ._bundle import bundle, expected

PLAIN = {name: build(np.random.default_rng(0)) for name, build in BUILDERS.items()}
STEPS = (-2, -1, 1, 2)


def altered(data, rng):
    """The file with one to three small numbers in it changed: shapes, amounts, axes, options, types."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        size = int(rng.choice([1, 4]))
        at = int(rng.integers(8 // size, len(data) // size)) * size
        value = int.from_bytes(data[at : at + size], "little", signed=True)
        if abs(value) < (16 if size == 1 else 2000):
            value = (value + int(rng.choice([*STEPS, value, -value]))) % (1 << 8 * size)
            data[at : at + size] = value.to_bytes(size, "little")
    return bytes(data)


def mutants(rng, count):
    """So many altered models that are compiled, and small enough to be run by the hundred."""
    found = []
    while len(found) < count:
        name = list(PLAIN)[rng.integers(len(PLAIN))]
        data = altered(PLAIN[name], rng)
        model = Model(data)
        try:
            made = compile_model(model)
        except ConversionError:
            continue
        one = model.input.shape[:1] == (1,)  # TFLM is given one window at a time
        if one and data != PLAIN[name] and made.input_bytes < 1 << 14 and made.macs < 2_000_000:
            found.append((name, data))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "count"), [(0, 30), *(pytest.param(seed, 100, marks=pytest.mark.exhaustive) for seed in range(1, 5))]
)
def test_what_is_compiled_of_altered_models_computes_what_tflm_computes(seed, count, tmp_path):
    rng, compared = np.random.default_rng([seed, 77]), 0
    found = mutants(rng, count)
    made = bundle([data for _, data in found], "size", tmp_path)
    inputs = [rng.integers(-128, 128, (3, c.input_bytes)).astype(np.int8) for c in made.compiled]
    for (name, data), x, y in zip(found, inputs, made.run(made.build(flags=("-O1",)), inputs), strict=True):
        try:
            wanted = expected(data, x)
        except ConversionError:  # TFLM takes less than what is compiled
            continue
        compared += 1
        assert np.array_equal(wanted, y), name
    assert compared > count / 2


def test_a_convolution_between_blocks_that_loses_a_batch_is_refused():
    """Declared so, TFLM computes two of the three batches only."""
    graph = read_graph(PLAIN["space_to_batch_4d"])
    target = next(op for op in graph.ops if op.kind == "CONV_2D").outputs[0]
    tensors = list(graph.tensors)
    assert tensors[target].shape == (3, 1, 8, 5)
    tensors[target] = replace(tensors[target], shape=(2, 1, 8, 5))
    with pytest.raises(ConversionError, match="between blocks does not lead from"):
        compile_model(pack(replace(graph, tensors=tuple(tensors))))


@pytest.mark.parametrize("begin", [-21, 20, -16646145])
def test_a_slice_at_a_position_that_is_not_there_is_refused(begin):
    graph = read_graph(PLAIN["slice_last"])
    tensors = list(graph.tensors)
    tensors[1] = replace(tensors[1], data=np.array([0, begin, 0], np.int32))
    with pytest.raises(ConversionError, match=f"position {begin} of an axis of 20"):
        compile_model(pack(replace(graph, tensors=tuple(tensors))))


def test_an_edge_that_loses_values_is_refused():
    graph = read_graph(PLAIN["float_edges"])
    tensors = list(graph.tensors)
    tensors[graph.outputs[0]] = replace(tensors[graph.outputs[0]], shape=())
    with pytest.raises(ConversionError, match=r"DEQUANTIZE.* contradicts its tensors"):
        compile_model(pack(replace(graph, tensors=tuple(tensors))))
