"""What a tuner knows: what it was told, and what its surrogate makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tinynas.tuner.acquire import ForeignModel, Suggester
from tinynas.tuner.config import Params, Sense
from tinynas.tuner.history import History
from tinynas.tuner.space import DomainSpace, Space
from tinynas.tuner.surrogate import Model
from tinynas.tuner.threads import single_blas_thread

__all__ = ["Knowledge"]


class Knowledge:
    """What can be asked of a tuner without changing it."""

    space: Space
    _suggester: Suggester
    _history: History

    @property
    def model(self) -> Model | ForeignModel | None:
        """The surrogate fitted to what was told; None before anything has succeeded."""
        with single_blas_thread():
            return self._suggester.model(self._history)

    def predict(self, points: Iterable[Mapping[str, Any]]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """What the surrogate expects at some points.

        Returns:
            Means and standard deviations in the user's units, each of shape (n,), or (n, senses) with several; NaN
            before anything has succeeded.
        """
        codes = [self.space.code(point) for point in points]
        model = self.model
        with single_blas_thread():
            if model is not None and codes:
                return model.predict(codes)
        count = len(self._history.senses)
        unknown = np.full(len(codes) if count == 1 else (len(codes), count), np.nan)
        return unknown, unknown.copy()

    @property
    def observations(self) -> list[tuple[Params, Any]]:
        """Points and values in the order told; None for failures, a tuple of values with several senses."""
        return [(self.space.params(told.code), self._history.outcome(told)) for told in self._history.observations]

    @property
    def pending(self) -> list[Params]:
        """Points asked for and not yet told."""
        return [self.space.params(code) for code in self._history.pending]

    @property
    def asked(self) -> int:
        """Number of points asked for so far."""
        return self._history.asked

    @property
    def best(self) -> tuple[Params, float] | None:
        """The first feasible point with the best value at full fidelity, and the value; None where there is none.

        Raises:
            ConfigValueError: If there are several senses; see `front`.
        """
        return self._history.best()

    @property
    def recommended(self) -> tuple[Params, float] | None:
        """The feasible point at full fidelity of which the surrogate expects the best value, and that value.

        Where evaluations are noisy the best value told is the luckiest one; what the surrogate expects of a point also
        holds what was told of its neighbours, and all that was told of itself. Without a surrogate, or with one of your
        own, it is `best`; None where there is no such point.

        Raises:
            ConfigValueError: If there are several senses; see `front`.
        """
        best, model = self.best, self.model
        if best is None or not isinstance(model, Model):
            return best
        with single_blas_thread():
            code, value = model.recommended
        return self.space.params(code), value

    @property
    def front(self) -> list[tuple[Params, tuple[float, ...]]]:
        """The Pareto front: feasible points at full fidelity, and their values, that no other one dominates."""
        return self._history.front()

    @property
    def senses(self) -> tuple[Sense, ...]:
        """What is better, for each objective; a run may have another sense than the configuration."""
        return self._history.senses

    @property
    def maximize_objective(self) -> bool:
        """Whether higher values (of the first objective) are better."""
        return self._history.senses[0] == "maximize"

    @property
    def seed(self) -> int:
        """The seed in use, drawn when the configuration has none."""
        return self._suggester.seed

    @property
    def ds(self) -> DomainSpace:
        """The space in Mango's terms."""
        return self._suggester.domain
