"""An INA228 in Python, with what its data sheet (SLYS021) says of its registers, and the package that reads it.

It lies in a supply whose current is a number that tests set; its time is a clock that tests advance.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from types import ModuleType

__all__ = ["Chip", "Clock", "smbus2_with"]

CONFIG, ADC_CONFIG, SHUNT_CAL, VBUS, CURRENT, ENERGY, CHARGE, DIAG_ALRT, SOVL = 0, 1, 2, 5, 7, 9, 10, 11, 12
MAKER, DEVICE = 0x3E, 0x3F
DEFAULTS = {CONFIG: 0, ADC_CONFIG: 0xFB68, SHUNT_CAL: 0x1000, DIAG_ALRT: 1, SOVL: 0x7FFF, MAKER: 0x5449, DEVICE: 0x2281}
SIZES = {VBUS: 3, CURRENT: 3, ENERGY: 5, CHARGE: 5}
CONVERSION_S = (50e-6, 84e-6, 150e-6, 280e-6, 540e-6, 1052e-6, 2074e-6, 4120e-6)
AVERAGES = (1, 4, 16, 64, 128, 256, 512, 1024)
READY, LATCH, OVER = 1 << 1, 1 << 15, 1 << 6


class Clock:
    """Seconds that pass as tests have them."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Chip:
    """The chip and the supply that it lies in.

    Attributes:
        volts: The supply.
        amperes: From IN+ to IN-.
        clock: Advances by `access_s` with each access.
        fails: The number of an error in place of an answer, by register; `None` is any register.
        after: Called after a register was read, by its number.
        stuck: Whether no conversion ever ends.
    """

    def __init__(self, *, shunt_ohm: float = 0.015, volts: float = 3.3, amperes: float = 0.05) -> None:
        self.shunt_ohm, self.volts, self.amperes = shunt_ohm, volts, amperes
        self.clock, self.access_s = Clock(), 0.0005
        self.fails: dict[int | None, int] = {}
        self.after: dict[int, Callable[[], None]] = {}
        self.stuck, self.registers = False, dict(DEFAULTS)
        self._energy = self._charge = 0.0  # in steps
        self._since, self._flags = self.clock.now, 0

    @property
    def period_s(self) -> float:
        """From one result to the next; bus and shunt have to convert continuously."""
        word = self.registers[ADC_CONFIG]
        assert word >> 12 == 0xB, "shunt and bus, continuously"
        return (CONVERSION_S[word >> 9 & 7] + CONVERSION_S[word >> 6 & 7]) * AVERAGES[word & 7]

    def _shunt_steps(self) -> int:
        """The converter's: 20 bits, in two's complement, of 163.84 or 40.96 mV."""
        full_scale = 0.04096 if self.registers[CONFIG] >> 4 & 1 else 0.16384
        steps = round(self.amperes * self.shunt_ohm / full_scale * 2**19)
        return max(-(2**19), min(2**19 - 1, steps))

    def _current_steps(self) -> int:
        return self._shunt_steps() * 4096 // self.registers[SHUNT_CAL]

    def _bus_steps(self) -> int:
        return round(self.volts / 195.3125e-6)

    def _convert(self) -> None:
        """The conversions since the last look, each with the supply as it is now."""
        if self.stuck or self.registers[ADC_CONFIG] >> 12 != 0xB:
            return
        count = int((self.clock.now - self._since) / self.period_s)
        if not count:
            return
        self._since += count * self.period_s
        # POWER has steps of 3.2 CURRENT_LSB: volts by amperes; ENERGY 16 times those, whichever the sign.
        power = self._bus_steps() * 195.3125e-6 * abs(self._current_steps()) / 3.2
        self._energy += power * count * self.period_s / 16
        self._charge += self._current_steps() * count * self.period_s
        self._flags |= READY
        if self._shunt_steps() >> 4 > self.registers[SOVL]:
            self._flags |= OVER

    def _accessed(self, register: int | None) -> None:
        self.clock.now += self.access_s
        for key in (register, None):
            if key in self.fails:
                raise OSError(self.fails[key], "")
        self._convert()

    def read(self, register: int, count: int) -> bytes:
        """A register's bytes."""
        self._accessed(register)
        values = {
            VBUS: self._bus_steps() << 4,
            CURRENT: self._current_steps() << 4,
            ENERGY: int(self._energy),
            CHARGE: int(self._charge),
            DIAG_ALRT: self.registers[DIAG_ALRT] | self._flags,
        }
        size = SIZES.get(register, 2)
        assert count == size, f"register {register:02x} has {size} bytes"
        if register == DIAG_ALRT and self.registers[DIAG_ALRT] & LATCH:
            self._flags = 0  # latched until they are read
        value = values.get(register, self.registers.get(register, 0))
        answer = (value & (1 << 8 * size) - 1).to_bytes(size, "big")
        self.after.get(register, lambda: None)()
        return answer

    def write(self, register: int, word: int) -> None:
        """Set a register of 16 bits."""
        self._accessed(register)
        if register == CONFIG and word >> 15:
            self.registers, self._flags = dict(DEFAULTS), 0
            self._energy = self._charge = 0.0
            return
        if register == CONFIG and word >> 14 & 1:
            self._energy = self._charge = 0.0
            word &= ~(1 << 14)
        if register == SHUNT_CAL:
            word &= 0x7FFF
        self.registers[register] = word
        self._since = self.clock.now


class Message:
    """A part of a transfer."""

    def __init__(self, address: int, data: bytes, reads: bool) -> None:
        self.address, self.data, self.reads = address, data, reads

    def __bytes__(self) -> bytes:
        return self.data

    @staticmethod
    def read(address, length):
        return Message(address, bytes(length), True)

    @staticmethod
    def write(address, buf):
        return Message(address, bytes(buf), False)


def smbus2_with(chips: dict[int, Chip], *, opens: int | None = None, byte_fails: int | None = None) -> ModuleType:
    """A package like smbus2, whose every bus has these chips.

    Args:
        chips: By address.
        opens: The number of the error with which a bus does not open; None: it does.
        byte_fails: The same for `read_byte`, where Linux says that a driver holds the chip.
    """
    module = ModuleType("smbus2")

    class SMBus:
        """One bus; `open_buses` counts those that were not closed."""

        def __init__(self, path):
            if opens is not None:
                raise OSError(opens, "")
            self.is_open = True
            module.open_buses += 1

        def read_byte(self, i2c_addr):
            if byte_fails is not None:
                raise OSError(byte_fails, "")
            self._at(i2c_addr)
            return 0

        def i2c_rdwr(self, *messages):
            chip = self._at(messages[0].address)
            register, *word = messages[0].data
            if word:
                assert (len(messages), len(word)) == (1, 2)
                chip.write(register, int.from_bytes(word, "big"))
            else:
                assert [message.reads for message in messages] == [False, True]
                messages[1].data = chip.read(register, len(messages[1].data))

        def close(self):
            module.open_buses -= self.is_open
            self.is_open = False

        def _at(self, address):
            if address not in chips:
                raise OSError(errno.EREMOTEIO, "Remote I/O error")
            return chips[address]

    module.SMBus, module.i2c_msg, module.open_buses = SMBus, Message, 0
    return module
