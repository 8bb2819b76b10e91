"""`tinynas measure` and `tinynas boards detect|check|emulate`, as a user runs them."""

import dataclasses
import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.deploy.candidates import filled
from tests.hil._figures import FIGURES
from tests.hil._images import small_model
from tests.hil.engines._stand_in import ARENA_BYTES, needs_cxx, stand_in
from tinynas.cli import main
from tinynas.cost import lower
from tinynas.deploy import pack
from tinynas.errors import BoardError
from tinynas.hil import boards as discover
from tinynas.hil import check as check_module
from tinynas.hil import measure as measure_module
from tinynas.hil.boards import AttachedBoard
from tinynas.hil.check import Check
from tinynas.network import TCN

NET = TCN(filters=4, kernel_size=3, dilations=(1, 2), window=20, channels=3)
PROMISED = {
    *("board", "engine", "source", "static_ram_bytes", "stack_bytes", "sram_bytes", "flash_bytes", "instructions"),
    *("latency_us", "energy_uj", "parity"),
}

ATTACHED = dataclasses.replace(FIGURES, source="hil", instructions=None, cycles=126_000, latency_us=700.0, laps=10)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "walk.tflite"
    path.write_bytes(pack(filled(lower(NET))))
    return path


def fails(capsys, *args):
    code = main([str(arg) for arg in args])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert "unexpected" not in captured.err
    return code, captured.err


@pytest.mark.emulator
class TestMeasure:
    @pytest.mark.slow
    def test_json_keeps_its_promise(self, model, capsys):
        assert main(["measure", str(model), "--board", "nucleo_f446re", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found.keys() >= PROMISED
        assert (found["board"], found["engine"], found["source"], found["parity"]) == (
            "nucleo_f446re",
            "aot",
            "virtual",
            True,
        )
        assert found["sram_bytes"] == found["static_ram_bytes"] + found["stack_bytes"]
        assert 0 < found["macs"] < found["instructions"]
        assert found["energy_uj"] is None

    @pytest.mark.slow
    def test_text_shows_the_same_figures(self, model, capsys, tmp_path):
        assert main(["measure", str(model), "--board", "nucleo_l476rg", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert main(["measure", str(model), "--board", "nucleo_l476rg", "--keep", str(tmp_path / "kept")]) == 0
        text = capsys.readouterr().out
        for key in ("flash_bytes", "sram_bytes", "instructions", "cycles"):
            assert f"{found[key]:,}" in text
        assert "an estimate" in text
        assert (tmp_path / "kept" / "image.elf").is_file()

    @pytest.mark.slow
    def test_what_does_not_fit_says_so(self, tmp_path, capsys):
        path = tmp_path / "big.tflite"
        large = TCN(filters=200, kernel_size=15, dilations=(1, 2), window=50, channels=3)
        path.write_bytes(pack(filled(lower(large))))
        code, message = fails(capsys, "measure", path, "--board", "nucleo_f446re")
        assert code == 1
        assert "bytes of" in message


@pytest.mark.slow
@needs_cxx
@pytest.mark.emulator
def test_the_interpreter_runs_the_same_model(tmp_path, capsys):
    path = tmp_path / "conv.tflite"
    path.write_bytes(small_model())
    root = stand_in(tmp_path / "tflite-micro", small_model())
    assert main(["measure", str(path), "--board", "nucleo_f446re", "--engine", "tflm", "--tflm-root", str(root)]) == 0
    text = capsys.readouterr().out
    assert f"arena {ARENA_BYTES:,}" in text
    assert "interpreted by TensorFlow Lite Micro" in text
    assert "kernels reference" in " ".join(text.split())


def test_the_interpreter_has_to_be_named(model, capsys):
    code, message = fails(capsys, "measure", model, "--board", "nucleo_f446re", "--engine", "tflm")
    assert code == 2
    words = " ".join(message.split())
    assert "--tflm-root" in words
    assert "microlite" in words


def test_a_library_that_nobody_uses_is_a_usage_error(model, capsys, tmp_path):
    code, message = fails(capsys, "measure", model, "--board", "nucleo_f446re", "--tflm-root", tmp_path)
    assert code == 2
    assert "compiled models use no library" in message


def test_a_missing_model_is_a_usage_error(tmp_path, capsys):
    code, message = fails(capsys, "measure", tmp_path / "no.tflite", "--board", "nucleo_f446re")
    assert code == 2
    assert "no such file" in message


@pytest.mark.slow
def test_a_port_that_is_not_there_is_a_board_error(model, capsys):
    code, message = fails(
        capsys, "measure", model, "--board", "nucleo_f446re", "--link", "/dev/no-such-port", "--flasher", "rom"
    )
    assert code == 4
    assert "/dev/no-such-port" in message


@pytest.mark.parametrize("meter", ["watt:/dev/ttyACM1", "lpm01a", "ina228:COM5@3.3"])
def test_a_meter_that_is_none_is_a_usage_error(model, capsys, meter):
    code, message = fails(capsys, "measure", model, "--board", "nucleo_f446re", "--link", "auto", "--meter", meter)
    assert code == 2
    assert "lpm01a:PORT" in message
    assert "ina228:PORT" in message


def test_a_meter_needs_a_real_board(model, capsys):
    code, message = fails(capsys, "measure", model, "--board", "nucleo_f446re", "--meter", "lpm01a:/dev/ttyACM1")
    assert code == 2
    assert "a virtual board takes no current" in message


@pytest.mark.parametrize(("energy_uj", "said"), [(52.34, "52.3 uJ"), (1234.5, "1.234 mJ")])
def test_the_energy_is_shown(model, capsys, monkeypatch, energy_uj, said):
    asked = []

    def measure(board, content, **options):
        asked.append((options["link"], options["meter"]))
        return dataclasses.replace(ATTACHED, energy_uj=energy_uj, energy_inferences=14_286)

    monkeypatch.setattr(measure_module, "measure", measure)
    arguments = ["measure", str(model), "--board", "nucleo_f446re", "--link", "auto", "--meter", "ina228:COM5"]
    assert main(arguments) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("energy"))
    assert said in row
    assert "mean of 14,286 inferences" in row
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["energy_uj"] == energy_uj
    assert asked == [("auto", "ina228:COM5")] * 2


class TestDetect:
    BOARD = AttachedBoard("nucleo_f446re", "NUCLEO-F446RE", "0777A1", "0777", "/dev/ttyACM0", None)

    def test_nothing_attached(self, monkeypatch, capsys):
        monkeypatch.setattr(discover, "attached_boards", list)
        assert main(["boards", "detect"]) == 0
        captured = capsys.readouterr()
        assert captured.out == ""
        assert "no board is attached" in captured.err

    def test_a_board(self, monkeypatch, capsys):
        monkeypatch.setattr(discover, "attached_boards", lambda: [self.BOARD])
        assert main(["boards", "detect"]) == 0
        text = capsys.readouterr().out
        assert all(word in text for word in ("nucleo_f446re", "/dev/ttyACM0", "not mounted", "0777A1"))
        assert main(["boards", "detect", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)[0]["serial_port"] == "/dev/ttyACM0"

    def test_what_has_to_be_copied_is_whole(self, monkeypatch, capsys):
        port = "/dev/serial/by-id/usb-STMicroelectronics_STM32_STLink_066DFF494867172418124567-if02"
        probe = "0777022141a2c5d7f8e9b0c1d2e3f4a5b6c7d8e9f0a1b2c3"
        long = dataclasses.replace(
            self.BOARD, serial_port=port, probe_id=probe, mount_point=Path("/media/user/NODE_F446RE")
        )
        monkeypatch.setattr(discover, "attached_boards", lambda: [long, self.BOARD])
        monkeypatch.setenv("COLUMNS", "160")
        assert main(["boards", "detect"]) == 0
        text = capsys.readouterr().out
        assert all(word in text for word in (port, probe, "/media/user/NODE_F446RE", "NUCLEO-F446RE  (nucleo_f446re)"))


class TestCheck:
    @pytest.mark.slow
    @pytest.mark.emulator
    def test_a_virtual_board_passes(self, capsys):
        assert main(["boards", "check", "arduino_nano_33_ble", "--link", "virtual"]) == 0
        text = capsys.readouterr().out
        assert "FAILED" not in text
        assert text.count("passed") == 5
        assert "left out" in text

    def test_what_fails_decides_the_exit_code(self, monkeypatch, capsys):
        checks = [
            Check("start", True, "runs"),
            Check("clock", None, "virtual"),
            Check("parity", False, "1 of 4 differ"),
        ]
        monkeypatch.setattr(check_module, "check_board", lambda board, **options: checks)
        assert main(["boards", "check", "nucleo_f446re", "--link", "virtual"]) == 4
        assert "FAILED" in capsys.readouterr().out
        assert main(["boards", "check", "nucleo_f446re", "--link", "virtual", "--json"]) == 4
        assert [one["passed"] for one in json.loads(capsys.readouterr().out)] == [True, None, False]

    def test_an_error_is_a_board_error(self, monkeypatch, capsys):
        def refuse(board, **options):
            raise BoardError("in use")

        monkeypatch.setattr(check_module, "check_board", refuse)
        code, message = fails(capsys, "boards", "check", "nucleo_f446re")
        assert (code, "in use" in message) == (4, True)


@pytest.mark.emulator
class TestEmulate:
    @pytest.mark.slow
    def test_the_first_line_is_a_terminal_that_answers(self, model, command):
        import serial

        arguments = command("boards", "emulate", "nucleo_f446re", "--model", str(model), "--pty")
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        try:
            path = process.stdout.readline().strip()
            for _ in range(2):  # a program may open it after another
                with serial.Serial(path, 115200, timeout=5) as port:
                    port.write(b"name%")
                    assert b"m-name-dut-[tinynas]\r\nm-ready\r\n" in port.read_until(b"]\r\nm-ready\r\n")
            assert process.poll() is None
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 130
            process.stdout.close()
        deadline = time.monotonic() + 5
        while Path(path).exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not Path(path).exists()

    @pytest.mark.slow
    def test_standard_input_is_the_serial_port(self, model, command):
        arguments = command("boards", "emulate", "nucleo_l476rg", "--model", str(model))
        done = subprocess.run(
            arguments, input="name%\nx-mem%\n", capture_output=True, text=True, timeout=60, check=True
        )
        assert "m-name-dut-[tinynas]" in done.stdout
        assert "m-mem-[static=" in done.stdout

    def test_without_a_model_there_is_the_boot_loader_only(self, capsys):
        code, message = fails(capsys, "boards", "emulate", "nucleo_f446re")
        assert (code, "--model" in message) == (2, True)
        code, message = fails(capsys, "boards", "emulate", "arduino_nano_33_ble", "--pty")
        assert (code, "boot loader" in message) == (4, True)
