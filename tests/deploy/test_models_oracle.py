"""The models of the compiler's tests against TFLM, and the reference in numpy with them: equal on every byte."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from tinynas.deploy import TflmInterpreter, read_graph

from ._models import BUILDERS, UNREFEREED
from ._reference import run


def inputs(graph, rng, n):
    """Windows (n, ...) of one model's input; the first two of the extreme values."""
    tensor = graph.tensors[graph.inputs[0]]
    shape = (n, *tensor.shape[1:])
    if tensor.dtype == "float32":
        return rng.normal(0, 2, shape).astype(np.float32)
    x = rng.integers(-128, 128, shape).astype(np.int8)
    x[0], x[1] = -128, 127
    return x


@pytest.mark.parametrize("name", BUILDERS)
def test_the_reference_gives_the_bytes_of_tflm(name):
    outputs = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        model = BUILDERS[name](rng)
        graph = read_graph(model)
        x = inputs(graph, rng, 5)
        expected = TflmInterpreter(model).run(x)
        np.testing.assert_array_equal([run(graph, window[None])[0].ravel() for window in x], expected)
        outputs.append(expected[2:].ravel())
    values = np.concatenate(outputs)
    if values.dtype == np.int8:  # a model whose outputs stick to the ends would hide errors
        assert np.mean(np.abs(values.astype(int) + 0.5) > 127) < 0.7
    assert len(np.unique(values)) >= 8


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILDERS)
def test_builders_depend_on_nothing_but_the_generator(name):
    assert BUILDERS[name](np.random.default_rng(7)) == BUILDERS[name](np.random.default_rng(7))
    assert BUILDERS[name](np.random.default_rng(7)) != BUILDERS[name](np.random.default_rng(8))


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILDERS)
def test_a_model_has_one_input_and_one_output(name):
    graph = read_graph(BUILDERS[name](np.random.default_rng(0)))
    assert len(graph.inputs) == len(graph.outputs) == 1


@pytest.mark.parametrize("name", UNREFEREED)
def test_what_tflm_leaves_undefined_is_as_litert_has_it(name):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        model = UNREFEREED[name](rng)
        graph = read_graph(model)
        litert = Interpreter(model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
        litert.allocate_tensors()
        for window in inputs(graph, rng, 4)[:, None]:
            litert.set_tensor(litert.get_input_details()[0]["index"], window)
            litert.invoke()
            expected = litert.get_tensor(litert.get_output_details()[0]["index"])
            np.testing.assert_array_equal(run(graph, window)[0], expected)
