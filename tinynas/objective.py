"""The objective: one number from a candidate's error and its use of the board.

    f_opt = l1 f_error + l2 f_flash + l3 f_SRAM
    f_flash = -flash / flash_max   if flash <= flash_max   else penalty        (f_SRAM likewise)

Smaller is better. Of equally accurate networks the one that uses the board more fully wins (Saha et al. 2022,
TinyOdom). A network that does not fit loses to every one that does.

What enters besides the error is a tuple of terms, `TERMS`. A new one is an entry there, with a field for its weight in
`Objective` and one for its limit in `Limits`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from tinynas.checked import Count, NotNegative, Positive, options

__all__ = ["TERMS", "Costs", "Limits", "Objective", "ObjectiveTerm", "Score", "score"]


class Costs(Protocol):
    """What a candidate takes of the board, as `cost.Measurement` has it."""

    @property
    def sram_bytes(self) -> int:
        """SRAM of the model and its runtime."""

    @property
    def flash_bytes(self) -> int:
        """Flash of the model and its runtime."""


@dataclass(frozen=True)
class ObjectiveTerm:
    """One resource that enters f_opt by its use of what the board has.

    Attributes:
        name: Key in `Score.terms`.
        label: Name in messages.
        quantity: Field of a measurement and of `Limits`.
        weight: Field of `Objective`.
    """

    name: str
    label: str
    quantity: str
    weight: str

    def used(self, costs: Costs) -> int:
        """What a candidate takes."""
        return int(getattr(costs, self.quantity))

    def limit(self, limits: Limits) -> int:
        """What it may take."""
        return int(getattr(limits, self.quantity))

    def value(self, costs: Costs, limits: Limits, penalty: float) -> float:
        """The term, not weighted: from 0 down to -1 for a candidate that fits, else the penalty."""
        used, limit = self.used(costs), self.limit(limits)
        return -used / limit if used <= limit else penalty


#: In the order in which they are added.
TERMS = (
    ObjectiveTerm("flash", "flash", "flash_bytes", "l2"),
    ObjectiveTerm("sram", "SRAM", "sram_bytes", "l3"),
)


@dataclass(frozen=True)
class Limits:
    """What a model and its runtime may use, in bytes.

    Example:
        >>> from types import SimpleNamespace
        >>> limits = Limits(sram_bytes=100, flash_bytes=400)
        >>> large = SimpleNamespace(sram_bytes=150, flash_bytes=400)
        >>> limits.admits(large), [term.label for term in limits.exceeded(large)]
        (False, ['SRAM'])
    """

    sram_bytes: int
    flash_bytes: int

    def admits(self, costs: Costs) -> bool:
        """Whether a candidate of this cost fits."""
        return not self.exceeded(costs)

    def exceeded(self, costs: Costs) -> tuple[ObjectiveTerm, ...]:
        """The terms of which a candidate takes more than it may."""
        return tuple(term for term in TERMS if term.used(costs) > term.limit(self))


@options("objective")
class Objective:
    """Weights and penalty of f_opt, and limits below the board's own.

    The penalty also stands for the error of a network that does not fit, because such a network is never trained, and
    it caps the error of one that does. It has to be above any error of interest (10 m/s is a sprinter's speed).

    Attributes:
        l1: Weight of the error.
        l2: Weight of flash.
        l3: Weight of SRAM.
        penalty: Value of a term whose limit is exceeded.
        sram_max_bytes: SRAM a model and its runtime may use; None: what the board has.
        flash_max_bytes: Flash they may use; None: what the board has.
    """

    l1: NotNegative = 1.0
    l2: NotNegative = 0.01
    l3: NotNegative = 0.01
    penalty: Positive = 10.0
    sram_max_bytes: Count | None = None
    flash_max_bytes: Count | None = None


@dataclass(frozen=True)
class Score:
    """f_opt and its parts.

    Attributes:
        value: f_opt.
        feasible: Whether the candidate fits.
        error: f_error, not weighted.
        terms: The other terms by name ("flash", "sram"), not weighted.
    """

    value: float
    feasible: bool
    error: float
    terms: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)


def score(error: float | None, costs: Costs, limits: Limits, objective: Objective | None = None) -> Score:
    """Score a candidate.

    Args:
        error: Velocity RMSE in m/s of the model as deployed; None for a candidate that was not trained.
        costs: Its measurement.
        limits: What it may use of the board.
        objective: Weights and penalty; None for the defaults.

    Returns:
        The score. A feasible candidate's value is at most l1 penalty, and an infeasible one's at least that, whatever
        the weights. So an infeasible candidate never beats a feasible one.

    Example:
        >>> from types import SimpleNamespace
        >>> limits = Limits(sram_bytes=100, flash_bytes=400)
        >>> round(score(0.3, SimpleNamespace(sram_bytes=50, flash_bytes=200), limits).value, 6)
        0.29
        >>> round(score(None, SimpleNamespace(sram_bytes=50, flash_bytes=800), limits).value, 6)
        10.095
    """
    chosen = objective or Objective()
    penalty = chosen.penalty
    feasible = limits.admits(costs)
    known = penalty if error is None or not error < penalty or not feasible else max(float(error), 0.0)
    terms = {term.name: term.value(costs, limits, penalty) for term in TERMS}
    value = chosen.l1 * known
    for term in TERMS:  # not `sum`, which rounds differently since Python 3.12
        value += getattr(chosen, term.weight) * terms[term.name]
    border = chosen.l1 * penalty
    return Score(min(value, border) if feasible else max(value, border), feasible, known, terms)
