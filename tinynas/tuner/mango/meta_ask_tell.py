"""Asking for points of several spaces and telling their outcomes, and the state behind that."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import SpaceError
from tinynas.tuner.checks import ConfigValueError, StateError, check_count
from tinynas.tuner.config import Params, TunerConfig
from tinynas.tuner.history import Saved
from tinynas.tuner.mango.arms import RULES, Arm
from tinynas.tuner.mango.tuner import Tuner

__all__ = ["MetaAskTell"]

FORMAT = 2
# An arm of which so many times its initial points have failed is left alone while there are others.
PATIENCE = 3


class MetaAskTell(Saved):
    """Suggests points of several spaces and learns from their outcomes; evaluating them is the caller's affair.

    Args:
        tuners: One for each space.
        config: Sense, seed, and what the rule is to know.
        rule: Name of the rule that chooses among the spaces.
        n_init: Points of each space before the rule takes over.
    """

    def __init__(self, tuners: Sequence[Tuner], config: TunerConfig, rule: str, n_init: int) -> None:
        self.tuners, self.config, self.rule, self.n_init = list(tuners), config, rule, n_init
        self._senses = config.senses
        self._begin()

    def ask(self, n: int = 1) -> list[tuple[int, Params]]:
        """Suggest points to evaluate, each with the number of its arm; they are pending until told or forgotten.

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

    def tell(
        self, index: int, params: Mapping[str, Any], value: Any = None, *, failed: bool = False, fidelity: float = 1.0
    ) -> None:
        """Report the outcome of an evaluation; see `Tuner.tell`.

        Args:
            index: Number of the arm.
            params: The point.
            value: The objective in the user's sign; None, NaN and infinities mean that the evaluation failed.
            failed: The evaluation failed, whatever the value.
            fidelity: How faithful the evaluation was, in (0, 1].

        Raises:
            ConfigTypeError: If the number is not an integer, or the value is not a number.
            ConfigValueError: If there is no such arm.
            SpaceError: If `params` is not a point of its space.
        """
        self._arm(index).tell(params, value, failed=failed, fidelity=fidelity)

    def forget(self, index: int, params: Mapping[str, Any]) -> None:
        """Give up a pending point whose outcome will never be told; see `Tuner.forget`."""
        self._arm(index).forget(params)

    @property
    def pending(self) -> list[tuple[int, Params]]:
        """Points asked for and not yet told, arm by arm."""
        return [(index, params) for index, tuner in enumerate(self.tuners) for params in tuner.pending]

    @property
    def best(self) -> tuple[int, Params, float] | None:
        """Arm, point and value of the best evaluation; None before anything has succeeded."""
        found = [(i, *best) for i, best in enumerate(tuner.best for tuner in self.tuners) if best is not None]
        if not found:
            return None
        return (max if self._senses[0] == "maximize" else min)(found, key=lambda item: item[2])

    # -- state ---------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Everything that a later MetaTuner with the same arguments needs to go on, as plain JSON data."""
        return {
            "format": FORMAT,
            "seed": self.config.seed,
            "chosen": list(self._chosen),
            "arms": [tuner.state_dict() for tuner in self.tuners],
        }

    def restore(
        self,
        observations: Iterable[Sequence[Any]],
        pending: Iterable[tuple[int, Mapping[str, Any]]] = (),
    ) -> None:
        """Take up an earlier search from its records, in place of what this one knows.

        Where points were asked for and told one after another, suggestions are those that the earlier search would
        have made.

        Args:
            observations: For each evaluation the number of the arm, then what `AskTell.restore` takes: the point, the
                value, and where there are any the constraint values and the fidelity; in the order they were told.
            pending: Arm and point of evaluations under way, in the order they were asked for.

        Raises:
            SpaceError: If one of them is not a point of its space.
            ConfigValueError: If there is no such arm, or a constraint or fidelity is not what `tell` accepts.
        """
        told: list[list[Sequence[Any]]] = [[] for _ in self.tuners]
        waiting: list[list[Mapping[str, Any]]] = [[] for _ in self.tuners]
        asked: list[set[Any]] = [set() for _ in self.tuners]
        usable, chosen = [0] * len(self.tuners), list[int]()
        rows = [(row[0], row[1], row) for row in observations]
        for index, params, row in [*rows, *((index, params, None) for index, params in pending)]:
            point = self._arm(index).space.code(params)
            begun = len(asked[index])
            if point not in asked[index]:
                asked[index].add(point)
                # The arm lacked no initial points any more, or had failed too often: then the rule has chosen it.
                if usable[index] and (usable[index] >= self.n_init or begun >= PATIENCE * self.n_init):
                    chosen.append(index)
            if row is None:
                waiting[index].append(params)
            else:
                told[index].append(row[1:])
                usable[index] += row[2] is not None
        for tuner, known, left, points in zip(self.tuners, told, waiting, asked, strict=True):
            tuner.restore(known, pending=left, asked=len(points))
        self._begin(chosen)

    def predict(self, index: int, points: Iterable[Mapping[str, Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
        """What an arm's surrogate expects at some points; see `Tuner.predict`."""
        return self._arm(index).predict(points)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a saved state, in place of what is known.

        Raises:
            StateError: If the state is of other spaces, or damaged; nothing changes then.
        """
        if not isinstance(state, Mapping) or state.get("format") != FORMAT:
            raise StateError("not a saved state of several spaces, or one of another format", where="state")
        arms, chosen, seed = state.get("arms"), state.get("chosen"), state.get("seed")
        if not isinstance(arms, list) or len(arms) != len(self.tuners):
            raise StateError("the state belongs to other spaces", where="state:arms")
        if not isinstance(chosen, list) or not all(type(i) is int and 0 <= i < len(arms) for i in chosen):
            raise StateError("the state is damaged", where="state:chosen")
        if type(seed) is not int or seed < 0:
            raise StateError("the state is damaged", where="state:seed")
        fresh = [copy.copy(tuner) for tuner in self.tuners]
        for tuner, arm in zip(fresh, arms, strict=True):
            tuner._suggester = copy.copy(tuner._suggester)
            tuner.load_state_dict(arm)
        self.tuners, self.config = fresh, replace(self.config, seed=seed)
        self._begin(chosen)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _begin(self, chosen: Sequence[int] = ()) -> None:
        self._chosen = list(chosen)
        # What was known of an arm when it had no point to propose, and why it had none.
        self._spent: dict[int, tuple[tuple[int, int], SpaceError]] = {}

    def _arm(self, index: int) -> Tuner:
        check_count("index", index, 0, where="")
        if index >= len(self.tuners):
            raise ConfigValueError(f"there is no space {index}: they are numbered from 0", where="index")
        return self.tuners[index]

    def _next(self) -> int:
        """Number of the arm to go on with, which has a point to propose.

        Arms that lack initial points come first, the least begun first of all; then what the rule says; and last, when
        nothing else is left, arms of which nothing has succeeded (yet).
        """
        arms: dict[int, Arm] = {}
        lacking: dict[int, int] = {}
        hopeless: dict[int, int] = {}
        for index, tuner in enumerate(self.tuners):
            proposal = self._proposal(index)
            if proposal is None:
                continue
            told, waiting = tuner.observations, len(tuner.pending)
            values = np.array([value for _, value in told if value is not None], dtype=float)
            begun = len(told) + waiting
            if len(values) + waiting < self.n_init and begun < PATIENCE * self.n_init:
                lacking[index] = begun
            elif len(values):
                arms[index] = Arm(tuner, proposal, _final_values(tuner, values), len(told) - len(values))
            else:
                hopeless[index] = begun
        first = lacking or ({} if arms else hopeless)
        if first:
            return min(first, key=lambda index: (first[index], index))
        if not arms:
            raise self._spent[max(self._spent)][1]
        indices = list(arms)
        config = replace(self.config, sense=self._senses[0])
        index = indices[RULES[self.rule](list(arms.values()), indices, self._chosen, config)]
        self._chosen.append(index)
        return index

    def _proposal(self, index: int) -> Params | None:
        """What an arm would evaluate next; None where it has nothing left, which is found out once."""
        tuner = self.tuners[index]
        known = (len(tuner.observations), len(tuner.pending))
        if index in self._spent and self._spent[index][0] == known:
            return None
        try:
            return tuner.propose()
        except SpaceError as error:
            self._spent[index] = (known, error)
            return None


def _final_values(tuner: Tuner, values: NDArray[Any]) -> NDArray[Any]:
    """Values at full fidelity, in the user's sign; all of them where there are none."""
    observations = [told for told in tuner._history.observations if told.values is not None]
    final = [value for told, value in zip(observations, values, strict=True) if told.fidelity == 1.0]
    return np.array(final, float) if final else values
