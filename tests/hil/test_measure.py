"""Measurements: of a device whose figures are known, and of networks on all virtual boards."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from contextlib import contextmanager

import numpy as np
import psutil
import pytest

from tests._boards import EVERY_BOARD
from tests._tools import COMPILERS
from tests.deploy.candidates import converted
from tests.hil._images import small_model
from tests.hil._rigs import INFERENCE_US, FakeRig, ImageDevice
from tests.hil.power._meters import Shield, ascii_stream, metered, pulsed
from tinynas.board import load_board
from tinynas.deploy import compile_model
from tinynas.errors import BoardError, ConfigError, FlashOverflow, LinkTimeout, ParityError, RamOverflow
from tinynas.hil import measure as module
from tinynas.hil.image import Toolchain, build_image
from tinynas.hil.measure import measure, measure_image
from tinynas.hil.parity import Reference, random_window, reference_of
from tinynas.hil.power import Lpm01a, Mark
from tinynas.network import TCN

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
        assert data["source"] == "hil"
        assert data["toolchain"] == image.toolchain
        assert (data["image_hash"], data["model_hash"]) == (image.image_hash, image.model_hash)
        assert (data["parity"], data["referee"], data["macs"]) == (True, "tflm", 99)

    def test_laps_last_long_enough_for_the_clock(self, measured, device):
        counts = [int(command.split()[1]) for command in device.received if command.startswith("infer")]
        assert counts[0] == 1  # of the first input
        assert max(counts) * INFERENCE_US >= module._LAP_US
        assert sum(command.startswith("x-out") for command in device.received) == 2


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


@pytest.mark.slow
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


class Meter:
    """Sees a window of 10 s, in which the board takes a joule; notes when it is asked for what."""

    name, resolution_s, remedy = "meter", 0.001, ""

    def __init__(self, events):
        self.events = events

    def start(self):
        self.events.append("start")

    def pulse(self):
        self.events.append("pulse")

    def stop(self):
        self.events.append("stop")
        return Mark(3.0, 2.0), Mark(13.0, 3.0)

    def close(self):
        self.events.append("close")


class TestEnergy:
    BOARD, COUNT = load_board("nucleo_f446re"), -(-10_000_000 // INFERENCE_US)

    @pytest.fixture
    def events(self, monkeypatch):
        """A board that notes its start and its end beside the meter."""
        events = []

        class NotingRig(FakeRig):
            @contextmanager
            def running(self, image):
                events.append("flash")
                with super().running(image) as link:
                    yield link
                events.append("left")

        monkeypatch.setattr(module, "rig_for", lambda *arguments, **options: NotingRig(self.device))
        monkeypatch.setattr(module, "open_meter", lambda spec: events.append(spec) or Meter(events))
        return events

    def device(self, image):
        self.last = ImageDevice(image, MODEL)
        return self.last

    def test_is_unknown_without_a_meter(self, measured):
        assert (measured.energy_uj, measured.energy_inferences) == (None, None)

    def test_is_the_mean_of_ten_seconds_and_the_meter_is_on_all_the_while(self, events):
        measured = measure(self.BOARD, MODEL, link="port", meter="lpm01a:COM5")
        assert measured.energy_inferences == self.COUNT
        assert measured.energy_uj == pytest.approx(1e6 / self.COUNT)
        assert events == ["lpm01a:COM5", "flash", "start", "pulse", "pulse", "stop", "left", "close"]
        assert sum(command.startswith(f"infer {self.COUNT} 1 ") for command in self.last.received) == 1

    def test_the_power_shield_s_stream(self, image, inputs):
        reference, samples = reference_of(MODEL, inputs), round(self.COUNT * INFERENCE_US / 1000)
        with metered(Shield(ascii_stream(*pulsed(50, samples, high=3000)))) as link:
            meter = Lpm01a(link)
            rig = FakeRig(self.device)
            measured = [measure_image(rig, image, inputs, reference, macs=0, laps=2, meter=meter) for _ in range(2)]
            meter.close()
        assert measured[0] == measured[1]
        assert measured[0].energy_uj == pytest.approx(samples * 3000e-8 / self.COUNT * 1e6)
        assert measured[0].latency_us == INFERENCE_US

    def test_a_fault_of_the_meter_is_one_of_the_rig_and_closes_it(self, events, monkeypatch):
        def silent(meter):
            raise LinkTimeout("sends nothing")

        monkeypatch.setattr(Meter, "stop", silent)
        with pytest.raises(BoardError) as caught:
            measure(self.BOARD, MODEL, link="port", meter="ina228:COM5")
        assert caught.value.disposition == "retry"
        assert events == ["ina228:COM5", "flash", "start", "pulse", "pulse", "close"]

    @pytest.mark.parametrize(
        ("board", "link", "meter", "said"),
        [
            (BOARD, "virtual", "lpm01a:COM5", "takes no current"),
            (BOARD, "auto", "watt:COM5", "names no meter"),
            (dataclasses.replace(BOARD, trigger_pin=None), "auto", "lpm01a:COM5", "begin and end"),
            (dataclasses.replace(BOARD, trigger_pin=None), "auto", "ina228:COM5", "begin and end"),
        ],
    )
    def test_what_cannot_be_is_refused_before_anything_is_opened(self, events, board, link, meter, said):
        with pytest.raises(ConfigError, match=said):
            measure(board, MODEL, link=link, meter=meter)
        assert events == []

    def test_a_chip_that_the_host_reads_needs_no_trigger_pin(self, events):
        board = dataclasses.replace(self.BOARD, trigger_pin=None)
        assert measure(board, MODEL, link="port", meter="ina228:/dev/i2c-1").energy_uj > 0
        assert events[0] == "ina228:/dev/i2c-1"


def network(filters=8, window=100):
    return converted(TCN(filters, 4, (1, 2, 4, 8), window=window, channels=6, skip_connections=True, outputs=2))


@pytest.mark.emulator
class TestVirtualBoards:
    @pytest.mark.parametrize("board", EVERY_BOARD)
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
        baseline = board.core == "cortex-m0plus"  # it has no instruction for two products, nor for long ones
        assert 1.0 < measured.cycles / measured.macs < (30.0 if baseline else 6.0)
        assert 1.0 < measured.instructions / measured.macs < measured.cycles / measured.macs + 1.0
        assert measured.latency_us == pytest.approx(1e6 * measured.cycles / board.clock_hz, rel=1e-3)

    def test_figures_repeat_exactly(self):
        board, model = load_board("nucleo_f446re"), network()
        assert measure(board, model) == measure(board, model)

    @pytest.mark.slow
    @pytest.mark.parametrize("kind", COMPILERS)
    def test_either_compiler_gives_the_same_outputs(self, kind):
        measured = measure(load_board("nucleo_f746zg"), network(), toolchain=Toolchain.detect(kind))
        assert measured.parity

    @pytest.mark.slow
    def test_measurements_leave_nothing_behind(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        board, me = load_board("nucleo_l476rg"), psutil.Process()
        others = me.children()  # of other tests in this process, which may end meanwhile
        measure(board, MODEL)
        before = (me.num_fds(), me.num_threads())
        for _ in range(5):
            measure(board, MODEL)
        assert me.num_fds() <= before[0]
        assert me.num_threads() <= before[1]
        assert not set(me.children()) - set(others)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.slow
    def test_a_candidate_takes_a_few_seconds_with_its_build(self):
        board, model = load_board("nucleo_f446re"), network(filters=24, window=200)
        measure(board, network())  # compiles the firmware, loads the libraries
        start = cpu_seconds()
        measure(board, model)
        assert cpu_seconds() - start < 8  # 4.2 on two cores with nothing else to do


def cpu_seconds():
    """Of this process and of those that it waited for: a busy machine does not count, and nothing here runs at once."""
    return sum(os.times()[:4])
