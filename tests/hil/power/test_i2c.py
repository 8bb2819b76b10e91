"""A chip on a bus of Linux: what is sent, and what each of the system's errors is called."""

from __future__ import annotations

import errno
import sys

import pytest

from tests.hil.power._chip import CONFIG, MAKER, SHUNT_CAL, Chip, smbus2_with
from tinynas.errors import BoardError, BoardNotFound, ConfigError
from tinynas.hil.power import I2cDevice


@pytest.fixture
def bus(monkeypatch):
    """Puts a package for the bus in place."""

    def put(chips=None, **options):
        package = smbus2_with({0x41: Chip()} if chips is None else chips, **options)
        monkeypatch.setitem(sys.modules, "smbus2", package)
        return package

    return put


def test_registers_are_read_and_written_most_significant_byte_first(bus):
    chip = Chip()
    package = bus({0x41: chip})
    device = I2cDevice("/dev/i2c-1", 0x41)
    assert device.read(MAKER, 2) == b"TI"
    device.write(SHUNT_CAL, 0x1234)
    assert chip.registers[SHUNT_CAL] == 0x1234
    assert "/dev/i2c-1" in device.name
    assert "0x41" in device.name
    device.close()
    device.close()
    assert package.open_buses == 0


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "smbus2", None)
    with pytest.raises(ConfigError, match="smbus2") as caught:
        I2cDevice("/dev/i2c-1", 0x40)
    assert "tinynas[i2c]" in caught.value.advice


@pytest.mark.parametrize(
    ("number", "error", "said", "advised"),
    [
        (errno.ENOENT, BoardNotFound, "no such bus", "i2cdetect -l"),
        (errno.EACCES, BoardError, "by this user", "usermod -aG i2c"),
        (errno.ENOTTY, BoardError, "cannot be opened: .*ioctl", "i2cdetect"),
    ],
)
def test_a_bus_that_does_not_open(bus, number, error, said, advised):
    bus(opens=number)
    with pytest.raises(error, match=said) as caught:
        I2cDevice("/dev/i2c-7", 0x40)
    assert caught.value.where == "/dev/i2c-7"
    assert advised in caught.value.advice


def test_a_chip_that_is_not_there_or_not_free(bus):
    package = bus()
    with pytest.raises(BoardError, match="does not answer") as caught:
        I2cDevice("/dev/i2c-1", 0x40)
    assert "0x40" in caught.value.where
    assert "SDA" in caught.value.advice
    assert package.open_buses == 0
    package = bus(byte_fails=errno.EBUSY)
    with pytest.raises(BoardError, match="driver of Linux holds") as caught:
        I2cDevice("/dev/i2c-1", 0x41)
    assert "rmmod" in caught.value.advice
    assert package.open_buses == 0


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.EIO, "does not answer"), (errno.ETIMEDOUT, "does not answer"), (errno.EOPNOTSUPP, "SMBus")],
)
def test_a_transfer_that_fails(bus, number, said):
    chip = Chip()
    bus({0x41: chip})
    device = I2cDevice("/dev/i2c-1", 0x41)
    chip.fails[None] = number
    for transfer in (lambda: device.read(MAKER, 2), lambda: device.write(CONFIG, 0)):
        with pytest.raises(BoardError, match=said) as caught:
            transfer()
        assert caught.value.disposition == "retry"


def test_the_package_itself_says_what_is_no_bus(tmp_path):
    pytest.importorskip("smbus2", reason="needs the extra i2c")
    with pytest.raises(BoardNotFound, match="no such bus"):
        I2cDevice(str(tmp_path / "i2c-1"), 0x40)
    (tmp_path / "i2c-2").write_bytes(b"")
    with pytest.raises(BoardError, match="cannot be opened"):
        I2cDevice(str(tmp_path / "i2c-2"), 0x40)
