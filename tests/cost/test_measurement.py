"""Costs as records."""

import json

import pytest

from tinynas.board import load_board
from tinynas.cost import Engine, Measurement, estimate
from tinynas.errors import ConfigError
from tinynas.tcn import Architecture

COST = estimate(Architecture(filters=4, kernel_size=3, dilations=(1, 2), window=20, channels=3), Engine.tflm())


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


def test_an_engine_of_unknown_kernels():
    with pytest.raises(ConfigError, match=r"'avx' is not a kernel library.*reference, cmsis_nn"):
        Engine.tflm("avx")


def test_an_engine_of_an_unknown_compiler():
    with pytest.raises(ConfigError, match=r"'armcc' is not a compiler.*gcc, zig"):
        Engine.aot(load_board("nucleo_f446re"), "armcc")
