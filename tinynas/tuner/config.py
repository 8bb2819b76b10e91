"""What a run of the tuner can be told: every configuration key, its default and its check."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, Literal

from tinynas.errors import ConfigError

__all__ = [
    "ConfigTypeError",
    "ConfigValueError",
    "JobsError",
    "Params",
    "TunerConfig",
    "check_count",
    "finite_or_none",
]

Params = dict[str, Any]


class ConfigTypeError(ConfigError, TypeError):
    """An argument of the tuner has the wrong type or an unknown name; also a `TypeError`, as in Mango."""


class ConfigValueError(ConfigError, ValueError):
    """An argument of the tuner has a value outside its range; also a `ValueError`, as in Mango."""


class JobsError(ConfigError, AssertionError):
    """A number of parallel jobs that makes no sense; also an `AssertionError`, as in Mango."""


@dataclass(frozen=True)
class TunerConfig:
    """The keys of `conf_dict`, with Mango's names where Mango has the key.

    Attributes:
        domain_size: Random candidates scored per suggestion before local refinement; None leaves it to the tuner.
        initial_random: Points in the first call of the objective, before the loop. Ignored with `initial_custom` and by
            the random optimiser.
        initial_custom: Points to evaluate first (dicts), or points already evaluated (`(dict, value)` pairs).
        num_iteration: Iterations of the loop; evaluations in total = initial + num_iteration * batch_size.
        batch_size: Points per call of the objective; `objective.batch_size`, where present, wins.
        optimizer: "Bayesian" or "Random".
        parallel_strategy: How a batch is spread out. "penalty" (hallucinated outcomes, Desautels et al. 2014) or
            "clustering" (one point per cluster of promising candidates, Groves & Pyzer-Knapp 2018).
        acquisition: "log_ei" or "ucb".
        alpha: Weight of the standard deviation in "ucb"; None is the schedule of Srinivas et al. 2010.
        exploration: Probability that a suggestion is a random point. None (the default): never, the acquisition
            balances exploration itself. A number gives Mango's epsilon-greedy rule; Mango's own default is 1.0.
        exploration_decay: Factor on `exploration` after every random suggestion.
        exploration_min: `exploration` decays no further than this.
        design_size: Space-filling points before the surrogate takes over, those of `initial_random` included. None is
            one more than the number of parameters, at most 10.
        fixed_domain: Draw the same random candidates for every suggestion of a run.
        early_stopping: `f(results) -> bool`, called with a copy of the results after every iteration.
        constraint: `f(list of dicts) -> list of bool`; deterministic. Every suggestion satisfies it.
        param_sampler: `f(param_dict, size) -> list of dicts`; the source of all points. Suggestions are then as
            reproducible as the sampler is.
        scale_params: Accepted for Mango's sake: parameters are always scaled to the unit cube.
        log_progress: Show a progress bar in `maximize` and `minimize` (where tqdm is installed).
        seed: Seed of all randomness; None draws one, kept in the saved state.
        sense: "maximize" or "minimize": what `ask` aims for.

    Raises:
        ConfigTypeError: On a value of the wrong type.
        ConfigValueError: On a value outside its range.
    """

    domain_size: int | None = None
    initial_random: int = 2
    initial_custom: Sequence[Params] | Sequence[tuple[Params, float]] | None = None
    num_iteration: int = 20
    batch_size: int = 1
    optimizer: Literal["Bayesian", "Random"] = "Bayesian"
    parallel_strategy: Literal["penalty", "clustering"] = "penalty"
    acquisition: Literal["log_ei", "ucb"] = "log_ei"
    alpha: float | None = 2.0
    exploration: float | None = None
    exploration_decay: float = 0.9
    exploration_min: float = 0.1
    design_size: int | None = None
    fixed_domain: bool = False
    early_stopping: Callable[[dict[str, Any]], bool] | None = None
    constraint: Callable[[list[Params]], Sequence[bool]] | None = None
    param_sampler: Callable[[Mapping[str, Any], int], Sequence[Params]] | None = None
    scale_params: bool = False
    log_progress: bool = True
    seed: int | None = None
    sense: Literal["maximize", "minimize"] = "maximize"

    def __post_init__(self) -> None:
        _check_choice("optimizer", self.optimizer, ("Bayesian", "Random"))
        _check_choice("parallel_strategy", self.parallel_strategy, ("penalty", "clustering"))
        _check_choice("acquisition", self.acquisition, ("log_ei", "ucb"))
        _check_choice("sense", self.sense, ("maximize", "minimize"))
        check_count("num_iteration", self.num_iteration, 0)
        check_count("initial_random", self.initial_random, 1)
        check_count("batch_size", self.batch_size, 1)
        for key, least in (("domain_size", 1), ("design_size", 1), ("seed", 0)):
            if getattr(self, key) is not None:
                check_count(key, getattr(self, key), least)
        for key in ("exploration", "exploration_decay", "exploration_min"):
            _check_number(key, getattr(self, key), least=0.0, most=1.0, optional=key == "exploration")
        _check_number("alpha", self.alpha, least=0.0, most=float("inf"), optional=True)
        for key in ("early_stopping", "constraint", "param_sampler"):
            if getattr(self, key) is not None and not callable(getattr(self, key)):
                raise ConfigTypeError(f"'{key}' must be callable", where=f"conf_dict:{key}")
        _check_initial_custom(self.initial_custom)

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


def _check_choice(key: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigValueError(f"{value!r} is not one of {', '.join(map(repr, choices))}", where=f"conf_dict:{key}")


def check_count(key: str, value: object, least: int, *, where: str = "conf_dict:") -> None:
    """Refuse what is not an integer of at least `least`.

    Raises:
        ConfigTypeError: If it is not an integer.
        ConfigValueError: If it is too small.
    """
    # numpy integers have __index__ too; bool has it by accident.
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ConfigTypeError(f"must be an integer, not {value!r}", where=f"{where}{key}")
    if int(value.__index__()) < least:
        raise ConfigValueError(f"must be at least {least}, not {value!r}", where=f"{where}{key}")


def _check_number(key: str, value: Any, *, least: float, most: float, optional: bool) -> None:
    if value is None and optional:
        return
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise ConfigTypeError(f"must be a number, not {value!r}", where=f"conf_dict:{key}")
    if not least <= float(value) <= most:
        raise ConfigValueError(f"must lie in [{least}, {most}], not {value!r}", where=f"conf_dict:{key}")


def _check_initial_custom(custom: object) -> None:
    if custom is None:
        return
    is_list = isinstance(custom, Sequence) and not isinstance(custom, str)
    items = list(custom) if isinstance(custom, Sequence) else []
    dicts = all(isinstance(item, dict) for item in items)
    pairs = all(isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], dict) for item in items)
    if not is_list or not (dicts or pairs):
        raise ConfigTypeError(
            "Elements of initial_custom param should be either a dict of params or tuple (params, value), all alike"
        )


def finite_or_none(value: Any) -> float | None:
    """The value of an evaluation; None for a failed one, which NaN and infinities stand for as well.

    Raises:
        ConfigTypeError: If it is neither a number nor None.

    Example:
        >>> finite_or_none(2), finite_or_none(float("nan"))
        (2.0, None)
    """
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ConfigTypeError(f"the value of the objective must be a number or None, not {value!r}") from error
    return number if math.isfinite(number) else None
