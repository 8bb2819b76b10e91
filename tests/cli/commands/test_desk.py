"""`tinynas boards flash`, `reset`, `console` and `list --attached`, with boards at pseudo-terminals."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import time

import pytest

from tests.hil._device import BANNER, Device, with_crc
from tinynas.board import load_board
from tinynas.cli import main
from tinynas.deploy import compile_model
from tinynas.hil.boards import AttachedBoard, BoardLock, Health, control, write_health
from tinynas.hil.check import known_model
from tinynas.hil.image import build_image

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
BOARD = load_board("nucleo_f446re")


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNAS_STATE", str(tmp_path / "state"))


class Terminal:
    """The device in Python at a pseudo-terminal.

    Attributes:
        path: The port.
    """

    def __init__(self, device):
        import tty

        self.device = device
        self._host, self._board = os.openpty()
        tty.setraw(self._board)
        self.path = os.ttyname(self._board)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def say(self, lines):
        os.write(self._host, "".join(f"{line}\r\n" for line in lines).encode())

    def _serve(self):
        pending = b""
        while not self._ended.is_set():
            *commands, pending = (pending + os.read(self._host, 4096)).split(b"%")
            for text in commands:
                said = with_crc(text.decode().lstrip("\n"), self.device.answer(text.decode()))
                self.say([*said, "m-ready"])
        os.close(self._host)

    def close(self):
        self._ended.set()
        os.write(self._board, b"\n")  # wakes the thread
        self._thread.join(10)
        os.close(self._board)


@pytest.fixture
def terminal():
    made = Terminal(Device())
    yield made
    made.close()


def typed(monkeypatch, text):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    monkeypatch.setattr("tinynas.cli.talk._QUIET_S", 0.5)


class TestConsole:
    def test_what_is_typed_is_answered_and_kept(self, terminal, monkeypatch, capfd, tmp_path):
        typed(monkeypatch, "name\n\nprofile%\n")
        arguments = ["boards", "console", BOARD.name, "--link", terminal.path, "--keep", str(tmp_path / "line.log")]
        assert main(arguments) == 0
        out, err = capfd.readouterr()
        assert out.splitlines() == [
            *("m-name-dut-[tinynas]", "m-ready", "m-profile-[tinynas 1]", "m-model-[tcn]", "m-ready")
        ]
        assert err == f"{terminal.path} at 115200 baud\n"
        assert "-> profile%" in (tmp_path / "line.log").read_text()

    def test_other_firmware_hears_lines(self, terminal, monkeypatch, capfd):
        heard = []
        monkeypatch.setattr(terminal.device, "answer", lambda text: heard.append(text) or ["\x1b[2J"])
        typed(monkeypatch, "AT\nname%\n")
        assert main(["boards", "console", BOARD.name, "--link", terminal.path, "--raw"]) == 0
        assert heard == ["AT\nname"]
        assert "\x1b" not in capfd.readouterr().out

    def test_a_board_in_use_is_not_disturbed(self, terminal, monkeypatch, capsys):
        monkeypatch.setattr("tinynas.cli.commands.boards.console._IN_USE_S", 0.0)
        with BoardLock(terminal.path).held(0):
            assert main(["boards", "console", BOARD.name, "--link", terminal.path]) == 4
        assert f"in use by process {os.getpid()}" in capsys.readouterr().err

    def test_a_virtual_board_has_its_own_command(self, capsys):
        assert main(["boards", "console", BOARD.name, "--link", "virtual"]) == 2
        assert "boards emulate" in capsys.readouterr().err


class TestReset:
    def test_a_command_and_a_board_that_starts(self, terminal, tmp_path, capsys):
        flag = tmp_path / "flag"

        def starts():
            end = time.monotonic() + 30
            while not flag.exists() and time.monotonic() < end:
                time.sleep(0.01)
            terminal.say(BANNER)

        thread = threading.Thread(target=starts)
        thread.start()
        terminal.say(BANNER)  # of before, to be ignored
        assert main(["boards", "reset", BOARD.name, "--link", terminal.path, "--by", f"cmd:touch {flag}"]) == 0
        thread.join()
        assert capsys.readouterr().out == "the board has started anew\n"

    def test_what_says_nothing_is_not_said_to_have_started(self, terminal, monkeypatch, capsys):
        monkeypatch.setattr(control, "_STARTS_S", 0.1)
        terminal.say(BANNER)
        assert main(["boards", "reset", BOARD.name, "--link", terminal.path, "--by", "cmd:true"]) == 0
        assert "did not say that it started" in capsys.readouterr().out

    def test_a_break(self, terminal, monkeypatch, capsys):
        breaks = []
        monkeypatch.setattr("serial.Serial.send_break", lambda self, duration: breaks.append(duration))
        monkeypatch.setattr(control, "_STARTS_S", 0.1)
        assert main(["boards", "reset", BOARD.name, "--link", terminal.path, "--by", "break"]) == 0
        assert len(breaks) == 1

    def test_by_pyocd_the_probe_is_chosen(self, terminal, monkeypatch, tmp_path, capsys):
        script = tmp_path / "pyocd"
        script.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/said\n')
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        monkeypatch.setattr("tinynas.hil.flashers.programs.find_spec", lambda name: None)
        monkeypatch.setattr(control, "_STARTS_S", 0.1)
        arguments = ["boards", "reset", BOARD.name, "--link", terminal.path, "--by", "pyocd", "--probe", "066DFF"]
        assert main(arguments) == 0
        assert (tmp_path / "said").read_text() == "reset --no-wait --uid 066DFF --target stm32f446retx\n"
        script.write_text("#!/bin/sh\necho 'No connected debug probe matches'\nexit 1\n")
        assert main(arguments) == 4
        assert "`pyocd list` has to list the probe" in capsys.readouterr().err

    @pytest.mark.parametrize("way", ["magic", "cmd:", "cmd:cycle {elf}"])
    def test_no_such_way(self, terminal, way, capsys):
        assert main(["boards", "reset", BOARD.name, "--link", terminal.path, "--by", way]) == 2
        assert "--by" in capsys.readouterr().err

    def test_a_command_that_fails(self, terminal, capsys):
        assert main(["boards", "reset", BOARD.name, "--link", terminal.path, "--by", "cmd:false"]) == 4
        assert "false failed: exit code 1" in capsys.readouterr().err


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return build_image(BOARD, compile_model(known_model()), tmp_path_factory.mktemp("image"))


class TestFlash:
    def flash(self, terminal, elf, *more):
        return main(["boards", "flash", BOARD.name, str(elf), "--link", terminal.path, *more])

    def test_a_board_that_says_what_it_runs(self, terminal, image, capsys, tmp_path, monkeypatch):
        facts = f"board=x,clock_hz=1,icache=0,dcache=0,engine=aot,model=a,image={image.image_hash},input=1,output=1"
        monkeypatch.setattr(terminal.device, "_x_info", lambda words: [f"m-info-[{facts}]"])
        assert self.flash(terminal, image.elf, "--flasher", f"cmd:cp {{bin}} {tmp_path}/flash") == 0
        out = capsys.readouterr().out
        assert f"flashed {image.flash_bytes:,} bytes, CRC {image.image_hash}\nthe board says" in out
        assert (tmp_path / "flash").read_bytes() == image.binary

    def test_a_board_that_runs_something_else(self, terminal, image, capsys):
        assert self.flash(terminal, image.elf, "--flasher", "cmd:test -f {elf}") == 4
        assert f"CRC cd34, not the {image.image_hash}" in capsys.readouterr().err

    def test_other_firmware_is_not_vouched_for(self, terminal, image, capsys, monkeypatch):
        monkeypatch.setattr(control, "_STARTS_S", 0.3)
        monkeypatch.setattr(terminal.device, "answer", lambda text: ["hello"])
        assert self.flash(terminal, image.elf, "--flasher", "cmd:test -f {elf}") == 0
        assert "nothing but the flasher's word" in capsys.readouterr().out

    def test_an_image_of_another_board(self, terminal, image, capsys):
        assert main(["boards", "flash", "arduino_nano_33_ble", str(image.elf), "--link", terminal.path]) == 1
        assert "the flash of arduino_nano_33_ble from" in capsys.readouterr().err

    def test_what_is_no_image(self, terminal, capsys, tmp_path):
        (tmp_path / "image.elf").write_text("no image")
        assert self.flash(terminal, tmp_path / "image.elf") == 1
        assert self.flash(terminal, tmp_path / "none.elf") == 1
        assert capsys.readouterr().err.count("no image that can be read") == 2

    def test_a_virtual_board_is_not_flashed(self, image, capsys):
        assert main(["boards", "flash", BOARD.name, str(image.elf), "--link", "virtual"]) == 2
        assert "boards emulate" in capsys.readouterr().err


class TestAttached:
    @pytest.fixture
    def attach(self, monkeypatch):
        def attach(*boards):
            monkeypatch.setattr("tinynas.hil.boards.attached_boards", lambda: list(boards))

        return attach

    def test_free_in_use_and_set_aside(self, attach, capsys):
        attach(
            AttachedBoard(BOARD.name, "Nucleo", "A1", "0777", "/dev/ttyACM0", None),
            AttachedBoard(BOARD.name, "Nucleo", "B2", "0777", "/dev/ttyACM1", None),
            AttachedBoard(None, "unknown board", "C3", None, None, None),
        )
        write_health("B2", Health(2, "its self-test fails: start: SWD [ERROR]", 1.0))
        with BoardLock("A1").held(0):
            assert main(["boards", "list", "--attached", "--json"]) == 0
            found = json.loads(capsys.readouterr().out)
            assert [one["state"] for one in found] == ["in use", "set aside", "free"]
            assert f"process {os.getpid()}" in found[0]["detail"]
            assert main(["boards", "list", "--attached"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert "SWD [ERROR]" in next(line for line in lines if "B2" in line)
        assert lines[-1].split() == ["unknown", "C3", "none", "free"]

    def test_none(self, attach, capsys):
        attach()
        assert main(["boards", "list", "--attached"]) == 0
        assert "no board is attached" in capsys.readouterr().err


@pytest.mark.slow
def test_a_transcript_of_the_self_test_and_of_a_measurement(tmp_path, monkeypatch, capsys):
    model = tmp_path / "model.tflite"
    model.write_bytes(known_model())
    line = tmp_path / "self-test.log"
    assert main(["boards", "check", BOARD.name, "--link", "virtual", "--keep", str(line)]) == 0
    assert main(["measure", str(model), "--board", BOARD.name, "--keep", str(tmp_path / "kept")]) == 0
    for text in (line.read_text(), (tmp_path / "kept" / "serial.log").read_text()):
        assert "-> name%" in text
        assert "<- m-name-dut-[tinynas]" in text
    capsys.readouterr()
    assert main(["search", "--board", BOARD.name, "--keep", str(tmp_path)]) == 2
    assert "only the mode hil has a board" in capsys.readouterr().err


@pytest.mark.slow
def test_a_model_has_the_id_that_runners_ask_for(tmp_path, monkeypatch, capfd):
    model = tmp_path / "model.tflite"
    model.write_bytes(known_model())
    typed(monkeypatch, "profile%\n")
    monkeypatch.setattr("tinynas.cli.talk._QUIET_S", 5.0)
    assert main(["boards", "emulate", BOARD.name, "--model", str(model), "--model-id", "kws01"]) == 0
    assert "m-model-[kws01]" in capfd.readouterr().out
    assert main(["measure", str(model), "--board", BOARD.name, "--model-id", "kws 01"]) == 2
    assert "is no id of a model" in capfd.readouterr().err
