"""The boot loader in an STM32's ROM: byte by byte (ST AN3155), and programmed by stm32loader from end to end."""

from __future__ import annotations

import shutil
import subprocess
from functools import reduce
from importlib.util import find_spec
from operator import xor
from pathlib import Path

import pytest

from tests.hil._images import small_model
from tinynas.board import load_board
from tinynas.deploy import compile_model
from tinynas.errors import BoardError, FlashError
from tinynas.hil.dut import Dut, SerialLink
from tinynas.hil.emulator import VirtualTerminal
from tinynas.hil.emulator.bootloader import RomLoader
from tinynas.hil.flashers import RomFlasher, program
from tinynas.hil.image import build_image

ACK, NACK = b"\x79", b"\x1f"
FLASH, RAM = 0x0800_0000, 0x2000_0000
STM32 = ["nucleo_f446re", "nucleo_f746zg", "nucleo_l476rg"]


class Ended(Exception):
    """The host has no more to say."""


class Script:
    """A host that has said everything beforehand."""

    def __init__(self, *said: bytes) -> None:
        self.said, self.heard = list(said), b""

    def receive(self) -> bytes:
        if not self.said:
            raise Ended
        return self.said.pop(0)

    def send(self, byte: int) -> None:
        self.heard += bytes([byte])

    def flush(self) -> None:
        pass


def command(code: int) -> bytes:
    return bytes((code, code ^ 0xFF))


def summed(*data: int) -> bytes:
    return bytes((*data, reduce(xor, data)))


def at(address: int) -> bytes:
    return summed(*address.to_bytes(4, "big"))


def reading(address: int, size: int) -> bytes:
    return command(0x11) + at(address) + command(size - 1)


def writing(address: int, data: bytes) -> bytes:
    return command(0x31) + at(address) + summed(len(data) - 1, *data)


def erasing(*sectors: int) -> bytes:
    numbers = [half for sector in sectors for half in sector.to_bytes(2, "big")]
    return command(0x44) + summed(*(len(sectors) - 1).to_bytes(2, "big"), *numbers)


ERASE_ALL = command(0x44) + b"\xff\xff\x00"


def dialogue(*said: bytes, board: str = "nucleo_f446re", flash: bytes = b"") -> tuple[bytes, RomLoader]:
    """What the loader answers after the first byte's acknowledgement."""
    line = Script(b"\x7f", *said)
    loader = RomLoader(load_board(board), line)
    loader.flash[: len(flash)] = flash
    with pytest.raises(Ended):
        loader.run()
    assert line.heard[:1] == ACK
    return line.heard[1:], loader


class TestCommands:
    def test_it_waits_for_the_byte_that_tells_the_speed(self):
        line = Script(b"\x00\x55", b"\x7f")
        with pytest.raises(Ended):
            RomLoader(load_board("nucleo_f446re"), line).run()
        assert line.heard == ACK

    def test_get_lists_what_it_understands(self):
        heard, _ = dialogue(command(0x00))
        assert heard[:3] == ACK + bytes((7, 0x31))
        assert set(heard[3:10]) == {0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44}
        assert heard[10:] == ACK

    @pytest.mark.parametrize(("board", "device"), [*zip(STM32, (0x421, 0x449, 0x415), strict=True)])
    def test_ids_are_those_of_an2606(self, board, device):
        heard, _ = dialogue(command(0x02), board=board)
        assert heard == ACK + b"\x01" + device.to_bytes(2, "big") + ACK

    def test_bytes_may_come_one_by_one(self):
        whole = reading(FLASH, 4)
        assert dialogue(*(whole[i : i + 1] for i in range(len(whole))))[0] == dialogue(whole)[0]

    @pytest.mark.parametrize("said", [b"\x00\x00", b"\x7f\x7f", command(0x99), b"\x11\x11"])
    def test_other_commands_are_refused(self, said):
        assert dialogue(said, command(0x01))[0] == NACK + ACK + b"\x31\x00\x00" + ACK

    @pytest.mark.parametrize("size", [1, 255, 256])
    def test_memory_is_read(self, size):
        data = bytes(range(256))
        assert dialogue(reading(FLASH, size), flash=data)[0] == 3 * ACK + data[:size]

    @pytest.mark.parametrize("address", [FLASH - 4, FLASH + 512 * 1024 - 2, 0x6000_0000])
    def test_only_what_is_there(self, address):
        assert dialogue(reading(address, 4))[0] == ACK + ACK + NACK

    def test_damaged_requests_are_refused(self):
        broken = command(0x11) + b"\x08\x00\x00\x00\x09"
        assert dialogue(broken)[0] == ACK + NACK
        broken = command(0x31) + at(FLASH) + b"\x03abcd\x00"
        heard, loader = dialogue(broken)
        assert heard == ACK + ACK + NACK
        assert loader.flash[:4] == b"\xff" * 4

    def test_what_is_written_can_be_read(self):
        heard, loader = dialogue(writing(FLASH + 8, b"flash123"), writing(RAM + 4, b"ram!"), reading(RAM + 4, 4))
        assert heard == 3 * ACK + 3 * ACK + 3 * ACK + b"ram!"
        assert loader.flash[8:16] == b"flash123"

    def test_flash_that_is_not_erased_only_loses_bits(self):
        assert dialogue(writing(FLASH, b"\xf0" * 4), flash=b"\x3c" * 4)[1].flash[:4] == b"\x30" * 4

    def test_words_only_begin_at_words(self):
        assert dialogue(command(0x31) + at(FLASH + 2))[0] == ACK + NACK


class TestErasing:
    # RM0390, RM0385 and RM0351: organisation of the flash.
    @pytest.mark.parametrize(
        ("board", "sector", "start", "size"),
        [
            ("nucleo_f446re", 0, 0, 16 * 1024),
            ("nucleo_f446re", 4, 64 * 1024, 64 * 1024),
            ("nucleo_f446re", 7, 384 * 1024, 128 * 1024),
            ("nucleo_f746zg", 1, 32 * 1024, 32 * 1024),
            ("nucleo_f746zg", 5, 256 * 1024, 256 * 1024),
            ("nucleo_l476rg", 3, 6 * 1024, 2 * 1024),
        ],
    )
    def test_a_sector(self, board, sector, start, size):
        full = b"\x00" * load_board(board).flash.size_bytes
        heard, loader = dialogue(erasing(sector), board=board, flash=full)
        assert heard == ACK + ACK
        assert loader.flash == full[:start] + b"\xff" * size + full[start + size :]

    def test_several(self):
        _, loader = dialogue(erasing(0, 2), flash=b"\x00" * 512 * 1024)
        assert [loader.flash[16 * 1024 * sector] for sector in range(4)] == [255, 0, 255, 0]

    def test_everything(self):
        heard, loader = dialogue(ERASE_ALL, flash=b"\x00" * 512 * 1024)
        assert heard == ACK + ACK
        assert loader.flash == b"\xff" * 512 * 1024

    @pytest.mark.parametrize("said", [command(0x44) + b"\xff\xff\x01", erasing(0)[:-1] + b"\x55", erasing(8)])
    def test_damaged_or_impossible(self, said):
        heard, loader = dialogue(said, flash=b"\x00" * 512 * 1024)
        assert heard == ACK + NACK
        assert loader.flash == bytes(512 * 1024)


class TestGo:
    def start(self, address: int) -> tuple[Script, int]:
        line = Script(b"\x7f", command(0x21) + at(address))
        return line, RomLoader(load_board("nucleo_f446re"), line).run()

    def test_it_starts_the_image(self):
        line, address = self.start(FLASH + 0x4000)
        assert (line.heard, address) == (3 * ACK, FLASH + 0x4000)

    def test_nowhere_else(self):
        assert dialogue(command(0x21) + at(0x6000_0000))[0] == ACK + NACK


def test_boards_without_such_a_loader():
    with pytest.raises(BoardError, match="no serial boot loader"):
        RomLoader(load_board("arduino_nano_33_ble"), Script())


@pytest.fixture(scope="module")
def modem_lines(tmp_path_factory) -> str:
    """A library that gives pseudo-terminals what a serial port has and they lack."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    library = tmp_path_factory.mktemp("modem") / "modem.so"
    source = Path(__file__).with_name("modem.c")
    options = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([compiler, *options, str(source), "-o", str(library), "-ldl"], check=True)
    return str(library)


@pytest.mark.emulator
@pytest.mark.skipif(not find_spec("stm32loader"), reason="no stm32loader")
@pytest.mark.skipif(not find_spec("unicorn"), reason="no unicorn")
class TestStm32loader:
    @pytest.mark.slow
    @pytest.mark.parametrize("name", STM32)
    def test_it_programs_a_virtual_board_which_then_runs_the_image(self, name, tmp_path, modem_lines, monkeypatch):
        board = load_board(name)
        image = build_image(board, compile_model(small_model()), tmp_path)
        with VirtualTerminal(board, None) as terminal:
            with monkeypatch.context() as patch:
                patch.setenv("LD_PRELOAD", modem_lines)
                program(RomFlasher(board, terminal.path), image)
            link = SerialLink(terminal.path, board.uart.baud)
            try:
                dut = Dut(link)
                dut.handshake(60)
                assert (dut.info().board, dut.info().image) == (name, image.image_hash)
                dut.load(bytes(image.input_bytes))
                dut.infer(1)
                assert len(dut.outputs()) == image.output_bytes
            finally:
                link.close()

    @pytest.mark.slow
    def test_a_board_that_runs_its_image_is_not_flashed(self, tmp_path, modem_lines, monkeypatch):
        """BOOT0 is low: the firmware answers what no boot loader does."""
        board = load_board("nucleo_f446re")
        image = build_image(board, compile_model(small_model()), tmp_path)
        with VirtualTerminal(board, image.elf) as terminal, monkeypatch.context() as patch:
            patch.setenv("LD_PRELOAD", modem_lines)
            with pytest.raises(FlashError, match="BOOT0"):
                RomFlasher(board, terminal.path, timeout_s=60).flash(image)
