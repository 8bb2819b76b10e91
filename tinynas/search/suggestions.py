"""What to try next: the tuner's suggestions, and what stands in for it where it finds nothing that fits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from tinynas.errors import SpaceError
from tinynas.network import plan
from tinynas.search.family_tuner import make_tuner
from tinynas.search.known import first_candidates, rescale
from tinynas.search.neighbours import untried_neighbour
from tinynas.search.problem import Problem
from tinynas.search.rungs import Outcome, list_outcomes
from tinynas.search.told import Report, has_one_value, record
from tinynas.study import Study, Trial, TrialState
from tinynas.tuner import ExhaustedError

__all__ = ["Affords", "Suggestions"]

Affords: TypeAlias = Callable[[float], bool]

# Random networks that tell what can be afforded, and how many must be, for others to be found.
_SAMPLE, _LEAST_AFFORDABLE = 64, 2
# What another board or other data have to do with this search, as a fidelity: below any rung.
_KINSHIP = 0.05


class Suggestions:
    """Suggests networks and learns from their outcomes.

    Args:
        problem: What is searched.
        study: With the trials so far, whose outcomes are learned from.
        cheapest: A suggestion that fits.
        shared: There are tuners of other boards, whose networks are learned from as far as they fit here.

    Attributes:
        ended: Why there are no more; None: there are.
    """

    def __init__(self, problem: Problem, study: Study, cheapest: Mapping[str, Any], *, shared: bool = False) -> None:
        self._problem, self._study, self._cheapest, self._shared = problem, study, cheapest, shared
        self.ended: str | None = None
        self._affords: Affords | None = None
        self._told: list[Report] = []
        self._suited: dict[int, bool] = {}
        earlier: list[Mapping[str, Any]] = list(study.provenance.get("warm_start", ()))
        firsts = first_candidates(problem, earlier, fitting=shared)
        # What is tried here speaks for itself; and one number of another search says nothing of several.
        plain = has_one_value(problem.config, problem.limits)
        self._earlier = [one for one in earlier if one["params"] not in firsts] if plain else []
        # What pauses is the schedule's to go on with.
        self._tuner = make_tuner(problem, firsts, admits=self._admits, repeat_partial=False)
        self._restore()

    def _restore(self) -> None:
        """Learn what was told before. Not told one by one: a suggestion depends on how many were asked for, too."""
        known = [trial for trial in self._study.trials() if trial.final_of is None]
        suited = [trial for trial in known if self._suits(trial)]
        heard = [(outcome, trial) for trial in [*suited, *self._repeats(suited)] for outcome in list_outcomes(trial)]
        heard.sort(key=lambda one: (one[0].time_s, one[1].id))
        at_work = [trial.params or {} for trial in suited if not list_outcomes(trial)]
        self._told = [self._record(trial, outcome) for outcome, trial in heard]
        self._tuner.restore([*self._reports(), *self._told], pending=at_work, asked=len(known))

    def _repeats(self, searched: Sequence[Trial]) -> list[Trial]:
        """Final trainings that repeat a candidate with another seed and the same recipe, as trials of its suggestion.

        They are made when a search ends, so that one that goes on afterwards has them: what the surrogate is told of a
        network several times is how it learns by how much seeds differ.
        """
        config, candidates = self._problem.config, {trial.id: trial for trial in searched}
        alike = config.final.epochs in (None, config.training.epochs) and config.training.patience is None
        return [
            replace(trial, params=candidates[trial.final_of].params)
            for trial in (self._study.trials() if alike else ())
            if trial.refit_of is None and trial.final_of in candidates and trial.state is TrialState.DONE
        ]

    def _suits(self, trial: Trial) -> bool:
        """Whether this tuner might have suggested a trial; of what it must not suggest, it learns nothing."""
        if self._shared and trial.id not in self._suited:
            self._suited[trial.id] = self._problem.admits(trial.params or {})
        return self._suited.get(trial.id, True)

    def tell(self, trial: Trial) -> None:
        """Learn from a trial that has paused or ended."""
        if not self._suits(trial):
            return
        self._told.append(self._record(trial, list_outcomes(trial)[-1]))
        params, value, constraints, fidelity = self._told[-1]
        self._tuner.tell(params, value, constraints=constraints or None, fidelity=fidelity)
        if self._earlier:  # their scale has moved
            tuner = self._tuner
            tuner.restore([*self._reports(), *self._told], pending=tuner.pending, asked=tuner.asked)

    def _record(self, trial: Trial, outcome: Outcome) -> Report:
        return record(trial, outcome, self._problem.config, self._problem.limits)

    def _reports(self) -> list[Report]:
        """What an earlier study found, as outcomes of low fidelity on the scale of this one."""
        own = [value for _, value, _, _ in self._told if value is not None]
        values = rescale([one["objective"] for one in self._earlier], own)
        return [(one["params"], value, (), _KINSHIP) for one, value in zip(self._earlier, values, strict=True)]

    def next(self, affords: Affords | None = None) -> Mapping[str, Any] | None:
        """The next suggestion, or None; `ended` then says why, unless what is left is too large to be afforded.

        Args:
            affords: Whether there is time to train a network of so many multiplications; None: for any.
        """
        if self.ended is not None or not self._some_affordable(affords):
            return None
        if self._shared:  # what the other boards' tuners have asked for counts as asked for
            self._restore()
        try:
            return self._suggest()
        except ExhaustedError:
            self.ended = "every network of the search space was tried"
        except SpaceError:
            if affords is None:
                self.ended = "no further network that fits was found"
        return None

    def _admits(self, params: Mapping[str, Any]) -> bool:
        """The tuner's constraint: a network that fits, and can be trained in the time that is left."""
        problem, affords = self._problem, self._affords
        if affords is not None:
            network = problem.architecture_or_none(params)
            if network is None or not affords(plan(network).macs):
                return False
        return problem.admits(params)

    def _some_affordable(self, affords: Affords | None) -> bool:
        """Whether looking for a network that can be afforded is worth while; from now on it is looked for."""
        if affords is not None:
            if sum(affords(macs) for macs in self._sizes) < _LEAST_AFFORDABLE:
                return False
            self._tuner.recheck()  # time has gone by since the constraint was asked
        self._affords = affords
        return True

    @cached_property
    def _sizes(self) -> list[int]:
        """Multiplications of some random networks of the space."""
        problem, rng = self._problem, np.random.default_rng(self._problem.config.seed)
        shape = problem.task.shape
        return [plan(problem.space.sample(rng, **shape)).macs for _ in range(_SAMPLE)]

    def expect(self, trials: Sequence[Trial]) -> list[float] | None:
        """The objective that each trial is expected to reach when it is trained to the end.

        Returns:
            One a trial; None where too little is known to expect anything.
        """
        mean, _ = self._tuner.predict([trial.params or {} for trial in trials])
        return None if len(mean) == 0 or not all(value == value for value in mean) else [float(value) for value in mean]

    def _suggest(self) -> Mapping[str, Any]:
        """The tuner's suggestion, or one beside what fits, where the tuner finds nothing that does.

        Raises:
            ExhaustedError: Every point of a finite space was tried.
            SpaceError: Neither finds a network that fits.
        """
        try:
            [params] = self._tuner.ask()
        except ExhaustedError:
            raise
        except SpaceError:
            if self._affords is not None:
                raise
            return self._stand_in(self._study.trials())
        return params

    def _stand_in(self, trials: Collection[Trial]) -> Mapping[str, Any]:
        problem, tried = self._problem, {trial.key for trial in trials}
        if problem.key(self._cheapest) not in tried:
            return self._cheapest
        searched = [trial for trial in trials if trial.final_of is None]
        known = [self._cheapest, *(trial.params for trial in searched if trial.params and trial.feasible)]
        found = untried_neighbour(problem, known, tried)
        if found is None:
            raise SpaceError("no further network fits")
        return found
