"""A microcontroller ("harness") that reads a TI INA228 in the board's supply and watches its trigger pin.

The harness sends raw registers and how they are set up; this module turns them into joules. `docs/energy.md` has the
lines that go back and forth, and what the harness has to do.

Facts from the INA228's data sheet (SLYS021): SHUNT_CAL (register 02h) = 13107.2e6 * CURRENT_LSB * R_shunt, four times
that with ADCRANGE = 1; ENERGY (09h), 40 bits unsigned, of 16 * 3.2 * CURRENT_LSB joules each; CHARGE (0Ah), 40 bits
two's complement, of CURRENT_LSB coulombs each; DIAG_ALRT (0Bh): bit 11 an overflow of ENERGY, 10 of CHARGE, 9 of the
arithmetic, bit 0 clear where the chip's trim memory is damaged.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass

from tinynas.errors import BoardError, LinkTimeout, ProtocolError
from tinynas.hil.dut import Link, deadline_in
from tinynas.hil.power.lines import Lines
from tinynas.hil.power.meter import Mark

__all__ = ["Ina228Harness", "Ina228Setup", "checksum"]

_VERSION = "1"
_TIMEOUT_S = 5.0
_TRIES = 3
_CALIBRATION = 13107.2e6
_BITS = 40
_OVERFLOWS = {11: "the energy", 10: "the charge", 9: "the arithmetic"}
_TRIM_IS_GOOD = 1
#: A microcontroller runs on no other supply.
_VOLTS = (1.0, 6.0)
_SETUP = re.compile(r"ina228 (\d+) shunt_uohm=(\d{1,9}) cal=(\d{1,5}) range=([01]) period_us=(\d{1,9})")
_MARK = re.compile(r"mark (\d{1,9}) (\d{1,18}) ([0-9A-Fa-f]{10}) ([0-9A-Fa-f]{10})")
_STOPPED = re.compile(r"stopped (\d{1,9}) ([0-9A-Fa-f]{4})")
_RESET = "reset the harness"
_CABLE = "check the cable and the baud"


@dataclass(frozen=True)
class Ina228Setup:
    """How an INA228 is wired and set up.

    Attributes:
        shunt_ohm: The shunt's resistance.
        calibration: What SHUNT_CAL holds.
        fine: Whether ADCRANGE is 1: 40.96 mV full scale instead of 163.84 mV.
        period_s: From one result to the next: conversion times of shunt and bus, times the averages.

    Example:
        >>> setup = Ina228Setup(shunt_ohm=0.0162, calibration=4050, fine=False, period_s=1e-3)
        >>> round(setup.current_lsb_a * 2**19, 2)  # full scale
        10.0
    """

    shunt_ohm: float
    calibration: int
    fine: bool
    period_s: float

    @property
    def current_lsb_a(self) -> float:
        """Amperes of one step of CURRENT, coulombs of one of CHARGE."""
        return self.calibration / (_CALIBRATION * self.shunt_ohm * (4 if self.fine else 1))

    @property
    def energy_lsb_j(self) -> float:
        """Joules of one step of ENERGY."""
        return 16 * 3.2 * self.current_lsb_a


class Ina228Harness:
    """The harness.

    Args:
        link: `SerialLink(port, Ina228Harness.BAUD)`. It is the meter's: `close` closes it.

    Raises:
        LinkTimeout: The harness does not answer.
        ProtocolError: It answers something else, or its lines arrive damaged.
        BoardError: It is gone, or the INA228 is not set up.
    """

    BAUD = 115_200

    def __init__(self, link: Link) -> None:
        self.name, self._link, self._lines = link.name, link, Lines(link)
        self._recording = False
        try:
            self._setup = self._identified()
        except BaseException:
            link.close()
            raise

    @property
    def setup(self) -> Ina228Setup:
        """What the harness says of its INA228."""
        return self._setup

    @property
    def resolution_s(self) -> float:
        """See `PowerMeter`."""
        return self._setup.period_s

    def start(self) -> None:
        """See `PowerMeter`."""
        if self._recording:
            raise BoardError("the meter is recording already", where=self.name)
        self._send("start")
        line = self._line("start", deadline_in(_TIMEOUT_S))
        if line != "started":
            raise self._unexpected("start", line)
        self._recording = True

    def stop(self) -> tuple[Mark, ...]:
        """See `PowerMeter`."""
        if not self._recording:
            raise BoardError("the meter is not recording", where=self.name)
        self._recording = False
        self._send("stop")
        marks, charges, deadline = list[Mark](), list[float](), deadline_in(_TIMEOUT_S)
        while match := _MARK.fullmatch(line := self._line("stop", deadline)):
            if int(match[1]) != len(marks):
                raise ProtocolError(f"mark {match[1]} comes as number {len(marks)}", where=self.name, advice=_CABLE)
            energy, charge = int(match[3], 16), int(match[4], 16)
            charge -= (charge >> _BITS - 1) << _BITS
            marks.append(Mark(int(match[2]) / 1e6, energy * self._setup.energy_lsb_j))
            charges.append(charge * self._setup.current_lsb_a)
        stopped = _STOPPED.fullmatch(line)
        if stopped is None:
            raise self._unexpected("stop", line)
        if int(stopped[1]) != len(marks):
            raise ProtocolError(f"{len(marks)} of {stopped[1]} marks arrived", where=self.name, advice=_CABLE)
        self._check_flags(int(stopped[2], 16))
        self._check_volts(marks, charges)
        return tuple(marks)

    def close(self) -> None:
        """See `PowerMeter`."""
        with suppress(BoardError):
            if self._recording:
                self.stop()
        self._link.close()

    def _identified(self) -> Ina228Setup:
        """Ask until the answer comes: an opened port may reset the harness, and lines of before may be under way."""
        heard = "nothing"
        for _ in range(_TRIES):
            self._send("id")
            deadline = deadline_in(_TIMEOUT_S / _TRIES)
            while time.monotonic() < deadline and (line := self._lines.next(deadline)) is not None:
                heard = line or heard
                text, _, digits = line.rpartition("*")
                if (match := _SETUP.fullmatch(text)) and digits.lower() == checksum(text):
                    return self._set_up(match)
        raise LinkTimeout(f"no harness answers `id`; heard {heard!r:.80}", where=self.name, advice=_RESET)

    def _set_up(self, match: re.Match[str]) -> Ina228Setup:
        version, shunt, calibration, fine, period = match.groups()
        if version != _VERSION:
            raise ProtocolError(f"the harness speaks version {version}, not {_VERSION}", where=self.name)
        if not (int(shunt) and int(calibration) and int(period)):
            raise BoardError("the harness has not set up its INA228", where=self.name, advice=_RESET)
        return Ina228Setup(int(shunt) / 1e6, int(calibration), fine == "1", int(period) / 1e6)

    def _send(self, command: str) -> None:
        self._link.write(f"{command}\n".encode("ascii"))

    def _line(self, command: str, deadline: float) -> str:
        """The next line that is not empty, without its checksum."""
        while time.monotonic() < deadline and (line := self._lines.next(deadline)) is not None:
            text, star, digits = line.rpartition("*")
            if star and digits.lower() == checksum(text):
                return text
            if line:
                raise ProtocolError(f"a damaged line: {line!r:.80}", where=self.name, advice=_CABLE)
        message = f"`{command}` is not answered within {_TIMEOUT_S:g} s"
        raise LinkTimeout(message, where=self.name, advice=_RESET)

    def _unexpected(self, command: str, line: str) -> BoardError:
        if line.startswith("error "):
            return BoardError(f"the harness reports: {line[6:]:.100}", where=self.name)
        return ProtocolError(f"`{command}` is answered by {line!r:.80}", where=self.name, advice=_RESET)

    def _check_flags(self, flags: int) -> None:
        overflows = [what for bit, what in _OVERFLOWS.items() if flags >> bit & 1]
        if overflows:
            raise BoardError(f"the INA228's range was left by {', '.join(overflows)}", where=self.name)
        if not flags & _TRIM_IS_GOOD:
            raise BoardError("the INA228 reports a damaged trim memory", where=self.name)

    def _check_volts(self, marks: list[Mark], charges: list[float]) -> None:
        """Energy by charge is the supply's voltage, which tells whether VBUS and the shunt are connected right."""
        if len(marks) < 2:
            return
        energy_j, charge_c = marks[-1].energy_j - marks[0].energy_j, charges[-1] - charges[0]
        if charge_c <= 0:
            message = "no current flows through the shunt, or it flows the other way"
            raise BoardError(message, where=self.name, advice="IN+ is on the side of the supply")
        if not _VOLTS[0] <= energy_j / charge_c <= _VOLTS[1]:
            volts = f"{energy_j / charge_c:.2f}"
            raise BoardError(
                f"a supply of {volts} V cannot be", where=self.name, advice="connect VBUS to the board's side"
            )


def checksum(text: str) -> str:
    """The two digits behind a line's `*`: the exclusive or of its characters, in hex.

    Example:
        >>> checksum("started")
        '61'
    """
    total = 0
    for byte in text.encode("ascii", "replace"):
        total ^= byte
    return f"{total:02x}"
