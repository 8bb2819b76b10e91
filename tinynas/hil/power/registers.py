"""TI's INA228: what its registers mean, and what they say of a recording.

Facts from its data sheet (SLYS021): SHUNT_CAL (register 02h) = 13107.2e6 * CURRENT_LSB * R_shunt, four times that with
ADCRANGE = 1; ENERGY (09h), 40 bits unsigned, of 16 * 3.2 * CURRENT_LSB joules each; CHARGE (0Ah), 40 bits two's
complement, of CURRENT_LSB coulombs each; DIAG_ALRT (0Bh): bit 11 an overflow of ENERGY, 10 of CHARGE, 9 of the
arithmetic, 6 a shunt voltage above SOVL (0Ch), bit 0 clear where the chip's trim memory is damaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinynas.errors import BoardError

__all__ = ["TRIM_IS_GOOD", "Ina228Setup", "Sums", "check_flags", "check_supply", "signed"]

_CALIBRATION = 13107.2e6
_OVERFLOWS = {11: "the energy", 10: "the charge", 9: "the arithmetic", 6: "the current"}
#: A bit of DIAG_ALRT.
TRIM_IS_GOOD = 1
#: A microcontroller runs on no other supply.
_VOLTS = (1.0, 6.0)


@dataclass(frozen=True)
class Sums:
    """What an INA228 has added up since its sums were cleared.

    Attributes:
        energy_j: Joules, whichever way the current flowed.
        charge_c: Coulombs, negative where it flowed from IN- to IN+.
    """

    energy_j: float
    charge_c: float


@dataclass(frozen=True)
class Ina228Setup:
    """How an INA228 is wired and set up.

    Attributes:
        shunt_ohm: The shunt's resistance.
        calibration: What SHUNT_CAL holds.
        fine: Whether ADCRANGE is 1: 40.96 mV full scale instead of 163.84 mV.
        period_s: From one result to the next: conversion times of shunt and bus, times the averages.

    Example:
        >>> setup = Ina228Setup(shunt_ohm=0.0162, calibration=4050, fine=False, period_s=1e-3)
        >>> round(setup.current_lsb_a * 2**19, 2)  # full scale
        10.0
    """

    shunt_ohm: float
    calibration: int
    fine: bool
    period_s: float

    @property
    def current_lsb_a(self) -> float:
        """Amperes of one step of CURRENT, coulombs of one of CHARGE."""
        return self.calibration / (_CALIBRATION * self.shunt_ohm * (4 if self.fine else 1))

    @property
    def energy_lsb_j(self) -> float:
        """Joules of one step of ENERGY."""
        return 16 * 3.2 * self.current_lsb_a

    def sums(self, energy: bytes, charge: bytes) -> Sums:
        """The registers ENERGY and CHARGE, 5 bytes each, as joules and coulombs."""
        return Sums(int.from_bytes(energy, "big") * self.energy_lsb_j, signed(charge) * self.current_lsb_a)


def signed(data: bytes) -> int:
    """A register in two's complement, the most significant byte first."""
    return int.from_bytes(data, "big", signed=True)


def check_flags(flags: int, where: str) -> None:
    """Refuse a recording in which DIAG_ALRT reports an overflow.

    Args:
        flags: The register.
        where: What to call the meter in an error.

    Raises:
        BoardError: A sum, the arithmetic or the current left its range, or the chip is damaged.
    """
    overflows = [what for bit, what in _OVERFLOWS.items() if flags >> bit & 1]
    if overflows:
        raise BoardError(f"the INA228's range was left by {', '.join(overflows)}", where=where)
    if not flags & TRIM_IS_GOOD:
        raise BoardError("the INA228 reports a damaged trim memory", where=where)


def check_supply(sums: Sequence[Sums], where: str) -> None:
    """Refuse what wrong wiring makes: energy by charge is the supply's voltage.

    Args:
        sums: At each mark.
        where: What to call the meter in an error.

    Raises:
        BoardError: No current flows forwards, or the voltage is not that of a microcontroller.
    """
    if len(sums) < 2:
        return
    energy_j, charge_c = sums[-1].energy_j - sums[0].energy_j, sums[-1].charge_c - sums[0].charge_c
    if charge_c <= 0:
        message = "no current flows through the shunt, or it flows the other way"
        raise BoardError(message, where=where, advice="IN+ is on the side of the supply")
    volts = energy_j / charge_c
    if not _VOLTS[0] <= volts <= _VOLTS[1]:
        raise BoardError(f"a supply of {volts:.2f} V cannot be", where=where, advice="connect VBUS to the board's side")
