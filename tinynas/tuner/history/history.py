"""What a tuner was told and asked so far, and what follows from that without any surrogate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.checks import ConfigValueError, check_fidelity
from tinynas.tuner.config import Params, Sense
from tinynas.tuner.history.observation import Observation
from tinynas.tuner.history.outcome import read_constraints, read_values
from tinynas.tuner.space import PointCode, Space

__all__ = ["History", "undominated"]


class History:
    """Evaluations in the order told, pending points in the order asked.

    Args:
        space: The search space.
        senses: What is better, for each objective.

    Attributes:
        observations: What was told.
        pending: Points asked for and not told yet.
        asked: Number of points asked for.
        constraint_names: Names of the constraints, sorted; None where they have none.
        revision: Another object after every change of the observations.
    """

    def __init__(self, space: Space, senses: tuple[Sense, ...]) -> None:
        self.space, self.senses = space, senses
        self.observations: list[Observation] = []
        self.pending: list[PointCode] = []
        self.asked = 0
        self.constraint_names: tuple[str, ...] | None = None
        self.revision = object()

    # -- what happens --------------------------------------------------------------------------------------------------

    def tell(
        self,
        params: Mapping[str, Any],
        value: Any = None,
        *,
        failed: bool = False,
        constraints: Any = None,
        fidelity: float = 1.0,
    ) -> None:
        """Append an outcome, after checking it; its point is pending no longer. See `Tuner.tell`.

        Raises:
            SpaceError: If `params` is not a point of the space.
            ConfigTypeError: If something has the wrong type.
            ConfigValueError: If the fidelity is not in (0, 1], or the constraints are not those of earlier outcomes.
        """
        code = self.space.code(params)
        values = None if failed else read_values(value, len(self.senses))
        check_fidelity(fidelity)
        limits, names = read_constraints(constraints)
        if limits is None:
            values, limits = None, ()
        elif limits or values is not None:
            self._check_constraints(limits, names)
        if limits:
            self.constraint_names = names
        self.add(Observation(code, values, limits, float(fidelity)))

    def add(self, observation: Observation) -> None:
        """Append an observation that is known to be sound."""
        self.observations.append(observation)
        if observation.code in self.pending:
            self.pending.remove(observation.code)
        self.revision = object()

    def copy(self) -> History:
        """Another history with the same content, to change in place of this one."""
        other = History(self.space, self.senses)
        other.observations, other.pending = list(self.observations), list(self.pending)
        other.asked, other.constraint_names = self.asked, self.constraint_names
        return other

    def ask(self, codes: Sequence[PointCode]) -> None:
        """Note that points were asked for."""
        self.pending += codes
        self.asked += len(codes)

    def forget(self, code: PointCode) -> None:
        """Take a point off the pending ones.

        Raises:
            ConfigValueError: If it is not pending.
        """
        if code not in self.pending:
            raise ConfigValueError("the point is not pending", where="params")
        self.pending.remove(code)

    # -- what is known -------------------------------------------------------------------------------------------------

    @property
    def signs(self) -> tuple[float, ...]:
        """For each objective -1 when it is to be maximised, else 1."""
        return tuple(-1.0 if sense == "maximize" else 1.0 for sense in self.senses)

    @property
    def usable(self) -> int:
        """Number of evaluations with a value."""
        return sum(told.values is not None for told in self.observations)

    @property
    def usable_points(self) -> int:
        """Like `usable`, a point at several fidelities counted once."""
        full = [told.code for told in self.observations if told.values is not None and told.fidelity == 1.0]
        partial = {told.code for told in self.observations if told.values is not None and told.fidelity < 1.0}
        return len(full) + len(partial.difference(full))

    @property
    def seen(self) -> set[PointCode]:
        """Every point told or pending."""
        return {told.code for told in self.observations} | set(self.pending)

    @property
    def taken(self) -> set[PointCode]:
        """Points not to be suggested again: pending, failed, or evaluated in full."""
        settled = {told.code for told in self.observations if told.values is None or told.fidelity == 1.0}
        return settled | set(self.pending)

    def outcome(self, told: Observation) -> Any:
        """What was told of an evaluation: a number, several for several objectives, None for a failure."""
        return told.value if len(self.senses) == 1 else told.values

    def front(self) -> list[tuple[Params, tuple[float, ...]]]:
        """The feasible evaluations in full that no other one dominates, in the order told."""
        told = [(one.code, one.values) for one in self.observations if _counts(one) and one.values is not None]
        if not told:
            return []
        best = undominated(np.array([values for _, values in told]) * self.signs)
        return [(self.space.params(code), values) for (code, values), kept in zip(told, best, strict=True) if kept]

    def best(self) -> tuple[Params, float] | None:
        """The first feasible evaluation in full with the best value; None where there is none.

        Raises:
            ConfigValueError: If there are several objectives.
        """
        if len(self.senses) > 1:
            raise ConfigValueError("several objectives have no single best point", advice="see 'front'")
        told = [(one.value, one.code) for one in self.observations if _counts(one) and one.value is not None]
        if not told:
            return None
        value, code = (max if self.senses[0] == "maximize" else min)(told, key=lambda pair: pair[0])
        return self.space.params(code), value

    def _check_constraints(self, values: tuple[float, ...], names: tuple[str, ...] | None) -> None:
        earlier = next((one for one in self.observations if one.constraints or one.values is not None), None)
        if earlier is None:
            return
        if len(values) != len(earlier.constraints):
            raise ConfigValueError(
                f"{len(values)} constraint values, where earlier evaluations have {len(earlier.constraints)}",
                where="constraints",
                advice="an evaluation that failed may leave them out",
            )
        if values and names != self.constraint_names:
            raise ConfigValueError(
                f"the names {_listed(names)}, where earlier evaluations have {_listed(self.constraint_names)}",
                where="constraints",
            )


def undominated(losses: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows of losses, shape (n, objectives), no other row dominates: is nowhere above and somewhere below."""
    return np.array(
        [not np.any((losses <= loss).all(axis=1) & (losses < loss).any(axis=1)) for loss in losses], dtype=bool
    )


def _counts(told: Observation) -> bool:
    return told.feasible and told.fidelity == 1.0


def _listed(names: tuple[str, ...] | None) -> str:
    return "(none)" if names is None else ", ".join(map(repr, names))
