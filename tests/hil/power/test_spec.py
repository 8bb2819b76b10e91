"""Meters by name: what is understood, what is refused, and what is opened."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import closing, contextmanager

import pytest

from tests.hil.power._boards import loaded_dut
from tests.hil.power._chip import Chip, smbus2_with
from tests.hil.power._meters import Harness, Shield, ascii_stream, pulsed
from tinynas.errors import BoardNotFound, ConfigError
from tinynas.hil.power import Ina228Harness, Lpm01a, check_meter, energy_of, open_meter
from tinynas.hil.power import ina228 as chip_module
from tinynas.hil.power import spec as module

BAD = [
    "",
    "lpm01a",
    "lpm01a:",
    "ina228:",
    "lpm01a:@3.3",
    "LPM01A:COM5",
    "/dev/ttyACM1",
    "joulescope:/dev/ttyACM1",
    "lpm01a:COM5@",
    "lpm01a:COM5@3V3",
    "ina228:COM5@3.3",
    "ina228:/dev/i2c-1@3.3",
    "ina228:/dev/i2c-1,shunt=0.1",
    "ina228:/dev/i2c-1,",
    "ina228:/dev/i2c-1,shunt_ohm=15m",
    "lpm01a:/dev/i2c-1,address=0x40@x",
]


class Opened:
    """Stands in for a port and for a meter: keeps what it was made with."""

    BAUD, VOLTS = 9600, Lpm01a.VOLTS

    def __init__(self, *arguments, **options):
        self.arguments, self.options = arguments, options


@pytest.mark.parametrize(
    ("spec", "port", "volts"),
    [
        ("lpm01a:/dev/ttyACM1", "/dev/ttyACM1", 3.3),
        ("lpm01a:COM5", "COM5", 3.3),
        ("lpm01a:COM5@1.8", "COM5", 1.8),
        ("lpm01a:/dev/serial/by-id/usb-ST_Power:Shield-if00@3", "/dev/serial/by-id/usb-ST_Power:Shield-if00", 3.0),
        ("lpm01a:/tmp/a@b@2.5", "/tmp/a@b", 2.5),
    ],
)
def test_ports_and_volts(monkeypatch, spec, port, volts):
    monkeypatch.setattr(module, "SerialLink", Opened)
    monkeypatch.setattr(module, "Lpm01a", Opened)
    meter = open_meter(spec)
    assert meter.arguments[0].arguments == (port, Opened.BAUD)
    assert meter.options == {"volts": volts}


@pytest.mark.parametrize("spec", BAD)
def test_what_is_no_meter_is_refused_with_those_that_are(spec):
    with pytest.raises(ConfigError) as caught:
        check_meter(spec, "auto", "my.yaml:hil.meter")
    assert caught.value.where == "my.yaml:hil.meter"
    assert all(form in caught.value.advice for form in ("lpm01a:PORT@VOLTS", "ina228:PORT"))
    with pytest.raises(ConfigError):
        open_meter(spec)


@pytest.mark.parametrize("volts", ["1.79", "3.31", "nan", "inf", "-3"])
def test_a_supply_that_the_shield_does_not_have(volts):
    with pytest.raises(ConfigError, match=r"not between 1\.8 and 3\.3"):
        check_meter(f"lpm01a:COM5@{volts}", "auto")


def test_a_virtual_board_takes_no_current():
    check_meter("ina228:COM5", "COM4")
    with pytest.raises(ConfigError, match="takes no current"):
        check_meter("ina228:COM5", "virtual")


def test_a_port_that_is_not_there():
    with pytest.raises(BoardNotFound, match="no such port"):
        open_meter("ina228:/dev/no-such-port")


@pytest.mark.parametrize(
    ("options", "address", "shunt_ohm"),
    [
        ("", 0x40, 0.015),
        (",address=0x4f", 0x4F, 0.015),
        (",shunt_ohm=0.1", 0x40, 0.1),
        (",shunt_ohm=1e-3,address=65", 0x41, 0.001),
    ],
)
def test_a_chip_on_a_bus(monkeypatch, options, address, shunt_ohm):
    monkeypatch.setattr(module, "I2cDevice", Opened)
    monkeypatch.setattr(module, "Ina228", Opened)
    check_meter(f"ina228:/dev/i2c-11{options}", "auto")
    meter = open_meter(f"ina228:/dev/i2c-11{options}")
    assert meter.arguments[0].arguments == ("/dev/i2c-11", address)
    assert meter.options == {"shunt_ohm": shunt_ohm}


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("address=0x50", "not an address"),
        ("address=forty", "not an address"),
        ("shunt_ohm=0", "cannot be"),
        ("shunt_ohm=-1", "cannot be"),
        ("shunt_ohm=nan", "cannot be"),
        ("shunt_ohm=inf", "cannot be"),
    ],
)
def test_a_chip_that_cannot_be(option, said):
    with pytest.raises(ConfigError, match=said):
        check_meter(f"ina228:/dev/i2c-1,{option}", "auto", "--meter")


def test_a_chip_on_a_bus_measures(monkeypatch):
    chip = Chip(shunt_ohm=0.1)
    monkeypatch.setitem(sys.modules, "smbus2", package := smbus2_with({0x44: chip}))
    monkeypatch.setattr(chip_module.time, "monotonic", chip.clock)
    monkeypatch.setattr(chip_module, "deadline_in", lambda seconds: chip.clock.now + seconds)
    with closing(open_meter("ina228:/dev/i2c-1,address=0x44,shunt_ohm=0.1")) as meter:
        assert meter.reading().amperes == pytest.approx(0.05, abs=1e-6)
    assert package.open_buses == 0


@contextmanager
def on_a_port(fake):
    """A terminal that a meter answers behind, until it hears `over`."""
    import tty

    host, port = os.openpty()
    tty.setraw(port)

    def serve():
        pending = b""
        while pending != b"over":
            *commands, pending = (pending + os.read(host, 4096)).split(fake.end_of_line)
            for command in commands:
                reply = fake.answer(command.decode())
                while reply:
                    reply = reply[os.write(host, reply) :]

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield os.ttyname(port)
    finally:
        os.write(port, b"over")
        thread.join(10)
        assert not thread.is_alive()
        os.close(host)
        os.close(port)


@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
class TestOverASerialPort:
    def test_the_shield(self):
        fake = Shield(ascii_stream(*pulsed(50, 300)))
        with on_a_port(fake) as port, closing(open_meter(f"lpm01a:{port}@1.8")) as meter, loaded_dut() as dut:
            assert isinstance(meter, Lpm01a)
            assert energy_of(meter, dut, 300) == pytest.approx(50)
        assert "volt 1800m" in fake.received
        assert fake.received[-2:] == ["pwr off", "hrc"]

    def test_the_harness(self):
        fake = Harness([(1000, 0, 0), (301_000, 5000, 80_000)])
        with on_a_port(fake) as port, closing(open_meter(f"ina228:{port}")) as meter, loaded_dut() as dut:
            assert isinstance(meter, Ina228Harness)
            joules = 5000 * meter.setup.energy_lsb_j
            assert energy_of(meter, dut, 300) == pytest.approx(joules / 300 * 1e6)


def test_the_boards_port_is_no_meters():
    with pytest.raises(ConfigError, match="COM5 is the board's port") as caught:
        check_meter("lpm01a:COM5@3", "COM5", "hil.meter")
    assert caught.value.where == "hil.meter"
    check_meter("lpm01a:COM6", "COM5")
