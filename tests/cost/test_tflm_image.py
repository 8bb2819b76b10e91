"""Images of this firmware around TensorFlow Lite Micro: what is foreseen against what was linked and measured.

The figures are those of images for a NUCLEO-F446RE (GCC 12.2.1 of Debian; TensorFlow Lite Micro of 20 August 2026, made
for cortex-m4+fp with cmsis_nn), run on a virtual board.
"""

import pytest

from tinynas.board import load_board
from tinynas.cost import Engine, estimate, measure_graph
from tinynas.deploy import read_graph
from tinynas.network import TCN
from tinynas.network.families import CNN, MinGRU, SeparableTCN

IN_FIRMWARE = Engine.tflm(board=load_board("nucleo_f446re"))
BLOCKS = {"filters": 16, "kernel_size": 5, "dilations": (1, 2, 4, 8), "window": 200}
LINKED = [
    (TCN(**BLOCKS, channels=9), 107_460, 1_432),
    (SeparableTCN(**BLOCKS, channels=6), 125_680, 1_468),
    (CNN(filters=16, kernel_size=5, strides=(4, 2, 2), window=200, channels=6), 94_900, 1_396),
    (MinGRU(filters=16, kernel_size=5, strides=(4, 4), units=16, steps=8, window=200, channels=6), 134_460, 2_620),
]


@pytest.mark.parametrize(("network", "flash", "variables"), LINKED, ids=lambda value: getattr(value, "family", None))
def test_of_each_family(network, flash, variables):
    """Flash without the model, and .data and .bss, in which the output and its real numbers take 5 bytes a value."""
    cost = estimate(network, IN_FIRMWARE)
    assert cost.flash_bytes - cost.tflite_bytes == flash
    assert cost.sram_bytes - cost.arena_bytes == pytest.approx(variables + 1_544, abs=32)


@pytest.mark.parametrize(
    ("name", "flash", "sram"),
    [("t8", 114_740, 13_784), ("t16", 122_044, 22_744), ("t24", 133_696, 30_392), ("t8c2d", 109_248, 11_588)],
)
def test_of_models_that_were_measured(anchors, name, flash, sram):
    _, model = anchors[name]
    cost = measure_graph(read_graph(model), len(model), LINKED[0][0], IN_FIRMWARE)
    assert cost.flash_bytes == flash
    assert 0 <= cost.sram_bytes - sram <= 48
