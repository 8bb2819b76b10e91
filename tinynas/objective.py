"""The objective: one number from a candidate's error and its use of the board.

    f_opt = l1 f_error + l2 f_flash + l3 f_SRAM
    f_flash = -flash / flash_max   if flash <= flash_max   else penalty        (f_SRAM alike)

Smaller is better. Of equally accurate networks the one that uses the board more fully wins (Saha et al. 2022,
TinyOdom); one that does not fit loses to every one that does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Limits", "ObjectiveWeights", "Score", "score"]


@dataclass(frozen=True)
class Limits:
    """What a model and its runtime may use, in bytes."""

    sram_bytes: int
    flash_bytes: int

    def admits(self, sram_bytes: int, flash_bytes: int) -> bool:
        """Whether a candidate of this cost fits."""
        return sram_bytes <= self.sram_bytes and flash_bytes <= self.flash_bytes


@dataclass(frozen=True)
class ObjectiveWeights:
    """The weights l1 (error), l2 (flash) and l3 (SRAM), and the penalty of what does not fit.

    The penalty also stands for the error of a network that does not fit, since such a network is never trained, and
    caps the error of one that does; it has to be above any error of interest (10 m/s is a sprinter's speed).
    """

    l1: float = 1.0
    l2: float = 0.01
    l3: float = 0.01
    penalty: float = 10.0


@dataclass(frozen=True)
class Score:
    """f_opt and its terms.

    Attributes:
        value: f_opt.
        feasible: Whether the candidate fits.
        error, flash, sram: The terms f_error, f_flash and f_SRAM, not weighted.
    """

    value: float
    feasible: bool
    error: float
    flash: float
    sram: float

    def to_dict(self) -> Mapping[str, Any]:
        """The fields as JSON values."""
        return asdict(self)


def score(
    error: float | None, sram_bytes: int, flash_bytes: int, limits: Limits, weights: ObjectiveWeights | None = None
) -> Score:
    """Score a candidate.

    Args:
        error: Velocity RMSE in m/s of the model as deployed; None for a candidate that was not trained.
        sram_bytes: Its SRAM.
        flash_bytes: Its flash.
        limits: The board's.
        weights: None for the defaults.

    Returns:
        The score. Any feasible candidate's value is at most l1 penalty and any infeasible one's is at least that,
        whatever the weights, so that an infeasible candidate never beats a feasible one.

    Example:
        >>> limits = Limits(sram_bytes=100, flash_bytes=400)
        >>> round(score(0.3, 50, 200, limits).value, 6)
        0.29
        >>> round(score(None, 50, 800, limits).value, 6)
        10.095
    """
    w = weights or ObjectiveWeights()
    feasible = limits.admits(sram_bytes, flash_bytes)
    known = w.penalty if error is None or not error < w.penalty or not feasible else max(float(error), 0.0)
    flash = -flash_bytes / limits.flash_bytes if flash_bytes <= limits.flash_bytes else w.penalty
    sram = -sram_bytes / limits.sram_bytes if sram_bytes <= limits.sram_bytes else w.penalty
    value = w.l1 * known + w.l2 * flash + w.l3 * sram
    border = w.l1 * w.penalty
    return Score(min(value, border) if feasible else max(value, border), feasible, known, flash, sram)
