"""Between the virtual board's serial port and the host."""

from __future__ import annotations

import os
import queue
import select
import threading
import tty
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tinynas.board import Board
from tinynas.errors import BuildError
from tinynas.hil.emulator import shared
from tinynas.hil.emulator.bootloader import RomLoader
from tinynas.hil.emulator.bus import BusError
from tinynas.hil.emulator.machine import Machine
from tinynas.hil.image import read_elf

__all__ = ["HostPort", "serve"]

_CHUNK = 4096
_PATIENCE_S = 1.0
#: One inference: of a compiled model, and of TensorFlow Lite Micro's interpreter (MicroInterpreter::Invoke).
_INFERENCES = ("model_invoke", "_ZN6tflite16MicroInterpreter6InvokeEv")
_LINE_END = 0x0A


class HostPort:
    """The host's end of the line. When the caller goes, so does the process: even out of an endless loop.

    Args:
        pseudo_terminal: Open one; else the standard streams are the line.
    """

    def __init__(self, *, pseudo_terminal: bool) -> None:
        self._received: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._sent = bytearray()
        self._lossy = pseudo_terminal
        self._source, self._sink = 0, 1
        if pseudo_terminal:
            # The other side stays open here as well: else the line would be dead between two of its users.
            self._sink, self._other = os.openpty()
            tty.setraw(self._other)
            self._source = self._sink
            threading.Thread(target=self._watch_caller, daemon=True).start()
        threading.Thread(target=self._listen, daemon=True).start()

    def announce(self) -> None:
        """Tell the caller where the pseudo-terminal is: all is well up to here."""
        if self._lossy:
            print(os.ttyname(self._other), flush=True)

    def receive(self) -> bytes:
        """Wait for bytes."""
        self.flush()
        return self._received.get()

    def send(self, byte: int) -> None:
        """One byte to the host, by `flush` at the latest."""
        self._sent.append(byte)

    def flush(self) -> None:
        """Have everything sent. A pseudo-terminal that nobody reads loses bytes, as a serial line does."""
        while self._sent:
            if self._lossy and not select.select([], [self._sink], [], _PATIENCE_S)[1]:
                self._sent.clear()
                return
            del self._sent[: os.write(self._sink, self._sent[:_CHUNK])]

    def _listen(self) -> None:
        while data := os.read(self._source, _CHUNK):
            self._received.put(data)
        os._exit(0)

    def _watch_caller(self) -> None:
        while os.read(0, _CHUNK):
            pass
        os._exit(0)


def serve(request: Mapping[str, Any]) -> None:
    """Run a virtual board; see `__main__` for the request.

    Raises:
        LockUp: The core has stopped for good.
        BuildError: The image cannot be read, or is none for this board.
    """
    board = Board.from_dict(request["board"], "request")
    host = HostPort(pseudo_terminal=request["pty"])
    flash: list[tuple[int, bytes]] = []
    watched = None
    if request["elf"] is not None:
        image = read_elf(Path(request["elf"]))
        if not board.flash.origin <= image.address <= image.address + len(image.binary) <= board.flash.end:
            raise BuildError(f"an image at {image.address:#010x} is outside of the flash", where=request["elf"])
        flash.append((image.address, image.binary))
        watched = next((image.symbols[name] & ~1 for name in _INFERENCES if name in image.symbols), None)
    loader, start = RomLoader(board, host) if request["elf"] is None else None, None
    host.announce()
    if loader is not None:
        start = loader.run()
        flash = [(board.flash.origin, bytes(loader.flash))]
    while _powered(board, flash, start, host, request["shared"], watched):
        pass


def _powered(
    board: Board,
    flash: Sequence[tuple[int, bytes]],
    start: int | None,
    host: HostPort,
    channel: int | None,
    watched: int | None,
) -> bool:
    """Run from one reset to the next; whether there is a next one."""

    def send(byte: int) -> None:
        host.send(byte)
        if byte == _LINE_END:
            # Before the line goes out, so that who has read it finds the figures that belong to it.
            if channel is not None:
                shared.put_instructions(channel, machine.tally.call_instructions)
            host.flush()

    written = 0

    def receive() -> bytes:
        nonlocal written
        data = host.receive()
        if channel is not None and (write := shared.write_after(channel, written)) is not None:
            written, address, content = write
            with suppress(BusError):  # where no memory is nothing can be written, and the checksum tells
                machine.store(address, content)
        return data

    machine = Machine(board, send, receive, watched)
    machine.program(flash)
    return machine.run(start)
