"""What an update of the position costs: inferences on turned windows, and the energy of the board's supply."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from tinynas.board import Board
from tinynas.cost.aot import Costs
from tinynas.measurement import Measurement

__all__ = ["repeat", "with_energy"]

AnyCosts = TypeVar("AnyCosts", Costs, Measurement)

_REPEATED = ("cycles", "instructions", "latency_us", "latency_spread_us", "energy_uj", "predicted_latency_us")


def repeat(cost: AnyCosts, turns: int) -> AnyCosts:
    """What an update costs that runs the model on so many turned windows: time and energy, no memory.

    Example:
        >>> repeat(Costs(1000, 9000, 600, 50, cycles=7), 4)
        Costs(sram_bytes=1000, flash_bytes=9000, arena_bytes=600, macs=50, stack_bytes=None, cycles=28, \
latency_us=None, energy_uj=None)
    """
    if turns == 1:
        return cost
    values = {name: getattr(cost, name, None) for name in _REPEATED}
    return dataclasses.replace(cost, **{name: turns * value for name, value in values.items() if value is not None})


def with_energy(cost: Measurement, board: Board) -> Measurement:
    """A measurement with the energy that the board's power makes of its time, where no meter has told it.

    Args:
        cost: Of a board.
        board: With the clock that it was measured at.
    """
    if cost.energy_inferences is not None or cost.latency_us is None or board.power is None:
        return cost
    return dataclasses.replace(cost, energy_uj=board.power.energy_uj(cost.latency_us))
