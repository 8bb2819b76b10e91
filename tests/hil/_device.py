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
FAULT = "x-fault usage pc=08000124 lr=080001ff cfsr=00010000 hfar=00000000 bfar=00000000"


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

    def answer(self, command: str) -> list[str]:
        """The lines of a reply, without `m-ready`."""
        words = command.split()
        handler = getattr(self, "_" + words[0].replace("-", "_"), None) if words else None
        if not words:
            return []
        return handler(words[1:]) if handler else [f"e-[Unknown command: {words[0]}]"]

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
        return ["m-mem-[static=3000,arena=2000,stack=412,stack_limit=4096]"]

    def _x_out(self, words):
        return [f"m-out-[{self.output.hex()}]", f"m-crc-[{crc32(self.output):08x}]"]

    def _x_ops(self, words):
        return ["m-ops-[100,2000,30]"]

    def _x_crash(self, words):
        return [FAULT]


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
                reply = "".join(f"{line}\r\n" for line in [*device.answer(device.alter(text.decode())), "m-ready"])
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
