"""What a board has to answer, by TFLM and by LiteRT."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.deploy._models import BUILDERS
from tests.deploy.compiler._bundle import bundle
from tinynas.deploy import LitertInterpreter, Model, pack, read_graph
from tinynas.errors import ConversionError, ParityError, ToolchainMissing, UnsupportedOp
from tinynas.hil.check import known_model
from tinynas.hil.parity import EQUAL, Reference, input_shape, normal_window, random_window, reference_of

MODELS = {
    "known": known_model(),
    "image": BUILDERS["dense_of_image"](np.random.default_rng(1)),
    "tcn": BUILDERS["tcn_mean"](np.random.default_rng(2)),
}


def windows(model, count=20):
    return np.stack([random_window(model, np.random.default_rng(i)) for i in range(count)])


@pytest.mark.parametrize("name", MODELS)
def test_where_tflm_is_missing_litert_answers_within_a_step(name, monkeypatch):
    model = MODELS[name]
    exact = reference_of(model, windows(model))

    def missing(model):
        raise ToolchainMissing("not here")

    monkeypatch.setattr("tinynas.hil.parity.TflmInterpreter", missing)
    close = reference_of(model, windows(model))
    assert (exact.referee, exact.steps, close.referee, close.steps) == ("tflm", 0, "litert", 1)
    assert exact.outputs.dtype == close.outputs.dtype == np.int8
    assert np.abs(exact.outputs.astype(int) - close.outputs.reshape(exact.outputs.shape)).max() <= 1


def test_inputs_have_the_shape_and_the_spread_of_the_models():
    model = known_model()
    assert input_shape(model) == (16,)
    normal = np.stack([normal_window(model, np.random.default_rng(i)) for i in range(200)])
    assert abs(normal.mean() + 3) < 2  # the zero point
    assert abs(normal.std() - 1 / 0.05) < 2  # the scale
    random = windows(model, 500)
    assert (random.min(), random.max()) == (-128, 127)


@pytest.mark.parametrize(
    ("steps", "output", "wrong"), [(0, [1, 2, 4], "1 of 3"), (1, [1, 2, 5], "1 of 3"), (0, [2, 3, 4], "3 of 3")]
)
def test_a_difference_is_told(steps, output, wrong):
    reference = Reference("tflm", steps, np.array([[9, 9, 9], [1, 2, 3]], np.int8))
    with pytest.raises(ParityError, match=f"{wrong} outputs differ.*report it") as caught:
        reference.check(1, np.array(output, np.int8).tobytes(), "nucleo")
    assert caught.value.where == "nucleo"


def test_a_difference_of_the_whole_range_is_no_overflow():
    reference = Reference("tflm", 1, np.array([[-128]], np.int8))
    with pytest.raises(ParityError, match="up to 255 steps; first output 0: 127 instead of -128"):
        reference.check(0, b"\x7f", "nucleo")


def test_an_output_of_another_size():
    with pytest.raises(ParityError, match="2 bytes of output instead of 1"):
        Reference("tflm", 0, np.zeros((1, 1), np.int8)).check(0, b"\0\0", "nucleo")


def test_equal_outputs_pass():
    Reference("tflm", 0, np.array([[-1, 5]], np.int8)).check(0, b"\xff\x05", "nucleo")
    Reference("litert", 1, np.array([[-1, 5]], np.int8)).check(0, b"\x00\x04", "nucleo")


def stored(name):
    return (Path(__file__).parents[1] / "deploy" / "interpreters" / "models" / f"{name}.tflite").read_bytes()


def test_litert_is_the_referee_where_tflm_miscomputes_an_open_batch(tmp_path):
    model = Model(stored("open_batch"))
    inputs = windows(model)
    reference = reference_of(model, inputs)
    assert (reference.referee, reference.steps) == ("litert_open_batch", 1)
    assert "miscomputes" in EQUAL[reference.referee]
    made = bundle([model.content], "speed", tmp_path)
    [outputs] = made.run(made.build(flags=("-O1",)), [inputs.reshape(len(inputs), -1)])
    for index, output in enumerate(outputs):
        reference.check(index, output.tobytes(), "the compiled C")


def test_tflm_is_the_referee_of_an_open_batch_that_it_computes_right():
    graph = read_graph(MODELS["tcn"])
    tensors = tuple(replace(t, open=True) if i in graph.inputs else t for i, t in enumerate(graph.tensors))
    model = Model(MODELS["tcn"])
    vars(model)["graph"] = replace(graph, tensors=tensors)
    assert model.graph.open
    assert reference_of(model, windows(model)).referee == "tflm"


def test_a_model_that_litert_does_not_take_has_a_reference():
    """As person_detect of TensorFlow Lite Micro: biases with a quantised axis that they do not have."""
    graph = read_graph(BUILDERS["conv_same"](np.random.default_rng(1)))
    biases = {op.inputs[2] for op in graph.ops if op.kind == "CONV_2D"}
    tensors = tuple(
        replace(t, quantization=replace(t.quantization, axis=3)) if i in biases else t
        for i, t in enumerate(graph.tensors)
    )
    model = Model(pack(replace(graph, tensors=tensors)))
    with pytest.raises(ConversionError, match="quantized_dimension"):
        LitertInterpreter(model)
    assert reference_of(model, windows(model)).referee == "tflm"


def test_a_model_that_keeps_a_state_has_no_reference():
    model = Model(stored("lstm"), "lstm.tflite")
    with pytest.raises(
        UnsupportedOp, match=r"lstm.tflite: operator 0 \(UNIDIRECTIONAL_SEQUENCE_LSTM\).*state"
    ) as caught:
        reference_of(model, windows(model))
    assert "defect" not in str(caught.value)
