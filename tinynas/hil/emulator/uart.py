"""Serial ports in the register layouts of the families. Bytes go out at once, and come in at the port's speed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tinynas.hil.emulator.bus import BusError, Peripheral

__all__ = ["Memory", "SerialPort", "Uarte", "UsartV1", "UsartV2"]

_UE_V1, _UE_V2 = 1 << 13, 1 << 0
_TE, _RE, _RXNEIE, _TXEIE = 1 << 3, 1 << 2, 1 << 5, 1 << 7
_ENABLED, _FIFO_BYTES = 8, 6  # of the UARTE
_RXNE, _TC, _TXE, _ORE = 1 << 5, 1 << 6, 1 << 7, 1 << 3


class Memory(Protocol):
    """What a peripheral with direct memory access may do."""

    def load(self, address: int, size: int) -> bytes:
        """Read memory; BusError outside of it."""

    def store(self, address: int, data: bytes) -> None:
        """Write memory; BusError outside of it."""


class SerialPort(Peripheral, Protocol):
    """A serial port.

    Attributes:
        interrupting: Whether it asks for its interrupt.
    """

    @property
    def interrupting(self) -> bool:
        """Whether it asks for its interrupt."""

    def receive(self, byte: int) -> None:
        """A byte has arrived on the line. What a port that is off or full does not take is lost."""


class _Usart:
    """What both generations of the STM32's USART do.

    Args:
        base: Address of the first register.
        send: Takes each byte that goes out.
        enable: The bit of CR1 that turns the port on.
    """

    def __init__(self, base: int, send: Callable[[int], None], size: int, enable: int) -> None:
        self.base, self.size = base, size
        self._send, self._enable = send, enable
        self._control = 0
        self._received: int | None = None
        self._data = 0
        self._overrun = False

    @property
    def interrupting(self) -> bool:
        """See `SerialPort`."""
        receiving = self._control & _RXNEIE and (self._received is not None or self._overrun)
        return bool(self._control & self._enable and (receiving or self._control & _TXEIE))

    def receive(self, byte: int) -> None:
        """See `SerialPort`."""
        if self._control & self._enable and self._control & _RE:
            if self._received is None:
                self._received = byte
            else:
                self._overrun = True

    def rest(self, _offset: int) -> int:
        """See `Peripheral`."""
        return 0

    def _status(self) -> int:
        received = _RXNE if self._received is not None else 0
        return _TXE | _TC | received | (_ORE if self._overrun else 0)

    def _take(self) -> int:
        if self._received is not None:
            self._data, self._received = self._received, None
        return self._data

    def _put(self, value: int) -> None:
        if self._control & self._enable and self._control & _TE:
            self._send(value & 0xFF)


class UsartV1(_Usart):
    """STM32F1, F2, F4, L1: SR, DR, BRR, CR1 to CR3, GTPR (RM0390, USART registers)."""

    def __init__(self, base: int, send: Callable[[int], None]) -> None:
        super().__init__(base, send, 0x1C, _UE_V1)
        self._others = {0x08: 0, 0x10: 0, 0x14: 0, 0x18: 0}

    def read(self, offset: int) -> int:
        """See `Peripheral`."""
        if offset == 0x00:
            return self._status()
        if offset == 0x04:
            self._overrun = False  # the firmware reads SR before
            return self._take()
        return self._control if offset == 0x0C else self._others[offset]

    def write(self, offset: int, value: int) -> None:
        """See `Peripheral`."""
        if offset == 0x04:
            self._put(value)
        elif offset == 0x0C:
            self._control = value
        elif offset:  # flags of SR are cleared by what they stand for
            self._others[offset] = value


class UsartV2(_Usart):
    """Newer STM32: CR1 to CR3, BRR, ..., ISR, ICR, RDR, TDR (RM0351 and RM0385, USART registers)."""

    def __init__(self, base: int, send: Callable[[int], None]) -> None:
        super().__init__(base, send, 0x2C, _UE_V2)
        self._others = dict.fromkeys((0x04, 0x08, 0x0C, 0x10, 0x14), 0)

    def read(self, offset: int) -> int:
        """See `Peripheral`."""
        if offset == 0x1C:
            return self._status()
        if offset == 0x24:
            return self._take()
        if offset in (0x18, 0x20, 0x28):
            return 0
        return self._control if offset == 0x00 else self._others[offset]

    def write(self, offset: int, value: int) -> None:
        """See `Peripheral`."""
        if offset == 0x28:
            self._put(value)
        elif offset == 0x20:
            self._overrun = self._overrun and not value & _ORE
        elif offset == 0x00:
            self._control = value
        elif offset in self._others:
            self._others[offset] = value


class Uarte:
    """Nordic's UART with EasyDMA (nRF52840 product specification, UARTE)."""

    size = 0x570
    _STARTRX, _STOPRX, _STARTTX = 0x000, 0x004, 0x008
    _RXDRDY, _ENDRX, _TXDRDY, _ENDTX, _ERROR, _RXTO = 0x108, 0x110, 0x11C, 0x120, 0x124, 0x144
    _RXSTARTED, _TXSTARTED = 0x14C, 0x150
    _EVENTS = (_RXDRDY, _ENDRX, _TXDRDY, _ENDTX, _ERROR, _RXTO, _RXSTARTED, _TXSTARTED)
    _INTEN, _INTENSET, _INTENCLR = 0x300, 0x304, 0x308
    _ERRORSRC, _OVERRUN = 0x480, 1 << 0
    _ENABLE, _RX_POINTER, _RX_MOST, _RX_AMOUNT = 0x500, 0x534, 0x538, 0x53C
    _TX_POINTER, _TX_MOST, _TX_AMOUNT = 0x544, 0x548, 0x54C
    _STORED = (0x480, 0x500, 0x508, 0x50C, 0x510, 0x514, 0x524, 0x534, 0x538, 0x53C, 0x544, 0x548, 0x54C, 0x56C)

    def __init__(self, base: int, send: Callable[[int], None], memory: Memory) -> None:
        self.base = base
        self._send, self._memory = send, memory
        self._values = dict.fromkeys((*self._EVENTS, *self._STORED, self._INTEN), 0)
        self._room: int | None = None  # bytes that the present reception still takes
        self._held = bytearray()  # the port itself holds a few bytes while no reception runs

    @property
    def interrupting(self) -> bool:
        """See `SerialPort`."""
        enabled = self._values[self._INTEN]
        return any(self._values[event] and enabled >> (event - 0x100) // 4 & 1 for event in self._EVENTS)

    def receive(self, byte: int) -> None:
        """See `SerialPort`."""
        if self._values[self._ENABLE] == _ENABLED:
            if len(self._held) < _FIFO_BYTES:
                self._held.append(byte)
            else:
                self._values[self._ERROR] = 1
                self._values[self._ERRORSRC] |= self._OVERRUN
            self._fill()

    def rest(self, _offset: int) -> int:
        """See `Peripheral`."""
        return 0

    def read(self, offset: int) -> int:
        """See `Peripheral`."""
        if offset in (self._INTENSET, self._INTENCLR):
            return self._values[self._INTEN]
        if offset in (self._STARTRX, self._STOPRX, self._STARTTX):
            return 0
        if offset not in self._values:
            raise BusError
        return self._values[offset]

    def write(self, offset: int, value: int) -> None:
        """See `Peripheral`."""
        if offset in (self._STARTRX, self._STARTTX):
            if value & 1 and self._values[self._ENABLE] == _ENABLED:
                self._start_receiving() if offset == self._STARTRX else self._transmit()
        elif offset == self._STOPRX:
            if value & 1 and self._room is not None:
                self._room, self._values[self._ENDRX], self._values[self._RXTO] = None, 1, 1
        elif offset == self._INTENSET:
            self._values[self._INTEN] |= value
        elif offset == self._INTENCLR:
            self._values[self._INTEN] &= ~value
        elif offset == self._ERRORSRC:
            self._values[offset] &= ~value  # ones clear
        elif offset in self._values:
            self._values[offset] = value
        else:
            raise BusError

    def _start_receiving(self) -> None:
        self._room, self._values[self._RX_AMOUNT] = self._values[self._RX_MOST], 0
        self._values[self._RXSTARTED] = 1
        self._fill()

    def _transmit(self) -> None:
        data = self._memory.load(self._in_ram(self._TX_POINTER), self._values[self._TX_MOST])
        for byte in data:
            self._send(byte)
        self._values[self._TX_AMOUNT] = len(data)
        self._values.update(dict.fromkeys((self._TXSTARTED, self._TXDRDY, self._ENDTX), 1))

    def _in_ram(self, pointer: int) -> int:
        """An address that EasyDMA reaches: flash, where constants are, is not among them."""
        if self._values[pointer] >> 29 != 1:
            raise BusError
        return self._values[pointer]

    def _fill(self) -> None:
        while self._held and self._room:
            amount = self._values[self._RX_AMOUNT]
            self._memory.store(self._in_ram(self._RX_POINTER) + amount, bytes([self._held.pop(0)]))
            self._values[self._RX_AMOUNT], self._room = amount + 1, self._room - 1
            self._values[self._RXDRDY] = 1
            if not self._room:
                self._values[self._ENDRX] = 1
