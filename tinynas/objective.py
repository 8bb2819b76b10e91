"""The objective: one number from a candidate's error and its use of the board.

    f_opt = l1 f_error + l2 f_flash + l3 f_SRAM + l4 f_latency + l5 f_energy
    f_flash = -flash / flash_max   if flash <= flash_max   else penalty                (f_SRAM likewise)
    f_latency = latency / latency_max   if latency <= latency_max   else penalty       (f_energy likewise)

Smaller is better. Of equally accurate networks the one that uses the board more fully wins (Saha et al. 2022,
TinyOdom); time and energy that are not used are saved. A network that does not fit loses to every one that does.

What enters besides the error is a tuple of terms, `TERMS`. A new one is an entry there, with a field for its weight in
`Objective` and one for its limit in `Limits`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

from tinynas.checked import ByteCount, NotNegative, Positive, options
from tinynas.errors import ConfigError

__all__ = [
    *("METRICS", "TERMS", "Costs", "ErrorName", "LimitOptions", "Limits", "Objective", "ObjectiveTerm", "Quantity"),
    *("Score", "quantities", "score"),
]


ErrorName = Literal["velocity_rmse", "ate", "rte"]
#: Metrics of a trial, by the error's name.
METRICS: Mapping[ErrorName, str] = {"velocity_rmse": "error_int8", "ate": "ate_m", "rte": "rte_m"}
Quantity = Literal["error", "sram_bytes", "flash_bytes", "latency_us", "energy_uj"]
"""What a Pareto front may trade off; all are to be low."""


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
        unit: Of the quantity, in messages.
        sign: -1 where it is good to use more, 1 where it is good to use less.
    """

    name: str
    label: str
    quantity: str
    weight: str
    unit: str = "bytes"
    sign: int = -1

    def counts(self, costs: Costs, limits: Limits) -> bool:
        """Whether there is a limit, and the candidate's use is known."""
        return getattr(limits, self.quantity) is not None and getattr(costs, self.quantity, None) is not None

    def used(self, costs: Costs) -> float:
        """What a candidate takes."""
        return float(getattr(costs, self.quantity))

    def limit(self, limits: Limits) -> float:
        """What it may take."""
        return float(getattr(limits, self.quantity))

    def value(self, costs: Costs, limits: Limits, penalty: float) -> float:
        """The term, not weighted: from 0 to -1, or to 1, for a candidate that fits, else the penalty."""
        used, limit = self.used(costs), self.limit(limits)
        return self.sign * used / limit if used <= limit else penalty


#: In the order in which they are added.
TERMS = (
    ObjectiveTerm("flash", "flash", "flash_bytes", "l2"),
    ObjectiveTerm("sram", "SRAM", "sram_bytes", "l3"),
    ObjectiveTerm("latency", "latency", "latency_us", "l4", "us", sign=1),
    ObjectiveTerm("energy", "energy", "energy_uj", "l5", "uJ", sign=1),
)


@dataclass(frozen=True)
class Limits:
    """What a model and its runtime may use.

    Attributes:
        sram_bytes: SRAM.
        flash_bytes: Flash.
        latency_us: Time of an update; None: any.
        energy_uj: Energy of an update; None: any.

    Example:
        >>> from types import SimpleNamespace
        >>> limits = Limits(sram_bytes=100, flash_bytes=400)
        >>> large = SimpleNamespace(sram_bytes=150, flash_bytes=400)
        >>> limits.admits(large), [term.label for term in limits.exceeded(large)]
        (False, ['SRAM'])
    """

    sram_bytes: int
    flash_bytes: int
    latency_us: float | None = None
    energy_uj: float | None = None

    def admits(self, costs: Costs) -> bool:
        """Whether a candidate of this cost fits."""
        return not self.exceeded(costs)

    def exceeded(self, costs: Costs) -> tuple[ObjectiveTerm, ...]:
        """The terms of which a candidate takes more than it may."""
        return tuple(term for term in TERMS if term.counts(costs, self) and term.used(costs) > term.limit(self))


@options("objective.limits")
class LimitOptions:
    """Limits below the board's own. None: what the board has, or, of time and energy, any.

    Attributes:
        sram_bytes: SRAM a model and its runtime may use.
        flash_bytes: Flash they may use.
        latency_us: Time an update may take, all turns together.
        energy_uj: Energy an update may take, all turns together.
    """

    sram_bytes: ByteCount | None = None
    flash_bytes: ByteCount | None = None
    latency_us: Positive | None = None
    energy_uj: Positive | None = None


@options("objective")
class Objective:
    """Weights and penalty of f_opt, and limits below the board's own.

    The penalty also stands for the error of a network that does not fit, because such a network is never trained, and
    it caps the error of one that does. It has to be above any error of interest (10 m/s is a sprinter's speed).

    Attributes:
        error: What is minimised, on the validation recordings: `velocity_rmse` in m/s, or the mean of the recordings'
            `ate` or `rte` in m.
        l1: Weight of the error.
        l2: Weight of flash.
        l3: Weight of SRAM.
        l4: Weight of the latency, where it has a limit.
        l5: Weight of the energy, where it has a limit.
        penalty: Value of a term whose limit is exceeded.
        limits: What a candidate may use, where that is less than what the board has.
        pareto: Quantities to trade off, at least two: the search looks for their Pareto front. Empty: it minimises
            f_opt.

    Raises:
        ConfigError: A front of less than two quantities, or of one twice.
    """

    error: ErrorName = "velocity_rmse"
    l1: NotNegative = 1.0
    l2: NotNegative = 0.01
    l3: NotNegative = 0.01
    l4: NotNegative = 0.01
    l5: NotNegative = 0.01
    penalty: Positive = 10.0
    limits: LimitOptions = field(default_factory=LimitOptions)
    pareto: tuple[Quantity, ...] = ()

    def __post_init__(self) -> None:
        if self.pareto and (len(self.pareto) < 2 or len(set(self.pareto)) < len(self.pareto)):
            advice = "such as [error, flash_bytes, sram_bytes]"
            what = "a front needs at least two different quantities"
            raise ConfigError(what, where="objective.pareto", advice=advice)


@dataclass(frozen=True)
class Score:
    """f_opt and its parts.

    Attributes:
        value: f_opt.
        feasible: Whether the candidate fits.
        error: f_error, not weighted.
        terms: The other terms by name ("flash", "sram" and, where they have limits, "latency" and "energy"), not
            weighted.
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
        error: Of the model as deployed, of the kind that `objective.error` names; None for a candidate that was not
            trained.
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
    counted = [term for term in TERMS if term.counts(costs, limits)]
    terms = {term.name: term.value(costs, limits, penalty) for term in counted}
    value = chosen.l1 * known
    for term in counted:  # not `sum`, which rounds differently since Python 3.12
        value += getattr(chosen, term.weight) * terms[term.name]
    border = chosen.l1 * penalty
    return Score(min(value, border) if feasible else max(value, border), feasible, known, terms)


def quantities(
    objective: Objective, metrics: Mapping[str, Any], measurement: Mapping[str, Any]
) -> tuple[float | None, ...]:
    """What a trial is worth on a Pareto front, in the order of `objective.pareto`; None for what is not known.

    Args:
        objective: Says what is traded off, and which error.
        metrics: Of the trial.
        measurement: Of the trial, as a mapping.

    Example:
        >>> objective = Objective(pareto=("error", "latency_us"))
        >>> quantities(objective, {"error_int8": 0.2}, {"sram_bytes": 5})
        (0.2, None)
    """
    known = {**measurement, "error": metrics.get(METRICS[objective.error])}
    return tuple(None if (value := known.get(name)) is None else float(value) for name in objective.pareto)
