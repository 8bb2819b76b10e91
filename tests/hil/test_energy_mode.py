"""MLPerf Tiny's energy build: what it says, what it does not, and that it stays on the board."""

from __future__ import annotations

import dataclasses
import json
import re
from contextlib import contextmanager

import pytest

from tests.hil._images import small_model
from tests.hil._public import classifier, expected_results
from tests.hil.emulator._programs import emulated
from tests.hil.firmware._host import build_host_dut
from tinynas.board import load_board
from tinynas.cli import main
from tinynas.errors import ConfigError, ProtocolError
from tinynas.hil import energy_mode as module
from tinynas.hil.boards import VirtualRig
from tinynas.hil.dut import Dut
from tinynas.hil.energy_mode import energy_board, put_energy_build
from tinynas.hil.image import board_header

F446 = load_board("nucleo_f446re")
MODEL = classifier(7, 2, classes=12)


class TestBoard:
    def test_talks_at_9600_baud(self):
        assert energy_board(F446).uart.baud == 9600
        assert "BOARD_UART_BAUD 9600u" in board_header(energy_board(F446))

    @pytest.mark.parametrize(("changes", "key"), [({"trigger_pin": None}, "trigger_pin"), ({"uart": None}, "uart")])
    def test_needs_a_port_and_a_pin(self, changes, key):
        with pytest.raises(ConfigError) as caught:
            energy_board(dataclasses.replace(F446, **changes))
        assert caught.value.where == f"nucleo_f446re:{key}"


@pytest.fixture(scope="module")
def dut(tmp_path_factory):
    dut = build_host_dut(MODEL, tmp_path_factory.mktemp("energy"), ["DUT_ENERGY", 'DUT_MODEL_ID="kws01"'])
    return dataclasses.replace(dut, banner=("m-timestamp-mode-energy", "m-init-done", "m-ready"))


class TestProtocol:
    """On this machine, with sanitizers."""

    def test_times_are_not_told(self, dut):
        data = bytes(range(14))
        lines = dut.say(b"timestamp%%db load 14%%db %s%%infer 3 2%%" % data.hex().encode())
        assert not [line for line in lines if line.startswith("m-lap")]
        reply = lines[lines.index("m-warmup-start-2") :]
        assert reply[:4] == ["m-warmup-start-2", "m-warmup-done", "m-infer-start-3", "m-infer-done"]
        (results,) = [match[1] for line in reply if (match := re.fullmatch(r"m-results-\[(.*)\]", line))]
        assert [float(value) for value in results.split(",")] == pytest.approx(
            expected_results("kws01", MODEL, data), abs=1e-6
        )

    def test_the_client_takes_no_time_for_none(self, dut):
        with dut.link() as link:
            client = Dut(link)
            client.handshake()
            client.load(bytes(14))
            assert len(client.infer_untimed(2, 1)) == 12
            with pytest.raises(ProtocolError, match="expected two laps"):
                client.infer(1)


class TestOnABoard:
    pytestmark = emulated

    # By the registers of each kind of serial port.
    @pytest.mark.slow
    @pytest.mark.parametrize("name", [F446.name, "nucleo_l476rg", "arduino_nano_33_ble", "raspberry_pi_pico"])
    def test_it_computes_what_it_should_and_is_the_last_on_the_board(self, name, tmp_path, monkeypatch):
        started = []

        class Noting(VirtualRig):
            @contextmanager
            def running(self, image):
                started.append(image)
                with super().running(image) as link:
                    yield link

        asked = []
        monkeypatch.setattr(module, "rig_for", lambda board, link, **how: asked.append((board, link)) or Noting())
        image = put_energy_build(load_board(name), small_model(), tmp_path, link="port")
        assert [one.image_hash for one in started] == [image.image_hash]
        assert [(board.uart.baud, link) for board, link in asked] == [(9600, "port")]
        assert (tmp_path / "image.elf").exists()
        assert b"mode-energy" in image.binary

    @pytest.mark.slow
    def test_by_command(self, tmp_path, capsys):
        path = tmp_path / "kws.tflite"
        path.write_bytes(MODEL)
        keep = tmp_path / "keep"
        command = ["measure", str(path), "--board", F446.name, "--model-id", "kws01", "--energy-mode"]
        assert main([*command, "--keep", str(keep), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["energy_build"]["flash_bytes"] == (keep / "energy" / "image.bin").stat().st_size
        assert b"mode-energy" in (keep / "energy" / "image.bin").read_bytes()
        assert b"mode-performance" in (keep / "image.bin").read_bytes()
