"""Several spaces at once: which model, and with which parameters (CASH)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinynas.errors import SpaceError
from tinynas.tuner.checks import ConfigTypeError, ConfigValueError, check_choice, check_count
from tinynas.tuner.config import Params, TunerConfig
from tinynas.tuner.mango.arms import RULES
from tinynas.tuner.mango.bar import tqdm
from tinynas.tuner.mango.meta_ask_tell import MetaAskTell
from tinynas.tuner.mango.record import results_of_arms
from tinynas.tuner.mango.run import evaluate
from tinynas.tuner.mango.tuner import Tuner
from tinynas.tuner.space import DomainSpace

__all__ = ["MetaTuner"]

Tried = list[tuple[int, Params, float]]

logger = logging.getLogger(__name__)

OPTIONS = ("early_stopping", "exploration", "exploration_decay", "exploration_min", "batch_size", "log_progress")
# What the tuners of arms are told beside the rule's own affairs. Mango looks for mu + 2 sigma in every arm.
OF_RULE: Mapping[str, Mapping[str, Any]] = {
    "student": {},
    "mango": {"acquisition": "ucb", "alpha": 2.0, "exploration": 0.0},
}


class MetaTuner(MetaAskTell):
    """Searches several spaces, each with an objective of its own, for the best value of all (Mango's `MetaTuner`).

    Every space (an *arm*) has a tuner, whose surrogate is fitted anew only after the arm was tried. First come `n_init`
    points of each arm. Then, one after another, an arm is chosen by the rule, and evaluates what its tuner proposes.

    With `rule="student"` (the default) the arm is the one with the highest expected improvement on the best value of
    all arms, under a Student distribution that widens what little-tried arms believe; now and then, ever more rarely,
    it is the arm chosen least. See `tinynas.tuner.arms.student`.

    With `rule="mango"` it is the algorithm of Mango, step by step:

    1. Every arm proposes the candidate with the highest mu + 2 sigma, from the mean and deviation that its surrogate
       expects.
    2. Surrogates are scaled to one range: mu and sigma are divided by the best value so far (at least 1).
    3. With probability epsilon (`exploration`, 1.0 at first) the arm is drawn at random, and epsilon is multiplied by
       `exploration_decay` (0.9) while above `exploration_min` (0.1).
    4. Else it is the most promising one: the arm with the highest mu + e sigma, where e is a factor of each arm.
    5. The chosen arm's objective is evaluated. Its e becomes 1, the others' grows by 1.1 epsilon.

    What differs is the surrogate, which is this package's, and the initial points, which are not drawn again where all
    have one value.

    An arm none of whose evaluations succeeds, or whose finite space is exhausted, leaves the budget to the others. As
    with `Tuner`, a suggestion follows from the arguments with the seed and from what was asked and told.

    Args:
        param_dict_list: For each arm the parameters, as for `Tuner`.
        objective_list: For each arm the objective, as for `Tuner`; None to use `ask` and `tell` only.
        n_iter: Iterations after the initial points.
        n_init: Initial points of each arm.
        rule: "student" or "mango".
        batch_size: Points per iteration, of whichever arms; the largest `batch_size` of an objective replaces it. Each
            objective is called once, with those of its arm.
        constraints: For each arm a known constraint, as `TunerConfig.constraint`, or None.
        conditions: For each arm its conditional parameters, as `TunerConfig.conditions`, or None.
        initial_custom: For each arm what it evaluates first, as `TunerConfig.initial_custom`, or None.
        arm_options: What else the tuners of the arms are told, by the names of `TunerConfig`: one mapping for all, or a
            list with one for each.
        early_stopping: `f(results) -> bool`, called after every iteration.
        exploration, exploration_decay, exploration_min: Of rule "mango".
        sense: "maximize" or "minimize": what `run` and `ask` aim for.
        seed: Seed of all randomness; None draws one.
        log_progress: Show a progress bar.

    Attributes:
        tuners: One for each arm.
        results: What the last run returned, else None.

    Raises:
        ConfigTypeError: On an argument of the wrong type or an unknown one.
        ConfigValueError: On a value outside its range.

    Example:
        >>> meta = MetaTuner([{"x": range(-5, 6)}, {"y": range(-5, 6)}], seed=1, sense="minimize")
        >>> for _ in range(22):
        ...     for index, point in meta.ask():
        ...         meta.tell(index, point, point["x"] ** 2 if index == 0 else 3 + abs(point["y"]))
        >>> meta.best
        (0, {'x': 0}, 0.0)
    """

    def __init__(
        self,
        param_dict_list: Sequence[Mapping[str, Any]],
        objective_list: Sequence[Callable[[list[Params]], Any] | None] | None = None,
        *,
        n_iter: int = 20,
        n_init: int = 2,
        rule: str = "student",
        constraints: Sequence[Callable[[list[Params]], Sequence[bool]] | None] | None = None,
        conditions: Sequence[Mapping[str, Any] | None] | None = None,
        initial_custom: Sequence[Any] | None = None,
        arm_options: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        sense: str = "maximize",
        seed: int | None = None,
        **options: Any,
    ) -> None:
        check_choice("rule", rule, RULES)
        check_choice("sense", sense, ("maximize", "minimize"))
        check_count("n_iter", n_iter, 0, where="")
        check_count("n_init", n_init, 1, where="")
        for name in options:
            if name not in OPTIONS:
                raise ConfigTypeError(f"unknown argument {name!r}", where=name, advice=f"known: {', '.join(OPTIONS)}")
        count = _length("param_dict_list", param_dict_list)
        objectives = _one_each("objective_list", objective_list, count)
        limits = _one_each("constraints", constraints, count)
        conditional = _one_each("conditions", conditions, count)
        firsts = _one_each("initial_custom", initial_custom, count)
        drawn = int(np.random.default_rng().integers(2**32)) if seed is None else seed
        wanted = [one.batch_size for one in objectives if hasattr(one, "batch_size")]
        # 1.0 is Mango's rate at the start, which a configuration has only together with the acquisition.
        shared = {"exploration": 1.0, **options, **({"batch_size": max(wanted)} if wanted else {})}
        check_count("seed", drawn, 0, where="")
        config = TunerConfig.from_dict({**shared, "sense": sense, "seed": int(drawn)})
        seeds = np.random.default_rng(int(drawn)).integers(2**32, size=count)
        all_alike = arm_options is None or isinstance(arm_options, Mapping)
        more = _one_each("arm_options", [arm_options or {}] * count if all_alike else arm_options, count)
        own = {"sense": sense, "design_size": n_init, **OF_RULE[rule]}
        tuners = [
            Tuner(
                space,
                objective,
                {"constraint": c, "conditions": d, "initial_custom": e, "seed": int(one), **options_of, **own},
            )
            for space, objective, c, d, e, one, options_of in zip(
                param_dict_list, objectives, limits, conditional, firsts, seeds, more, strict=True
            )
        ]
        super().__init__(tuners, config, rule, n_init)
        self.n_iter = n_iter
        self.results: dict[str, Any] | None = None

    def maximize(self) -> dict[str, Any]:
        """Run in search of the highest value; see `run`."""
        return self._run("maximize")

    def minimize(self) -> dict[str, Any]:
        """Run in search of the lowest value; see `run`."""
        return self._run("minimize")

    def run(self) -> dict[str, Any]:
        """Evaluate the initial points of every arm, then `n_iter` batches.

        Failures are those of `Tuner`: exceptions, None, NaN, infinities, and points missing from `(points, values)`.
        What initial points have failed is made up for in the iterations. An arm without a single allowed point is
        reported in the log and left out.

        Returns:
            `params_tried`, `objective_values` and `objective_fid` (number of the arm), initial points first, in order;
            `random_params`, `random_params_objective` and `random_objective_fid`, the initial ones of them;
            `best_params`, `best_objective`, `best_objective_fid`. Lists, as in Mango; values in the user's sign.

        Raises:
            ConfigTypeError: If there is no objective, or one returns something unusable.
            ConfigValueError: If no evaluation succeeded, or points were asked for or told by hand before.
            SpaceError: If no arm has an allowed point.
        """
        return self._run(self.config.senses[0])

    def _run(self, sense: Any) -> dict[str, Any]:
        if any(tuner.objective_function is None for tuner in self.tuners):
            raise ConfigTypeError("there are no objectives to call", where="objective_list", advice="use ask and tell")
        for tuner in self.tuners:
            tuner.start(sense)
        self._senses = (sense,)
        self._begin()
        self._last_error: Exception | None = None
        tried = self._initial()
        initial = len(tried)
        steps = range(self.n_iter)
        for _ in tqdm(steps) if self.config.log_progress else steps:
            try:
                batch = self.ask(self.config.batch_size)
            except SpaceError as reason:
                logger.info("the run ends early: %s", reason)
                break
            succeeded = self._evaluate(batch)
            tried += succeeded
            if succeeded and self.config.early_stop(results_of_arms(tried, initial, sense)):
                break
        if not tried:
            raise ConfigValueError(
                "No valid configuration found: not one evaluation succeeded", advice="see the log for what went wrong"
            ) from self._last_error
        self.results = results_of_arms(tried, initial, sense)
        return self.results

    def _initial(self) -> Tried:
        tried: Tried = []
        without: SpaceError | None = None
        begun = 0
        for index, tuner in enumerate(self.tuners):
            try:
                batch = tuner.ask(self.n_init)
            except SpaceError as error:
                logger.warning("space %d is left out: %s", index, error)
                without = error
                continue
            begun += 1
            tried += self._evaluate([(index, params) for params in batch])
        if without is not None and not begun:
            raise without
        return tried

    def _evaluate(self, batch: Sequence[tuple[int, Params]]) -> Tried:
        """Call the objective of each arm once with all of its points; what succeeded."""
        tried: Tried = []
        for index in dict.fromkeys(index for index, _ in batch):
            tuner = self.tuners[index]
            assert tuner.objective_function is not None  # looked at when the run began
            outcome = evaluate(tuner, tuner.objective_function, [params for arm, params in batch if arm == index])
            self._last_error = outcome.error or self._last_error
            tried += [(index, point, float(value)) for point, value in zip(outcome.points, outcome.values, strict=True)]
        return tried

    @property
    def ds(self) -> list[DomainSpace]:
        """The spaces in Mango's terms."""
        return [tuner.ds for tuner in self.tuners]


def _length(name: str, items: Any) -> int:
    if isinstance(items, Mapping | str) or not isinstance(items, Sequence):
        raise ConfigTypeError("must be a list with an entry for each space", where=name)
    if len(items) == 0:
        raise ConfigValueError("there is no space to search", where=name)
    return len(items)


def _one_each(name: str, items: Any, count: int) -> list[Any]:
    if items is None:
        return [None] * count
    if isinstance(items, Mapping | str) or not isinstance(items, Sequence):
        raise ConfigTypeError("must be a list with an entry for each space", where=name)
    if len(items) != count:
        raise ConfigValueError(f"{len(items)} for {count} spaces", where=name)
    return list(items)
