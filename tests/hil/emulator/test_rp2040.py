"""The RP2040: its second-stage boot loader, and clocks, pins and serial port by the formulas of its data sheet."""

from __future__ import annotations

import dataclasses
import re
import shutil
import sys
from zlib import crc32

import pytest

from tests.hil.emulator._clocks import MHZ, Read, started
from tests.hil.emulator._programs import emulated
from tests.hil.firmware._host import FIRMWARE
from tinynas.board import family_of, load_board
from tinynas.board.families import PinNames
from tinynas.hil.check import check_board

PICO = load_board("raspberry_pi_pico")
BOOT = FIRMWARE / "families" / "rp2040_boot2.c"
SSI, SSIENR, BAUDR, SR, DR0, SPI_CTRLR0, VTOR = 0x18000000, 0x08, 0x14, 0x28, 0x60, 0xF4, 0xE000ED08


def boot_loader() -> bytes:
    words = re.findall(r"0x([0-9A-F]{8})u", BOOT.read_text())
    return b"".join(int(word, 16).to_bytes(4, "little") for word in words)


def test_the_boot_rom_accepts_the_second_stage():
    """Data sheet 2.8.1.3.1: 256 bytes, the last four being the CRC-32 of the others, the highest bit first."""
    code = boot_loader()
    assert len(code) == 256
    # The usual CRC-32 is this one with the bits of each byte and of the result reversed, and inverted at the end.
    mirrored = bytes(int(f"{byte:08b}"[::-1], 2) for byte in code[:252])
    assert int(f"{crc32(mirrored) ^ 0xFFFFFFFF:032b}"[::-1], 2) == int.from_bytes(code[252:], "little")


def test_the_checked_in_second_stage_is_that_of_its_source(monkeypatch):
    if not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("needs arm-none-eabi-gcc")
    monkeypatch.syspath_prepend(str(FIRMWARE.parent / "scripts"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    import rp2040_boot2

    assert BOOT.read_text() == rp2040_boot2.c_source(rp2040_boot2.assembled(BOOT.with_suffix(".S")))


def test_the_second_stage_sets_the_flash_interface_and_starts_the_image():
    """It runs where the boot ROM puts it; what it writes is held against the data sheets of flash and interface."""
    unicorn = pytest.importorskip("unicorn")
    from unicorn import arm_const as arm

    machine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
    machine.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M0)
    machine.mem_map(0x20040000, 0x2000)
    machine.mem_map(0x10000000, 0x1000)
    machine.mem_write(0x20041F00, boot_loader())
    machine.mem_write(0x10000100, (0x20042000).to_bytes(4, "little") + (0x10000201).to_bytes(4, "little"))
    machine.mem_write(0x10000200, b"\xfe\xe7")  # it stays there
    written: list[tuple[int, int]] = []
    busy = [3]

    def read(_unicorn, offset, _size, _data):
        if offset == SR:
            busy[0] -= busy[0] > 0
            return 0b100 if not busy[0] else 0b101 if busy[0] == 1 else 0
        return 0

    for page in (0x40020000, SSI, 0xE000E000):
        machine.mmio_map(page, 0x1000, read, None, lambda _u, at, _s, v, base: written.append((base + at, v)), page)
    machine.emu_start(0x20041F01, 0x10000200, count=500)
    assert machine.reg_read(arm.UC_ARM_REG_PC) & ~1 == 0x10000200
    assert machine.reg_read(arm.UC_ARM_REG_SP) == 0x20042000
    assert written[-1] == (VTOR, 0x10000100)
    assert [value for at, value in written if at == SSI + SSIENR] == [0, 1, 0, 1]
    assert dict(written)[SSI + BAUDR] == 2, "at most 133 MHz / 2"
    assert [value for at, value in written if at == SSI + DR0] == [0xEB, 0xA0], (
        "a read that says: no command from now on"
    )
    first, last = (value for at, value in written if at == SSI + SPI_CTRLR0)
    # Mode byte as a command; clocks to wait; length of a command (2: 8 bits); address and mode, by 4 bits; lines.
    fields = [(v >> 24, v >> 11 & 31, v >> 8 & 3, v >> 2 & 15, v & 3) for v in (first, last)]
    assert fields == [(0, 4, 2, 8, 1), (0xA0, 4, 0, 8, 2)]


@pytest.mark.parametrize(
    ("name", "found"),
    [("GP0", (0, 0)), ("GP29", (0, 29)), ("GP30", None), ("P0", None), ("GP", None), ("GP01", (0, 1))],
)
def test_names_of_pins(name, found):
    assert PinNames("", 30, prefix="GP").parse(name) == found


def pll_hz(read: Read) -> float:
    """Data sheet 2.18: the oscillator at 750 to 1600 MHz, two dividers of 1 to 7 behind it."""
    assert read(0x40028000) & 63 == 1, "the crystal's clock is not divided"
    assert not read(0x40028004) & 0b101001, "PLL, its oscillator and the dividers have power"
    oscillator = 12 * MHZ * read(0x40028008)
    assert 750 * MHZ <= oscillator <= 1600 * MHZ
    first, second = read(0x4002800C) >> 16 & 7, read(0x4002800C) >> 12 & 7
    assert first >= second >= 1
    return oscillator / first / second


def checked(board, directory) -> Read:
    changes: list[float] = []

    def watch(address, value, read):
        if address == 0x4000803C and value & 1:
            assert not value >> 5 & 7, "the auxiliary source is the PLL"
            assert read(0x40024000) >> 12 == 0xFAB, "the crystal runs"
            assert read(0x40008030) & 3 == 2, "and is the reference"
            assert read(0x40028000) >> 31, "the PLL is locked"
            changes.append(pll_hz(read))

    read = started(board, directory, watch)
    assert changes == [board.clock_hz]
    divisor = read(0x40034024) + read(0x40034028) / 64
    assert board.clock_hz / divisor / 16 == pytest.approx(board.uart.baud, rel=0.01)
    return read


class TestStart:
    pytestmark = emulated

    def test_clocks_pins_and_serial_port(self, tmp_path):
        read = checked(PICO, tmp_path)
        assert read(0x4000C008) >> 22 & 1, "UART0 is out of reset"
        assert read(0x4000C008) >> 5 & read(0x4000C008) >> 8 & 1, "pins are"
        assert [read(0x40014004 + 8 * pin) & 31 for pin in range(3)] == [2, 2, 5], "UART, UART, the trigger"
        assert read(0x4001C008) >> 2 & 3 == 0b10, "the receiver's pin is pulled up"
        assert read(0xE000E100) >> 20 & 1
        assert read(0x40034030) & 0x301 == 0x301

    @pytest.mark.slow
    @pytest.mark.parametrize(("mhz", "baud"), [(63, 9600), (100, 230_400), (133, 921_600)])
    def test_other_clocks_and_speeds(self, mhz, baud, tmp_path):
        uart = dataclasses.replace(PICO.uart, baud=baud)
        checked(dataclasses.replace(PICO, clock_hz=mhz * MHZ, uart=uart), tmp_path)

    @pytest.mark.slow
    def test_the_self_test(self):
        found = {one.name: one.passed for one in check_board(PICO)}
        assert found == {"start": True, "name": True, "clock": None, "parity": True, "memory": True, "fault": True}

    def test_the_image_begins_with_the_second_stage(self, tmp_path):
        from tests.hil._images import small_model
        from tinynas.deploy import compile_model
        from tinynas.hil.image import build_image

        image = build_image(PICO, compile_model(small_model()), tmp_path)
        assert (image.address, image.binary[:256]) == (0x10000000, boot_loader())
        stack, reset = (int.from_bytes(image.binary[at : at + 4], "little") for at in (256, 260))
        assert 0x20000000 < stack <= 0x20042000
        assert 0x10000100 <= reset < 0x10000100 + len(image.binary)
        assert family_of(PICO).boot_bytes == 256
