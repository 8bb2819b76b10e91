"""What a run has evaluated with success, and the results dictionary made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.config import Params, Sense
from tinynas.tuner.history import undominated

__all__ = ["Outcome", "Record", "results_of_arms"]


@dataclass
class Outcome:
    """Successes of one call of the objective: points, values, and what the surrogate expected of them."""

    points: list[Params] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    expected: list[Any] = field(default_factory=list)
    error: Exception | None = None


class Record:
    """The successes of a run, in order.

    Args:
        senses: What is better, for each objective.
        with_surrogate: Whether there are initial points, and predictions of a surrogate.
    """

    def __init__(self, senses: Sequence[Sense], *, with_surrogate: bool) -> None:
        self.senses, self.with_surrogate = tuple(senses), with_surrogate
        self.points: list[Params] = []
        self.values: list[Any] = []
        self.expected: list[Any] = []
        self.initial = 0
        self.last_error: Exception | None = None

    def add(self, outcome: Outcome) -> bool:
        """Append the successes of a batch; whether there were any."""
        self.points += outcome.points
        self.values += outcome.values
        self.expected += outcome.expected
        self.last_error = outcome.error or self.last_error
        return bool(outcome.points)

    def close_initial(self) -> None:
        """Everything so far was the initial design: its values stand in for predictions, as in Mango."""
        self.initial = len(self.points)
        self.expected = list(self.values)

    def headline(self) -> str:
        """The best so far, in a line."""
        if len(self.senses) > 1:
            return f"Pareto front: {int(self._front().sum())} points"
        return f"Best score: {self.values[self._best()]:.6g}"

    def results(self) -> dict[str, Any]:
        """The results dictionary, in Mango's form."""
        values = np.array(self.values, dtype=float)
        results: dict[str, Any] = {"params_tried": _objects(self.points), "objective_values": values}
        if len(self.senses) > 1:
            front = np.flatnonzero(self._front())
            results |= {"front_params": _objects([self.points[i] for i in front]), "front_values": values[front]}
        elif self.values:
            best = self._best()
            results |= {"best_objective": values[best], "best_params": self.points[best]}
        if self.with_surrogate:
            results |= {
                "random_params": _objects(self.points[: self.initial]),
                "random_params_objective": values[: self.initial].copy(),
                "surrogate_values": np.array(self.expected, dtype=float),
            }
        return results

    def _front(self) -> NDArray[np.bool_]:
        signs = [-1.0 if sense == "maximize" else 1.0 for sense in self.senses]
        return undominated(np.array(self.values, dtype=float).reshape(-1, len(signs)) * signs)

    def _best(self) -> int:
        values = np.array(self.values)
        return int(np.argmax(values) if self.senses[0] == "maximize" else np.argmin(values))


def _objects(items: list[Params]) -> np.ndarray[Any, Any]:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def results_of_arms(tried: Sequence[tuple[int, Params, float]], initial: int, sense: Sense) -> dict[str, Any]:
    """The results dictionary of a `MetaTuner`.

    Args:
        tried: Number of the arm, point and value of each successful evaluation, in order; at least one.
        initial: How many of them were initial points.
        sense: What is better.
    """
    arms, points, values = (
        [arm for arm, _, _ in tried],
        [point for _, point, _ in tried],
        [value for *_, value in tried],
    )
    best = int(np.argmax(values) if sense == "maximize" else np.argmin(values))
    return {
        "random_params": points[:initial],
        "random_params_objective": values[:initial],
        "random_objective_fid": arms[:initial],
        "params_tried": points,
        "objective_values": values,
        "objective_fid": arms,
        "best_params": points[best],
        "best_objective": values[best],
        "best_objective_fid": arms[best],
    }
