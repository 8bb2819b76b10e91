"""The tuner of a search: one for one family of networks, one a family and a rule between them for several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import NoFeasibleCandidate, SpaceError
from tinynas.search.problem import Problem
from tinynas.search.promise import price, promise
from tinynas.search.told import senses
from tinynas.tuner import MetaTuner, Tuner

__all__ = ["FamilyTuner", "SearchTuner", "make_tuner"]

_LEAST_EACH = 2  # initial points of a family
# Initial points where the promise of networks is known, and where it is not.
_LED, _SPREAD = 3, 10
# Random networks that are looked at for a suggestion, before the best are refined: looking takes time too.
_CANDIDATES = 400

Params = Mapping[str, Any]
Admits = Callable[[Params], bool]


class SearchTuner(Protocol):
    """What a search asks and tells; see `Tuner`."""

    @property
    def pending(self) -> list[dict[str, Any]]:
        """Points asked for and not yet told."""

    @property
    def asked(self) -> int:
        """Number of points asked for so far."""

    def ask(self) -> list[dict[str, Any]]:
        """Suggest a point."""

    def tell(self, params: Params, value: Any = None, /, *, constraints: Any = None, fidelity: float = 1.0) -> None:
        """Report an outcome."""

    def recheck(self) -> None:
        """Ask the constraint anew."""

    def restore(self, observations: Iterable[Sequence[Any]], pending: Iterable[Params], asked: int | None) -> None:
        """Take up an earlier search."""

    def predict(self, points: Iterable[Params]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Means and standard deviations."""


def make_tuner(
    problem: Problem, firsts: Sequence[Params] = (), *, admits: Admits | None = None, **options: Any
) -> SearchTuner:
    """The tuner for a problem.

    Args:
        problem: What is searched; its resource model is the constraint.
        firsts: Points that are suggested before all others.
        admits: The constraint, where it is another one.
        options: More of `TunerConfig`.
    """
    config, admits = problem.config, admits or problem.admits
    if len(problem.families) > 1 or "" not in problem.families:
        return FamilyTuner(problem, firsts, options, admits)
    conf_dict = {
        "sense": senses(config),
        "seed": config.seed,
        "design_size": _first_points(problem),
        "constraint": lambda points: [admits(p) for p in points],
        **_beforehand(problem),
        **({"conditions": dict(problem.space.conditions)} if problem.space.conditions else {}),
        **({"initial_custom": list(firsts)} if firsts else {}),
        **options,
    }
    return Tuner(problem.parameters(), conf_dict=conf_dict)


class FamilyTuner:
    """Chooses the family of the next network by `MetaTuner`'s rule, and its parameters by that family's tuner.

    Suggestions are those of the family's space with its name as `family`. The initial points are shared among the
    families, at least two each. Families of which nothing fits are left out.

    Args:
        problem: What is searched.
        firsts: Points that are suggested before all others.
        options: More of `TunerConfig`, for the tuner of each family.
        admits: The constraint; None: the problem's.
    """

    def __init__(
        self,
        problem: Problem,
        firsts: Sequence[Params],
        options: Mapping[str, Any],
        admits: Admits | None = None,
    ) -> None:
        config, allows = problem.config, admits or problem.admits
        # Looking for a network that fits among millions that do not takes a tuner a minute.
        self._names = [name for name in problem.families if not config.tuner.only_feasible or _may_fit(problem, name)]
        self._firsts = [self._split(first) for first in firsts if first["family"] in self._names]

        def fitting(name: str) -> Any:
            return lambda points: [allows({"family": name, **params}) for params in points]

        self._meta = MetaTuner(
            [problem.parameters(name) for name in self._names],
            n_init=max(_LEAST_EACH, -(-_first_points(problem) // len(self._names))),
            constraints=[fitting(name) for name in self._names],
            conditions=[dict(problem.families[name].conditions) or None for name in self._names],
            sense="minimize",
            seed=config.seed,
            initial_custom=[
                [own for index, own in self._firsts if index == place] or None for place in range(len(self._names))
            ],
            arm_options=[{**_beforehand(problem, {"family": name}), **options} for name in self._names],
        )

    @property
    def pending(self) -> list[dict[str, Any]]:
        """Points asked for and not yet told."""
        return [self._joined(index, params) for index, params in self._meta.pending]

    @property
    def asked(self) -> int:
        """Number of points asked for so far."""
        return sum(tuner.asked for tuner in self._meta.tuners)

    def ask(self) -> list[dict[str, Any]]:
        """Suggest a point; raises what `Tuner.ask` raises."""
        for index, first in self._firsts:
            tuner = self._meta.tuners[index]
            if first not in tuner.pending and first not in [params for params, _ in tuner.observations]:
                [params] = tuner.ask()
                return [self._joined(index, params)]
        return [self._joined(index, params) for index, params in self._meta.ask()]

    def tell(self, params: Params, value: Any = None, /, *, constraints: Any = None, fidelity: float = 1.0) -> None:
        """Report an outcome; see `Tuner.tell`. Of several families there are no constraints (`told.record`)."""
        assert constraints is None
        self._meta.tell(*self._split(params), value, fidelity=fidelity)

    def restore(
        self, observations: Iterable[Sequence[Any]], pending: Iterable[Params] = (), asked: int | None = None
    ) -> None:
        """Take up an earlier search; see `Tuner.restore`. How many were asked for follows from the points."""
        del asked
        told = [(*self._split(row[0]), *row[1:]) for row in observations]
        self._meta.restore(told, [self._split(params) for params in pending])

    def recheck(self) -> None:
        """Ask the constraint anew; see `Tuner.recheck`."""
        for tuner in self._meta.tuners:
            tuner.recheck()

    def predict(self, points: Iterable[Params]) -> tuple[NDArray[Any], NDArray[Any]]:
        """What the surrogates of the points' families expect; see `Tuner.predict`."""
        found = []
        for params in points:
            index, own = self._split(params)
            means, deviations = self._meta.predict(index, [own])
            found.append((means[0], deviations[0]))
        columns = np.array(found, float).reshape(-1, 2)
        return columns[:, 0], columns[:, 1]

    def _joined(self, index: int, params: Params) -> dict[str, Any]:
        return {"family": self._names[index], **params}

    def _split(self, params: Params) -> tuple[int, dict[str, Any]]:
        own = dict(params)
        return self._names.index(own.pop("family")), own


def _is_led(problem: Problem) -> bool:
    """Whether the promise of networks leads. It is one of low errors, and of a front small networks are a part."""
    return problem.config.tuner.promise and not problem.config.objective.pareto


def _first_points(problem: Problem) -> int:
    return problem.config.tuner.initial_random or (_LED if _is_led(problem) else _SPREAD)


def _beforehand(problem: Problem, chosen: Params = MappingProxyType({})) -> dict[str, Any]:
    """What a tuner is told of networks before they are trained; their price where time is what counts."""
    if not _is_led(problem):
        return {}
    found: dict[str, Any] = {
        "promise": lambda points: [promise(problem, {**chosen, **one}) for one in points],
        "domain_size": _CANDIDATES,
    }
    if problem.config.minutes is not None:
        found["price"] = lambda points: [price(problem, {**chosen, **one}) for one in points]
    return found


def _may_fit(problem: Problem, family: str) -> bool:
    """Whether any network of a family fits."""
    space: Any = problem.families[family]
    config = replace(problem.config, space=space)
    try:
        Problem(problem.board, problem.task, config).require_feasible()
    except (NoFeasibleCandidate, SpaceError):
        return False
    return True
