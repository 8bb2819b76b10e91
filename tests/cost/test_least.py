"""Lower bounds of costs: never above the estimate, near enough to be of use."""

from dataclasses import replace

import numpy as np
import pytest

from tinynas.board import load_board
from tinynas.cost import Engine, estimate, least_costs
from tinynas.network.families import (
    TCN,
    ConvolutionalSearchSpace,
    RecurrentSearchSpace,
    SearchSpace,
    SeparableSearchSpace,
)

BOARD = load_board("nucleo_f446re")
ENGINES = {
    "aot-gcc": Engine.aot(BOARD, "gcc"),
    "aot-zig": Engine.aot(BOARD, "zig"),
    "aot-gcc armv6-m": Engine.aot(load_board("nucleo_g071rb"), "gcc"),
    "aot-zig armv6-m": Engine.aot(load_board("nucleo_g071rb"), "zig"),
    "tflm-cmsis_nn": Engine.tflm(),
    "tflm-reference": Engine.tflm("reference"),
    "tflm-in-firmware": Engine.tflm(board=load_board("nucleo_f446re")),
}
ODD = {"dilations": (1, 3, 5, 7, 12, 30, 199, 200, 400), "blocks": (1, 9), "kernel_size": (1, 40), "filters": (1, 40)}
SPACES = {
    "tcn": SearchSpace(),
    "ds_tcn": SeparableSearchSpace(),
    "odd": SearchSpace(**ODD),
    "grown": SearchSpace(**ODD, growth=(1 / 8, 8), squeeze=(1, 2, 3)),
    "expanded": SeparableSearchSpace(kernel_size=(1, 30), growth=(1 / 4, 4), expansion=(1, 2, 6)),
    "cnn": ConvolutionalSearchSpace(kernel_size=(1, 30), strides=(1, 2, 7), blocks=(1, 6), growth=(1, 4)),
    "gru": RecurrentSearchSpace(kernel_size=(1, 30), strides=(1, 3), steps=(2, 4), blocks=(1, 3)),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("space", SPACES)
def test_no_network_costs_less(space, engine):
    rng = np.random.default_rng(3)
    for _ in range(40):
        shape = {"window": int(rng.choice([200, 100, 31, 9])), "channels": int(rng.choice([1, 3, 6, 9]))}
        network = SPACES[space].sample(rng, **shape)
        dtype = "float32" if engine.startswith("tflm") and rng.random() < 0.3 else "int8"
        cost, least = estimate(network, ENGINES[engine], dtype), least_costs(network, ENGINES[engine], dtype)
        assert least.sram_bytes <= cost.sram_bytes, network.key
        assert least.flash_bytes <= cost.flash_bytes, network.key


@pytest.mark.parametrize("engine", ENGINES)
def test_it_bounds_networks_of_smaller_dilations_too(engine):
    rng = np.random.default_rng(4)
    for _ in range(40):
        wide = SPACES["tcn"].sample(rng, window=100, channels=6)
        dilations = np.minimum(np.sort(rng.integers(1, 120, wide.blocks)), wide.dilations)
        narrow = replace(wide, dilations=tuple(int(d) for d in dilations))
        cost, least = estimate(narrow, ENGINES[engine]), least_costs(wide, ENGINES[engine])
        assert least.sram_bytes <= cost.sram_bytes, narrow.key
        assert least.flash_bytes <= cost.flash_bytes, narrow.key


@pytest.mark.parametrize(("engine", "sram", "flash"), [("aot-gcc", 100, 2000), ("tflm-cmsis_nn", 1000, 1500)])
def test_it_is_near_for_the_smallest_networks(engine, sram, flash):
    network = TCN(filters=2, kernel_size=2, dilations=(1, 2, 4), window=200, channels=6)
    cost, least = estimate(network, ENGINES[engine]), least_costs(network, ENGINES[engine])
    assert cost.sram_bytes - least.sram_bytes < sram
    assert cost.flash_bytes - least.flash_bytes < flash
