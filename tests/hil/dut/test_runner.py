"""MLPerf Tiny's side of the protocol drives a virtual board to the end of its scripts."""

from __future__ import annotations

import sys
from contextlib import closing

import numpy as np
import pytest

from tests.hil._public import classifier, expected_results, reconstruction
from tests.hil.dut._runner import Runner, Script
from tests.hil.emulator._programs import emulated
from tinynas.board import load_board
from tinynas.deploy import Model, compile_model
from tinynas.hil.dut import Dut, SerialLink
from tinynas.hil.emulator import VirtualTerminal
from tinynas.hil.engines import public_defines
from tinynas.hil.image import build_image

pytestmark = [*emulated, pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")]

BOARD = load_board("nucleo_f446re")
# The public models' kinds, with fewer values: a virtual board takes its time for each chunk.
MODELS = {
    "ad01": reconstruction(24),
    "kws01": classifier(10, 7, classes=12),
    "ic01": classifier(5, 5, 3, classes=10),
}
SCRIPTS = {"ad01": Script(96, 1), "kws01": Script(70, 12), "ic01": Script(75, 10)}


def wait_for_start(port):
    """A board whose banner comes after the runner has opened its port gets every later reply one command too late."""
    with closing(SerialLink(port, 115_200)) as link:
        Dut(link).handshake(60.0)


@pytest.mark.slow
@pytest.mark.parametrize("model_id", MODELS)
def test_performance_and_accuracy(model_id, tmp_path):
    model = Model.of(MODELS[model_id])
    image = build_image(BOARD, compile_model(model), tmp_path, defines=public_defines(model_id, model))
    rng = np.random.default_rng(6)
    size = SCRIPTS[model_id].input_bytes
    files = [rng.normal(0, 9, size // 4).astype("<f4").tobytes() if model_id == "ad01" else rng.bytes(size)
             for _ in range(5)]  # fmt: skip
    with VirtualTerminal(BOARD, image.elf) as terminal:
        wait_for_start(terminal.path)
        runner = Runner(terminal.path, SCRIPTS)
        try:
            assert (runner.vendor, runner.model) == ("tinynas", model_id)
            assert runner.measure_throughput(files) > 0
            results = runner.results(files[:2])
        finally:
            runner.close()
    wanted = [expected_results(model_id, MODELS[model_id], content) for content in files[:2]]
    np.testing.assert_allclose(results, wanted, rtol=1e-5, atol=1e-6)
