"""The tuner: asks for points, is told their values, and runs whole searches in Mango's manner."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import numpy as np

from tinynas.errors import SpaceError
from tinynas.tuner.batch import clustered, penalised
from tinynas.tuner.config import ConfigTypeError, ConfigValueError, Params, TunerConfig, check_count, finite_or_none
from tinynas.tuner.design import design_points, explores
from tinynas.tuner.model import Model
from tinynas.tuner.observation import Observation, PointCode
from tinynas.tuner.run import run
from tinynas.tuner.space import Space
from tinynas.tuner.state import read_state, write_state
from tinynas.tuner.threads import single_blas_thread

__all__ = ["Tuner"]

# Without a wish, the space-filling design has one point more than the space has parameters, up to this many.
MAX_DESIGN = 10


class Tuner:
    """Finds the best point of a space in few evaluations of an expensive, possibly noisy objective.

    Two ways to use it. `maximize()` and `minimize()` call the objective themselves, as Mango does. `ask()` and `tell()`
    leave that to the caller, who may evaluate in any order and keep several points pending.

    A suggestion is a pure function of the parameters, the configuration with its seed, the observations in the order
    told, the pending points, and the number of points asked for before. Nothing else is carried along, so a tuner
    rebuilt with `restore` or `load_state_dict` goes on exactly as the first would have.

    Args:
        param_dict: Name to `range` (integer), list (integers, or categories) or frozen scipy.stats distribution.
        objective: `f(list of dicts) -> list of values`, or `-> (list of dicts, list of values)` for those that
            succeeded; see `tinynas.tuner.scheduler` for functions of one point. Not needed for `ask` and `tell`.
        conf_dict: See `TunerConfig`.

    Attributes:
        config: The checked configuration.
        space: The search space.
        objective_function: The objective, or None.
        seed: The seed in use, drawn when the configuration has none.
        results: What the last run returned, else None.

    Raises:
        ConfigTypeError: On an unknown key or an argument of the wrong type (a `TypeError` as well).
        ConfigValueError: On a value outside its range (a `ValueError` as well).
        SpaceError: If the space holds nothing.

    Example:
        >>> tuner = Tuner({"x": range(-10, 11)}, conf_dict={"sense": "minimize", "seed": 1})
        >>> for _ in range(12):
        ...     [point] = tuner.ask()
        ...     tuner.tell(point, (point["x"] - 3) ** 2)
        >>> tuner.best
        ({'x': 3}, 0.0)
    """

    def __init__(
        self,
        param_dict: Mapping[str, Any],
        objective: Callable[[list[Params]], Any] | None = None,
        conf_dict: Mapping[str, Any] | None = None,
    ) -> None:
        if objective is not None and not callable(objective):
            raise ConfigTypeError("the objective must be callable", where="objective")
        self.config = TunerConfig.from_dict(conf_dict)
        self.space = Space(param_dict, constraint=self.config.constraint, sampler=self.config.param_sampler)
        self.objective_function = objective
        self.results: dict[str, Any] | None = None
        self.seed = int(np.random.default_rng().integers(2**32)) if self.config.seed is None else int(self.config.seed)
        self._runs = False
        self._sense: Literal["maximize", "minimize"] = self.config.sense
        self._observations: list[Observation] = []
        self._pending: list[PointCode] = []
        self._asked = 0
        self._model: Model | None = None
        self._first: list[PointCode] = []
        self.clear()

    # -- ask and tell --------------------------------------------------------------------------------------------------

    def ask(self, n: int = 1) -> list[Params]:
        """Suggest points to evaluate; they are pending until told.

        Args:
            n: How many, at least 1.

        Returns:
            n dictionaries, or fewer (at least 1) when a finite space has no more. No point is suggested twice.

        Raises:
            ExhaustedError: If every allowed point of a finite space is evaluated or pending.
            SpaceError: If no point was found that satisfies the constraint.
            ConfigTypeError: If n is not an integer.
            ConfigValueError: If n is below 1.
        """
        check_count("n", n, 1, where="")
        codes: list[PointCode] = []
        while len(codes) < n:
            try:
                with single_blas_thread():
                    more = self._suggest(n - len(codes))
            except SpaceError:
                # What was found so far is pending already and must reach the caller; the next call will say the rest.
                if codes:
                    break
                raise
            codes += more
            self._pending += more
            self._asked += len(more)
        return [self.space.params(code) for code in codes]

    def tell(self, params: Mapping[str, Any], value: float | None, *, failed: bool = False) -> None:
        """Report the outcome of an evaluation, of a point asked for or of any other.

        Args:
            params: The point. Numbers outside their range are accepted, unknown names and categories are not.
            value: The objective in the user's sign. None, NaN and infinities mean that the evaluation failed.
            failed: The evaluation failed, whatever the value.

        Raises:
            SpaceError: If `params` is not a point of the space.
            ConfigTypeError: If the value is not a number.
        """
        code = self.space.code(params)
        self._observations.append(_observation(code, None if failed else finite_or_none(value)))
        if code in self._pending:
            self._pending.remove(code)
        self._model = None

    def predict(self, points: Iterable[Mapping[str, Any]]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """What the surrogate expects at some points.

        Returns:
            Means and standard deviations in the user's units, each of shape (n,); NaN before anything has succeeded.
        """
        codes = [self.space.code(point) for point in points]
        with single_blas_thread():
            model = self._fitted()
            if model is None or not codes:
                return np.full(len(codes), np.nan), np.full(len(codes), np.nan)
            return model.predict(codes)

    @property
    def observations(self) -> list[tuple[Params, float | None]]:
        """What was told, in order; None for failures."""
        return [(self.space.params(told.code), told.value) for told in self._observations]

    @property
    def pending(self) -> list[Params]:
        """Points asked for and not yet told."""
        return [self.space.params(code) for code in self._pending]

    @property
    def asked(self) -> int:
        """Number of points asked for so far."""
        return self._asked

    @property
    def best(self) -> tuple[Params, float] | None:
        """The first point with the best value, and the value; None before anything has succeeded."""
        told = [(told.value, told.code) for told in self._observations if told.value is not None]
        if not told:
            return None
        value, code = (max if self.maximize_objective else min)(told, key=lambda pair: pair[0])
        return self.space.params(code), value

    @property
    def maximize_objective(self) -> bool:
        """Whether higher values are better."""
        return self._sense == "maximize"

    # -- state ---------------------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Forget everything told and asked, back to `initial_custom`."""
        self._sense = self.config.sense
        self._observations, self._pending, self._first = [], [], []
        self._asked, self._model = 0, None
        for item in self.config.initial_custom or ():
            if isinstance(item, tuple):
                self.tell(item[0], item[1])
            else:
                self._first.append(self.space.code(item))

    def restore(
        self,
        observations: Iterable[tuple[Mapping[str, Any], float | None]],
        pending: Iterable[Mapping[str, Any]] = (),
        asked: int | None = None,
    ) -> None:
        """Take up an earlier search from its records, in place of what this tuner knows.

        Args:
            observations: Points and values (None: failed) in the order they were told, those of `initial_custom`
                included if they were given as pairs.
            pending: Points under evaluation, in the order they were asked for.
            asked: Number of points asked for in the earlier search. None counts every observation and pending point.

        Raises:
            SpaceError: If one of them is not a point of the space.
        """
        told = [_observation(self.space.code(params), finite_or_none(value)) for params, value in observations]
        waiting = [self.space.code(params) for params in pending]
        self._observations, self._pending, self._model = told, waiting, None
        self._asked = len(told) + len(waiting) if asked is None else int(asked)
        self._runs = False

    def state_dict(self) -> dict[str, Any]:
        """Everything a later tuner with the same arguments needs to go on, as plain JSON data."""
        return write_state(self.space, self.seed, self._sense, self._asked, self._observations, self._pending)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a saved state, in place of what this tuner knows.

        Raises:
            ConfigValueError: If the state is of another space, sense or format, or damaged.
        """
        self.seed, self._asked, self._observations, self._pending = read_state(self.space, self._sense, state)
        self._model, self._runs = None, False

    # -- whole runs ----------------------------------------------------------------------------------------------------

    def maximize(self) -> dict[str, Any]:
        """Run the configured number of iterations in search of the highest value; see `tinynas.tuner.run.run`."""
        return run(self, "maximize")

    def minimize(self) -> dict[str, Any]:
        """Run the configured number of iterations in search of the lowest value; see `tinynas.tuner.run.run`."""
        return run(self, "minimize")

    def run(self) -> dict[str, Any]:
        """Run in the sense of the configuration."""
        return run(self, self.config.sense)

    def start(self, sense: Literal["maximize", "minimize"]) -> None:
        """Begin afresh in the given sense; what `maximize` and `minimize` do first.

        Raises:
            ConfigValueError: If the tuner was asked, told or restored by hand: that knowledge would be lost.
        """
        by_hand = self._asked > 0 or len(self._observations) > len(self.config.initial_custom or ())
        if by_hand and not self._runs:
            raise ConfigValueError(
                "the tuner has been used by hand, and a run starts afresh",
                advice="give what is known as initial_custom, or go on with ask() and tell()",
            )
        self.clear()
        self._sense, self._runs = sense, True

    # -- inside --------------------------------------------------------------------------------------------------------

    def _suggest(self, n: int) -> list[PointCode]:
        taken = {told.code for told in self._observations} | set(self._pending)
        first = [code for code in dict.fromkeys(self._first) if code not in taken][:n]
        if first:
            return first
        if self.config.optimizer == "Random":
            return self.space.codes(self.space.random_allowed(self._rng(0), n, taken))
        wanted = self._design_left()
        if wanted > 0:
            return design_points(self.space, self.seed, min(n, wanted), taken)
        model = self._fitted()
        if model is None:
            return design_points(self.space, self.seed, n, taken)
        if explores(self.config, self.seed, self._asked):
            return self.space.codes(self.space.random_allowed(self._rng(0), n, taken))
        strategy = clustered if n > 1 and self.config.parallel_strategy == "clustering" else penalised
        pending = self.space.coordinates(self._pending)
        return strategy(model, pending, taken, [self._rng(i) for i in range(n)], self.config)

    def _rng(self, ahead: int) -> np.random.Generator:
        number = 0 if self.config.fixed_domain else self._asked + ahead
        return np.random.default_rng([self.seed, 1, number])

    def _design_left(self) -> int:
        size = self.config.design_size or max(self.config.initial_random, min(len(self.space.names) + 1, MAX_DESIGN))
        usable = sum(told.values is not None for told in self._observations)
        return size - usable - len(self._pending)

    def _fitted(self) -> Model | None:
        if self._model is None and any(told.values is not None for told in self._observations):
            self._model = Model.fit(self.space, self._observations, (-1.0 if self.maximize_objective else 1.0,))
        return self._model


def _observation(code: PointCode, value: float | None) -> Observation:
    return Observation(code, None if value is None else (value,))
