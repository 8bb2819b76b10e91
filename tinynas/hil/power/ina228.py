"""TI's INA228 read by the host itself, over I2C; nothing has to be flashed, and no wire leads to the trigger pin.

The board's own lines stand for the pin: the firmware says that the timed inferences begin right before the first, and
gives their times right after the last. Their way to the host takes some milliseconds, of which only the difference
counts in a window of seconds.

Facts from the data sheet (SLYS021): CONFIG (00h): bit 15 RST, 14 RSTACC clears ENERGY and CHARGE, 4 ADCRANGE.
ADC_CONFIG (01h): MODE Bh shunt and bus continuously; conversion times of bus and shunt, 4 for 540 us; averages. VBUS
(05h), CURRENT (07h): 20 bits in the upper ones of 24; 195.3125 uV a step of VBUS. SOVL (0Ch): 1.25 uV a step in fine
range. DIAG_ALRT (0Bh): bit 15 ALATCH keeps flags until they are read, 1 CNVRF a result is ready. 3Eh: "TI"; 3Fh: 228h
and the revision.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

from tinynas.errors import BoardError
from tinynas.hil.dut import deadline_in
from tinynas.hil.power.meter import Mark
from tinynas.hil.power.registers import TRIM_IS_GOOD, Ina228Setup, Sums, check_flags, check_supply, signed

__all__ = ["ADDRESSES", "SHUNT_OHM", "Ina228", "Reading", "RegisterDevice"]

#: By its pins A0 and A1; the first with both on ground.
ADDRESSES = range(0x40, 0x50)
#: Of Adafruit's breakout.
SHUNT_OHM = 0.015

_CONFIG, _ADC_CONFIG, _SHUNT_CAL, _VBUS, _CURRENT, _ENERGY, _CHARGE = 0x00, 0x01, 0x02, 0x05, 0x07, 0x09, 0x0A
_DIAG_ALRT, _SOVL, _MANUFACTURER, _DEVICE = 0x0B, 0x0C, 0x3E, 0x3F
_RESET, _CLEAR_SUMS, _FINE = 1 << 15, 1 << 14, 1 << 4
_CONTINUOUS = 0xB << 12 | 4 << 9 | 4 << 6
_PERIOD_S = 2 * 540e-6
#: A step of CURRENT is then one of the shunt's converter, so that no arithmetic overflows before the converter does.
_CALIBRATION = 4096
#: 0.8 % below the end of the converter's range, which it would silently stay at.
_NEAR_FULL_SCALE = 0x7F00
_LATCH, _READY = 1 << 15, 1 << 1
_TEXAS_INSTRUMENTS, _INA228 = 0x5449, 0x228
_VOLTS_A_STEP = 195.3125e-6
_RESULT_S = 0.5
#: The data sheet's typical 0.3 ms, with room.
_START_UP_S = 0.002
#: What a line's arrival is known to: USB asks once a millisecond, some adapters once in 16.
_ARRIVAL_S = 0.005
_POWER = "check its power and SCL; no other program may use the chip"


class RegisterDevice(Protocol):
    """A chip with registers."""

    @property
    def name(self) -> str:
        """What to call it in an error."""

    def read(self, register: int, count: int) -> bytes:
        """Read a register's bytes, the most significant first.

        Raises:
            BoardError: The chip does not answer.
        """

    def write(self, register: int, word: int) -> None:
        """Write a register of 16 bits.

        Raises:
            BoardError: The chip does not answer.
        """

    def close(self) -> None:
        """Let go of the chip. Closing twice does no harm."""


@dataclass(frozen=True)
class Reading:
    """The newest result.

    Attributes:
        volts: At the pin VBUS.
        amperes: Through the shunt, from IN+ to IN-.
    """

    volts: float
    amperes: float


class Ina228:
    """An INA228 that the host reads.

    Args:
        device: The chip. It is the meter's: `close` closes it.
        shunt_ohm: The shunt. The largest current is 40.6 mV by it: 2.7 A with 15 milliohm.

    Raises:
        BoardError: The chip does not answer, is another one, or makes no results.
    """

    remedy = "the host heard the board's lines late: leave it less to do, or wire the trigger pin to a harness"

    def __init__(self, device: RegisterDevice, *, shunt_ohm: float = SHUNT_OHM) -> None:
        self.name, self._device = device.name, device
        self._setup = Ina228Setup(shunt_ohm, _CALIBRATION, fine=True, period_s=_PERIOD_S)
        self._recording: list[tuple[float, Sums]] | None = None
        try:
            self._set_up()
        except BaseException:
            device.close()
            raise

    @property
    def setup(self) -> Ina228Setup:
        """How the chip is set up."""
        return self._setup

    @property
    def resolution_s(self) -> float:
        """See `PowerMeter`."""
        return max(self._setup.period_s, _ARRIVAL_S)

    def reading(self) -> Reading:
        """Read supply voltage and current: whether the wiring is right, without a board that answers."""
        volts, amperes = (signed(self._device.read(register, 3)) >> 4 for register in (_VBUS, _CURRENT))
        return Reading(volts * _VOLTS_A_STEP, amperes * self._setup.current_lsb_a)

    def start(self) -> None:
        """See `PowerMeter`."""
        if self._recording is not None:
            raise BoardError("the meter is recording already", where=self.name)
        self._device.write(_CONFIG, _FINE | _CLEAR_SUMS)
        self._await_result()  # which clears the flags of before
        self._recording = []

    def pulse(self) -> None:
        """See `PowerMeter`."""
        if self._recording is None:
            raise BoardError("the meter is not recording", where=self.name)
        at = time.monotonic()
        self._recording.append((at, self._setup.sums(self._device.read(_ENERGY, 5), self._device.read(_CHARGE, 5))))

    def stop(self) -> tuple[Mark, ...]:
        """See `PowerMeter`."""
        recording, self._recording = self._recording, None
        if recording is None:
            raise BoardError("the meter is not recording", where=self.name)
        check_flags(self._word(_DIAG_ALRT), self.name)
        check_supply([sums for _, sums in recording], self.name)
        return tuple(Mark(at, sums.energy_j) for at, sums in recording)

    def close(self) -> None:
        """See `PowerMeter`."""
        self._recording = None
        self._device.close()

    def _word(self, register: int) -> int:
        return int.from_bytes(self._device.read(register, 2), "big")

    def _set_up(self) -> None:
        """Reset the chip, so that nothing of an earlier program is left in it, and start conversions."""
        maker, part = self._word(_MANUFACTURER), self._word(_DEVICE)
        if (maker, part >> 4) != (_TEXAS_INSTRUMENTS, _INA228):
            found = f"the chip is not an INA228: its ids are 0x{maker:04x} and 0x{part:04x}"
            raise BoardError(found, where=self.name, advice="name the INA228's address: address=0x41")
        self._device.write(_CONFIG, _RESET)
        time.sleep(_START_UP_S)
        for register, word in (
            (_CONFIG, _FINE),
            (_SHUNT_CAL, _CALIBRATION),
            (_SOVL, _NEAR_FULL_SCALE),
            (_DIAG_ALRT, _LATCH | TRIM_IS_GOOD),  # a bit that may be written, too
            (_ADC_CONFIG, _CONTINUOUS),
        ):
            self._device.write(register, word)
        if (kept := self._word(_SHUNT_CAL)) != _CALIBRATION:
            raise BoardError(f"SHUNT_CAL was set to {_CALIBRATION} and holds {kept}", where=self.name, advice=_POWER)
        self._await_result()

    def _await_result(self) -> None:
        """Wait for a result that began after this call, or a little before."""
        self._word(_DIAG_ALRT)
        deadline = deadline_in(_RESULT_S)
        while not self._word(_DIAG_ALRT) & _READY:
            if time.monotonic() > deadline:
                raise BoardError("the INA228 makes no results", where=self.name, advice=_POWER)
