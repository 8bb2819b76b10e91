"""Registers of the core: SysTick, interrupt controller, system control block, cycle counter.

Armv7-M Architecture Reference Manual (DDI 0403), B3 and C1.
"""

from __future__ import annotations

from collections.abc import Callable

from tinynas.hil.emulator.bus import BusError, Registers
from tinynas.hil.emulator.cores import CoreModel

__all__ = ["CycleCounter", "SysTick", "SystemControl"]

_ENABLE, _TICKINT, _COUNTFLAG = 1 << 0, 1 << 1, 1 << 16
_MASK = (1 << 24) - 1
_TRACE = 1 << 24
_CACHES, _DATA_CACHE = 1 << 17, 1 << 16


class SysTick:
    """The timer of 24 bits that counts the core's cycles down. `now` tells the cycles since power-on."""

    base, size = 0xE000E010, 0x10

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._control, self._reload = 0, 0
        self._held = 0  # its value when it was set, or while it is off
        self._zero = 0  # cycle at which it comes to 0 first after that
        self._done = 0  # how often it has
        self._flag = self._asked = False  # it has since CTRL was read, and since the interrupt was asked for

    @property
    def due(self) -> int | None:
        """The cycle at which it asks for its interrupt next; None: never."""
        if self._control & 3 != 3 or not self._reload:
            return None
        return self._zero + self._done * (self._reload + 1)

    def elapse(self) -> bool:
        """Whether it has come to 0 since the last call, with its interrupt wanted."""
        self._settle()
        asked, self._asked = self._asked, False
        return asked

    def read(self, offset: int) -> int:
        """See `Peripheral`."""
        if offset == 0x0:
            self._settle()
            flag, self._flag = self._flag, False
            return self._control | (_COUNTFLAG if flag else 0)
        if offset == 0x4:
            return self._reload
        return self._value() if offset == 0x8 else 0

    def write(self, offset: int, value: int) -> None:
        """See `Peripheral`."""
        self._settle()
        self._held = self._value()
        if offset == 0x0:
            self._control = value & 7
        elif offset == 0x4:
            self._reload = value & _MASK
        elif offset == 0x8:
            self._held, self._flag = 0, False
        self._zero, self._done = self._now() + (self._held or self._reload + 1), 0

    def rest(self, _offset: int) -> int:
        """See `Peripheral`."""
        return 0

    def _settle(self) -> None:
        """Note that it has come to 0."""
        if self._control & _ENABLE and self._reload and self._now() >= self._zero:
            times = (self._now() - self._zero) // (self._reload + 1) + 1
            if times > self._done:
                self._done, self._flag, self._asked = times, True, self._asked or bool(self._control & _TICKINT)

    def _value(self) -> int:
        if not self._control & _ENABLE:
            return self._held
        left = self._zero - self._now()
        if left > 0:  # beyond both, it has not been reloaded yet
            return left if left <= max(self._held, self._reload) else 0
        return left % (self._reload + 1)


class CycleCounter:
    """The part of the DWT that counts cycles; `enabled` tells whether DEMCR lets it."""

    base, size = 0xE0001000, 0x1000

    def __init__(self, now: Callable[[], int], enabled: Callable[[], bool]) -> None:
        self._now, self._enabled = now, enabled
        self._control, self._offset, self._held = 0, 0, 0

    def read(self, offset: int) -> int:
        """See `Peripheral`."""
        if offset == 0x004:
            return (self._now() + self._offset if self._runs() else self._held) & 0xFFFFFFFF
        if offset in (0x000, 0xFB0, 0xFB4):
            return self._control if offset == 0 else 0
        raise BusError

    def write(self, offset: int, value: int) -> None:
        """See `Peripheral`."""
        if offset == 0x000:
            count = self.read(0x004)
            self._control = value & 1
            self._set(count)
        elif offset == 0x004:
            self._set(value)
        elif offset != 0xFB0:
            raise BusError

    def rest(self, _offset: int) -> int:
        """See `Peripheral`."""
        return 0

    def _runs(self) -> bool:
        return bool(self._control) and self._enabled()

    def _set(self, count: int) -> None:
        self._held, self._offset = count, count - self._now()


class SystemControl(Registers):
    """System control block, feature registers and cache commands.

    Args:
        core: Which core it is.
        data_cache_bytes: Of the first level's data cache: four ways of lines of 32 bytes; 0: there is none.
        icsr: Reads the interrupt controller's state.
        command: Takes what is written to it.
    """

    _CPUID, _ICSR, _VTOR, _AIRCR, _CCR, _SHPR, _SHCSR = 0x00, 0x04, 0x08, 0x0C, 0x14, 0x18, 0x24
    _CFSR, _HFSR, _MMFAR, _BFAR, _CCSIDR, _CPACR, _DEMCR = 0x28, 0x2C, 0x34, 0x38, 0x80, 0x88, 0xFC
    _CACHE_COMMANDS = range(0x250, 0x280, 4)
    _BASELINE = (0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x1C, 0x20, 0x24)  # of an Armv6-M (DDI 0419, B3.2)

    def __init__(
        self, core: CoreModel, data_cache_bytes: int, icsr: Callable[[], int], command: Callable[[int], None]
    ) -> None:
        self._icsr, self._command = icsr, command
        self._main_extension = core.main_extension
        offsets = (*range(0x00, 0x8C, 4), self._DEMCR, *self._CACHE_COMMANDS)
        values = dict.fromkeys(offsets if core.main_extension else self._BASELINE, 0)
        values |= {self._CPUID: core.cpuid, self._AIRCR: 0xFA050000, self._CCR: 0x200}
        if data_cache_bytes:
            values[self._CCSIDR] = 0xF0000019 | (data_cache_bytes // 128 - 1) << 13
        super().__init__(0xE000ED00, values)

    def read(self, offset: int) -> int:
        """See `Peripheral`."""
        return self._icsr() if offset == self._ICSR else super().read(offset)

    def write(self, offset: int, value: int) -> None:
        """See `Peripheral`."""
        if offset == self._ICSR:
            self._command(value)
        elif offset in (self._CFSR, self._HFSR):
            self.values[offset] &= ~value  # ones clear
        elif offset == self._AIRCR:
            if value >> 16 == 0x05FA:
                self.values[offset] = 0xFA050000 | value & 0x0704
        elif offset not in (self._CPUID, self._CCSIDR):
            super().write(offset, value)

    def rest(self, offset: int) -> int:
        """See `Peripheral`: where ones clear, zeros change nothing."""
        return 0 if offset in (self._ICSR, self._CFSR, self._HFSR) else super().rest(offset)

    @property
    def traced(self) -> bool:
        """Whether DEMCR turns the DWT on."""
        return bool(self.values.get(self._DEMCR, 0) & _TRACE)

    @property
    def cached(self) -> bool:
        """Whether the core's instruction cache is on."""
        return bool(self.values[self._CCR] & _CACHES)

    @property
    def data_cached(self) -> bool:
        """Whether the core's data cache is on."""
        return bool(self.values[self._CCR] & _DATA_CACHE)

    @property
    def floats(self) -> bool:
        """Whether CPACR turns the floating-point unit on."""
        return self.values.get(self._CPACR, 0) >> 20 & 0b0101 == 0b0101

    @property
    def reset_asked(self) -> bool:
        """Whether software has asked for a reset."""
        return bool(self.values[self._AIRCR] & 4)

    @property
    def vectors(self) -> int:
        """Address of the vector table."""
        return self.values[self._VTOR] & ~0x7F

    @vectors.setter
    def vectors(self, address: int) -> None:
        self.values[self._VTOR] = address

    def handles(self, fault: int) -> bool:
        """Whether MemManage (4), BusFault (5) or UsageFault (6) has a handler of its own."""
        return self._main_extension and bool(self.values[self._SHCSR] >> (fault + 12) & 1)

    def priority(self, exception: int) -> int:
        """Priority of exceptions 4 to 15; smaller is more urgent."""
        return self.values.get(self._SHPR + (exception - 4) // 4 * 4, 0) >> 8 * (exception % 4) & 0xFF

    def note_fault(self, cfsr: int, address: int | None, *, forced: bool) -> None:
        """Set the fault registers.

        Args:
            cfsr: Bits of CFSR without the one that says that the address is valid.
            address: What could not be accessed; None: nothing of that sort.
            forced: It became a HardFault.
        """
        if not self._main_extension:
            return
        if address is not None and cfsr & 0xFF:
            self.values[self._MMFAR], cfsr = address, cfsr | 1 << 7
        elif address is not None:
            self.values[self._BFAR], cfsr = address, cfsr | 1 << 15
        self.values[self._CFSR] |= cfsr
        self.values[self._HFSR] |= 1 << 30 if forced else 0
