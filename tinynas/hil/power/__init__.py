"""Energy of an inference, by a power meter in the board's supply; `docs/energy.md` has the wiring."""

from __future__ import annotations

from tinynas.hil.power.harness import Ina228Harness
from tinynas.hil.power.i2c import I2cDevice
from tinynas.hil.power.ina228 import Ina228
from tinynas.hil.power.lpm01a import Lpm01a
from tinynas.hil.power.meter import Mark, PowerMeter, energy_of, enough_inferences
from tinynas.hil.power.spec import check_meter, check_trigger, open_meter

__all__ = [
    "I2cDevice",
    "Ina228",
    "Ina228Harness",
    "Lpm01a",
    "Mark",
    "PowerMeter",
    "check_meter",
    "check_trigger",
    "energy_of",
    "enough_inferences",
    "open_meter",
]
