"""What the tuner is told: one evaluation of one point."""

from __future__ import annotations

from dataclasses import dataclass

from tinynas.tuner.space import PointCode

__all__ = ["Observation"]


@dataclass(frozen=True)
class Observation:
    """One evaluation.

    Attributes:
        code: Which point.
        values: The objectives, finite, in the user's sign; None when the evaluation failed.
        constraints: Values that must not be above 0 for the point to be feasible; may be known of failed evaluations
            too. Empty where there are none.
        fidelity: How faithful the evaluation was, in (0, 1]; 1 is the real thing.
    """

    code: PointCode
    values: tuple[float, ...] | None
    constraints: tuple[float, ...] = ()
    fidelity: float = 1.0

    @property
    def value(self) -> float | None:
        """The first objective, None when the evaluation failed."""
        return None if self.values is None else self.values[0]

    @property
    def feasible(self) -> bool:
        """Whether it has a value and violates no constraint."""
        return self.values is not None and all(value <= 0 for value in self.constraints)
