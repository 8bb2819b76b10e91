"""Memory for peripherals that access it themselves."""

from __future__ import annotations

from tinynas.hil.emulator.bus import BusError

RAM = 0x2000_0000


class Ram:
    """A few bytes of it."""

    def __init__(self) -> None:
        self.data = bytearray(64)

    def load(self, address: int, size: int) -> bytes:
        if not RAM <= address <= address + size <= RAM + len(self.data):
            raise BusError
        return bytes(self.data[address - RAM : address - RAM + size])

    def store(self, address: int, data: bytes) -> None:
        self.load(address, len(data))
        self.data[address - RAM : address - RAM + len(data)] = data
