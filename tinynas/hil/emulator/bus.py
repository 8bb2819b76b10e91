"""Peripherals by address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

__all__ = ["PAGE_BYTES", "Bus", "BusError", "Peripheral", "Registers"]

#: What Unicorn maps at least.
PAGE_BYTES = 0x1000
_WORD = 0xFFFFFFFF


class BusError(Exception):
    """Nothing answers at an address."""


class Peripheral(Protocol):
    """Registers of 32 bits.

    Attributes:
        base: Address of the first.
        size: Bytes from there to the end.
    """

    base: int
    size: int

    def read(self, offset: int) -> int:
        """The value of the register at a multiple of four; BusError where there is none."""

    def write(self, offset: int, value: int) -> None:
        """The same for writing."""

    def rest(self, offset: int, /) -> int:
        """What else a register is written with where only a part of it is."""


class Registers:
    """Registers that hold what is written, with flags that follow other bits at once.

    Args:
        base: Address of the first register.
        reset: Offset -> value after a reset; these registers exist, and no others.
        follow: Offset -> (mask, shift) pairs: bits under the mask, shifted left, appear as flags in the same register.
        flags: Offset -> (offset, mask, shift): the same from another register; a negative shift is to the right.
        cleared: Offset -> (offset, mask, shift): the same where the other register's bits are 0.
    """

    def __init__(
        self,
        base: int,
        reset: Mapping[int, int],
        follow: Mapping[int, Sequence[tuple[int, int]]] | None = None,
        flags: Mapping[int, tuple[int, int, int]] | None = None,
        cleared: Mapping[int, tuple[int, int, int]] | None = None,
    ) -> None:
        self.base, self.size = base, max(reset) + 4
        self.values = dict(reset)
        self._follow, self._flags, self._cleared = follow or {}, flags or {}, cleared or {}

    def read(self, offset: int) -> int:
        """See `Peripheral`."""
        if offset not in self.values:
            raise BusError
        value = self.values[offset]
        for mask, shift in self._follow.get(offset, ()):
            value = value & ~(mask << shift) | (value & mask) << shift
        for flags, inverted in ((self._flags, 0), (self._cleared, _WORD)):
            if offset in flags:
                source, mask, shift = flags[offset]
                bits = (self.values[source] ^ inverted) & mask
                value |= bits << shift if shift >= 0 else bits >> -shift
        return value & _WORD

    def write(self, offset: int, value: int) -> None:
        """See `Peripheral`."""
        if offset not in self.values:
            raise BusError
        self.values[offset] = value

    def rest(self, offset: int) -> int:
        """See `Peripheral`."""
        return self.values.get(offset, 0)


class Bus:
    """Finds the peripheral of an address.

    Args:
        peripherals: They do not overlap.
    """

    def __init__(self, peripherals: Sequence[Peripheral]) -> None:
        self._peripherals = tuple(peripherals)

    def pages(self) -> list[int]:
        """Addresses of the pages in which there is something."""
        ranges = (range(p.base // PAGE_BYTES, -(-(p.base + p.size) // PAGE_BYTES)) for p in self._peripherals)
        return sorted({page * PAGE_BYTES for pages in ranges for page in pages})

    def read(self, address: int, size: int) -> int:
        """A byte, a halfword or a word.

        Raises:
            BusError: Nothing is there.
        """
        word = address & ~3
        peripheral = self._at(word)
        return peripheral.read(word - peripheral.base) >> 8 * (address & 3) & (1 << 8 * size) - 1

    def write(self, address: int, size: int, value: int) -> None:
        """The same for writing; the peripheral tells what the rest of a register is written with.

        Raises:
            BusError: Nothing is there.
        """
        word, shift = address & ~3, 8 * (address & 3)
        peripheral = self._at(word)
        if size < 4:
            mask = (1 << 8 * size) - 1 << shift
            value = peripheral.rest(word - peripheral.base) & ~mask | value << shift & mask
        peripheral.write(word - peripheral.base, value & _WORD)

    def _at(self, address: int) -> Peripheral:
        for peripheral in self._peripherals:
            if 0 <= address - peripheral.base < peripheral.size:
                return peripheral
        raise BusError
