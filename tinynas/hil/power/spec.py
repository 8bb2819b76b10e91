"""Meters as the command line and a configuration name them, such as `lpm01a:/dev/ttyACM1`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from tinynas.board import Board
from tinynas.errors import ConfigError
from tinynas.hil.dut import SerialLink
from tinynas.hil.power.harness import Ina228Harness
from tinynas.hil.power.i2c import I2cDevice
from tinynas.hil.power.ina228 import ADDRESSES, SHUNT_OHM, Ina228
from tinynas.hil.power.lpm01a import Lpm01a, check_volts
from tinynas.hil.power.meter import PowerMeter

__all__ = ["check_meter", "check_trigger", "open_meter"]

_KNOWN = "lpm01a:PORT, lpm01a:PORT@VOLTS, ina228:PORT, or ina228:/dev/i2c-N,address=0x40,shunt_ohm=0.015"
_BUS = re.compile(r"(.*/)?i2c-[^/@]+")


def open_meter(spec: str) -> PowerMeter:
    """Open a meter by its name; the caller closes it. An LPM01A supplies the board from here on.

    Args:
        spec: `lpm01a:PORT`, with `@VOLTS` behind the port where the supply is not 3.3 V; `ina228:PORT` for a harness;
            `ina228:/dev/i2c-N` for the chip itself, with `,address=` and `,shunt_ohm=` where they are not Adafruit's.

    Raises:
        ConfigError: There is no such meter, or the package that it needs is not installed.
        BoardNotFound: There is no such port or bus.
        BoardError: It cannot be opened, or the meter misbehaves.
    """
    meter = _parsed(spec, "meter")
    if meter.kind == "lpm01a":
        return Lpm01a(SerialLink(meter.port, Lpm01a.BAUD), volts=meter.volts)
    if meter.on_bus:
        return Ina228(I2cDevice(meter.port, meter.address), shunt_ohm=meter.shunt_ohm)
    return Ina228Harness(SerialLink(meter.port, Ina228Harness.BAUD))


def check_meter(spec: str, link: str, where: str = "meter") -> None:
    """Refuse what `open_meter` would, and a meter that has no board to measure, before anything is opened.

    Args:
        spec: See `open_meter`.
        link: How the board is reached: "virtual", "auto", or a serial port.
        where: What to call the setting in an error.

    Raises:
        ConfigError: There is no such meter, the board is a virtual one, or both have one port.

    Example:
        >>> check_meter("lpm01a:/dev/ttyACM1@2.5", "auto")
        >>> check_meter("ina228:/dev/i2c-1,shunt_ohm=0.1", "auto")
        >>> check_meter("lpm01a:COM5", "virtual")
        Traceback (most recent call last):
        ...
        tinynas.errors.ConfigError: meter: a virtual board takes no current (link a real one: \
auto, or its port; or leave the meter out)
    """
    meter = _parsed(spec, where)
    if link == "virtual":
        advice = "link a real one: auto, or its port; or leave the meter out"
        raise ConfigError("a virtual board takes no current", where=where, advice=advice)
    if meter.port == link:
        raise ConfigError(f"{meter.port} is the board's port", where=where, advice="name the meter's")


def check_trigger(board: Board, spec: str) -> None:
    """Refuse a board that does not tell a meter when inferences begin and end.

    Args:
        board: The board.
        spec: The meter, see `open_meter`. One on an I2C bus needs no pin.

    Raises:
        ConfigError: Its description names no trigger pin, and the meter has to see one.
    """
    if board.trigger_pin is None and not _parsed(spec, "meter").on_bus:
        what = "no pin of the board tells a meter when inferences begin and end"
        raise ConfigError(what, where=f"{board.name}:trigger_pin", advice="name one in the board's description")


@dataclass(frozen=True)
class _Named:
    """A meter's name, understood."""

    kind: str
    port: str
    volts: float = Lpm01a.VOLTS[1]
    address: int = ADDRESSES[0]
    shunt_ohm: float = SHUNT_OHM

    @property
    def on_bus(self) -> bool:
        return self.kind == "ina228" and _BUS.fullmatch(self.port) is not None


def _parsed(spec: str, where: str) -> _Named:
    kind, _, rest = spec.partition(":")
    bus, *options = rest.split(",")
    if kind == "ina228" and _BUS.fullmatch(bus):
        return _chip(bus, options, where)
    port, at, volts = rest.rpartition("@") if "@" in rest else (rest, "", "")
    if kind not in ("lpm01a", "ina228") or not port:
        raise ConfigError(f"{spec!r} names no meter and its port", where=where, advice=_KNOWN)
    if not at:
        return _Named(kind, port)
    if kind == "ina228":
        raise ConfigError("an INA228 supplies nothing, so its voltage is not set", where=where, advice=_KNOWN)
    supply = _number(volts, "volts", where)
    check_volts(supply, where, _KNOWN)
    return _Named(kind, port, volts=supply)


def _chip(bus: str, options: Sequence[str], where: str) -> _Named:
    """An INA228 on a bus, with its options."""
    address, shunt_ohm = ADDRESSES[0], SHUNT_OHM
    for option in options:
        name, _, value = option.partition("=")
        if name == "address":
            address = _address(value, where)
        elif name == "shunt_ohm":
            shunt_ohm = _number(value, "ohms", where)
        else:
            raise ConfigError(f"{option!r} is not an option of an INA228", where=where, advice=_KNOWN)
    if not 0 < shunt_ohm < inf:
        raise ConfigError(f"a shunt of {shunt_ohm:g} ohm cannot be", where=where, advice="15 milliohm are 0.015")
    return _Named("ina228", bus, address=address, shunt_ohm=shunt_ohm)


def _address(text: str, where: str) -> int:
    try:
        address = int(text, 0)
    except ValueError:
        address = -1
    if address not in ADDRESSES:
        advice = f"from 0x{ADDRESSES[0]:x} to 0x{ADDRESSES[-1]:x}, by its pins A0 and A1"
        raise ConfigError(f"{text!r} is not an address of an INA228", where=where, advice=advice)
    return address


def _number(text: str, unit: str, where: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no number of {unit}", where=where, advice=_KNOWN) from error
