"""What a run of the tuner can be told: every configuration key, its default and its check."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, ClassVar, Literal

from tinynas.tuner.acquisition import ACQUISITIONS
from tinynas.tuner.checks import (
    ConfigTypeError,
    ConfigValueError,
    JobsError,
    check_callable,
    check_choice,
    check_count,
    check_initial_custom,
    check_number,
    finite_or_none,
)

__all__ = [
    "ConfigTypeError",
    "ConfigValueError",
    "JobsError",
    "Params",
    "Sense",
    "TunerConfig",
    "check_count",
    "finite_or_none",
]

Params = dict[str, Any]
Sense = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class TunerConfig:
    """The keys of `conf_dict`, with Mango's names where Mango has the key.

    Three defaults are not Mango's, because they find better points: `acquisition` (Mango has only what is called "ucb"
    here), `parallel_strategy` (Mango: "clustering") and `exploration` (Mango: 1.0, which makes about half of 20
    iterations random; here so with "ucb" only). `{"acquisition": "ucb", "parallel_strategy": "clustering"}` is Mango's
    procedure.

    Attributes:
        domain_size: Random candidates scored per suggestion before local refinement; None leaves it to the tuner.
            (Mango: 50,000 to 500,000, because it has no refinement.)
        initial_random: Points in the first call of the objective, before the loop. Ignored with `initial_custom` and by
            the random optimiser.
        initial_custom: Points to evaluate first (dicts), or points already evaluated (`(dict, value)` pairs).
        num_iteration: Iterations of the loop; evaluations in total = initial + num_iteration * batch_size.
        batch_size: Points per call of the objective; `objective.batch_size`, where present, wins.
        optimizer: "Bayesian", or "Random": random points, spread evenly.
        parallel_strategy: How a batch is spread out. "penalty" (hallucinated outcomes, Desautels et al. 2014) or
            "clustering" (one point per cluster of promising candidates, Groves & Pyzer-Knapp 2018).
        surrogate: Replaces the Gaussian process: an object with scikit-learn's `fit(X, y)` and
            `predict(X, return_std=True)`. It sees the columns of `DomainSpace.convert_GP_space`, and values to be
            maximised. Suggestions are then the best among `domain_size` random candidates, unrefined.
        acquisition: "log_ei", "ucb", or another of `tinynas.tuner.acquisition`.
        alpha: Weight of the standard deviation in "ucb"; None is the schedule of Srinivas et al. 2010.
        exploration: Probability that a suggestion is a random point (epsilon-greedy). None takes the acquisition's own:
            1.0 with "ucb", and 0.0 with "log_ei", which balances exploration itself.
        exploration_decay: Factor on `exploration` after every random suggestion.
        exploration_min: `exploration` decays no further than this.
        design_size: Space-filling points before the surrogate takes over, those of `initial_random` included. None is
            one more than the number of parameters, at most 10.
        fixed_domain: Draw the same random candidates for every suggestion of a run.
        early_stopping: `f(results) -> bool`, called with a copy of the results after every iteration.
        constraint: `f(list of dicts) -> list of bool`; deterministic. Every suggestion satisfies it.
        conditions: Parameters that exist only with some values of others: `{"momentum": {"optimizer": ["sgd"]}}`. All
            that are mentioned must match, and exist themselves; they must be lists, ranges or discrete distributions. A
            point's dictionary leaves out what does not exist.
        param_sampler: `f(param_dict, size) -> list of dicts`; the source of all points. Suggestions are then as
            reproducible as the sampler is.
        promise: `f(list of dicts) -> list of numbers`, larger where better values are expected, None for a point of
            which nothing is known. Three of four first points are the most promising of 32, and the surrogate's mean is
            linear in the promise, by a slope that it learns.
        price: `f(list of dicts) -> list of numbers` above 0: what an evaluation costs, in any unit. Suggestions are
            then those of the highest expected improvement by price (Snoek et al. 2012, section 3.2); "log_ei" only.
        scale_params: Scale the columns of `DomainSpace.convert_GP_space`, hence of a `surrogate` of the user's, to
            [0, 1]. The tuner's own surrogate always sees the unit cube.
        repeat_partial: Whether a point that was evaluated at lower fidelity only may be suggested again. False where
            the caller decides which of them are evaluated in full.
        log_progress: Show a progress bar and the best value in `maximize` and `minimize`.
        seed: Seed of all randomness; None draws one, kept in the saved state.
        sense: "maximize" or "minimize": what `ask` and `run` aim for. A list of them makes as many objectives: every
            evaluation then has a sequence of values, and `Tuner.front` takes the place of `Tuner.best`.

    Raises:
        ConfigTypeError: On a value of the wrong type.
        ConfigValueError: On a value outside its range.
    """

    valid_optimizers: ClassVar[list[str]] = ["Bayesian", "Random"]
    valid_parallel_strategies: ClassVar[list[str]] = ["penalty", "clustering"]

    domain_size: int | None = None
    initial_random: int = 2
    initial_custom: Iterable[Mapping[str, Any]] | Iterable[tuple[Mapping[str, Any], Any]] | None = None
    num_iteration: int = 20
    batch_size: int = 1
    optimizer: Literal["Bayesian", "Random"] = "Bayesian"
    parallel_strategy: Literal["penalty", "clustering"] = "penalty"
    surrogate: Any = None
    acquisition: str = "log_ei"
    alpha: float | None = 2.0
    exploration: float | None = None
    exploration_decay: float = 0.9
    exploration_min: float = 0.1
    design_size: int | None = None
    fixed_domain: bool = False
    early_stopping: Callable[[dict[str, Any]], Any] | None = None
    constraint: Callable[[list[Params]], Sequence[bool]] | None = None
    conditions: Mapping[str, Any] | None = None
    param_sampler: Callable[[Mapping[str, Any], int], Sequence[Params]] | None = None
    promise: Callable[[list[Params]], Sequence[float | None]] | None = None
    price: Callable[[list[Params]], Sequence[float | None]] | None = None
    scale_params: bool = False
    repeat_partial: bool = True
    log_progress: bool = True
    seed: int | None = None
    sense: Sense | Sequence[Sense] = "maximize"

    def __post_init__(self) -> None:
        check_choice("optimizer", self.optimizer, self.valid_optimizers)
        check_choice("parallel_strategy", self.parallel_strategy, self.valid_parallel_strategies)
        check_choice("acquisition", self.acquisition, ACQUISITIONS)
        self._check_senses()
        for key, least in (("num_iteration", 0), ("initial_random", 1), ("batch_size", 1)):
            check_count(key, getattr(self, key), least)
        for key, least in (("domain_size", 1), ("design_size", 1), ("seed", 0)):
            if getattr(self, key) is not None:
                check_count(key, getattr(self, key), least)
        if self.exploration is None:
            object.__setattr__(self, "exploration", ACQUISITIONS[self.acquisition].exploration)
        for key in ("exploration", "exploration_decay", "exploration_min"):
            check_number(key, getattr(self, key), least=0.0, most=1.0)
        if self.alpha is not None:
            check_number("alpha", self.alpha, least=0.0, most=float("inf"))
        for key in ("early_stopping", "constraint", "param_sampler", "promise", "price"):
            check_callable(key, getattr(self, key))
        if self.price is not None and not ACQUISITIONS[self.acquisition].logarithmic:
            what = f"'{self.acquisition}' cannot be divided by a price"
            raise ConfigValueError(what, where="conf_dict:price", advice="leave it out, or take 'log_ei'")
        if self.surrogate is not None and not all(hasattr(self.surrogate, part) for part in ("fit", "predict")):
            raise ConfigTypeError("the surrogate must have 'fit' and 'predict'", where="conf_dict:surrogate")
        if self.initial_custom is not None:
            # A list, because what can be gone through only once would be used up by the check.
            object.__setattr__(self, "initial_custom", _listed(self.initial_custom))
            check_initial_custom(self.initial_custom)

    @classmethod
    def from_dict(cls, conf_dict: Mapping[str, Any] | None) -> TunerConfig:
        """Check a plain dictionary and make a configuration of it.

        Args:
            conf_dict: Keys as above; None means all defaults.

        Raises:
            ConfigTypeError: On an unknown key or a value of the wrong type.
            ConfigValueError: On a value outside its range.

        Example:
            >>> TunerConfig.from_dict({"num_iteration": 50}).num_iteration
            50
        """
        if conf_dict is None:
            return cls()
        if not isinstance(conf_dict, Mapping):
            raise ConfigTypeError("conf_dict must be a dictionary", where="conf_dict")
        known = [field.name for field in fields(cls)]
        for key in conf_dict:
            if key not in known:
                near = get_close_matches(str(key), known, n=1)
                advice = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(known)}"
                raise ConfigTypeError(f"unknown key {key!r}", where=f"conf_dict:{key}", advice=advice)
        return cls(**conf_dict)

    def _check_senses(self) -> None:
        several = isinstance(self.sense, Sequence) and not isinstance(self.sense, str)
        for sense in self.sense if several else [self.sense]:
            check_choice("sense", sense, ("maximize", "minimize"))
        if several and len(self.sense) < 2:
            raise ConfigValueError("several objectives are at least two", where="conf_dict:sense")
        if several and self.surrogate is not None:
            raise ConfigValueError("a surrogate of your own models one objective", where="conf_dict:surrogate")

    @property
    def senses(self) -> tuple[Sense, ...]:
        """What is better, for each objective."""
        if self.sense == "maximize" or self.sense == "minimize":
            return (self.sense,)
        return tuple(self.sense)

    @property
    def is_bayesian(self) -> bool:
        """Whether a surrogate guides the search."""
        return self.optimizer == "Bayesian"

    @property
    def is_random(self) -> bool:
        """Whether all points are random."""
        return self.optimizer == "Random"

    @property
    def strategy_is_penalty(self) -> bool:
        """Whether batches are spread by hallucinated outcomes."""
        return self.parallel_strategy == "penalty"

    @property
    def strategy_is_clustering(self) -> bool:
        """Whether batches are spread over clusters of candidates."""
        return self.parallel_strategy == "clustering"

    def early_stop(self, results: dict[str, Any]) -> bool:
        """Ask `early_stopping`, where there is one, with a copy of the results."""
        return self.early_stopping is not None and bool(self.early_stopping(copy.deepcopy(results)))


def _listed(custom: Any) -> Any:
    return list(custom) if isinstance(custom, Iterable) and not isinstance(custom, str | Mapping) else custom
