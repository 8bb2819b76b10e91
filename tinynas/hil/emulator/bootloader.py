"""The serial boot loader in an STM32's ROM, as far as programming needs it (ST AN3155; device ids: AN2606)."""

from __future__ import annotations

from functools import reduce
from itertools import accumulate
from operator import xor
from typing import Protocol

from tinynas.board import Board, family_of
from tinynas.errors import BoardError

__all__ = ["Line", "RomLoader"]

_ACK, _NACK, _HELLO = 0x79, 0x1F, 0x7F
_GET, _VERSION, _ID, _READ, _GO, _WRITE, _ERASE = 0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44
_COMMANDS = (_GET, _VERSION, _ID, _READ, _GO, _WRITE, _ERASE)
_PROTOCOL = 0x31
_KIB = 1024
_NUMBER = b"virtualboard"


class Line(Protocol):
    """The serial line."""

    def receive(self) -> bytes:
        """Wait for bytes."""

    def send(self, byte: int) -> None:
        """Send a byte."""

    def flush(self) -> None:
        """Have everything sent."""


class RomLoader:
    """The boot loader of a board whose BOOT0 pin is high.

    Args:
        board: The board.
        line: The serial line.

    Attributes:
        flash: All of the flash; erased at first.

    Raises:
        BoardError: The board's microcontroller has no such boot loader.
    """

    def __init__(self, board: Board, line: Line) -> None:
        family = family_of(board)
        part, rom = family.part(board.mcu), family.rom
        if rom is None or part is None or part.device_id is None:
            what = f"{board.mcu} has no serial boot loader that could wait for an image"
            raise BoardError(what, where=board.name, advice="name a model: --model")
        self._line, self._origin, self._device = line, board.flash.origin, part.device_id
        ends = accumulate(rom.sectors)  # of the family's largest part
        self._sectors = tuple(s for s, end in zip(rom.sectors, ends, strict=True) if end <= board.flash.size_bytes)
        self.flash = bytearray(b"\xff" * board.flash.size_bytes)
        self._ram = {region.origin: bytearray(region.size_bytes) for region in board.sram}
        self._system = {
            rom.size_at: bytearray((board.flash.size_bytes // _KIB).to_bytes(2, "little")),
            rom.number_at: bytearray(_NUMBER),
        }
        self._waiting = bytearray()

    def run(self) -> int:
        """Serve the host until it starts the image; the address of that one's vector table."""
        while self._byte() != _HELLO:
            pass
        self._answer(_ACK)
        while True:
            command, inverse = self._byte(), self._byte()
            if command ^ inverse != 0xFF or command not in _COMMANDS:
                # Where the two bytes got out of step, a host sends 0x7F until one is refused.
                self._answer(_NACK)
                continue
            self._answer(_ACK)
            if command == _GO:
                address = self._address()
                if address is not None and self._memory(address, 8) is not None:
                    self._answer(_ACK)
                    return address
                self._answer(_NACK)
            else:
                self._serve(command)

    def _serve(self, command: int) -> None:
        if command == _GET:
            self._answer(len(_COMMANDS), _PROTOCOL, *_COMMANDS, _ACK)
        elif command == _VERSION:
            self._answer(_PROTOCOL, 0, 0, _ACK)
        elif command == _ID:
            self._answer(1, *self._device.to_bytes(2, "big"), _ACK)
        elif command == _READ:
            self._read()
        elif command == _WRITE:
            self._write()
        else:
            self._erase()

    def _read(self) -> None:
        address = self._address()
        if address is None:
            self._answer(_NACK)
            return
        self._answer(_ACK)
        count, inverse = self._byte(), self._byte()
        found = self._memory(address, count + 1)
        if count ^ inverse != 0xFF or found is None:
            self._answer(_NACK)
            return
        memory, at = found
        self._answer(_ACK, *memory[at : at + count + 1])

    def _write(self) -> None:
        address = self._address()
        if address is None or address % 4:
            self._answer(_NACK)
            return
        self._answer(_ACK)
        count = self._byte()
        data = bytes(self._byte() for _ in range(count + 1))
        found = self._memory(address, len(data))
        if reduce(xor, data, count) != self._byte() or found is None or found[0] in self._system.values():
            self._answer(_NACK)
            return
        memory, at = found
        for index, byte in enumerate(data):
            # Programming only clears bits: what was not erased shows, as it does on the chip.
            memory[at + index] = memory[at + index] & byte if memory is self.flash else byte
        self._answer(_ACK)

    def _erase(self) -> None:
        high, low = self._byte(), self._byte()
        count = high << 8 | low
        if count >= 0xFFF0:  # everything, or a bank
            correct = high ^ low == self._byte()
            sectors = list(range(len(self._sectors)))
        else:
            numbers = bytes(self._byte() for _ in range(2 * (count + 1)))
            correct = reduce(xor, numbers, high ^ low) == self._byte()
            sectors = [int.from_bytes(numbers[i : i + 2], "big") for i in range(0, len(numbers), 2)]
        if not correct or max(sectors) >= len(self._sectors):
            self._answer(_NACK)
            return
        for sector in sectors:
            start = sum(self._sectors[:sector])
            self.flash[start : start + self._sectors[sector]] = b"\xff" * self._sectors[sector]
        self._answer(_ACK)

    def _address(self) -> int | None:
        data = bytes(self._byte() for _ in range(4))
        return int.from_bytes(data, "big") if reduce(xor, data) == self._byte() else None

    def _memory(self, address: int, size: int) -> tuple[bytearray, int] | None:
        """The memory that holds a range, and where in it."""
        for origin, memory in {self._origin: self.flash, **self._ram, **self._system}.items():
            if origin <= address and address + size <= origin + len(memory):
                return memory, address - origin
        return None

    def _answer(self, *data: int) -> None:
        for byte in data:
            self._line.send(byte)
        self._line.flush()

    def _byte(self) -> int:
        while not self._waiting:
            self._waiting += self._line.receive()
        return self._waiting.pop(0)
