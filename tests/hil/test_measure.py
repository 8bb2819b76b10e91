"""Measurements: of a device whose figures are known, and of networks on all virtual boards."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile

import numpy as np
import psutil
import pytest

from tests.deploy.candidates import converted
from tinynas.board import load_board
from tinynas.deploy import compile_model
from tinynas.errors import FlashOverflow, ParityError, RamOverflow
from tinynas.hil import measure as module
from tinynas.hil.image import build_image
from tinynas.hil.measure import measure, measure_image
from tinynas.hil.reference import Reference, random_window, reference_of
from tinynas.hil.toolchain import Toolchain
from tinynas.tcn import Architecture

from ._images import TOOLCHAINS, small_model
from ._rigs import INFERENCE_US, FakeRig, ImageDevice

BOARDS = ["arduino_nano_33_ble", "nucleo_f446re", "nucleo_f746zg", "nucleo_l476rg"]
MODEL = small_model()


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return build_image(load_board("nucleo_f446re"), compile_model(MODEL), tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def inputs():
    return np.stack([random_window(MODEL, np.random.default_rng(i)) for i in range(2)])


@pytest.fixture(scope="module")
def device(image):
    return ImageDevice(image, MODEL)


@pytest.fixture(scope="module")
def measured(image, inputs, device):
    rig = FakeRig(lambda image: device)
    return measure_image(rig, image, inputs, reference_of(MODEL, inputs), macs=99, laps=4)


class TestFigures:
    def test_time_is_that_of_the_inference_alone(self, measured, image):
        assert (measured.latency_us, measured.latency_spread_us, measured.laps) == (INFERENCE_US, 0, 4)
        assert measured.cycles == INFERENCE_US * 180

    def test_memory_is_of_the_image_and_of_the_run(self, measured, image):
        assert measured.flash_bytes == image.flash_bytes
        assert measured.static_ram_bytes == image.static_ram_bytes
        assert (measured.stack_bytes, measured.sram_bytes) == (420, image.static_ram_bytes + 420)

    def test_it_says_where_it_comes_from(self, measured, image):
        data = json.loads(json.dumps(measured.to_dict()))
        assert data["source"] == "serial"
        assert data["toolchain"] == image.toolchain
        assert (data["image_hash"], data["model_hash"]) == (image.image_hash, image.model_hash)
        assert (data["parity"], data["referee"], data["macs"]) == (True, "tflm", 99)

    def test_laps_last_long_enough_for_the_clock(self, measured, device):
        counts = [int(command.split()[1]) for command in device.received if command.startswith("infer")]
        assert counts[0] == 1  # of the first input
        assert max(counts) * INFERENCE_US >= module._LAP_US
        assert device.received.count("x-out") == 2


def test_jitter_shows_in_the_spread(image, inputs):
    class Jittery(ImageDevice):
        def _infer(self, words):
            lines = super()._infer(words)
            if int(words[0]) > 5:
                self.lap = getattr(self, "lap", 0) + 1
                self.clock += 100 * self.lap
                lines = [f"m-lap-us-{self.clock}" if n == 4 else line for n, line in enumerate(lines)]
            return lines

    rig = FakeRig(lambda image: Jittery(image, MODEL))
    measured = measure_image(rig, image, inputs, reference_of(MODEL, inputs), macs=0, laps=5)
    assert measured.latency_spread_us > 0
    assert INFERENCE_US < measured.latency_us < 1.2 * INFERENCE_US


@pytest.mark.parametrize("which", [0, 1])
def test_one_wrong_byte_is_a_parity_error(image, inputs, which):
    true = reference_of(MODEL, inputs)
    outputs = true.outputs.copy()
    outputs[which, -1] ^= 1
    rig = FakeRig(lambda image: ImageDevice(image, MODEL))
    with pytest.raises(ParityError, match=f"1 of {outputs.shape[1]} outputs differ"):
        measure_image(rig, image, inputs, Reference("tflm", 0, outputs), macs=0)


@pytest.mark.parametrize(("key", "error"), [("flash", FlashOverflow), ("sram", RamOverflow)])
def test_what_does_not_fit_never_reaches_the_board(monkeypatch, key, error):
    board = load_board("nucleo_f446re")
    size = {"flash": 17 << 10, "sram": 7 << 10}[key]
    if key == "flash":
        board = dataclasses.replace(board, flash=dataclasses.replace(board.flash, size_bytes=size))
    else:
        board = dataclasses.replace(board, sram=(dataclasses.replace(board.sram[0], size_bytes=size),))
    rig = FakeRig(lambda image: pytest.fail("it was started"))
    monkeypatch.setattr(module, "rig_for", lambda *arguments, **options: rig)
    with pytest.raises(error, match="bytes of"):
        measure(board, network(filters=24, window=200))
    assert rig.starts == 0


def network(filters=8, window=100):
    return converted(
        Architecture(filters, 4, (1, 2, 4, 8), window=window, channels=6, skip_connections=True, outputs=2)
    )


@pytest.mark.emulator
class TestVirtualBoards:
    @pytest.mark.parametrize("board", BOARDS)
    def test_a_network_is_measured(self, board):
        board, model = load_board(board), network()
        measured = measure(board, model)
        compiled = compile_model(model)
        assert (measured.board, measured.engine, measured.source, measured.parity) == (
            board.name,
            "aot",
            "virtual",
            True,
        )
        assert measured.macs == compiled.macs
        assert compiled.weights_bytes < measured.flash_bytes < compiled.weights_bytes + 24 * 1024
        assert compiled.arena_bytes < measured.static_ram_bytes < compiled.arena_bytes + 4 * 1024
        assert 100 < measured.stack_bytes < board.reserves.stack_bytes
        assert 1.0 < measured.cycles / measured.macs < 6.0
        assert 1.0 < measured.instructions / measured.macs < measured.cycles / measured.macs + 1.0
        assert measured.latency_us == pytest.approx(1e6 * measured.cycles / board.clock_hz, rel=1e-3)

    def test_figures_repeat_exactly(self):
        board, model = load_board("nucleo_f446re"), network()
        assert measure(board, model) == measure(board, model)

    @pytest.mark.parametrize("kind", TOOLCHAINS)
    def test_either_compiler_gives_the_same_outputs(self, kind):
        measured = measure(load_board("nucleo_f746zg"), network(), toolchain=Toolchain.detect(kind))
        assert measured.parity

    def test_measurements_leave_nothing_behind(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        board, me = load_board("nucleo_l476rg"), psutil.Process()
        others = me.children()  # of other tests in this process
        measure(board, MODEL)
        before = (me.num_fds(), me.num_threads(), me.children(), list(tmp_path.iterdir()))
        for _ in range(5):
            measure(board, MODEL)
        assert (me.num_fds(), me.num_threads(), me.children(), list(tmp_path.iterdir())) == before
        assert before[2:] == (others, [])

    def test_a_candidate_takes_less_than_five_seconds_with_its_build(self):
        board, model = load_board("nucleo_f446re"), network(filters=24, window=200)
        measure(board, network())  # compiles the firmware, loads the libraries
        start = cpu_seconds()
        measure(board, model)
        assert cpu_seconds() - start < 5


def cpu_seconds():
    """Of this process and of those that it waited for: a busy machine does not count, and nothing here runs at once."""
    return sum(os.times()[:4])
