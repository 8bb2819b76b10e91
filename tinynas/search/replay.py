"""Networks of a study on another board: measured there, and sorted out by what counts there."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tinynas.board import Board
from tinynas.cost import repeat, with_energy
from tinynas.errors import FlashOverflow, RamOverflow
from tinynas.hil.boards import FlashMethod
from tinynas.measurement import Measurement
from tinynas.pareto import find_front

__all__ = ["Replayed", "replay_models"]


@dataclass(frozen=True)
class Replayed:
    """A network on another board.

    Attributes:
        trial: Its number in the study.
        error: Velocity RMSE on the validation recordings, in m/s: that of the study.
        measurement: On the board; None where it does not fit.
        on_front: No other one is at least as good in error, flash, SRAM and time, and better in one.
        reason: Why it does not fit; empty where it does.
    """

    trial: int
    error: float
    measurement: Measurement | None
    on_front: bool = False
    reason: str = ""

    @property
    def remark(self) -> str:
        """What there is to say beside the figures."""
        return self.reason or ("" if self.on_front else "another one is better in everything")

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return dataclasses.asdict(self)


def replay_models(
    board: Board,
    models: Mapping[int, bytes],
    *,
    errors: Mapping[int, float],
    turns: Mapping[int, int],
    link: str = "virtual",
    flasher: FlashMethod = "auto",
    probe_id: str | None = None,
) -> list[Replayed]:
    """Measure models on a board.

    Args:
        board: The board.
        models: Of each trial the .tflite.
        errors: Of each trial the error.
        turns: Of each trial how many inferences an update makes.
        link: As `hil.measure.measure` has it.
        flasher: See there.
        probe_id: See there.

    Returns:
        By rising error.

    Raises:
        TinynasError: As `hil.measure.measure` raises them, but for what does not fit.
    """
    from tinynas.hil.measure import measure

    def replay(trial: int) -> Replayed:
        try:
            cost = measure(board, models[trial], link=link, flasher=flasher, probe_id=probe_id)
        except (FlashOverflow, RamOverflow) as error:
            return Replayed(trial, errors[trial], None, reason=error.message)
        return Replayed(trial, errors[trial], repeat(with_energy(cost, board), turns[trial]))

    found = [replay(trial) for trial in sorted(models, key=lambda trial: (errors[trial], trial))]
    fitting = [(place, one.error, one.measurement) for place, one in enumerate(found) if one.measurement is not None]
    points = [(error, cost.flash_bytes, cost.sram_bytes, cost.latency_us or 0.0) for _, error, cost in fitting]
    for index in find_front(points):
        place = fitting[index][0]
        found[place] = dataclasses.replace(found[place], on_front=True)
    return found
