"""The tuner: asks for points, is told their values, and runs whole searches in Mango's manner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tinynas.tuner.acquire import BayesianLearning
from tinynas.tuner.ask_tell import AskTell
from tinynas.tuner.config import ConfigTypeError, ConfigValueError, Params, Sense, TunerConfig
from tinynas.tuner.mango.bar import tqdm
from tinynas.tuner.mango.run import run

__all__ = ["Tuner", "TunerConfig"]


class Tuner(AskTell):
    """Finds the best point of a space in few evaluations of an expensive, possibly noisy objective.

    Two ways to use it. `maximize()` and `minimize()` call the objective themselves, as Mango does. `ask()` and `tell()`
    leave that to the caller, who may evaluate in any order and keep several points pending.

    A suggestion is a pure function of the parameters, the configuration with its seed, the observations in the order
    told, the pending points, and the number of points asked for before. Nothing else is carried along, so a tuner
    rebuilt with `restore` or `load` goes on exactly as the first would have.

    Args:
        param_dict: Name to `range` (integer), list (integers, or categories) or frozen scipy.stats distribution.
        objective: `f(list of dicts) -> list of values`, or `-> (list of dicts, list of values)` for those that
            succeeded; see `tinynas.tuner.scheduler` for functions of one point. Its attribute `batch_size`, where
            present, replaces the configured one. Not needed for `ask` and `tell`.
        conf_dict: See `TunerConfig`.

    Attributes:
        config: The checked configuration.
        space: The search space.
        objective_function: The objective, or None.
        results: What the last run returned, else None.
        Optimizer: After a run of the Bayesian optimiser, the chooser among candidates with the run's `surrogate`.

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
        >>> tuner = Tuner({"x": range(5)}, conf_dict={"sense": ["minimize", "maximize"]})
        >>> for x, values in enumerate([(1, 1), (2, 3), (3, 2)]):
        ...     tuner.tell({"x": x}, values)
        >>> tuner.front
        [({'x': 0}, (1.0, 1.0)), ({'x': 1}, (2.0, 3.0))]
    """

    def __init__(
        self,
        param_dict: Mapping[str, Any],
        objective: Callable[[list[Params]], Any] | None = None,
        conf_dict: Mapping[str, Any] | None = None,
    ) -> None:
        if objective is not None and not callable(objective):
            raise ConfigTypeError("the objective must be callable", where="objective")
        config = TunerConfig.from_dict(conf_dict)
        config = replace(config, batch_size=getattr(objective, "batch_size", config.batch_size))
        super().__init__(param_dict, config)
        self.objective_function = objective
        self.results: dict[str, Any] | None = None
        self.Optimizer: BayesianLearning | None = None

    def maximize(self) -> dict[str, Any]:
        """Run the configured number of iterations in search of the highest value; see `run`."""
        return self._run_for("maximize")

    def minimize(self) -> dict[str, Any]:
        """Run the configured number of iterations in search of the lowest value; see `run`."""
        return self._run_for("minimize")

    def run(self) -> dict[str, Any]:
        """Run in the sense, or the senses, of the configuration."""
        return self._run(self.config.senses)

    def start(self, *senses: Sense) -> None:
        """Begin afresh in the given sense; what `maximize` and `minimize` do first.

        Raises:
            ConfigValueError: If the tuner was asked, told or restored by hand: that knowledge would be lost.
        """
        given = len(self._prior) + len(list(self.config.initial_custom or ()))
        by_hand = self.asked > 0 or len(self._history.observations) > given
        if by_hand and not self._runs:
            raise ConfigValueError(
                "the tuner has been used by hand, and a run starts afresh",
                advice="give what is known as initial_custom, or go on with ask() and tell()",
            )
        self._begin(senses)
        self._runs = True

    def _run_for(self, sense: Sense) -> dict[str, Any]:
        if len(self.config.senses) > 1:
            raise ConfigValueError("there are several senses", where="conf_dict:sense", advice="use run()")
        return self._run((sense,))

    def _run(self, senses: tuple[Sense, ...]) -> dict[str, Any]:
        if self.objective_function is None:
            raise ConfigTypeError("there is no objective to call", where="objective", advice="use ask() and tell()")
        self.start(*senses)
        self.results = run(self, self.objective_function, tqdm)
        if self.config.is_bayesian:
            self.Optimizer = self._suggester.optimizer(self._history)
        return self.results
