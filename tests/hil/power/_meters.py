"""Power meters in Python, and the streams they have "recorded": made here, so that their energy is known exactly.

A stream is a list of samples with the places where the trigger pin fell. The shield's has a time stamp before its first
sample and after every thousandth, as MLPerf Tiny's runner expects it.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from tests.hil._device import served
from tinynas.hil.dut import PipeLink
from tinynas.hil.power.harness import checksum

__all__ = ["Harness", "Shield", "ascii_stream", "binary_stream", "metered", "pulsed", "signed"]

STAMP_EVERY = 1000
END_ASCII = b"\r\nsummary beg\r\nend\r\n"
END_BINARY = b"\xf0\xf4\xff\xff"
COMPLETED = b"\r\nPowerShield > Acquisition completed\r\n"


def pulsed(idle: int, busy: int, low: int = 2000, high: int = 5000) -> tuple[list[int], list[int]]:
    """Mantissas of samples of an idle board, of a busy one, of an idle one again; places of the two pulses."""
    return [low] * idle + [high] * busy + [low] * idle, [idle, idle + busy]


def ascii_stream(mantissas: Sequence[int], marks: Sequence[int], *, exponent: int = -8, rate: int = 1000) -> bytes:
    """Samples of mantissa * 10^exponent in the format `ascii_dec`."""
    lines = []
    for index in range(len(mantissas) + 1):
        if index % STAMP_EVERY == 0:
            seconds, milliseconds = divmod(index * 1000 // rate, 1000)
            lines.append(f"\r\nTimeStamp: {seconds}s {milliseconds:03d}ms, buff 02%\r\n\0")
        lines += [f"event {number} ris\r\n" for number, mark in enumerate(marks, 1) if mark == index]
        lines += [f"{mantissas[index]:04d}{exponent:+03d}\r\n"] if index < len(mantissas) else []
    return "".join(lines).encode()


def binary_stream(values: Sequence[int], marks: Sequence[int], *, power: int = 6, rate: int = 10_000) -> bytes:
    """Samples of value / 16^power in the format `bin_hexa`; events as information, which is an assumption."""
    sent = bytearray()
    for index in range(len(values) + 1):
        if index % STAMP_EVERY == 0:
            sent += b"\xf0\xf3" + (index * 1000 // rate).to_bytes(4, "big") + b"\x02\xff\xff"
        for number, mark in enumerate(marks, 1):
            if mark == index:
                sent += b"\xf0\xf2event %d ris\r\n\xff\xff" % number
        if index < len(values):
            sent += (power << 12 | values[index]).to_bytes(2, "big")
    return bytes(sent)


class Shield:
    """An X-NUCLEO-LPM01A.

    Args:
        stream: What it sends after `start`.
        end: What it sends after `stop`, before it says that it has completed.

    Attributes:
        received: The commands that arrived.
        alter: Takes a command and the usual reply, returns what is sent.
        completes: Whether it ever says so.
        floods: What it repeats for ever after the first answer; nothing: it does not.
    """

    end_of_line = b"\r\n"

    def __init__(self, stream: bytes = b"", end: bytes = END_ASCII) -> None:
        self.stream, self.end = stream, end
        self.received: list[str] = []
        self.alter: Callable[[str, bytes], bytes] = lambda command, reply: reply
        self.completes, self.recording, self.floods = True, False, b""

    def answer(self, command: str) -> bytes:
        """What it sends to a command."""
        self.received.append(command)
        if command == "stop":
            was, self.recording = self.recording, False
            reply = self.end + COMPLETED if was and self.completes else b"\r\nPowerShield > error stop\r\n"
            return self.alter(command, reply)
        reply = f"\r\nPowerShield > ack {command}\r\n\r\n".encode()
        if command == "start":
            self.recording = True
            reply += self.stream
        return self.alter(command, reply)


def signed(text: str) -> bytes:
    """A harness's line."""
    return f"{text}*{checksum(text)}\r\n".encode()


class Harness:
    """A microcontroller with an INA228.

    Args:
        marks: Microseconds, and the registers ENERGY and CHARGE, at each pulse.

    Attributes:
        identity: What it answers to `id`, without the checksum.
        flags: DIAG_ALRT.
        alter: See `Shield`.
        floods: See `Shield`.
    """

    end_of_line = b"\n"

    def __init__(self, marks: Sequence[tuple[int, int, int]] = ()) -> None:
        self.marks, self.flags, self.floods = marks, 1, b""
        self.identity = "ina228 1 shunt_uohm=15000 cal=3750 range=0 period_us=1000"
        self.received: list[str] = []
        self.alter: Callable[[str, bytes], bytes] = lambda command, reply: reply

    def answer(self, command: str) -> bytes:
        """What it sends to a command."""
        self.received.append(command)
        reply = {"id": signed(self.identity), "start": signed("started")}.get(command, signed("error what?"))
        if command == "stop":
            rows = [
                signed(f"mark {number} {at} {energy:010x} {charge & (1 << 40) - 1:010x}")
                for number, (at, energy, charge) in enumerate(self.marks)
            ]
            reply = b"".join(rows) + signed(f"stopped {len(rows)} {self.flags:04x}")
        return self.alter(command, reply)


def serve(meter: Shield | Harness, side: socket.socket) -> None:
    """Answer until the other side closes."""
    pending = b""
    with side, suppress(OSError):
        while data := side.recv(4096):
            *commands, pending = (pending + data).split(meter.end_of_line)
            for command in commands:
                assert re.fullmatch(rb"[ -~]+", command)
                side.sendall(meter.answer(command.decode()))
                while meter.floods:  # until the other side closes
                    side.sendall(meter.floods)


@contextmanager
def metered(meter: Shield | Harness) -> Iterator[PipeLink]:
    """A link to a meter that runs in a thread."""
    with served(lambda side: serve(meter, side), "meter") as link:
        yield link
