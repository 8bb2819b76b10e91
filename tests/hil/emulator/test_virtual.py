"""Virtual boards as the host sees them: the firmware in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.util import find_spec

import numpy as np
import psutil
import pytest

from tests._tools import needs
from tests.hil._boards import CORES
from tests.hil._images import small_model
from tests.hil.emulator._programs import link_program
from tinynas.board import load_board
from tinynas.deploy import compile_model
from tinynas.errors import BoardError, BoardNotFound, LinkTimeout
from tinynas.hil.dut import Dut, SerialLink
from tinynas.hil.emulator import VirtualBoard, VirtualTerminal
from tinynas.hil.emulator import virtual as module
from tinynas.hil.image import build_image
from tinynas.hil.parity import random_window, reference_of

#: Of Armv6-M, where every fault is a HardFault without a status.
BASELINE = ["nucleo_g071rb"]
F446 = load_board("nucleo_f446re")
MODEL = small_model()
#: Seconds for an answer. A virtual board is as slow as the machine is busy.
PATIENCE_S = 60.0

pytestmark = [pytest.mark.emulator, pytest.mark.skipif(not find_spec("unicorn"), reason="no unicorn")]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    compiled = compile_model(MODEL)
    return {name: build_image(load_board(name), compiled, tmp_path_factory.mktemp(name)) for name in CORES}


@pytest.fixture(scope="module")
def image(images):
    return images["nucleo_f446re"]


def emulators() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "tinynas.hil.emulator" in child.cmdline()]


def ends(process: psutil.Process) -> bool:
    """Whether it ends within some seconds; a zombie has."""
    for _ in range(100):
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    return False


class TestFirmware:
    @pytest.mark.slow
    @pytest.mark.parametrize("name", CORES)
    def test_a_session(self, images, name):
        image, rng = images[name], np.random.default_rng(5)
        inputs = np.stack([random_window(MODEL, rng) for _ in range(2)])
        with VirtualBoard(image.board, image.elf) as virtual:
            dut = Dut(virtual.link, timeout_s=PATIENCE_S)
            dut.handshake(PATIENCE_S)
            assert dut.name() == "tinynas"
            assert dut.info().clock_hz == image.board.clock_hz
            for index, window in enumerate(inputs):
                dut.load(window.tobytes())
                lap = dut.infer(3, 1)
                reference_of(MODEL, inputs).check(index, dut.outputs(), name)
            assert 0 < virtual.instructions < lap.latency_us * 1e-6 * image.board.clock_hz * 2
            assert dut.memory().static_bytes == image.static_ram_bytes
            assert 0 < dut.memory().stack_bytes < image.stack_limit_bytes
            fault = dut.provoke_fault()
        assert fault.kind == ("HardFault" if name in BASELINE else "UsageFault")
        assert fault.registers.get("cfsr") == (None if name in BASELINE else 0x00010000)

    @pytest.mark.slow
    def test_whatever_the_host_sends_nothing_is_lost_or_overrun(self, image):
        with VirtualBoard(image.board, image.elf) as virtual:
            dut = Dut(virtual.link, timeout_s=PATIENCE_S)
            dut.handshake(PATIENCE_S)
            virtual.link.write(np.random.default_rng(1).integers(0, 256, 4_000, np.uint8).tobytes() + b"%")
            dut.handshake(PATIENCE_S)
            assert dut.info().image == image.image_hash

    def test_a_conversation_repeats_exactly(self, image):
        def heard() -> list[object]:
            with VirtualBoard(image.board, image.elf) as virtual:
                dut = Dut(virtual.link, timeout_s=PATIENCE_S)
                dut.handshake(PATIENCE_S)
                dut.load(bytes(image.input_bytes))
                return [dut.infer(2), dut.timestamp_us(), dut.memory(), virtual.instructions]

        assert heard() == heard()


class TestProcess:
    def test_unicorn_stays_in_it(self):
        code = "import sys, tinynas.hil.emulator, tinynas.hil.boards; sys.exit('unicorn' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

    def test_it_sleeps_while_nothing_comes(self, image):
        with VirtualBoard(image.board, image.elf) as virtual:
            Dut(virtual.link, timeout_s=PATIENCE_S).handshake(PATIENCE_S)
            (process,) = emulators()
            before = sum(process.cpu_times()[:2])
            time.sleep(1.0)
            assert sum(process.cpu_times()[:2]) - before < 0.1

    def test_it_sleeps_after_a_fault(self, image):
        with VirtualBoard(image.board, image.elf) as virtual:
            dut = Dut(virtual.link, timeout_s=PATIENCE_S)
            dut.handshake(PATIENCE_S)
            dut.provoke_fault()
            (process,) = emulators()
            time.sleep(0.2)
            before = sum(process.cpu_times()[:2])
            time.sleep(1.0)
            assert sum(process.cpu_times()[:2]) - before < 0.1

    def test_nothing_is_left_of_it(self, image):
        def once() -> None:
            virtual = VirtualBoard(image.board, image.elf)
            Dut(virtual.link, timeout_s=PATIENCE_S).handshake(PATIENCE_S)
            virtual.close()
            virtual.close()

        once()
        me = psutil.Process()
        before = me.num_fds(), me.num_threads()
        once()
        assert (me.num_fds(), me.num_threads(), emulators()) == (*before, [])

    def test_its_death_is_an_error(self, image):
        with VirtualBoard(image.board, image.elf) as virtual:
            dut = Dut(virtual.link, timeout_s=PATIENCE_S)
            dut.handshake(PATIENCE_S)
            emulators()[0].kill()
            with pytest.raises(BoardError, match="nucleo_f446re"):
                dut.name()

    def test_it_ends_with_its_caller(self, image):
        code = (
            "import os, sys; from pathlib import Path; from tinynas.board import load_board;"
            "from tinynas.hil.emulator import VirtualBoard; from tinynas.hil.dut import Dut;"
            "board = VirtualBoard(load_board('nucleo_f446re'), Path(sys.argv[1])); Dut(board.link).handshake(60);"
            "print(board._emulator.process.pid, flush=True); os._exit(9)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(image.elf)], stdout=subprocess.PIPE, text=True, check=False
        )
        assert done.returncode == 9
        assert not psutil.pid_exists(int(done.stdout)) or ends(psutil.Process(int(done.stdout)))

    def test_without_unicorn(self, image, monkeypatch):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
        with pytest.raises(BoardNotFound, match=r"tinynas\[virtual\]"):
            VirtualBoard(image.board, image.elf)


@needs("a cross compiler")
class TestImagesGoneWrong:
    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("source", "error", "message"),
        [
            ("b .", LinkTimeout, "does not answer"),
            ("cpsid i\n 1: wfi\n b 1b", LinkTimeout, "does not answer"),
            ("udf #0\n hard_fault: udf #0", BoardError, "locked up"),
        ],
        ids=["endless loop", "sleep", "fault in a fault"],
    )
    def test_are_told_from_boards_that_answer(self, tmp_path, source, error, message):
        with (
            VirtualBoard(F446, link_program(source, tmp_path / "image.elf")) as virtual,
            pytest.raises(error, match=message),
        ):
            # What locks up says so at once; what is silent is waited for.
            Dut(virtual.link).handshake(timeout_s=PATIENCE_S if error is BoardError else 1)
        assert emulators() == []

    def test_of_another_board(self, images):
        with (
            VirtualBoard(F446, images["arduino_nano_33_ble"].elf) as virtual,
            pytest.raises(BoardError, match=r"outside|flash"),
        ):
            Dut(virtual.link).handshake(PATIENCE_S)

    def test_that_are_none(self, tmp_path):
        (tmp_path / "image.elf").write_bytes(b"no image")
        with (
            VirtualBoard(F446, tmp_path / "image.elf") as virtual,
            pytest.raises(BoardError, match="no image that can be read"),
        ):
            Dut(virtual.link).handshake(PATIENCE_S)


class TestTerminal:
    def test_serial_programs_can_open_it_one_after_the_other(self, image):
        with VirtualTerminal(image.board, image.elf) as terminal:
            for _ in range(2):
                link = SerialLink(terminal.path, 115_200)
                dut = Dut(link, timeout_s=PATIENCE_S)
                dut.handshake(PATIENCE_S)
                assert dut.info().image == image.image_hash
                link.close()
            (process,) = emulators()
        assert ends(process)

    @pytest.mark.slow
    def test_bytes_that_nobody_reads_do_not_stop_it(self, image):
        with VirtualTerminal(image.board, image.elf) as terminal:
            other = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
            for _ in range(200):
                os.write(other, b"help%")
            os.close(other)
            time.sleep(2.5)
            link = SerialLink(terminal.path, 115_200)
            Dut(link, timeout_s=PATIENCE_S).handshake(PATIENCE_S)
            link.close()

    def test_an_image_that_locks_the_core_says_so(self, tmp_path):
        elf = link_program("udf #0\n hard_fault: udf #0", tmp_path / "image.elf")
        with VirtualTerminal(F446, elf) as terminal:
            assert "locked up" in terminal.wait()

    def test_boards_without_a_boot_loader(self):
        with pytest.raises(BoardError, match="no serial boot loader"):
            VirtualTerminal(load_board("arduino_nano_33_ble"), None)
        assert emulators() == []
