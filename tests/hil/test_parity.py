"""What a board has to answer, by TFLM and by LiteRT."""

from __future__ import annotations

import numpy as np
import pytest

from tests.deploy._models import BUILDERS
from tinynas.errors import ParityError, ToolchainMissing
from tinynas.hil.check import known_model
from tinynas.hil.parity import Reference, input_shape, normal_window, random_window, reference_of

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

    monkeypatch.setattr("tinynas.cost.TflmInterpreter", missing)
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
