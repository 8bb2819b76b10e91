"""Boards that tests run on: those of `CORES` have every core, and every kind of serial port and flash between them."""

from __future__ import annotations

__all__ = ["CORES"]

CORES = [
    *("arduino_nano_33_ble", "nucleo_f446re", "nucleo_f746zg", "nucleo_g071rb", "nucleo_l476rg", "nucleo_u575zi_q"),
]
