"""Asking for points and telling their outcomes, and the state behind that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tinynas.errors import SpaceError
from tinynas.tuner.acquire import Suggester
from tinynas.tuner.checks import check_fidelity
from tinynas.tuner.config import ConfigValueError, Params, Sense, TunerConfig, check_count
from tinynas.tuner.history import History, Report, Saved, learn, read_state, reports_in, write_state
from tinynas.tuner.knowledge import Knowledge
from tinynas.tuner.space import PointCode, Space
from tinynas.tuner.threads import single_blas_thread

__all__ = ["AskTell"]


class AskTell(Knowledge, Saved):
    """Suggests points and learns from their outcomes; how they are evaluated is the caller's affair.

    Args:
        param_dict: See `Tuner`.
        config: The checked configuration.
    """

    def __init__(self, param_dict: Mapping[str, Any], config: TunerConfig) -> None:
        self.config = config
        self.space = Space(
            param_dict,
            constraint=config.constraint,
            sampler=config.param_sampler,
            conditions=config.conditions,
            promise=config.promise,
            price=config.price,
        )
        seed = int(np.random.default_rng().integers(2**32)) if config.seed is None else int(config.seed)
        self._suggester = Suggester(self.space, config, seed)
        self._history = History(self.space, config.senses)
        self._first: list[PointCode] = []
        self._prior: list[Report] = []
        self._proposal: tuple[object, list[PointCode]] | None = None
        self._runs = False
        self.clear()

    def ask(self, n: int = 1, *, fixed: Mapping[str, Any] | None = None) -> list[Params]:
        """Suggest points to evaluate; they are pending until told or forgotten.

        Args:
            n: How many, at least 1.
            fixed: Values of some parameters: the best points that have them. All else that was told still counts.

        Returns:
            n dictionaries, or fewer (at least 1) when a finite space has no more. No point is suggested twice, unless
            it was forgotten, or evaluated at lower fidelity only.

        Raises:
            ExhaustedError: If every allowed point of a finite space is evaluated or pending.
            SpaceError: If no point was found that satisfies the constraint, or `fixed` is not in the space.
            ConfigTypeError: If n is not an integer.
            ConfigValueError: If n is below 1, or `fixed` goes with a surrogate or a sampler of the user's.
        """
        check_count("n", n, 1, where="")
        if fixed:
            return self._ask_fixed(n, fixed)
        return self._ask(n, lambda count: self._proposed() if n == 1 else self._suggest(count))

    def _ask_fixed(self, n: int, fixed: Mapping[str, Any]) -> list[Params]:
        if self.config.surrogate is not None or self.config.param_sampler is not None:
            raise ConfigValueError(
                "parameters cannot be held fixed: a surrogate or param_sampler of one's own draws what it likes",
                where="fixed",
            )
        with single_blas_thread():
            self._suggester.model(self._history)  # it is of the whole space
        with self.space.holding(fixed):
            return self._ask(n, self._suggest)

    def _ask(self, n: int, suggest: Callable[[int], list[PointCode]]) -> list[Params]:
        codes: list[PointCode] = []
        while len(codes) < n:
            try:
                more = suggest(n - len(codes))
            except SpaceError:
                # What was found so far is pending already and must reach the caller; the next call will say the rest.
                if codes:
                    break
                raise
            codes += more
            self._history.ask(more)
        return [self.space.params(code) for code in codes]

    def propose(self) -> Params:
        """The point that `ask` would suggest next, without making it pending; raises what `ask` raises."""
        return self.space.params(self._proposed()[0])

    def _proposed(self) -> list[PointCode]:
        # Kept until something changes: a proposal looked at and then asked for is not made twice.
        state = (self._history.revision, tuple(self._history.pending), self._history.asked)
        if self._proposal is None or self._proposal[0] != state:
            self._proposal = (state, self._suggest(1))
        return self._proposal[1]

    def _suggest(self, n: int) -> list[PointCode]:
        with single_blas_thread():
            first = [code for code in self._first if self.space.holds(code)]
            return self._suggester.suggest(self._history, first, n)

    def tell(
        self,
        params: Mapping[str, Any],
        value: Any = None,
        *,
        failed: bool = False,
        constraints: Sequence[float] | Mapping[str, float] | None = None,
        fidelity: float = 1.0,
    ) -> None:
        """Report the outcome of an evaluation, of a point asked for or of any other.

        Args:
            params: The point. Numbers outside their range are accepted, unknown names and categories are not.
            value: The objective in the user's sign; with several senses a sequence of as many values. None, NaN and
                infinities mean that the evaluation failed.
            failed: The evaluation failed, whatever the value.
            constraints: Numbers that must not be above 0 for the point to be feasible, always as many; True stands for
                satisfied, False for violated. A mapping gives them names. Failed evaluations may have them, too. Where
                one of them is None, NaN or infinite, the evaluation failed.
            fidelity: How faithful the evaluation was, in (0, 1]; below 1 (fewer epochs, a part of the data, a related
                problem) it informs the search, but is neither the best nor final: its point may be suggested again.

        Raises:
            SpaceError: If `params` is not a point of the space.
            ConfigTypeError: If a value is not a number, or there are not as many as senses.
            ConfigValueError: If the number or names of constraints changed, or the fidelity is not in (0, 1].
        """
        self._history.tell(params, value, failed=failed, constraints=constraints, fidelity=fidelity)

    def recheck(self) -> None:
        """Ask the constraint anew about every point, since its answers have changed."""
        self.space.forget_verdicts()
        self._proposal = None

    def forget(self, params: Mapping[str, Any]) -> None:
        """Give up a pending point whose outcome will never be told. It may be suggested again.

        Raises:
            SpaceError: If `params` is not a point of the space.
            ConfigValueError: If the point is not pending.
        """
        self._history.forget(self.space.code(params))

    def warm_start(
        self,
        results: AskTell | Mapping[str, Any] | Iterable[Sequence[Any]],
        *,
        fidelity: float = 1.0,
        strict: bool = True,
    ) -> int:
        """Learn from an earlier search, now and at the start of every later run.

        Args:
            results: The results dictionary of a run (or of Mango's), another tuner, or points and values, each perhaps
                with constraint values and a fidelity.
            fidelity: How much the earlier problem has to do with this one, in (0, 1]. 1 is the same problem: the points
                are evaluated already. Below 1 they inform the search, and may be suggested to be evaluated in earnest;
                failures are left out then.
            strict: Refuse points that are not of this space. Else they are skipped.

        Returns:
            Number of evaluations learnt from.

        Raises:
            SpaceError: If a point is not of this space; nothing is learnt then.
            ConfigTypeError: If the results are something else, or a value is not a number.
            ConfigValueError: If `tell` would refuse the constraints or the fidelity; nothing is learnt then.
        """
        check_fidelity(fidelity)
        history, reports = (
            self._history.copy(),
            reports_in(results._history if isinstance(results, AskTell) else results),
        )
        learnt = learn(history, reports, fidelity=fidelity, strict=strict)
        # Points under evaluation remain so: their outcomes are still to come.
        history.pending = self._history.pending
        self._history, self._prior = history, self._prior + learnt
        return len(learnt)

    def clear(self) -> None:
        """Forget everything told and asked, back to `warm_start` and `initial_custom`."""
        self._begin(self.config.senses)

    def restore(
        self,
        observations: Iterable[Sequence[Any]],
        pending: Iterable[Mapping[str, Any]] = (),
        asked: int | None = None,
    ) -> None:
        """Take up an earlier search from its records, in place of what this tuner knows.

        Args:
            observations: For each evaluation the point and the value (None: failed), then, where there were any, the
                constraint values and the fidelity; in the order they were told, those of `initial_custom` included if
                they were given as pairs.
            pending: Points under evaluation, in the order they were asked for.
            asked: Number of points asked for in the earlier search. None counts every observation and pending point.

        Raises:
            SpaceError: If one of them is not a point of the space.
            ConfigTypeError: If a value is not a number.
            ConfigValueError: If a constraint or fidelity is not what `tell` accepts.
        """
        history = History(self.space, self._history.senses)
        learn(history, reports_in(observations))
        history.pending = [self.space.code(params) for params in pending]
        history.asked = len(history.observations) + len(history.pending) if asked is None else int(asked)
        self._history, self._runs, self._prior = history, False, []

    def state_dict(self) -> dict[str, Any]:
        """Everything a later tuner with the same arguments needs to go on, as plain JSON data."""
        return write_state(self._history, self.seed)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a saved state, in place of what this tuner knows.

        Raises:
            ConfigValueError: If the state is of another space, sense or format, or damaged.
        """
        self._suggester.seed, self._history = read_state(self.space, self._history.senses, state)
        self._runs, self._prior = False, []

    def _begin(self, senses: tuple[Sense, ...]) -> None:
        self._history, self._first = History(self.space, senses), []
        learn(self._history, self._prior)
        for item in self.config.initial_custom or ():
            if isinstance(item, tuple):
                self.tell(item[0], item[1])
            else:
                self._first.append(self.space.code(item))
