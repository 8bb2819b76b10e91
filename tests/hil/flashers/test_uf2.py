"""UF2 files by the format's description, and the drive of a boot ROM that plays its part well or badly."""

from __future__ import annotations

import shutil
import struct
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from tinynas.board import load_board
from tinynas.errors import ConfigError, FlashError
from tinynas.hil.boards.flashing import choose_flasher
from tinynas.hil.flashers import Uf2Flasher, boot_drives, check_flasher, uf2, uf2_file

PICO = load_board("raspberry_pi_pico")


@dataclass
class Image:
    address: int = 0x10000000
    binary: bytes = bytes(range(256)) * 2 + b"end"
    image_hash: str = "0badcafe"
    elf: Path = Path()
    binary_path: Path = Path()


@pytest.fixture
def drive(tmp_path, monkeypatch):
    monkeypatch.setattr(uf2, "_POLL_S", 0.01)
    place = tmp_path / "media" / "me" / "RPI-RP2"
    place.mkdir(parents=True)
    (place / "INFO_UF2.TXT").write_text("UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n")
    return place


def rom(place: Path, taken: list[bytes]) -> threading.Thread:
    """Takes a whole file, and its drive is gone."""

    def serve() -> None:
        while True:
            for file in place.glob("*.uf2"):
                if file.stat().st_size == 3 * 512:
                    taken.append(file.read_bytes())
                    shutil.rmtree(place)
                    return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


def test_blocks_by_the_description_of_the_format():
    file = uf2_file(0x10000000, Image.binary, 0xE48BFF56)
    assert len(file) == 3 * 512
    data = b""
    for number in range(3):
        block = file[512 * number : 512 * (number + 1)]
        head = struct.unpack("<8I", block[:32])
        assert head[:3] == (0x0A324655, 0x9E5D5157, 0x00002000)
        assert head[3:] == (0x10000000 + 256 * number, 256, number, 3, 0xE48BFF56)
        assert block[-4:] == struct.pack("<I", 0x0AB16F30)
        assert not any(block[32 + 256 : -4])
        data += block[32 : 32 + 256]
    assert data == Image.binary + bytes(3 * 256 - len(Image.binary))


def test_an_image_is_copied_and_its_start_awaited(drive, tmp_path):
    taken: list[bytes] = []
    thread = rom(drive, taken)
    Uf2Flasher(PICO, lambda: boot_drives((tmp_path / "media",)), timeout_s=10).flash(Image())
    thread.join()
    assert taken == [uf2_file(0x10000000, Image.binary, 0xE48BFF56)]


def test_a_rom_that_does_not_take_the_image(drive, tmp_path):
    flasher = Uf2Flasher(PICO, lambda: boot_drives((tmp_path / "media",)), timeout_s=0.05)
    with pytest.raises(FlashError, match="still there") as caught:
        flasher.flash(Image())
    assert caught.value.where == str(drive)


def test_no_drive_and_two_drives(drive, tmp_path):
    with pytest.raises(FlashError, match="no drive") as caught:
        Uf2Flasher(PICO, lambda: boot_drives((tmp_path / "elsewhere",))).flash(Image())
    assert "BOOTSEL" in caught.value.advice
    shutil.copytree(drive, drive.with_name("RPI-RP21"))
    with pytest.raises(FlashError, match="2 drives"):
        Uf2Flasher(PICO, lambda: boot_drives((tmp_path / "media",))).flash(Image())


def test_a_copy_that_fails(drive):
    blocked = drive / "tinynas-0badcafe.uf2"
    blocked.mkdir()
    with pytest.raises(FlashError, match="the copy failed"):
        Uf2Flasher(PICO, lambda: [drive]).flash(Image())


def test_a_drive_that_is_gone_before_the_copy_has_ended(tmp_path):
    gone, found = tmp_path / "gone", [[tmp_path / "gone"], []]
    Uf2Flasher(PICO, lambda: found.pop(0) if len(found) > 1 else found[0]).flash(Image())
    assert not gone.exists()


def test_its_name_and_the_boards_that_it_serves():
    assert check_flasher("uf2") == "uf2"
    assert isinstance(choose_flasher(PICO, None, "uf2", "/dev/null", None), Uf2Flasher)
    with pytest.raises(ConfigError, match="takes no UF2 files"):
        choose_flasher(load_board("nucleo_f446re"), None, "uf2", "/dev/null", None)
