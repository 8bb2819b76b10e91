"""A model's parts are made once, and errors name it."""

import numpy as np
import pytest

from tests.deploy._building import Model as Building
from tests.deploy._models import BUILDERS
from tinynas.deploy import Model, TflmInterpreter, compile_model, infer
from tinynas.deploy import model as module
from tinynas.errors import ConversionError, UnsupportedOp

CONTENT = BUILDERS["float_edges"](np.random.default_rng(0))


@pytest.fixture
def counts(monkeypatch):
    """How often files are parsed and translated."""
    found = {"read_graph": 0, "lower": 0}
    for name in found:
        real = getattr(module, name)

        def counted(*arguments, real=real, name=name, **options):
            found[name] += 1
            return real(*arguments, **options)

        monkeypatch.setattr(module, name, counted)
    return found


def test_a_file_is_parsed_and_translated_once(counts):
    model = Model(CONTENT)
    compile_model(model, optimise="speed")
    compile_model(model, optimise="size")
    windows = np.zeros((2, *model.graph.tensors[model.graph.inputs[0]].shape[1:]), np.float32)
    assert np.allclose(infer(model, windows), TflmInterpreter(model).run(windows), atol=1e-5)
    assert model.input.dtype == model.output.dtype == "int8"
    assert counts == {"read_graph": 1, "lower": 1}


def test_nothing_is_made_that_nobody_asks_for(counts):
    assert Model.of(Model(CONTENT)).content == CONTENT
    assert counts == {"read_graph": 0, "lower": 0}


def test_a_model_stays_itself():
    model = Model(CONTENT, "a.tflite")
    assert Model.of(model, "b.tflite") is model
    assert Model.of(bytearray(CONTENT)).content == CONTENT


def test_the_ends_of_float_models_are_those_of_the_board():
    model, graph = Model(CONTENT), Model(CONTENT).graph
    assert graph.tensors[graph.inputs[0]].dtype == "float32"
    assert model.input == graph.tensors[graph.ops[0].outputs[0]]
    assert model.output == graph.tensors[graph.ops[-1].inputs[0]]


def test_the_ends_are_known_of_a_model_that_is_not_compiled():
    m = Building(np.random.default_rng(0))
    x = m.conv(m.input(1, 6, 6, 3), 4, (3, 3))
    model = Model(m.pack(m.op("GELU", [x], m.output(m.shape(x), 1.0))), "gelu.tflite")
    assert (model.input.shape, model.output.shape) == ((1, 6, 6, 3), (1, 6, 6, 4))
    with pytest.raises(UnsupportedOp, match=r"^gelu.tflite: operator 1 \(GELU\)"):
        _ = model.program


def test_a_damaged_file_is_named():
    with pytest.raises(ConversionError, match=r"^x\.tflite: "):
        _ = Model(CONTENT[:100], "x.tflite").graph


def test_the_digest_is_the_files():
    assert Model(b"abc").digest.startswith("ba7816bf8f01cfea")
