"""The whole program on a virtual board, by the protocol."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests._tools import needs
from tests.deploy.test_path import RATE_HZ, STRIDE, WINDOW, network, run_on_host, settings
from tests.hil.emulator._programs import emulated
from tests.odometry.test_attitude_twin import walk
from tinynas.board import load_board
from tinynas.cli import main
from tinynas.deploy import compile_path
from tinynas.errors import BoardError
from tinynas.hil.boards import rig_for, started
from tinynas.hil.image import build_image
from tinynas.hil.path import PATH, measure_path, replay

pytestmark = emulated


@pytest.mark.slow
def test_what_the_program_costs_beside_the_network():
    whole = measure_path(load_board("nucleo_f446re"), network(), settings())
    alone = whole.network
    assert 200 <= whole.sram_bytes - alone.sram_bytes < 600  # two filters' states, a path, some stack
    assert 3000 < whole.flash_bytes - alone.flash_bytes < 8000
    assert 800 < whole.sample_cycles <= whole.sample_cycles_max < 3500
    assert whole.stride_cycles > (STRIDE - 1) * whole.sample_cycles + 0.9 * alone.cycles
    assert whole.load == pytest.approx(whole.stride_cycles / (180e6 * STRIDE / RATE_HZ))


@pytest.mark.slow
@needs("gcc")
def test_a_board_repeats_a_recording_bit_for_bit(tmp_path):
    rows = np.concatenate(walk(41, WINDOW + STRIDE, RATE_HZ, wild=False), axis=1)
    program, board = compile_path(network(), settings()), load_board("nucleo_f446re")
    expected = run_on_host(program, rows, tmp_path)
    image = build_image(board, program, tmp_path / "image", runtime=PATH)
    with started(rig_for(board, "virtual"), image) as dut:
        with pytest.raises(BoardError, match="x-push"):
            dut.push([0.0] * 9)  # no path has begun
        steps = replay(dut, rows.tolist())
    found = np.array([[*step.velocity_m_s, *step.position_m] for step in steps if step.fresh], np.float32)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
def test_the_command_line_reports_both(tmp_path, capsys):
    model = tmp_path / "model.tflite"
    model.write_bytes(network())
    options = ["--path", "--stride", "5", "--turns", "4", "--json"]
    assert main(["measure", str(model), "--board", "nucleo_f446re", *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["path"]["stride"], found["path"]["turns"]) == (5, 4)
    assert found["path"]["flash_bytes"] > found["flash_bytes"]
    assert 3.9 * found["cycles"] < found["path"]["stride_cycles"] < 4.6 * found["cycles"]  # four inferences, no fifth
