"""A microcontroller ("harness") that reads a TI INA228 in the board's supply and watches its trigger pin.

The harness sends raw registers and how they are set up; this module turns them into joules. `docs/energy.md` has the
lines that go back and forth, and what the harness has to do.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress

from tinynas.errors import BoardError, LinkTimeout, ProtocolError
from tinynas.hil.dut import Link, deadline_in
from tinynas.hil.power.lines import Lines
from tinynas.hil.power.meter import WIRING, Mark
from tinynas.hil.power.registers import Ina228Setup, Sums, check_flags, check_supply

__all__ = ["Ina228Harness", "checksum"]

_VERSION = "1"
_TIMEOUT_S = 5.0
_TRIES = 3
_SETUP = re.compile(r"ina228 (\d+) shunt_uohm=(\d{1,9}) cal=(\d{1,5}) range=([01]) period_us=(\d{1,9})")
_MARK = re.compile(r"mark (\d{1,9}) (\d{1,18}) ([0-9A-Fa-f]{10}) ([0-9A-Fa-f]{10})")
_STOPPED = re.compile(r"stopped (\d{1,9}) ([0-9A-Fa-f]{4})")
_RESET = "reset the harness"
_CABLE = "check the cable and the baud"


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
    remedy = WIRING

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

    def pulse(self) -> None:
        """Nothing: the harness sees the trigger pin."""

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
        times, sums, deadline = list[float](), list[Sums](), deadline_in(_TIMEOUT_S)
        while match := _MARK.fullmatch(line := self._line("stop", deadline)):
            if int(match[1]) != len(sums):
                raise ProtocolError(f"mark {match[1]} comes as number {len(sums)}", where=self.name, advice=_CABLE)
            times.append(int(match[2]) / 1e6)
            sums.append(self._setup.sums(bytes.fromhex(match[3]), bytes.fromhex(match[4])))
        stopped = _STOPPED.fullmatch(line)
        if stopped is None:
            raise self._unexpected("stop", line)
        if int(stopped[1]) != len(sums):
            raise ProtocolError(f"{len(sums)} of {stopped[1]} marks arrived", where=self.name, advice=_CABLE)
        check_flags(int(stopped[2], 16), self.name)
        check_supply(sums, self.name)
        return tuple(Mark(at, sum_.energy_j) for at, sum_ in zip(times, sums, strict=True))

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
