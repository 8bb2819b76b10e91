"""The nested vectored interrupt controller: which exceptions are pending, and which may run now.

Exceptions have the numbers of the vector table: 15 is SysTick, 16 the first interrupt (Armv7-M, B1.5 and B3.4).
"""

from __future__ import annotations

from collections.abc import Callable

from tinynas.hil.emulator.bus import BusError

__all__ = ["FIRST_INTERRUPT", "SVCALL", "SYSTICK", "InterruptController"]

SVCALL, PENDSV, SYSTICK, FIRST_INTERRUPT = 11, 14, 15, 16
_NUMBER = 240
_NONE = 256  # less urgent than every exception


class InterruptController:
    """Interrupts 0 to 239, with SysTick and PendSV.

    Args:
        system_priority: Priority of exceptions 4 to 15.

    Attributes:
        pending: Bit mask by exception number.
        active: Exceptions that have begun and not ended, the innermost last.
    """

    base, size = 0xE000E100, 0x400

    def __init__(self, system_priority: Callable[[int], int]) -> None:
        self._system_priority = system_priority
        self._enabled = 0
        self._priorities = bytearray(_NUMBER)
        self.pending = 0
        self.active: list[int] = []

    def pend(self, exception: int) -> None:
        """Ask for an exception."""
        self.pending |= 1 << exception

    @property
    def waiting(self) -> bool:
        """Whether an exception is pending, be it held back or not."""
        return bool(self._candidates())

    def due(self, masked_at: int) -> int | None:
        """The exception that has to be entered now.

        Args:
            masked_at: Least priority value that PRIMASK, FAULTMASK or BASEPRI hold back; 256: none is.
        """
        return self._most_urgent(min(masked_at, self.urgency()))

    def _most_urgent(self, urgency: int) -> int | None:
        """The pending exception that is more urgent than a priority; of several, the one of the lowest number."""
        candidates, best = self._candidates(), None
        while candidates:
            exception = (candidates & -candidates).bit_length() - 1
            candidates &= candidates - 1
            if (priority := self.priority(exception)) < urgency:
                best, urgency = exception, priority
        return best

    def urgency(self) -> int:
        """Priority of what runs now."""
        return min((self.priority(exception) for exception in self.active), default=_NONE)

    def priority(self, exception: int) -> int:
        """Smaller is more urgent; those of reset, NMI and HardFault are fixed."""
        if exception < 4:
            return exception - 4
        return (
            self._system_priority(exception)
            if exception < FIRST_INTERRUPT
            else self._priorities[exception - FIRST_INTERRUPT]
        )

    def state(self) -> int:
        """ICSR."""
        state = (self.pending >> PENDSV & 1) << 28 | (self.pending >> SYSTICK & 1) << 26
        state |= bool(self._candidates() >> FIRST_INTERRUPT) << 22 | (self._most_urgent(_NONE) or 0) << 12
        return state | (len(self.active) < 2) << 11 | (self.active[-1] if self.active else 0)

    def command(self, value: int) -> None:
        """What is written to ICSR."""
        for bit, exception in ((26, SYSTICK), (28, PENDSV)):
            if value >> bit & 1:
                self.pend(exception)
            elif value >> bit - 1 & 1:
                self.pending &= ~(1 << exception)

    def read(self, offset: int) -> int:
        """See `Peripheral`."""
        if offset >= 0x300:
            return int.from_bytes(self._priorities[self._row(offset) : self._row(offset) + 4], "little")
        shift = 32 * (offset % 0x80 // 4)
        if offset >= 0x200:
            return sum(1 << e - FIRST_INTERRUPT for e in self.active if e >= FIRST_INTERRUPT) >> shift & 0xFFFFFFFF
        return (self._enabled if offset < 0x100 else self.pending >> FIRST_INTERRUPT) >> shift & 0xFFFFFFFF

    def write(self, offset: int, value: int) -> None:
        """See `Peripheral`."""
        bits = value << 32 * (offset % 0x80 // 4)
        if offset >= 0x300:
            self._priorities[self._row(offset) : self._row(offset) + 4] = value.to_bytes(4, "little")
        elif offset < 0x080:
            self._enabled |= bits
        elif offset < 0x100:
            self._enabled &= ~bits
        elif offset < 0x180:
            self.pending |= bits << FIRST_INTERRUPT
        elif offset < 0x200:
            self.pending &= ~(bits << FIRST_INTERRUPT)

    def rest(self, offset: int) -> int:
        """See `Peripheral`: a priority has a byte of its own, and for the others zeros change nothing."""
        return self.read(offset) if offset >= 0x300 else 0

    def _row(self, offset: int) -> int:
        if offset - 0x300 > _NUMBER - 4:
            raise BusError
        return offset - 0x300

    def _candidates(self) -> int:
        return self.pending & (self._enabled << FIRST_INTERRUPT | (1 << FIRST_INTERRUPT) - 1)
