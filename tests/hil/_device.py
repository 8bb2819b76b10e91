"""A device under test in a few lines of Python, with faults to order, at the other end of a socket."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from zlib import crc32

from tinynas.hil.dut import PipeLink

__all__ = ["Device", "connected", "served"]

BANNER = ["m-timestamp-mode-performance", "m-lap-us-12", "m-init-done", "m-ready"]
FAULT = "x-fault usage pc=08000124 lr=080001ff sp=20000f80 cfsr=00010000 hfar=00000000 bfar=00000000"
#: Commands whose replies carry a checksum.
COUNTED = ("timestamp", "infer", "results", "x-info", "x-mem", "x-in", "x-out", "x-ops")


def with_crc(question: str, lines: list[str]) -> list[str]:
    """A reply as the firmware ends it: with the CRC-32 of the question and of every line with its end."""
    if not question.split()[:1] or question.split()[0] not in COUNTED:
        return lines
    return [*lines, crc_line(question, lines)]


def crc_line(question: str, lines: list[str]) -> str:
    """The checksum of a reply, as the firmware counts it."""
    said = question + "".join(line + "\r\n" for line in lines)
    return f"m-crc-[{crc32(said.encode()):08x}]"


def fault_lines(report: str) -> list[str]:
    """The report of a fault with its checksum."""
    return [report, crc_line("", [report])]


class Device:
    """The protocol, correct where nothing is ordered.

    Attributes:
        received: The commands that arrived.
        alter: Takes a command as it arrives and returns what the device understands: noise on the way there.
        distort: Takes each reply and returns the bytes that are sent: noise on the way back.
        loaded: The input as it was stored.
    """

    def __init__(self, model: Callable[[bytes], bytes] = lambda data: data[::-1], *, input_bytes: int = 100) -> None:
        self.model, self.input_bytes = model, input_bytes
        self.received: list[str] = []
        self.alter: Callable[[str], str] = lambda command: command
        self.distort: Callable[[bytes], bytes] = lambda reply: reply
        self.loaded, self.expected, self.output, self.clock = bytearray(), 0, b"", 1 << 40
        self.inferences = 0

    def answer(self, command: str) -> list[str]:
        """The lines of a reply, without `m-ready`."""
        words = command.split()
        handler = getattr(self, "_" + words[0].replace("-", "_"), None) if words else None
        if not words:
            return []
        try:
            return handler(words[1:]) if handler else [f"e-[Unknown command: {words[0]}]"]
        except (ValueError, IndexError):  # arguments that were damaged on the way
            return [f"e-[Bad arguments: {words[0]}]"]

    def _name(self, words):
        return ["m-name-dut-[tinynas]"]

    def _profile(self, words):
        return ["m-profile-[tinynas 1]", "m-model-[tcn]"]

    def _timestamp(self, words):
        self.clock += 1000
        return [f"m-lap-us-{self.clock}"]

    def _db(self, words):
        if words[0] == "load":
            self.expected, self.loaded = int(words[1]), bytearray()
            return [f"m-[Expecting {self.expected} bytes]"]
        if not re.fullmatch("([0-9a-f]{2})+", words[0]) or not self.expected:
            return ["e-[Invalid hex digit]"]
        data = bytes.fromhex(words[0])
        if len(words) == 3 and int(words[2], 16) != crc32(data):
            return ["e-[crc]"]
        self.loaded += data[: self.expected - len(self.loaded)]
        return ["m-load-done"] if len(self.loaded) == self.expected else []

    def _infer(self, words):
        count, warmup = int(words[0]), int(words[1])
        self.inferences += count + warmup
        self.output = self.model(bytes(self.loaded))
        start = self.clock = self.clock + 5
        self.clock += 250 * count
        values = ",".join(f"{byte / 256:.3f}" for byte in self.output)
        return [
            *(f"m-warmup-start-{warmup}", "m-warmup-done", f"m-infer-start-{count}", f"m-lap-us-{start}"),
            *(f"m-lap-us-{self.clock}", "m-infer-done", f"m-results-[{values}]"),
        ]

    def _x_info(self, words):
        sizes = f"input={self.input_bytes},output={self.input_bytes}"
        return [f"m-info-[board=fake,clock_hz=180000000,icache=1,dcache=0,engine=aot,model=ab12,image=cd34,{sizes}]"]

    def _x_mem(self, words):
        return [f"m-mem-[static=3000,arena=2000,stack=412,stack_limit=4096,inferences={self.inferences}]"]

    def _x_in(self, words):
        return [f"m-in-[at=20000400,bytes={len(self.loaded)},crc={crc32(self.loaded):08x}]"]

    def _x_out(self, words):
        return [f"m-out-[{self.output.hex()}]"]

    def _x_ops(self, words):
        return ["m-ops-[100,2000,30]"]

    def _x_crash(self, words):
        return fault_lines(FAULT)


def serve(device: Device, side: socket.socket, banner: bool) -> None:
    """Answer until the other side closes."""
    with side:
        if banner:
            side.sendall("".join(f"{line}\r\n" for line in BANNER).encode())
        pending = b""
        while data := side.recv(4096):
            *commands, pending = (pending + data).split(b"%")
            for text in commands:
                device.received.append(text.decode())
                heard = device.alter(text.decode())
                said = with_crc(heard.lstrip("\n"), device.answer(heard))
                reply = "".join(f"{line}\r\n" for line in [*said, "m-ready"])
                try:
                    side.sendall(device.distort(reply.encode()))
                except OSError:
                    return


@contextmanager
def connected(device: Device, *, banner: bool = False) -> Iterator[PipeLink]:
    """A link to a device that runs in a thread."""
    with served(lambda side: serve(device, side, banner), "fake") as link:
        yield link


@contextmanager
def served(serve: Callable[[socket.socket], None], name: str) -> Iterator[PipeLink]:
    """A link whose other side is served by a thread until the link is closed."""
    here, there = socket.socketpair()
    thread = threading.Thread(target=serve, args=(there,))
    thread.start()
    link = PipeLink(here.fileno(), here.fileno(), name=name)
    here.detach()
    try:
        yield link
    finally:
        link.close()
        thread.join(10)
        assert not thread.is_alive()
