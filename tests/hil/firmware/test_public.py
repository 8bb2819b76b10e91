"""What public runners send: uint8, float32, and the error of a reconstruction, beside tinynas's own int8."""

from __future__ import annotations

import re
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.deploy.compiler._bundle import expected
from tests.hil._public import classifier, expected_results, quantized_floats, reconstruction
from tests.hil.firmware._host import build_host_dut
from tinynas.deploy import Model
from tinynas.errors import ConfigError
from tinynas.hil.engines import check_model_id, public_defines

VALUES = 12
MODELS = {
    "ad01": reconstruction(VALUES),
    "ic01": classifier(4, 4, 3, classes=10),
    "kws01": classifier(7, 2, classes=12),
}


@pytest.fixture(scope="module")
def duts(tmp_path_factory):
    made = {}

    def dut(model_id):
        if model_id not in made:
            defines = public_defines(model_id, Model.of(MODELS[model_id]))
            made[model_id] = build_host_dut(MODELS[model_id], tmp_path_factory.mktemp(model_id), defines)
        return made[model_id]

    return dut


def upload(data: bytes, chunk: int = 31, *, with_crc: bool = False) -> bytes:
    parts = [data[at : at + chunk] for at in range(0, len(data), chunk)]
    crc = [f" crc {crc32(part):08x}" if with_crc else "" for part in parts]
    texts = [f"db {part.hex()}{end}%" for part, end in zip(parts, crc, strict=True)]
    return "".join([f"db load {len(data)}%", *texts]).encode()


def results_of(lines):
    (text,) = [match[1] for line in lines if (match := re.fullmatch(r"m-results-\[(.+)\]", line))]
    return [float(value) for value in text.split(",")]


def outputs_of(lines):
    (text,) = [match[1] for line in lines if (match := re.fullmatch(r"m-out-\[(.+)\]", line))]
    return np.frombuffer(bytes.fromhex(text), np.int8)


@pytest.mark.slow
@pytest.mark.parametrize("model_id", MODELS)
def test_the_id_is_what_runners_ask_for(duts, model_id):
    assert f"m-model-[{model_id}]" in duts(model_id).say(b"profile%")


@pytest.mark.parametrize("model_id", ["ic01", "kws01"])
def test_bytes_are_pixels_or_int8(duts, model_id):
    data = np.random.default_rng(1).bytes(duts(model_id).input_bytes)
    lines = duts(model_id).say(upload(data) + b"infer 1 0%db print%")
    np.testing.assert_allclose(results_of(lines), expected_results(model_id, MODELS[model_id], data), atol=1e-6)
    printed = "".join(line.removeprefix("m-buffer-") + "-" for line in lines if line.startswith("m-buffer-"))
    assert bytes.fromhex(printed.replace("-", "")) == data


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_floats_become_int8_as_in_the_reference(duts, data):
    number = st.floats(width=32) | st.integers(-300, 300).map(lambda n: n * 0.5 * scale)
    scale = Model.of(MODELS["ad01"]).input.quantization.scale[0]
    values = np.array(data.draw(st.lists(number, min_size=VALUES, max_size=VALUES)), np.float32)
    lines = duts("ad01").say(
        upload(values.astype("<f4").tobytes(), data.draw(st.integers(1, 60))) + b"infer 1 0%x-out%"
    )
    wanted = expected(MODELS["ad01"], quantized_floats(MODELS["ad01"], values)[None])[0]
    np.testing.assert_array_equal(outputs_of(lines), wanted)


def test_the_result_of_a_reconstruction_is_its_mean_squared_error(duts):
    values = np.random.default_rng(2).normal(0, 3, VALUES).astype("<f4")
    lines = duts("ad01").say(upload(values.tobytes()) + b"infer 2 1%")
    assert results_of(lines) == pytest.approx(expected_results("ad01", MODELS["ad01"], values.tobytes()), rel=1e-5)


@pytest.mark.parametrize("model_id", MODELS)
def test_chunks_with_checksums_are_int8_in_each_case(duts, model_id):
    model, dut = MODELS[model_id], duts(model_id)
    inputs = np.random.default_rng(5).integers(-128, 128, dut.input_bytes).astype(np.int8)
    before = upload(bytes(dut.input_bytes)) if model_id != "ad01" else upload(bytes(4 * VALUES))
    lines = dut.say(before + upload(inputs.tobytes(), with_crc=True) + b"infer 1 0%x-out%")
    np.testing.assert_array_equal(outputs_of(lines), expected(model, inputs[None])[0])
    assert len(results_of(lines)) == (1 if model_id == "ad01" else dut.output_bytes)


def test_the_error_of_int8_inputs_is_that_against_their_real_numbers(duts):
    model = Model.of(MODELS["ad01"])
    values = np.zeros(VALUES, np.float32)
    zero = np.full(VALUES, model.input.quantization.zero_point[0], np.int8)
    floats = duts("ad01").say(upload(values.tobytes()) + b"infer 1 0%")
    placed = b"x-in %d %08x%%" % (VALUES, crc32(zero.tobytes()))
    whole = upload(zero.tobytes(), with_crc=True)
    assert results_of(duts("ad01").say(whole + b"infer 1 0%")) == results_of(floats)
    # A probe writes where the floats left the same bytes.
    assert results_of(duts("ad01").say(upload(values.tobytes()) + placed + b"infer 1 0%")) == results_of(floats)


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (upload(bytes(VALUES)), f"e-[Loaded {VALUES} bytes, the model takes {4 * VALUES}]"),
        (b"db load %d%%" % (4 * VALUES + 1), f"e-[Command 'db load' takes up to {4 * VALUES} bytes]"),
        (b"db load 48%db 00%db 00 crc d202ef8d%", "e-[Chunks come all with a CRC, or all without one]"),
        (b"db load 48%db 00 crc d202ef8d%", "e-[Chunks come all with a CRC, or all without one]"),
        (b"db load 12%db 00 crc d202ef8d%db 00%", "e-[Chunks come all with a CRC, or all without one]"),
    ],
)
def test_halves_and_mixtures_are_refused(duts, sent, error):
    assert error in duts("ad01").say(sent + b"infer 1 0%x-in%")


class TestIds:
    @pytest.mark.parametrize("model_id", ["", "kws 01", "x]", "a" * 32, "-x", 'a"b'])
    def test_what_is_no_id(self, model_id):
        with pytest.raises(ConfigError, match="is no id"):
            check_model_id(model_id)

    def test_one_of_ones_own_is_int8(self):
        assert public_defines("walk-2.0", Model.of(MODELS["kws01"])) == ('DUT_MODEL_ID="walk-2.0"',)

    def test_a_classifier_is_no_reconstruction(self):
        with pytest.raises(ConfigError, match="as many outputs as inputs: not 12 of 14"):
            public_defines("ad01", Model.of(MODELS["kws01"]))
