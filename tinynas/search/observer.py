"""What watches a search."""

from __future__ import annotations

from typing import Protocol

from tinynas.study import Trial

__all__ = ["Observer"]


class Observer(Protocol):
    """What watches a search."""

    def epoch(self, trial: int, epoch: int, rmse: float, /) -> None:
        """An epoch of a trial's training ended with this validation RMSE."""

    def state(self, trial: Trial) -> None:
        """A trial was proposed or entered another state."""
