"""Meters as the command line and a configuration name them, such as `lpm01a:/dev/ttyACM1`."""

from __future__ import annotations

from tinynas.board import Board
from tinynas.errors import ConfigError
from tinynas.hil.dut import SerialLink
from tinynas.hil.power.ina228 import Ina228Harness
from tinynas.hil.power.lpm01a import Lpm01a, check_volts
from tinynas.hil.power.meter import PowerMeter

__all__ = ["check_meter", "check_trigger", "open_meter"]

_KNOWN = "lpm01a:PORT, lpm01a:PORT@VOLTS, or ina228:PORT"


def open_meter(spec: str) -> PowerMeter:
    """Open a meter by its name; the caller closes it. An LPM01A supplies the board from here on.

    Args:
        spec: `lpm01a:PORT`, with `@VOLTS` behind the port where the supply is not 3.3 V; or `ina228:PORT`.

    Raises:
        ConfigError: There is no such meter.
        BoardNotFound: There is no such port.
        BoardError: The port cannot be opened, or the meter misbehaves.
    """
    kind, port, volts = _parsed(spec, "meter")
    if kind == "ina228":
        return Ina228Harness(SerialLink(port, Ina228Harness.BAUD))
    return Lpm01a(SerialLink(port, Lpm01a.BAUD), volts=volts)


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
        >>> check_meter("lpm01a:COM5", "virtual")
        Traceback (most recent call last):
        ...
        tinynas.errors.ConfigError: meter: a virtual board takes no current (link a real one: \
auto, or its port; or leave the meter out)
    """
    _, port, _ = _parsed(spec, where)
    if link == "virtual":
        advice = "link a real one: auto, or its port; or leave the meter out"
        raise ConfigError("a virtual board takes no current", where=where, advice=advice)
    if port == link:
        raise ConfigError(f"{port} is the board's port", where=where, advice="name the meter's")


def check_trigger(board: Board) -> None:
    """Refuse a board that tells no meter when inferences begin and end.

    Raises:
        ConfigError: Its description names no trigger pin.
    """
    if board.trigger_pin is None:
        what = "no pin of the board tells a meter when inferences begin and end"
        raise ConfigError(what, where=f"{board.name}:trigger_pin", advice="name one in the board's description")


def _parsed(spec: str, where: str) -> tuple[str, str, float]:
    """Kind, port and volts."""
    kind, _, rest = spec.partition(":")
    port, at, volts = rest.rpartition("@") if "@" in rest else (rest, "", "")
    if kind not in ("lpm01a", "ina228") or not port:
        raise ConfigError(f"{spec!r} names no meter and its port", where=where, advice=_KNOWN)
    if not at:
        return kind, port, Lpm01a.VOLTS[1]
    if kind == "ina228":
        raise ConfigError("an INA228 supplies nothing, so its voltage is not set", where=where, advice=_KNOWN)
    return kind, port, _supply(volts, where)


def _supply(text: str, where: str) -> float:
    try:
        volts = float(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no number of volts", where=where, advice=_KNOWN) from error
    check_volts(volts, where, _KNOWN)
    return volts
