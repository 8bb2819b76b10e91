"""Costs as records."""

import json

import pytest

from tinynas.board import load_board
from tinynas.cost import Engine, estimate
from tinynas.errors import ConfigError
from tinynas.measurement import Measurement
from tinynas.network import TCN

COST = estimate(TCN(filters=4, kernel_size=3, dilations=(1, 2), window=20, channels=3), Engine.tflm())


def test_a_measurement_survives_json():
    assert Measurement.from_dict(json.loads(json.dumps(COST.to_dict()))) == COST


def test_fields_of_a_newer_version_are_left_out():
    assert Measurement.from_dict({**COST.to_dict(), "colour": "red"}) == COST


def test_fields_that_an_older_version_lacked_are_unknown():
    fields = {k: v for k, v in COST.to_dict().items() if k != "sparse_sram_bytes"}
    assert Measurement.from_dict(fields).sparse_sram_bytes is None


def test_a_measurement_is_final():
    with pytest.raises(AttributeError):
        COST.sram_bytes = 0


def test_what_is_measured_stands_beside_what_was_predicted():
    found = Measurement(104, 910, 5, "virtual", "aot", 60, stack_bytes=30, toolchain="gcc 12")
    predicted = Measurement(100, 900, 6, "proxy", "aot", 61, kernels="tinynas", parameters=7, stack_bytes=28)
    both = found.beside(predicted)
    assert (both.sram_bytes, both.flash_bytes, both.macs, both.stack_bytes) == (104, 910, 5, 30)
    assert (both.predicted_sram_bytes, both.predicted_flash_bytes, both.predicted_stack_bytes) == (100, 900, 28)
    assert (both.kernels, both.parameters, both.toolchain, both.source) == ("tinynas", 7, "gcc 12", "virtual")


def test_an_engine_of_unknown_kernels():
    with pytest.raises(ConfigError, match=r"'avx' is not a kernel library.*reference, cmsis_nn"):
        Engine.tflm("avx")


def test_an_engine_of_an_unknown_compiler():
    with pytest.raises(ConfigError, match=r"'armcc' is not a compiler.*gcc, zig"):
        Engine.aot(load_board("nucleo_f446re"), "armcc")
