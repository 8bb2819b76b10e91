"""Several spaces at once: which model, and with which parameters (CASH)."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from tinynas.errors import SpaceError
from tinynas.tuner.arms import RULES, Arm
from tinynas.tuner.checks import ConfigTypeError, ConfigValueError, check_choice, check_count
from tinynas.tuner.config import Params, TunerConfig
from tinynas.tuner.record import results_of_arms
from tinynas.tuner.run import evaluate
from tinynas.tuner.tuner import Tuner

__all__ = ["MetaTuner"]

logger = logging.getLogger(__name__)

FORMAT = 1
# An arm of which so many times its initial points have failed is left to its rule, that is, to the other arms.
PATIENCE = 3
SHARED = ("early_stopping", "exploration_decay", "exploration_min", "batch_size", "log_progress")


class MetaTuner:
    """Searches several spaces, each with an objective of its own, for the best value of all (Mango's `MetaTuner`).

    Every space (an *arm*) has a tuner, whose surrogate is fitted anew only after the arm was tried. First come `n_init`
    points of each arm. Then, one after another, an arm is chosen by the rule, and evaluates what its tuner proposes.

    With `rule="student"` (the default) the arm is the one with the highest expected improvement on the best value of
    all arms, under a Student distribution that widens what little-tried arms believe; see `tinynas.tuner.arms.student`.

    With `rule="mango"` it is the algorithm of Mango, step by step:

    1. Every arm proposes its best candidate, with the mean mu and deviation sigma that its surrogate expects.
    2. Surrogates are scaled to one range: mu and sigma are divided by the best value so far (at least 1).
    3. With probability epsilon (`exploration`, 1.0 at first) the arm is drawn at random, and epsilon is multiplied by
       `exploration_decay` (0.9) while above `exploration_min` (0.1).
    4. Else it is the most promising one: the arm with the highest mu + e sigma, where e is a factor of each arm.
    5. The chosen arm's objective is evaluated. Its e becomes 1, the others' grows by 1.1 epsilon.

    An arm whose evaluations fail, or whose finite space is exhausted, leaves the budget to the others.

    Args:
        param_dict_list: For each arm the parameters, as for `Tuner`.
        objective_list: For each arm the objective, as for `Tuner`; None to use `ask` and `tell` only.
        n_iter: Iterations after the initial points.
        n_init: Initial points of each arm.
        rule: "student" or "mango".
        batch_size: Points per iteration, of whichever arms; the largest `batch_size` of an objective replaces it.
        constraints: For each arm a known constraint, as `TunerConfig.constraint`, or None.
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
        objective_list: Sequence[Callable[[list[Params]], Any]] | None = None,
        *,
        n_iter: int = 20,
        n_init: int = 2,
        rule: str = "student",
        constraints: Sequence[Callable[[list[Params]], Sequence[bool]] | None] | None = None,
        exploration: float = 1.0,
        sense: str = "maximize",
        seed: int | None = None,
        **options: Any,
    ) -> None:
        check_choice("rule", rule, RULES)
        check_count("n_iter", n_iter, 0, where="")
        check_count("n_init", n_init, 1, where="")
        for name in options:
            if name not in SHARED:
                raise ConfigTypeError(f"unknown argument {name!r}", where=name)
        count = _length("param_dict_list", param_dict_list)
        objectives = [None] * count if objective_list is None else list(objective_list)
        limits = [None] * count if constraints is None else list(constraints)
        for what, items in (("objective_list", objectives), ("constraints", limits)):
            if len(items) != count:
                raise ConfigValueError(f"{len(items)} for {count} spaces", where=what)
        drawn = int(np.random.default_rng().integers(2**32)) if seed is None else seed
        shared = {"sense": sense, "exploration": exploration, **options}
        batch = max([options.get("batch_size", 1), *(getattr(one, "batch_size", 1) for one in objectives)])
        self.config = TunerConfig.from_dict({**shared, "batch_size": batch, "seed": drawn})
        self.n_iter, self.n_init, self.rule = n_iter, n_init, rule
        seeds = np.random.default_rng(drawn).integers(2**32, size=count)
        self.tuners = [
            Tuner(space, objective, {"sense": sense, "constraint": limit, "seed": int(one), "design_size": n_init})
            for space, objective, limit, one in zip(param_dict_list, objectives, limits, seeds, strict=True)
        ]
        self.results: dict[str, Any] | None = None
        self._senses = self.config.senses
        self._chosen: list[int] = []

    # -- ask and tell --------------------------------------------------------------------------------------------------

    def ask(self, n: int = 1) -> list[tuple[int, Params]]:
        """Suggest points to evaluate, each with the number of its arm; they are pending until told.

        Raises:
            SpaceError: If no arm has a point left.
            ConfigTypeError: If n is not an integer.
            ConfigValueError: If n is below 1.
        """
        check_count("n", n, 1, where="")
        asked: list[tuple[int, Params]] = []
        while len(asked) < n:
            try:
                index = self._next()
            except SpaceError:
                if asked:
                    break
                raise
            asked.append((index, self.tuners[index].ask()[0]))
        return asked

    def tell(self, index: int, params: Mapping[str, Any], value: Any = None, *, failed: bool = False) -> None:
        """Report the outcome of an evaluation; see `Tuner.tell`.

        Args:
            index: Number of the arm.
            params: The point.
            value: The objective in the user's sign; None, NaN and infinities mean that the evaluation failed.
            failed: The evaluation failed, whatever the value.
        """
        self.tuners[index].tell(params, value, failed=failed)

    @property
    def best(self) -> tuple[int, Params, float] | None:
        """Arm, point and value of the best evaluation; None before anything has succeeded."""
        found = [(i, *best) for i, best in enumerate(tuner.best for tuner in self.tuners) if best is not None]
        if not found:
            return None
        return (max if self._senses[0] == "maximize" else min)(found, key=lambda item: item[2])

    def state_dict(self) -> dict[str, Any]:
        """Everything that a later MetaTuner with the same arguments needs to go on, as plain JSON data."""
        return {"format": FORMAT, "chosen": self._chosen, "arms": [tuner.state_dict() for tuner in self.tuners]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a saved state, in place of what is known.

        Raises:
            ConfigValueError: If the state is of other spaces, or damaged; nothing changes then.
        """
        arms = state.get("arms") if isinstance(state, Mapping) else None
        chosen = state.get("chosen") if isinstance(state, Mapping) else None
        if not isinstance(arms, list) or not isinstance(chosen, list) or len(arms) != len(self.tuners):
            raise ConfigValueError("not a saved state of these spaces", where="state")
        if not all(isinstance(i, int) and 0 <= i < len(arms) for i in chosen) or state.get("format") != FORMAT:
            raise ConfigValueError("the state is damaged", where="state:chosen")
        fresh = [copy.copy(tuner) for tuner in self.tuners]
        for tuner, arm in zip(fresh, arms, strict=True):
            tuner._suggester = copy.copy(tuner._suggester)
            tuner.load_state_dict(arm)
        self.tuners, self._chosen = fresh, list(chosen)

    # -- whole runs ----------------------------------------------------------------------------------------------------

    def maximize(self) -> dict[str, Any]:
        """Run in search of the highest value; see `run`."""
        return self._run("maximize")

    def minimize(self) -> dict[str, Any]:
        """Run in search of the lowest value; see `run`."""
        return self._run("minimize")

    def run(self) -> dict[str, Any]:
        """Evaluate the initial points of every arm, then `n_iter` batches.

        Failures are those of `Tuner`: exceptions, None, NaN, infinities, and points missing from `(points, values)`.

        Returns:
            `params_tried`, `objective_values` and `objective_fid` (number of the arm), initial points first, in order;
            `random_params`, `random_params_objective` and `random_objective_fid`, the initial ones of them;
            `best_params`, `best_objective`, `best_objective_fid`. Lists, values in the user's sign.

        Raises:
            ConfigTypeError: If there is no objective, or one returns something unusable.
            ConfigValueError: If no evaluation succeeded.
        """
        return self._run(self.config.senses[0])

    def _run(self, sense: Any) -> dict[str, Any]:
        if any(tuner.objective_function is None for tuner in self.tuners):
            raise ConfigTypeError("there are no objectives to call", where="objective_list", advice="use ask and tell")
        for tuner in self.tuners:
            tuner.start(sense)
        self._senses, self._chosen = (sense,), []
        tried: list[tuple[int, Params, float]] = []
        for index, tuner in enumerate(self.tuners):
            tried += self._evaluate(index, tuner.ask(self.n_init))
        initial = len(tried)
        steps = range(self.n_iter)
        for _ in tqdm(steps) if self.config.log_progress else steps:
            try:
                batch = self.ask(self.config.batch_size)
            except SpaceError as reason:
                logger.info("the run ends early: %s", reason)
                break
            more = []
            for index in dict.fromkeys(index for index, _ in batch):
                more += self._evaluate(index, [params for arm, params in batch if arm == index])
            tried += more
            if more and self.config.early_stop(results_of_arms(tried, initial, self._senses[0])):
                break
        if not tried:
            raise ConfigValueError("No valid configuration found: not one evaluation succeeded")
        self.results = results_of_arms(tried, initial, self._senses[0])
        return self.results

    def _evaluate(self, index: int, batch: list[Params]) -> list[tuple[int, Params, float]]:
        outcome = evaluate(self.tuners[index], batch)
        return [(index, params, float(value)) for params, value in zip(outcome.points, outcome.values, strict=True)]

    # -- inside --------------------------------------------------------------------------------------------------------

    def _next(self) -> int:
        """Number of the arm to go on with, which has a point to propose."""
        arms, indices, untried = [], [], []
        reason: SpaceError | None = None
        for index, tuner in enumerate(self.tuners):
            values = np.array([value for _, value in tuner.observations if value is not None])
            begun = len(tuner.observations) + len(tuner.pending)
            try:
                proposal = tuner.propose()
            except SpaceError as error:
                reason = error
                continue
            if len(values) + len(tuner.pending) < self.n_init and begun < PATIENCE * self.n_init:
                untried.append((begun, index))
            elif len(values):
                arms.append(Arm(tuner, proposal, values))
                indices.append(index)
            else:
                untried.append((begun + PATIENCE * self.n_init, index))
        patient = [item for item in untried if item[0] < PATIENCE * self.n_init]
        if patient or (untried and not arms):
            return min(patient or untried)[1]
        if not arms:
            assert reason is not None
            raise reason
        config = TunerConfig.from_dict({**self._rule_config, "sense": self._senses[0]})
        index = indices[RULES[self.rule](arms, indices, self._chosen, config)]
        self._chosen.append(index)
        return index

    @property
    def _rule_config(self) -> dict[str, Any]:
        names = ("seed", "exploration", "exploration_decay", "exploration_min")
        return {name: getattr(self.config, name) for name in names}


def _length(name: str, items: Any) -> int:
    if isinstance(items, Mapping | str) or not isinstance(items, Sequence):
        raise ConfigTypeError("must be a list with an entry for each space", where=name)
    if len(items) == 0:
        raise ConfigValueError("there is no space to search", where=name)
    return len(items)
