"""Tables of sizes in the documentation: what is computed agrees to the digit, what is built to a few bytes."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import pytest

from tests._tools import needs
from tinynas.board import list_boards, load_board
from tinynas.cost import Engine, estimate
from tinynas.deploy import compile_model
from tinynas.hil.image import Toolchain, build_image
from tinynas.network import CNN, TCN, MinGRU, SeparableTCN

DOCS = Path(__file__).parents[2] / "docs"
WINDOW = {"window": 200, "channels": 6}
#: The rows of docs/networks.md.
NETWORKS = (
    TCN(filters=12, kernel_size=6, dilations=(1, 4, 16), **WINDOW),
    SeparableTCN(filters=20, kernel_size=9, dilations=(1, 4, 16), **WINDOW),
    CNN(filters=16, kernel_size=8, strides=(3, 2, 2), **WINDOW),
    CNN(filters=16, kernel_size=8, strides=(3, 2, 2), pool="mean", **WINDOW),
    MinGRU(filters=16, kernel_size=8, strides=(4, 2), units=16, steps=16, **WINDOW),
)
#: Weights of another processor's floats make other immediate values.
CLOSE_BYTES = 24


def table(page: str, heading: str) -> list[list[str]]:
    """The rows below a heading, cell by cell."""
    text = (DOCS / page).read_text(encoding="utf-8")
    _, found, rest = text.partition(f"\n| {heading} |\n")
    assert found, f"{page} has no such table"
    rows = takewhile(lambda line: line.startswith("|"), rest.splitlines()[1:])
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_what_networks_cost_is_what_the_resource_model_says():
    engine = Engine.aot(load_board("nucleo_f446re"))
    rows = table("networks.md", "network | weights | MACs | SRAM | flash | arena | .tflite")
    found = []
    for network in NETWORKS:
        one = estimate(network, engine)
        interpreted = estimate(network, Engine.tflm())
        found.append(
            [one.parameters, one.macs, one.sram_bytes, one.flash_bytes, interpreted.arena_bytes, one.tflite_bytes]
        )
    assert [[number(cell) for cell in row[1:]] for row in rows] == found


def test_both_pages_have_the_same_table_of_all_boards():
    short = table("hil.md", "board | flash | static RAM | stack | instructions")
    long = table("benchmarks.md", "board | flash | static RAM | stack | instructions | cycles | time")
    assert [row[:5] for row in long] == short
    assert [row[0].strip("`") for row in short] == sorted(list_boards())
    for row in long:
        clock_hz = load_board(row[0].strip("`")).clock_hz
        assert number(row[5]) / clock_hz * 1000 == pytest.approx(float(row[6].removesuffix(" ms")), abs=0.006)


BUILT = table("hil.md", "board | flash | static RAM | stack | instructions")


@pytest.fixture(scope="module")
def demo():
    import hil

    return compile_model(hil.untrained(0))


@pytest.mark.slow
@needs("arm-none-eabi-gcc")
@pytest.mark.parametrize("row", BUILT, ids=[row[0].strip("`") for row in BUILT])
def test_images_are_as_large_as_the_table_says(row, demo, tmp_path):
    image = build_image(load_board(row[0].strip("`")), demo, tmp_path, toolchain=Toolchain.detect("gcc"))
    assert image.flash_bytes == pytest.approx(number(row[1]), abs=CLOSE_BYTES)
    assert image.static_ram_bytes == number(row[2])
