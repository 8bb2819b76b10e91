"""The next points: first wishes, then a space-filling design, then what the surrogate promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.acquire.batch import clustered, penalised
from tinynas.tuner.acquire.bayesian_learning import BayesianLearning
from tinynas.tuner.acquire.design import design_points, explores
from tinynas.tuner.acquire.foreign import ForeignModel, RunSurrogate, optimizer_of
from tinynas.tuner.acquire.polish import polished
from tinynas.tuner.acquire.spread import spread_points
from tinynas.tuner.acquisition import ACQUISITIONS
from tinynas.tuner.config import TunerConfig
from tinynas.tuner.history import History
from tinynas.tuner.space import DomainSpace, ExhaustedError, PointCode, Space, parameter_sampler
from tinynas.tuner.surrogate import Model

__all__ = ["Suggester"]

Array = NDArray[np.float64]

# Without a wish, the space-filling design has one point more than the space has parameters, up to this many.
MAX_DESIGN = 10
# Evaluations (batches) without a better value after which polishing becomes rarer.
PATIENCE = 4


class Suggester:
    """Makes suggestions from a history; keeps nothing but the surrogate fitted last, which follows from the history.

    Args:
        space: The search space.
        config: The tuner's configuration.

    Attributes:
        seed: Seed of all randomness.
    """

    def __init__(self, space: Space, config: TunerConfig, seed: int) -> None:
        self.space, self.config, self.seed = space, config, seed
        self._fitted: tuple[object, Model | ForeignModel | None] = (None, None)

    @cached_property
    def domain(self) -> DomainSpace:
        """The space in Mango's terms."""
        config = self.config
        domain = DomainSpace(
            self.space.param_dict,
            param_sampler=config.param_sampler or parameter_sampler,
            constraint=config.constraint,
            scale_params=config.scale_params,
            conditions=config.conditions,
            random_state=np.random.default_rng([self.seed, 3]),
        )
        domain.domain_size = config.domain_size or domain.domain_size
        return domain

    def suggest(self, history: History, first: Sequence[PointCode], n: int) -> list[PointCode]:
        """Up to n points, at least one.

        Args:
            history: What is known.
            first: Points to suggest before any others.
            n: How many, at least 1.

        Raises:
            ExhaustedError: If every allowed point of a finite space is evaluated or pending.
            SpaceError: If no point was found that satisfies the constraint.
        """
        seen = history.seen
        wishes = [code for code in dict.fromkeys(first) if code not in seen][:n]
        if wishes:
            return wishes
        if self.config.is_random:
            return self._fresh(history, lambda seen: spread_points(self.space, self.seed, history.asked, n, seen))
        wanted = self._design_left(history)
        model = self.model(history) if wanted <= 0 else None
        if model is None:
            count = min(n, wanted) if wanted > 0 else n
            return self._fresh(history, lambda seen: design_points(self.space, self.seed, count, seen))
        if explores(self.config, self.seed, history.asked):
            return self._fresh(history, lambda seen: self._random(history, n, seen))
        if isinstance(model, ForeignModel):
            return model.suggest(history.pending, self._taken(history), n, self._rng(history, 0), self.config)
        strategy = clustered if n > 1 and self.config.strategy_is_clustering else penalised
        pending, taken = self.space.coordinates(history.pending), self._taken(history)
        polish = self._polish(model, history, pending, n)
        if polish:
            if n == 1:
                return polish
            pending, taken = np.vstack([pending, self.space.coordinates(polish)]), taken | set(polish)
        rngs = [self._rng(history, i) for i in range(len(polish), n)]
        return polish + strategy(model, pending, taken, rngs, self.config)

    def _polish(self, model: Model, history: History, pending: Array, n: int) -> list[PointCode]:
        """At most one point that polishes the best one: every second suggestion, or one of a batch.

        The longer that brings nothing better, the rarer: on a rugged function the quadratic follows its ripples.
        """
        apt = not self.space.priced and self.space.continuous.all() and model.plain and not self.space.draws_by_sampler
        period = (2 if n == 1 else 1) * (1 + model.stagnation // (PATIENCE * n))
        if not apt or not ACQUISITIONS[self.config.acquisition].polishes or (history.asked // n) % period:
            return []
        row = polished(model, pending)
        codes = [] if row is None else self.space.codes(row[None, :])
        return codes if all(self.space.feasible(codes)) and not self._taken(history) & set(codes) else []

    def model(self, history: History) -> Model | ForeignModel | None:
        """The surrogate fitted to a history; None before anything has succeeded."""
        revision, model = self._fitted
        if revision is not history.revision:
            model = self._fit(history) if history.usable else None
            self._fitted = (history.revision, model)
        return model

    def optimizer(self, history: History) -> BayesianLearning:
        """The chooser among candidates, with what was fitted to a history for its surrogate."""
        model = self.model(history)
        if isinstance(model, ForeignModel):
            return model.optimizer
        return optimizer_of(self.config, None if model is None else RunSurrogate(self.domain, model))

    def _fit(self, history: History) -> Model | ForeignModel:
        if self.config.surrogate is not None:
            return ForeignModel.fit(self.domain, history.observations, history.signs[0] < 0, self.config)
        rng = np.random.default_rng([self.seed, 4, len(history.observations)])
        return Model.fit(self.space, history.observations, history.signs, rng)

    def _fresh(self, history: History, find: Callable[[set[PointCode]], list[PointCode]]) -> list[PointCode]:
        """Points that nothing was told about; where there are none, points evaluated at lower fidelity only."""
        try:
            return find(history.seen)
        except ExhaustedError:
            if history.seen == self._taken(history):
                raise
            return find(self._taken(history))

    def _taken(self, history: History) -> set[PointCode]:
        """Points not to be suggested again."""
        return history.taken if self.config.repeat_partial else history.seen

    def _random(self, history: History, n: int, seen: set[PointCode]) -> list[PointCode]:
        return self.space.codes(self.space.random_allowed(self._rng(history, 0), n, seen))

    def _rng(self, history: History, ahead: int) -> np.random.Generator:
        number = 0 if self.config.fixed_domain else history.asked + ahead
        return np.random.default_rng([self.seed, 1, number])

    def _design_left(self, history: History) -> int:
        config = self.config
        size = config.design_size or max(config.initial_random, min(len(self.space.names) + 1, MAX_DESIGN))
        return size - history.usable_points - len(history.pending)
