"""Energy of an inference, by a power meter that watches the board's trigger pin; `docs/energy.md` has the wiring."""

from __future__ import annotations

from tinynas.hil.power.ina228 import Ina228Harness
from tinynas.hil.power.lpm01a import Lpm01a
from tinynas.hil.power.meter import Mark, PowerMeter, energy_of, enough_inferences
from tinynas.hil.power.spec import check_meter, check_trigger, open_meter

__all__ = [
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
