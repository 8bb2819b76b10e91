"""The streams that an X-NUCLEO-LPM01A sends while it records, in both of its formats.

Facts of the format, from ST's manual of the shield's firmware (UM2269) as public programs implement it:

- ASCII: a sample is four decimal digits and a power of ten, `6409-07` for 640.9e-6, one a line. Between them come
  `TimeStamp: 1s 000ms, buff 03%` and, for each edge of D7, `event 1 ris` (MLPerf Tiny's runner looks for `ris` though
  it asks for falling edges: any word is taken here). A NUL may stand in front of a sample.
- Binary: a sample is two bytes, high byte first: a negative power of 16 in four bits, a value in twelve; `52A0` for
  672 / 16^5. F0 and a byte from F1 on begin something else, and FF FF ends it: F1 an error and F2 an information in
  ASCII, F3 milliseconds in four bytes and the buffer's load in one, F4 the end, F5 an overcurrent, F6 a loss of
  power, F7 a voltage in two. The first is a time stamp.

Not known for certain, so not relied on: how often time stamps come; what further lines of text there are, which are
ignored; and whether the binary format tells of events at all: the text of F2 is understood as a line is. If it does
not, a measurement ends with an error about missing pulses.
"""

from __future__ import annotations

import re

from tinynas.errors import BoardError, ProtocolError
from tinynas.hil.power.meter import Mark

__all__ = ["AsciiStream", "BinaryStream", "Recording"]

_SAMPLE = re.compile(r"(\d{4})([+-]\d{2})")
_STAMP = re.compile(r"timestamp:?\s*(\d+)\s*s\s*(\d+)\s*ms\W*buff\w*\s*(\d+)\s*%", re.IGNORECASE)
_EVENT = re.compile(r"event (\d+) \w+")
_TROUBLE = re.compile(r"err|over-?\s?(current|run|flow)|.*\b(overcurrent|overrun|overflow)", re.IGNORECASE)
_DONE = re.compile(r"acquisition completed.*|end", re.IGNORECASE)
#: Of one sample, amperes or joules: the shield gives no more than 0.2 A at 3.3 V, at least one sample a second.
_MOST = 1.0
#: Samples between two time stamps: of one clock, so that all but one or two at the ends must be there.
_LOST_SHARE, _LOST_SAMPLES = 0.01, 2
_MAX_TEXT_BYTES = 4096
_META, _END = 0xF0, b"\xff\xff"
_PAYLOADS = {0xF3: 5, 0xF4: 0, 0xF5: 0, 0xF6: 0, 0xF7: 2}
_TROUBLES = {0xF5: "the board draws more than the meter can give", 0xF6: "the board lost its supply"}
_SLOWER = "lower the sampling frequency, or use a faster host"
_CABLE = "check the cable and the baud"


class Recording:
    """Adds samples up, and notes the total at each mark.

    Args:
        frequency_hz: Samples a second.
        joules: Of a sample of 1: 1 where samples are energies; volts / frequency_hz where they are currents.
        where: What to call the meter in an error.

    Attributes:
        marks: The marks so far.
        done: Whether the meter said that it has ended.
    """

    def __init__(self, frequency_hz: float, joules: float, where: str) -> None:
        self.marks, self.done = list[Mark](), False
        self.where = where
        self._frequency_hz, self._joules = frequency_hz, joules
        self._count, self._sum = 0, 0.0
        self._event: int | None = None
        self._stamp: tuple[float, int] | None = None

    def sample(self, value: float) -> None:
        """Take a sample, in amperes or joules."""
        if value > _MOST:
            raise ProtocolError(f"a sample of {value:g} cannot be", where=self.where, advice=_CABLE)
        self._count += 1
        self._sum += value

    def event(self, number: int) -> None:
        """Take an edge of D7; the meter numbers them."""
        if self._event is not None and number != self._event + 1:
            raise ProtocolError(f"event {number} follows event {self._event}", where=self.where, advice=_SLOWER)
        self._event = number
        self.marks.append(Mark(self._count / self._frequency_hz, self._sum * self._joules))

    def stamp(self, seconds: float, load_percent: int) -> None:
        """Take a time stamp with the load of the meter's buffer; samples must be as many as the time says."""
        if load_percent >= 100:
            raise BoardError("the meter's buffer has overrun", where=self.where, advice=_SLOWER)
        if self._stamp is not None:
            expected = (seconds - self._stamp[0]) * self._frequency_hz
            found = self._count - self._stamp[1]
            if abs(found - expected) > _LOST_SAMPLES + _LOST_SHARE * abs(expected):
                message = f"{found} samples arrived in the time of {expected:.0f}"
                raise ProtocolError(message, where=self.where, advice=_SLOWER)
        self._stamp = (seconds, self._count)

    def text(self, line: str) -> None:
        """Take a line of text that is no sample."""
        if match := _STAMP.match(line):
            self.stamp(int(match[1]) + int(match[2]) / 1000, int(match[3]))
        elif match := _EVENT.fullmatch(line):
            self.event(int(match[1]))
        elif _DONE.fullmatch(line):
            self.done = True
        elif _TROUBLE.match(line):
            raise BoardError(f"the meter reports: {line!r:.100}", where=self.where)


class AsciiStream:
    """The format `ascii_dec`.

    Args:
        recording: Takes what is read.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording, self._received = recording, bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next bytes, cut anywhere.

        Raises:
            BoardError: The meter reports trouble, or has lost samples.
            ProtocolError: What arrives is no such stream.
        """
        *lines, rest = (bytes(self._received) + data).split(b"\n")
        self._received[:] = rest
        if len(rest) > _MAX_TEXT_BYTES:
            raise ProtocolError("a line without end", where=self._recording.where, advice=_CABLE)
        for line in lines:
            self._line(line.replace(b"\0", b"").decode("ascii", "replace").strip())

    def _line(self, line: str) -> None:
        text = line.removeprefix("PowerShield >").strip()
        if not text or self._recording.done:
            return
        if re.fullmatch(f"({_SAMPLE.pattern})+", text):  # several where a line's end got lost
            for mantissa, exponent in _SAMPLE.findall(text):
                self._recording.sample(float(f"{mantissa}e{exponent}"))
        elif text[0].isalpha() and text.isascii() and text.isprintable():
            self._recording.text(text)
        else:
            raise ProtocolError(f"neither a sample nor a message: {line!r:.80}", where=self._recording.where)


class BinaryStream:
    """The format `bin_hexa`.

    Args:
        recording: Takes what is read.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording, self._received, self._begun = recording, bytearray(), False

    def feed(self, data: bytes) -> None:
        """See `AsciiStream.feed`."""
        self._received += data
        if not self._begun:
            self._skip_text()
        start = 0
        while self._begun and not self._recording.done and (size := self._item(start)):
            start += size
        del self._received[:start]
        if len(self._received) > _MAX_TEXT_BYTES and not self._recording.done:
            raise self._garbage(0)

    def _skip_text(self) -> None:
        """Samples begin with the first time stamp: before it, there may be a prompt and an empty line."""
        start = self._received.find(_META)
        self._begun = start >= 0
        if not self._begun and len(self._received) > _MAX_TEXT_BYTES:
            raise self._garbage(0)
        del self._received[: max(start, 0)]

    def _item(self, start: int) -> int:
        """Take the sample or message at a place; return its bytes, 0 where it is not complete."""
        head = self._received[start : start + 2]
        if len(head) < 2:
            return 0
        if head[0] == _META:
            return self._message(start, head[1])
        if head[0] > _META:
            raise self._garbage(start)
        self._recording.sample(((head[0] & 15) << 8 | head[1]) / 16.0 ** (head[0] >> 4))
        return 2

    def _message(self, start: int, kind: int) -> int:
        if not 0xF1 <= kind <= 0xF7:
            raise self._garbage(start)
        first = start + 2
        if kind in _PAYLOADS:
            end = first + _PAYLOADS[kind]
            if len(self._received) < end + len(_END):
                return 0
            if self._received[end : end + len(_END)] != _END:
                raise self._garbage(start)
        elif (end := self._received.find(_END, first)) < 0:
            return 0
        self._take(kind, bytes(self._received[first:end]))
        return end + len(_END) - start

    def _take(self, kind: int, payload: bytes) -> None:
        recording = self._recording
        if kind == 0xF3:
            milliseconds = int.from_bytes(payload[:4], "big") & 0x7FFFFFFF  # the top bit is no part of the time
            recording.stamp(milliseconds / 1000, payload[4])
        elif kind == 0xF4:
            recording.done = True
        elif kind in _TROUBLES:
            raise BoardError(_TROUBLES[kind], where=recording.where)
        elif kind in (0xF1, 0xF2):
            text = payload.replace(b"\0", b"").decode("ascii", "replace").strip()
            recording.text(text if kind == 0xF2 else f"error: {text}")

    def _garbage(self, start: int) -> ProtocolError:
        found = bytes(self._received[start : start + 8]).hex(" ")
        return ProtocolError(f"bytes that are no stream: {found}", where=self._recording.where, advice=_CABLE)
