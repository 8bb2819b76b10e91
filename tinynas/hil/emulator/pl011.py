"""Arm's PrimeCell UART, as the RP2040 has it."""

from __future__ import annotations

from collections.abc import Callable

from tinynas.hil.emulator.bus import BusError

__all__ = ["Pl011"]


class Pl011:
    """Arm's PrimeCell UART without its queues (DDI 0183: DR, FR, IBRD, FBRD, LCR_H, CR, IMSC, RIS, MIS, ICR)."""

    size = 0x4C
    _DR, _RSR, _FR, _CR, _IMSC, _RIS, _MIS, _ICR = 0x00, 0x04, 0x18, 0x30, 0x38, 0x3C, 0x40, 0x44
    _EMPTY = 1 << 4 | 1 << 7  # of FR: nothing received, nothing to be sent
    _NOTHING_RECEIVED, _ON, _TRANSMITS, _RECEIVES = 1 << 4, 1 << 0, 1 << 8, 1 << 9
    _RX, _OVERRUN = 1 << 4, 1 << 10  # interrupts

    def __init__(self, base: int, send: Callable[[int], None]) -> None:
        self.base, self._send = base, send
        self._values = dict.fromkeys((0x20, 0x24, 0x28, 0x2C, self._CR, 0x34, self._IMSC, 0x48), 0)
        self._received: int | None = None
        self._raised = 0

    @property
    def interrupting(self) -> bool:
        """See `SerialPort`."""
        return bool(self._raised & self._values[self._IMSC])

    def receive(self, byte: int) -> None:
        """See `SerialPort`."""
        if not self._is_on(self._RECEIVES):
            return
        if self._received is not None:
            self._raised |= self._OVERRUN
        else:
            self._received, self._raised = byte, self._raised | self._RX

    def rest(self, _offset: int) -> int:
        """See `Peripheral`."""
        return 0

    def read(self, offset: int) -> int:
        """See `Peripheral`."""
        if offset == self._DR:
            byte, self._received = self._received or 0, None
            self._raised &= ~self._RX
            return byte
        if offset == self._FR:
            return self._EMPTY & ~(self._NOTHING_RECEIVED if self._received is not None else 0)
        if offset == self._RIS:
            return self._raised
        if offset == self._MIS:
            return self._raised & self._values[self._IMSC]
        if offset in (self._RSR, self._ICR):
            return 0
        if offset not in self._values:
            raise BusError
        return self._values[offset]

    def write(self, offset: int, value: int) -> None:
        """See `Peripheral`."""
        if offset == self._DR:
            if self._is_on(self._TRANSMITS):
                self._send(value & 0xFF)
        elif offset == self._ICR:
            self._raised &= ~value
        elif offset in self._values:
            self._values[offset] = value
        elif offset != self._RSR:
            raise BusError

    def _is_on(self, direction: int) -> bool:
        return not (self._ON | direction) & ~self._values[self._CR]
