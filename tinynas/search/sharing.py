"""One training for several boards: what a trial takes over from its sisters, the same trial in other boards' studies.

The error of a network does not depend on the board. So the studies of a search for several boards have the same trials
under the same numbers, with the same seeds. Costs, scores and what does not fit are each board's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from tinynas.errors import StudyError
from tinynas.measurement import Measurement
from tinynas.objective import score
from tinynas.search.problem import Problem
from tinynas.search.workers import Step
from tinynas.study import Study, Trial, TrialState

__all__ = ["Sharing", "align", "propose_to_all"]

# What a training comes to, and then the converted model, whatever the board.
_OF_TRAINING = ("error_float", "epochs", "best_epoch", "history", "train_seconds")
_OF_MODEL = ("error_int8", "rmse_x", "rmse_y", "ate_m", "rte_m")
_SHARED = (TrialState.COSTED, TrialState.PAUSED, TrialState.TRAINED)


class _AtWork(Protocol):
    """A trial of one board's study; see `AtWork`."""

    @property
    def board(self) -> int: ...

    @property
    def trial(self) -> Trial: ...


class Sharing:
    """Knows what the studies of a search have in common. It keeps nothing: what there is to know is in the studies.

    Args:
        studies: Board by board.
        problems: In the same order.
    """

    def __init__(self, studies: Sequence[Study], problems: Sequence[Problem]) -> None:
        self._studies, self._problems = studies, problems

    def find(self, board: int, trial: Trial) -> Step | None:
        """The trial's next step, as a sister has made it already.

        Args:
            board: Number of the study.
            trial: Of that study.

        Returns:
            The step, with costs and scores of this board; None: no sister is further.

        Raises:
            StudyError: A file of the sister cannot be read.
        """
        ahead = next(self._ahead(board, trial), None)
        if ahead is None:
            return None
        study, sister, state = ahead
        if state is TrialState.FAILED:
            return Step(state, reason=sister.reason)
        kind, names = _LEARNED[state]
        files = {kind: study.artefact(sister.artefacts[kind])}
        known = sister.metrics or {}
        metrics: dict[str, Any] = {name: known[name] for name in names if name in known}
        if sister.inherits_from != trial.inherits_from:  # what counts is what the training began with
            metrics["inherits_from"] = sister.inherits_from
        if state is TrialState.PAUSED:
            first = sister.rungs[: len(trial.rungs) + 1]
            metrics["rungs"] = [self._rescored(board, trial, rung) for rung in first]
        return Step(state, metrics=metrics, artefacts=files)

    def is_behind(self, board: int, trial: Trial) -> bool:
        """Whether a trial is paused while the training of a sister has gone on."""
        return trial.state is TrialState.PAUSED and next(self._ahead(board, trial), None) is not None

    def waits(self, one: _AtWork, running: Sequence[_AtWork]) -> bool:
        """Whether a sister at work is just doing what a trial needs next."""
        return self._takes_part(one.board, one.trial) and any(
            other.trial.id == one.trial.id and other.board != one.board and other.trial.state in _SHARED
            for other in running
        )

    def _takes_part(self, board: int, trial: Trial) -> bool:
        """Whether the next stage of a trial is one that does not depend on the board."""
        if trial.state is TrialState.COSTED:  # what does not fit is not trained
            return self._problems[board].limits.admits(Measurement.from_dict(trial.measurement or {}))
        return trial.state in _SHARED

    def _ahead(self, board: int, trial: Trial) -> Iterator[tuple[Study, Trial, TrialState]]:
        """Sisters that have made the next step, and the state that it led to."""
        if not self._takes_part(board, trial):
            return
        for number, study in enumerate(self._studies):
            if number != board:
                sister = study.trial(trial.id)
                state = _next_state(trial, sister)
                if state is not None:
                    yield study, sister, state

    def _rescored(self, board: int, trial: Trial, rung: Mapping[str, Any]) -> dict[str, Any]:
        """What a pause was worth for this board."""
        problem, cost = self._problems[board], Measurement.from_dict(trial.measurement or {})
        value = score(rung["error"], cost, problem.limits, problem.config.objective).value
        return {**rung, "objective": value}


_LEARNED: Mapping[TrialState, tuple[str, Sequence[str]]] = {
    TrialState.PAUSED: ("checkpoint", _OF_TRAINING),
    TrialState.TRAINED: ("weights", _OF_TRAINING),
    TrialState.CONVERTED: ("tflite", _OF_MODEL),
}


def _next_state(trial: Trial, sister: Trial) -> TrialState | None:
    """Where a trial comes by what its sister has learned; None: nowhere."""
    if trial.state is not TrialState.TRAINED and len(sister.rungs) > len(trial.rungs):
        return TrialState.PAUSED
    state = TrialState.CONVERTED if trial.state is TrialState.TRAINED else TrialState.TRAINED
    if _LEARNED[state][0] in sister.artefacts:
        return state
    # It failed in the same stage: what comes before depends on the board, and leaves nothing to take over.
    failed = sister.state is TrialState.FAILED and "costed" in sister.times
    return TrialState.FAILED if failed else None


def propose_to_all(
    studies: Sequence[Study], *, params: Mapping[str, Any], architecture: Mapping[str, Any], key: str, seed: int
) -> list[Trial]:
    """Add a trial to every study, in their order; see `Study.propose`."""
    return [study.propose(params=params, architecture=architecture, key=key, seed=seed) for study in studies]


def align(studies: Sequence[Study]) -> None:
    """Add the trials that a killed search had proposed for the first boards only.

    Raises:
        StudyError: The studies are not of one search.
    """
    first, *others = studies
    trials = first.trials()
    for study in others:
        own = study.trials()
        same = [(one.key, one.seed) for one in own] == [(one.key, one.seed) for one in trials[: len(own)]]
        if not same:
            what = f"its trials are not those of {first.folder}"
            raise StudyError(what, where=str(study.folder), advice="name the folder of one search for several boards")
        for trial in trials[len(own) :]:
            propose_to_all(
                [study], params=trial.params or {}, architecture=trial.architecture, key=trial.key, seed=trial.seed
            )
