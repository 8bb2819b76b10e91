"""Images in a third simulator, LabWired: unmodified, on chips of others' making.

It starts them, but no byte reaches them (docs/hil.md), so that the greeting is all that can be asked for.
"""

from __future__ import annotations

import pytest

from tests._tools import needs
from tests.hil._images import small_model
from tinynas.board import load_board
from tinynas.deploy import compile_model
from tinynas.hil.image import build_image

labwired = pytest.importorskip("labwired", reason="labwired is not installed")


@pytest.mark.slow
@pytest.mark.emulator
@needs("a cross compiler")
@pytest.mark.parametrize(
    ("name", "chip", "uart"), [("raspberry_pi_pico", "rp2040", "uart0"), ("nucleo_g071rb", "stm32g071", "usart2")]
)
def test_an_image_starts_and_greets(name, chip, uart, tmp_path):
    image = build_image(load_board(name), compile_model(small_model()), tmp_path)
    with labwired.Sim(image.elf, chip=chip, uart=uart) as simulator:
        simulator.expect("m-init-done\r\nm-ready\r\n", timeout="20ms")
        if name == "nucleo_g071rb":  # its divider is of the PLL's clock, which that chip says is locked
            assert simulator.read_u32(0x4000440C) == pytest.approx(64_000_000 / 115_200, abs=1)
