"""ST's power shield X-NUCLEO-LPM01A: supplies a board with 1.8 to 3.3 V and up to 50 mA, and measures what it takes.

Facts, from its manuals (UM2243, UM2269) as public programs use them: USB serial port at 3686400 baud; commands end with
CR LF and are answered by `PowerShield > ack COMMAND`, or by a line with `error`; decimal samples up to 5 kHz without
limit of time, binary ones up to 100 kHz; energies, integrated by the shield, up to 10 kHz.
"""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Event, Thread
from typing import Literal

from tinynas.errors import BoardError, ConfigError, LinkTimeout, ProtocolError
from tinynas.hil.dut import Link, deadline_in
from tinynas.hil.power.lines import Lines
from tinynas.hil.power.meter import WIRING, Mark
from tinynas.hil.power.stream import AsciiStream, BinaryStream, Recording

__all__ = ["Lpm01a", "check_volts"]

_FREQUENCIES_HZ = tuple(digit * 10**power for power in range(6) for digit in (1, 2, 5) if digit * 10**power <= 100_000)
_ASCII_HZ, _ENERGY_HZ = 5_000, 10_000
_TIMEOUT_S = 5.0
#: A change of the voltage is followed by a calibration.
_CALIBRATION_S = 20.0
_QUIET_S, _POLL_S = 0.2, 0.1
_PERIODS = 20
_REPLUG = "unplug the meter and plug it in again"


class Lpm01a:
    """The shield; the board gets its supply from here on until `close`.

    Args:
        link: `SerialLink(port, Lpm01a.BAUD)`. It is the meter's: `close` closes it.
        volts: The supply, 1.8 to 3.3.
        frequency_hz: Samples a second: 1, 2 or 5 times a power of 10, up to 100,000.
        output: "energy", integrated by the shield between samples, as MLPerf Tiny's runner has it; "current", single
            values, from which energy is the sum times voltage and period. More than 10 kHz are of currents only.

    Raises:
        ConfigError: The shield knows no such voltage or frequency.
        LinkTimeout: It does not answer.
        BoardError: It refuses a command, or is gone.
    """

    BAUD = 3_686_400
    remedy = WIRING
    #: The least and the most that it supplies.
    VOLTS = (1.8, 3.3)

    def __init__(
        self,
        link: Link,
        *,
        volts: float = 3.3,
        frequency_hz: int = 1000,
        output: Literal["energy", "current"] = "energy",
    ) -> None:
        self.name, self._link = link.name, link
        self._frequency_hz, self._binary = _checked(volts, frequency_hz, output, link.name), frequency_hz > _ASCII_HZ
        self._joules = 1.0 if output == "energy" else volts / frequency_hz
        self._lines = Lines(link)
        self._recorder: _Recorder | None = None
        self._open = True
        try:
            self._configure(volts, output)
        except BaseException:
            self.close()
            raise

    @property
    def resolution_s(self) -> float:
        """See `PowerMeter`."""
        return 1 / self._frequency_hz

    def pulse(self) -> None:
        """Nothing: the shield sees the trigger pin."""

    def start(self) -> None:
        """See `PowerMeter`."""
        if self._recorder is not None:
            raise BoardError("the meter is recording already", where=self.name)
        recording = Recording(self._frequency_hz, self._joules, self.name)
        self._command("start")
        silence_s = max(_TIMEOUT_S, _PERIODS * self.resolution_s)
        self._recorder = _Recorder(self._link, recording, self._binary, self._lines.rest(), silence_s)

    def stop(self) -> tuple[Mark, ...]:
        """See `PowerMeter`."""
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            raise BoardError("the meter is not recording", where=self.name)
        try:
            self._link.write(b"stop\r\n")
            return recorder.marks(_TIMEOUT_S)
        finally:
            recorder.give_up()
            with suppress(BoardError):
                self._settle()

    def close(self) -> None:
        """See `PowerMeter`: the board loses its supply, the shield can be used by its buttons again."""
        if not self._open:
            return
        self._open = False
        try:
            with suppress(BoardError):
                if self._recorder is not None:
                    self.stop()
            with suppress(BoardError):
                self._command("pwr off")
                self._command("hrc")
        finally:
            self._link.close()

    def _configure(self, volts: float, output: str) -> None:
        self._settle()  # a recording that somebody left running would hide the answers
        for command in ("htc", "pwr off", "acqmode dyn", "acqtime inf", "trigdelay 0", "trigsrc sw", "eventsrc d7 fal"):
            self._command(command)
        rate = self._frequency_hz
        self._command(f"output {output}")
        self._command(f"format {'bin_hexa' if self._binary else 'ascii_dec'}")
        self._command(f"freq {rate // 1000}k" if rate >= 1000 else f"freq {rate}")
        self._command(f"volt {round(volts * 1000)}m", _CALIBRATION_S)
        self._command("pwr on nostatus")

    def _command(self, text: str, timeout_s: float | None = None) -> None:
        wait = _TIMEOUT_S if timeout_s is None else timeout_s
        self._link.write(f"{text}\r\n".encode("ascii"))
        deadline, heard = deadline_in(wait), ""
        while time.monotonic() < deadline and (line := self._lines.next(deadline)) is not None:
            answer = line.removeprefix("PowerShield >").strip().lower()
            if answer.startswith("ack") and answer[3:].strip().startswith(text):
                return
            if answer.startswith("err"):
                raise ProtocolError(f"the meter refuses `{text}`: {line!r:.100}", where=self.name, advice=_REPLUG)
            heard = line or heard
        last = f"; the last it said was {heard!r:.80}" if heard else ""
        raise LinkTimeout(f"`{text}` is not answered within {wait:g} s{last}", where=self.name, advice=_REPLUG)

    def _settle(self) -> None:
        """End what may be running, and discard what comes until there is silence."""
        self._link.write(b"stop\r\n")
        deadline = deadline_in(_TIMEOUT_S)
        while self._link.read(min(deadline, deadline_in(_QUIET_S))):
            if time.monotonic() > deadline:
                raise LinkTimeout("the meter does not end its recording", where=self.name, advice=_REPLUG)
        self._lines.rest()


class _Recorder:
    """Reads the stream beside the inferences: what waits for long is lost."""

    def __init__(self, link: Link, recording: Recording, binary: bool, begun: bytes, silence_s: float) -> None:
        self._link, self._recording, self._silence_s = link, recording, silence_s
        self._stream = BinaryStream(recording) if binary else AsciiStream(recording)
        self._begun, self._abandoned = begun, Event()
        self._error: Exception | None = None
        self._thread = Thread(target=self._run, name=f"meter {link.name}", daemon=True)
        self._thread.start()

    def marks(self, timeout_s: float) -> tuple[Mark, ...]:
        """Wait for the end of the stream that has been asked for."""
        self._thread.join(timeout_s)
        if self._error is not None:
            raise self._error
        if not self._recording.done:
            message = f"the meter does not end its recording within {timeout_s:g} s"
            raise LinkTimeout(message, where=self._recording.where, advice=_REPLUG)
        return tuple(self._recording.marks)

    def give_up(self) -> None:
        """End the thread, whatever comes."""
        self._abandoned.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._stream.feed(self._begun)
            last = time.monotonic()
            while not (self._recording.done or self._abandoned.is_set()):
                if data := self._link.read(deadline_in(_POLL_S)):
                    self._stream.feed(data)
                    last = time.monotonic()
                elif time.monotonic() - last > self._silence_s:
                    message = f"the meter sends nothing for {self._silence_s:g} s"
                    raise LinkTimeout(message, where=self._recording.where, advice=_REPLUG)
        except Exception as error:  # handed to whoever asks for the marks
            self._error = error


def check_volts(volts: float, where: str, advice: str | None = None) -> None:
    """Refuse a supply that the shield does not give.

    Raises:
        ConfigError: It is below the least or above the most.
    """
    least, most = Lpm01a.VOLTS
    if not least <= volts <= most:
        raise ConfigError(f"{volts:g} V is not between {least} and {most}", where=where, advice=advice)


def _checked(volts: float, frequency_hz: int, output: str, where: str) -> int:
    check_volts(volts, where)
    most = _ENERGY_HZ if output == "energy" else _FREQUENCIES_HZ[-1]
    if frequency_hz not in _FREQUENCIES_HZ or frequency_hz > most:
        advice = f"1, 2 or 5 times a power of 10, up to {most}"
        raise ConfigError(f"the meter gives no {output} {frequency_hz} times a second", where=where, advice=advice)
    return frequency_hz
