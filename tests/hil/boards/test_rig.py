"""From an image to a board that provably runs it: which flasher, which port, and what if it runs something else."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path

import pytest

from tests.hil._rigs import FakeRig, ImageDevice
from tinynas.board import load_board
from tinynas.deploy import compile_model
from tinynas.errors import BoardError, BoardNotFound, ConfigError, FlashError, RamOverflow, TargetFault
from tinynas.hil.boards import (
    AttachedBoard,
    ProbePort,
    SerialRig,
    VirtualRig,
    choose,
    find_port,
    flashing,
    located,
    rig_for,
    rigs_for,
    started,
)
from tinynas.hil.boards import rig as module
from tinynas.hil.check import known_model
from tinynas.hil.flashers import DriveFlasher, PyocdFlasher, RomFlasher
from tinynas.hil.image import build_image, read_elf

BOARD = load_board("nucleo_f446re")


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return build_image(BOARD, compile_model(known_model()), tmp_path_factory.mktemp("image"))


def rig(**lies):
    return FakeRig(lambda image: ImageDevice(image, known_model(), **lies))


class TestStarted:
    def test_the_board_answers(self, image):
        with started(rig(), image) as dut:
            assert dut.info().image == image.image_hash

    def test_another_image_is_replaced_by_a_second_attempt(self, image):
        answers = iter(["00000000", image.image_hash])
        forgetful = FakeRig(lambda image: ImageDevice(image, known_model(), image=next(answers)))
        with started(forgetful, image) as dut:
            assert dut.info().image == image.image_hash
        assert forgetful.starts == 2

    def test_and_not_by_a_third(self, image):
        stubborn = rig(image="0000beef")
        with pytest.raises(FlashError, match=f"CRC 0000beef, not the {image.image_hash}"), started(stubborn, image):
            pass
        assert stubborn.starts == 2

    def test_a_clock_that_did_not_start(self, image):
        with (
            pytest.raises(BoardError, match="16000000 Hz instead of 180000000"),
            started(rig(clock_hz=16_000_000), image),
        ):
            pass

    def test_a_fault_is_told_with_its_function(self, image):
        start, name = next(f for f in read_elf(image.elf).functions if f[1] == "model_invoke")
        fault = TargetFault("the core took a BusFault", where="port", registers={"pc": start + 6, "lr": 1})
        with pytest.raises(TargetFault, match=rf"pc is in {name}\+0x6") as caught, started(rig(), image):
            raise fault
        assert caught.value.where == "port"

    @pytest.mark.parametrize(
        "registers",
        [
            {"pc": 0, "cfsr": 0x1000, "bfar": 0},  # not even a frame could be stored
            {"pc": 0x08000400, "cfsr": 0x8200, "bfar": 0x1FFFFF00},  # right below SRAM, where the stack ends
            {"pc": 0, "lr": 0, "sp": 0x1FFFFFE0, "cfsr": 0x0400, "bfar": 0},  # imprecise, as a Cortex-M7 has it
        ],
    )
    def test_a_stack_that_overflows_is_the_models(self, image, registers):
        with pytest.raises(RamOverflow, match=f"more than its {image.stack_limit_bytes} bytes"), started(rig(), image):
            raise TargetFault("the core took a BusFault", registers=registers)

    @pytest.mark.parametrize(
        "registers",
        [
            {"cfsr": 0x0200, "bfar": 0x1FFFFF00},
            {"cfsr": 0x8200, "bfar": 0},
            {"sp": 0x20000F00, "cfsr": 0x0400, "bfar": 0},
            {"cfsr": 0x8200, "bfar": 0x20020000},
            {},
        ],
    )
    def test_other_faults_are_the_rigs(self, image, registers):
        with pytest.raises(TargetFault), started(rig(), image):
            raise TargetFault("the core took a BusFault", registers=registers)

    def test_a_fault_nowhere_stays_as_it_is(self, image):
        fault = TargetFault("the core took a HardFault", registers={"pc": 0, "lr": 0xFFFFFFFF})
        assert located(fault, image).message == fault.message


class Flasher:
    def __init__(self, *failures):
        self.images, self.failures = [], list(failures)

    def flash(self, image):
        self.images.append(image)
        if self.failures:
            raise self.failures.pop(0)


@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
class TestSerial:
    @pytest.fixture
    def port(self):
        import tty

        host, board = os.openpty()
        tty.setraw(board)
        yield os.ttyname(board), host
        os.close(host)
        os.close(board)

    def test_a_board_is_flashed_and_then_listened_to(self, image, port):
        name, host = port
        flasher = Flasher(FlashError("once"))
        with SerialRig(name, 115_200, flasher).running(image) as link:
            assert flasher.images == [image, image]
            os.write(host, b"m-ready\r\n")
            assert link.read(module.deadline_in(5)) == b"m-ready\r\n"
        with pytest.raises(BoardError):
            link.read(module.deadline_in(0.1))

    def test_a_port_that_comes_back_late(self, image, port, tmp_path, monkeypatch):
        monkeypatch.setattr(module, "_POLL_S", 0.01)
        late = tmp_path / "port"

        def sleep(seconds):
            if not late.exists():
                late.symlink_to(port[0])

        monkeypatch.setattr(module.time, "sleep", sleep)
        with SerialRig(str(late), 115_200, Flasher()).running(image):
            assert late.exists()

    def test_a_port_that_does_not(self, image, tmp_path, monkeypatch):
        monkeypatch.setattr(module, "_PORT_S", 0.2)
        with (
            pytest.raises(BoardNotFound, match="no such port"),
            SerialRig(str(tmp_path / "port"), 115_200, Flasher()).running(image),
        ):
            pass


class TestChoice:
    @pytest.fixture
    def attach(self, monkeypatch, tmp_path):
        drive = tmp_path / "drive"
        drive.mkdir()
        (drive / "MBED.HTM").touch()
        calls = []

        def attach(**changes):
            found = AttachedBoard(BOARD.name, "Nucleo", "0777abc", "0777", "/dev/ttyX", drive)
            found = dataclasses.replace(found, **changes)
            for place in (choose, flashing):
                monkeypatch.setattr(place, "find_board", lambda board, **how: calls.append(how) or found)
            return calls

        monkeypatch.setattr(flashing, "find_spec", lambda name: name)
        return attach

    def chosen(self, link, **options):
        rig = rig_for(BOARD, link, **options)
        assert isinstance(rig, SerialRig)
        return rig.port, rig._flasher

    def test_virtual(self):
        assert isinstance(rig_for(BOARD, "virtual"), VirtualRig)

    @pytest.mark.parametrize("options", [{"flasher": "drive"}, {"probe_id": "0777"}])
    def test_a_virtual_board_has_no_probe(self, options):
        with pytest.raises(ConfigError, match="has no probe"):
            rig_for(BOARD, "virtual", **options)

    def test_auto_takes_port_and_drive_of_the_attached_board(self, attach):
        calls = attach()
        port, flasher = self.chosen("auto", probe_id="0777")
        assert port == "/dev/ttyX"
        assert isinstance(flasher, DriveFlasher)
        assert calls == [{"probe_id": "0777", "serial_port": None}]

    def test_without_a_drive_pyocd_is_taken(self, attach):
        attach(mount_point=None)
        _, flasher = self.chosen("auto")
        assert isinstance(flasher, PyocdFlasher)
        assert flasher._probe_id == "0777abc"

    def test_without_both_the_drive_is_waited_for(self, attach, monkeypatch):
        attach(mount_point=None)
        monkeypatch.setattr(flashing, "find_spec", lambda name: None)
        assert isinstance(self.chosen("auto")[1], DriveFlasher)

    @pytest.fixture
    def terminal(self):
        """A port that is there."""
        ends = os.openpty()
        yield os.ttyname(ends[1])
        for end in ends:
            os.close(end)

    def test_a_port_chooses_the_board(self, attach, terminal):
        calls = attach()
        port, flasher = self.chosen(terminal)
        assert port == terminal
        assert isinstance(flasher, DriveFlasher)
        assert calls == [{"probe_id": None, "serial_port": terminal}]

    @pytest.mark.parametrize(("port", "what"), [("/dev/ttyNOPE", "no such port"), (__file__, "is no serial port")])
    @pytest.mark.parametrize("flasher", ["auto", "rom"])
    def test_a_port_that_is_none(self, attach, monkeypatch, port, what, flasher):
        attach()
        monkeypatch.setattr(choose, "_APPEARS_S", 0.0)
        with pytest.raises(BoardNotFound, match=what) as caught:
            rig_for(BOARD, port, flasher=flasher)
        assert caught.value.where == port

    def test_a_port_that_comes_back(self, attach, monkeypatch, terminal, tmp_path):
        attach()
        port = tmp_path / "ttyACM0"
        monkeypatch.setattr(choose.time, "sleep", lambda seconds: port.exists() or port.symlink_to(terminal))
        assert self.chosen(str(port))[0] == str(port)

    def test_no_port_is_named(self, attach):
        attach()
        with pytest.raises(ConfigError, match="no port is named"):
            rig_for(BOARD, "")

    @pytest.mark.parametrize(("method", "kind"), [("pyocd", PyocdFlasher), ("rom", RomFlasher)])
    def test_with_port_and_flasher_nothing_has_to_be_recognised(self, attach, method, kind, terminal):
        calls = attach()
        port, flasher = self.chosen(terminal, flasher=method, probe_id="1")
        assert (port, calls) == (terminal, [])
        assert isinstance(flasher, kind)

    def test_an_attached_board_without_a_port(self, attach):
        attach(serial_port=None)
        with pytest.raises(BoardError, match="shows no serial port"):
            rig_for(BOARD, "auto")

    def test_a_board_without_uart(self):
        with pytest.raises(ConfigError, match="no serial port"):
            rig_for(dataclasses.replace(BOARD, uart=None), "virtual")

    def test_a_drive_is_looked_for_where_it_was_and_then_everywhere(self, attach, tmp_path, monkeypatch):
        calls = attach()
        locate = self.chosen("auto")[1]._locate
        calls.clear()
        assert locate() == tmp_path / "drive"
        assert calls == []
        (tmp_path / "drive" / "MBED.HTM").unlink()
        attach(mount_point=Path("/elsewhere"))
        assert locate() == Path("/elsewhere")
        assert calls == [{"probe_id": "0777abc"}]

        def nowhere(board, **how):
            raise BoardNotFound("gone")

        monkeypatch.setattr(flashing, "find_board", nowhere)
        assert locate() is None

    def test_all_that_fit_share_and_one_without_a_port_hides_no_other(self, attach, monkeypatch, caplog):
        attach()
        whole = AttachedBoard(BOARD.name, "Nucleo", "A1", "0777", "/dev/ttyA", None)
        boards = [whole, dataclasses.replace(whole, probe_id="B2", serial_port=None)]
        monkeypatch.setattr(choose, "fitting_boards", lambda board, probe_id: boards)
        assert [(rig.key, rig.port) for rig in rigs_for(BOARD, flasher="pyocd")] == [("A1", "/dev/ttyA")]
        assert "left out" in caplog.text
        boards.pop(0)
        with pytest.raises(BoardError, match="shows no serial port"):
            rigs_for(BOARD, flasher="pyocd")

    def test_a_port_and_its_probe_are_one_board(self, attach, terminal, monkeypatch):
        attach()
        monkeypatch.setattr(choose, "probe_ports", list)
        assert find_port(BOARD, terminal) == (terminal, terminal)
        monkeypatch.setattr(choose, "probe_ports", lambda: [ProbePort(terminal, "stlink", "0777abc", None, "STLink")])
        assert find_port(BOARD, terminal) == (terminal, "0777abc")
        assert find_port(BOARD, "auto") == ("/dev/ttyX", "0777abc")
        with pytest.raises(ConfigError, match="has no port"):
            find_port(BOARD, "virtual")
