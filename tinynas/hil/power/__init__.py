"""Energy of an inference, by a power meter that watches the board's trigger pin; `docs/energy.md` has the wiring."""

from __future__ import annotations

from tinynas.hil.power.ina228 import Ina228Harness
from tinynas.hil.power.lpm01a import Lpm01a
from tinynas.hil.power.meter import Mark, PowerMeter, energy_of

__all__ = ["Ina228Harness", "Lpm01a", "Mark", "PowerMeter", "energy_of"]
