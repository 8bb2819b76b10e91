"""Flashers against drives and programs that play their part well or badly."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import sys
import threading
import time
from pathlib import Path

import pytest

from tinynas.board import load_board
from tinynas.errors import BoardError, ConfigError, FlashError, ToolchainMissing
from tinynas.hil.flashers import CommandFlasher, DriveFlasher, PyocdFlasher, RomFlasher, check_flasher, drive, program
from tinynas.hil.flashers import programs as programs_module
from tinynas.hil.image import Image

NAME = "tinynas-0badcafe.bin"


@pytest.fixture
def image(tmp_path):
    binary = bytes(range(256)) * 64
    elf, binary_path = tmp_path / "image.elf", tmp_path / "image.bin"
    binary_path.write_bytes(binary)
    sizes = {
        "flash_bytes": len(binary),
        "static_ram_bytes": 0,
        "arena_bytes": 0,
        "free_bytes": 0,
        "stack_limit_bytes": 0,
    }
    return Image(
        *(load_board("nucleo_f446re"), "aot", elf, binary_path, 0x0800_0000, binary),
        **(sizes | {"input_bytes": 1, "output_bytes": 1}),
        **{"toolchain": "", "model_hash": "", "image_hash": "0badcafe"},
    )


class Probe:
    """A probe's drive: programs what is copied to it, unmounts, and mounts anew at the next of its places."""

    def __init__(self, *places: Path, size: int) -> None:
        self.places, self.size, self.programmed, self.failure = list(places), size, [], []
        self.comes_back = True
        self._stop = threading.Event()
        self._mount()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def place(self) -> Path:
        return self.places[0]

    def locate(self) -> Path | None:
        return self.place if self.place.is_dir() else None

    def _mount(self, failure: str | None = None) -> None:
        new = self.place.with_name("mounting")
        new.mkdir()
        (new / "MBED.HTM").write_text("a page")
        if failure:
            (new / "FAIL.TXT").write_text(failure)
        new.rename(self.place)

    def _serve(self) -> None:
        while not self._stop.wait(0.01):
            for file in self.place.glob("*.bin"):
                if file.stat().st_size == self.size:
                    self._program(file)

    def _program(self, file: Path) -> None:
        time.sleep(0.05)
        self.programmed.append(file.read_bytes())
        gone = self.place.with_name("gone")
        self.place.rename(gone)
        shutil.rmtree(gone)
        if not self.comes_back:
            return
        time.sleep(0.05)
        if len(self.places) > 1:
            self.places.pop(0)
        self._mount(self.failure.pop(0) if self.failure else None)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def probe(tmp_path, image, monkeypatch):
    monkeypatch.setattr(drive, "_POLL_S", 0.01)
    probe = Probe(tmp_path / "NODE_F446RE", size=image.flash_bytes)
    yield probe
    probe.close()


class TestDrive:
    def test_an_image_is_copied_and_the_remount_awaited(self, probe, image):
        DriveFlasher(probe.locate).flash(image)
        assert probe.programmed == [image.binary]
        assert {file.name for file in probe.place.iterdir()} == {"MBED.HTM"}

    def test_the_drive_comes_back_at_another_place(self, probe, image, tmp_path):
        probe.places.append(tmp_path / "NODE_F446RE1")
        DriveFlasher(probe.locate).flash(image)
        assert probe.locate() == tmp_path / "NODE_F446RE1"

    def test_what_the_probe_says_is_passed_on(self, probe, image):
        probe.failure = ["SWD ERROR\r\nThe interface lost the target"]
        with pytest.raises(FlashError, match="the probe says: SWD ERROR The interface lost") as caught:
            DriveFlasher(probe.locate).flash(image)
        assert "jumpers" in caught.value.advice

    def test_an_old_failure_does_not_count(self, probe, image):
        (probe.place / "FAIL.TXT").write_text("of yesterday")
        DriveFlasher(probe.locate).flash(image)

    def test_a_failure_without_a_remount(self, tmp_path, image):
        drive = tmp_path / "drive"
        drive.mkdir()
        (drive / "DETAILS.TXT").touch()
        threading.Timer(0.2, (drive / "FAIL.TXT").write_text, ["out of memory"]).start()
        with pytest.raises(FlashError, match="the probe says: out of memory"):
            DriveFlasher(lambda: drive, timeout_s=10).flash(image)

    def test_a_failure_is_tried_once_more(self, probe, image):
        probe.failure = ["SWD ERROR"]
        program(DriveFlasher(probe.locate), image)
        assert len(probe.programmed) == 2

    def test_and_no_more(self, probe, image):
        probe.failure = ["SWD ERROR"] * 3
        with pytest.raises(FlashError, match=r"the probe says: SWD ERROR \(twice the same\)"):
            program(DriveFlasher(probe.locate), image)
        assert len(probe.programmed) == 2

    def test_a_drive_that_does_not_come_back(self, probe, image):
        probe.comes_back = False
        with pytest.raises(FlashError, match=r"did not come back within 0\.5 s"):
            DriveFlasher(probe.locate, timeout_s=0.5).flash(image)

    @pytest.mark.parametrize("there", [True, False])
    def test_a_drive_that_is_not_mounted(self, tmp_path, image, there):
        (tmp_path / "empty").mkdir()
        with pytest.raises(FlashError, match="is not mounted") as caught:
            DriveFlasher(lambda: tmp_path / "empty" if there else None, timeout_s=0.1).flash(image)
        assert "pyOCD" in caught.value.advice

    def test_a_drive_that_keeps_the_file(self, tmp_path, image):
        drive = tmp_path / "stick"
        drive.mkdir()
        (drive / "letter.txt").touch()
        with pytest.raises(FlashError, match=r"did not come back within 0.2 s \(twice the same"):
            program(DriveFlasher(lambda: drive, timeout_s=0.2), image)

    @pytest.mark.parametrize("copied_before", [False, True])
    def test_a_mount_that_stays_is_no_failure_where_the_board_runs_the_image(
        self, tmp_path, image, monkeypatch, copied_before
    ):
        monkeypatch.setattr(drive, "_PATIENCE_S", 0.05)
        place = tmp_path / "fstab"
        place.mkdir()
        (place / "MBED.HTM").touch()
        if copied_before:
            (place / NAME).write_bytes(b"of an earlier run")
        answers, asked = iter([False, False, True]), []
        runs = lambda image: asked.append(image.image_hash) or next(answers)  # noqa: E731
        DriveFlasher(lambda: place, runs=runs, timeout_s=20).flash(image)
        assert asked == ["0badcafe"] * 3
        assert (place / NAME).read_bytes() == image.binary

    def test_an_image_that_runs_already_is_not_copied_again(self, tmp_path, image):
        (tmp_path / NAME).write_bytes(b"as it was")
        DriveFlasher(lambda: tmp_path, runs=lambda image: True).flash(image)
        assert (tmp_path / NAME).read_bytes() == b"as it was"

    @pytest.mark.parametrize("error", [OSError(5, "Input/output error"), BoardError("two boards fit")])
    def test_a_look_at_a_drive_that_is_on_its_way_is_no_end(self, probe, image, error):
        looks = []

        def locate():
            looks.append(len(looks))
            if len(looks) % 2:
                raise error
            return probe.locate()

        DriveFlasher(locate).flash(image)
        assert probe.programmed == [image.binary]

    @pytest.mark.skipif(sys.platform == "win32", reason="folders have no such permission")
    def test_a_drive_that_cannot_be_written_to(self, tmp_path, image):
        drive = tmp_path / "drive"
        drive.mkdir()
        (drive / "MBED.HTM").touch()
        (drive / NAME).symlink_to(tmp_path / "nowhere" / "file")  # root may write anywhere else
        flasher = DriveFlasher(lambda: drive, timeout_s=1)
        with pytest.raises(FlashError, match="the copy failed: No such file"):
            flasher._copy(image.binary, drive / NAME, time.monotonic() + 1)

    @pytest.mark.skipif(sys.platform == "win32", reason="needs a named pipe")
    def test_a_drive_that_hangs(self, tmp_path, image):
        os.mkfifo(tmp_path / NAME)  # nobody reads it: to open it for writing never ends
        with pytest.raises(FlashError, match=r"takes no data within 0\.2 s"):
            DriveFlasher(lambda: None, timeout_s=0.2)._copy(image.binary, tmp_path / NAME, time.monotonic() + 0.2)
        os.close(os.open(tmp_path / NAME, os.O_RDONLY | os.O_NONBLOCK))  # lets the writer end


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Programs on the PATH that write down how they were called, and then do what they are told."""
    if sys.platform == "win32":
        pytest.skip("needs a shell")
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(programs_module, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def install(name, script="exit 0"):
        log = tmp_path / f"{name}.json"
        dump = f'"{sys.executable}" -c "import json, sys; json.dump(sys.argv[1:], open({str(log)!r}, \'w\'))" "$@"'
        (folder / name).write_text(f"#!/bin/sh\n{dump}\n{script}\n")
        (folder / name).chmod(0o755)
        return lambda: json.loads(log.read_text())

    return install


class TestPyocd:
    def test_the_probe_is_chosen_by_its_id_and_connected_under_reset(self, programs, image):
        called = programs("pyocd")
        PyocdFlasher.of(load_board("nucleo_f446re"), probe_id="0777").flash(image)
        words = " ".join(called())
        assert words.startswith("flash --no-wait --uid 0777 --target stm32f446retx --connect under-reset")
        assert words.endswith(f"--format elf {image.elf}")

    def test_without_a_probe_of_its_own_a_board_is_halted(self, programs, image):
        called = programs("pyocd")
        PyocdFlasher.of(load_board("arduino_nano_33_ble")).flash(image)
        words = " ".join(called())
        assert "--target nrf52840 --connect halt" in words
        assert "--uid" not in words

    def test_what_fails_under_reset_is_tried_with_a_halt(self, programs, image):
        called = programs("pyocd", 'case "$*" in *under-reset*) echo no ack; exit 1;; esac')
        program(PyocdFlasher.of(load_board("nucleo_f446re")), image)
        assert "--connect halt" in " ".join(called())

    @pytest.mark.parametrize(("board", "kept"), [("arduino_nano_33_ble", True), ("nucleo_f446re", False)])
    def test_a_boot_loader_is_never_unlocked_away(self, programs, image, board, kept):
        called = programs("pyocd")
        PyocdFlasher.of(load_board(board)).flash(image)
        assert ("-O auto_unlock=false" in " ".join(called())) is kept

    @pytest.mark.parametrize(
        ("says", "advice"),
        [
            ("Target type stm32f446retx not recognized", "pyocd pack install stm32f446retx"),
            ("No connected debug probes", "pyocd list"),
            ("No connected debug probe matches unique ID '1'", "pyocd list"),
        ],
    )
    def test_its_complaints_are_passed_on_with_advice(self, programs, image, says, advice):
        programs("pyocd", f'echo "{says}" >&2; exit 1')
        with pytest.raises(FlashError, match=f"pyocd failed: {says}") as caught:
            PyocdFlasher.of(load_board("nucleo_f446re")).flash(image)
        assert advice in caught.value.advice

    def test_a_program_that_hangs_is_ended(self, programs, image, tmp_path):
        programs("pyocd", f"echo $$ > {tmp_path}/pid; exec sleep 60")
        with pytest.raises(FlashError, match=r"pyocd does not end within 0\.5 s"):
            PyocdFlasher.of(load_board("nucleo_f446re"), timeout_s=0.5).flash(image)
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), 0)

    def test_a_program_that_fails_silently_and_then_works(self, programs, image, tmp_path):
        flag = tmp_path / "flag"
        programs("pyocd", f"test -e {flag} && exit 0; touch {flag}; exit 3")
        flasher = PyocdFlasher.of(load_board("nucleo_f446re"))
        with pytest.raises(FlashError, match="exit code 3"):
            flasher.flash(image)
        flag.unlink()
        program(flasher, image)

    def test_the_same_complaint_at_another_time_is_told_once(self, programs, image, tmp_path):
        programs("pyocd", f"echo >> {tmp_path}/runs; echo $(wc -l < {tmp_path}/runs)326 E No target; exit 1")
        with pytest.raises(FlashError, match=r"failed: 2326 E No target \(twice the same\)$"):
            program(PyocdFlasher.of(load_board("nucleo_f446re")), image)

    def test_it_is_not_installed(self, programs, image, monkeypatch):
        monkeypatch.setenv("PATH", "")
        with pytest.raises(ToolchainMissing, match=r"pip install 'tinynas\[flash\]'"):
            program(PyocdFlasher.of(load_board("nucleo_f446re")), image)

    def test_of_this_environment_it_is_a_module(self, image, monkeypatch, tmp_path):
        (tmp_path / "pyocd.py").write_text("import sys; sys.exit(f'module {sys.argv[1]}')")
        monkeypatch.setattr(programs_module, "find_spec", lambda name: name)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        with pytest.raises(FlashError, match="pyocd failed: module flash"):
            PyocdFlasher.of(load_board("nucleo_f446re")).flash(image)

    def test_a_board_without_a_target(self):
        with pytest.raises(BoardError, match="not known"):
            PyocdFlasher.of(dataclasses.replace(load_board("nucleo_f446re"), probe=None))


class TestRom:
    @pytest.mark.parametrize(
        ("board", "family"), [("nucleo_f446re", "F4"), ("nucleo_l476rg", "L4"), ("nucleo_f746zg", "F7")]
    )
    def test_it_is_erased_written_verified_and_started(self, programs, image, board, family):
        called = programs("stm32loader")
        RomFlasher(load_board(board), "/dev/ttyX", baud=57600).flash(image)
        words = " ".join(called())
        assert words.startswith(
            f"--port /dev/ttyX --baud 57600 --family {family} --no-progress --erase --write --verify"
        )
        assert words.endswith(f"--address 0x08000000 --go-address 0x08000000 {image.binary_path}")

    def test_its_complaints_are_passed_on_with_advice(self, programs, image):
        programs("stm32loader", "echo 'Can not init into bootloader'; exit 1")
        with pytest.raises(FlashError, match=r"stm32loader failed: Can not init.*BOOT0 to 3V3"):
            RomFlasher(load_board("nucleo_f446re"), "/dev/ttyX").flash(image)

    def test_a_long_complaint_is_cut(self, programs, image):
        programs("stm32loader", "seq 1 5000; exit 1")
        with pytest.raises(FlashError, match=r"\.\.\. .* 5000 \(") as caught:
            RomFlasher(load_board("nucleo_f446re"), "/dev/ttyX").flash(image)
        assert len(caught.value.message) < 500

    def test_a_nordic_has_none(self):
        with pytest.raises(ConfigError, match="no serial boot loader"):
            RomFlasher(load_board("arduino_nano_33_ble"), "/dev/ttyX")


class TestCommand:
    def test_the_commands_of_the_documentation_can_be_read(self, programs, image):
        text = (Path(__file__).parents[3] / "docs" / "hil.md").read_text(encoding="utf-8")
        commands = re.findall(r'^    cmd:"(.+)"$', text, re.MULTILINE)
        assert len(commands) >= 6
        for command in commands:
            check_flasher(f"cmd:{command}")
        called = programs("openocd")
        CommandFlasher(commands[0], port="/dev/ttyX", probe_id="066DFF").flash(image)
        assert called()[1] == "adapter serial 066DFF"
        assert called()[-1] == f"program {image.elf} verify reset exit"

    def test_fields_are_filled_and_no_shell_is_asked(self, programs, image):
        called = programs("st-flash")
        text = "st-flash --reset --note='a b; $HOME' write {bin} {address} --on {port} --with={probe} {elf}"
        CommandFlasher(text, port="/dev/ttyX", probe_id="0777").flash(image)
        paths = [str(image.binary_path), "0x08000000", "--on", "/dev/ttyX", "--with=0777", str(image.elf)]
        assert called() == ["--reset", "--note=a b; $HOME", "write", *paths]

    def test_a_hex_file_is_made_where_it_is_asked_for(self, programs, image):
        called = programs("JLinkExe")
        CommandFlasher("JLinkExe {hex}").flash(image)
        lines = Path(called()[0]).read_text().splitlines()
        assert (lines[0], lines[-1]) == (":020000040800F2", ":00000001FF")
        # A record as in Intel's specification: count, offset, type, data, and the two's complement of their sum.
        assert lines[1] == ":10000000000102030405060708090A0B0C0D0E0F78"
        data = b"".join(bytes.fromhex(line[9:-2]) for line in lines[1:-1] if line[7:9] == "00")
        assert data == image.binary

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "is empty"),
            ("openocd -f board.cfg", "does not name the image"),
            ("openocd {elf} {speed}", r"\{speed\} is not a field"),
            ("openocd '{elf}", "cannot be read"),
            ("bossac {bin} {port}", r"asks for \{port\}"),
            ("probe-rs {elf} {probe}", r"asks for \{probe\}"),
        ],
    )
    def test_what_cannot_work_is_refused_at_once(self, text, said):
        with pytest.raises(ConfigError, match=said):
            CommandFlasher(text)

    @pytest.mark.parametrize("name", ["usb", "", "cmd:", "cmd:true", "DRIVE"])
    def test_names_that_are_none(self, name):
        with pytest.raises(ConfigError) as caught:
            check_flasher(name, "hil.flasher")
        assert caught.value.where == "hil.flasher"


CALLING = {
    "openocd": lambda: CommandFlasher('openocd -f board/st_nucleo_f4.cfg -c "program {elf} verify reset exit"'),
    "pyocd": lambda: PyocdFlasher.of(load_board("nucleo_f446re")),
    "stm32loader": lambda: RomFlasher(load_board("nucleo_f446re"), "/dev/ttyX"),
}


class TestContract:
    """What every flasher that calls a program does; the drive's tests hold the same of a drive."""

    @pytest.mark.parametrize("name", CALLING)
    def test_success_is_silent(self, programs, image, name):
        programs(name)
        assert CALLING[name]().flash(image) is None

    @pytest.mark.parametrize("name", CALLING)
    def test_a_failure_says_where(self, programs, image, name):
        programs(name, "echo broken; exit 1")
        with pytest.raises(FlashError, match=f"{name} failed: broken") as caught:
            CALLING[name]().flash(image)
        assert caught.value.where

    @pytest.mark.parametrize("name", CALLING)
    def test_a_missing_program_is_named(self, programs, image, monkeypatch, name):
        monkeypatch.setenv("PATH", "")
        with pytest.raises(ToolchainMissing, match=f"{name} is not installed"):
            CALLING[name]().flash(image)
