"""Trial: one candidate network and everything known about it; and the state machine it moves through."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tinynas.errors import StudyError

__all__ = ["Trial", "TrialState", "check_feasible", "check_objective", "check_transition"]


class TrialState(str, Enum):
    """How far a trial has come. The value is what a study stores.

    Example:
        >>> TrialState.COSTED.is_finished, TrialState("done").is_finished
        (False, True)
        >>> TrialState.COSTED.can_become(TrialState.INFEASIBLE)
        True
    """

    PROPOSED = "proposed"
    COSTED = "costed"
    PAUSED = "paused"
    TRAINED = "trained"
    CONVERTED = "converted"
    MEASURED = "measured"
    DONE = "done"
    INFEASIBLE = "infeasible"
    FAILED = "failed"

    def __str__(self) -> str:
        return self.value

    @property
    def followers(self) -> tuple[TrialState, ...]:
        """The states a trial can enter next. Only `paused` may follow itself: each time its training went on."""
        return _FOLLOWERS[self]

    @property
    def is_finished(self) -> bool:
        """Whether the state is final: done, infeasible or failed."""
        return not self.followers

    def can_become(self, target: TrialState) -> bool:
        """Whether a trial in this state can enter `target` next."""
        return target in self.followers


_FOLLOWERS: dict[TrialState, tuple[TrialState, ...]] = {
    TrialState.PROPOSED: (TrialState.COSTED, TrialState.FAILED),
    TrialState.COSTED: (TrialState.PAUSED, TrialState.TRAINED, TrialState.INFEASIBLE, TrialState.FAILED),
    TrialState.PAUSED: (TrialState.PAUSED, TrialState.TRAINED, TrialState.FAILED),
    TrialState.TRAINED: (TrialState.CONVERTED, TrialState.FAILED),
    TrialState.CONVERTED: (TrialState.MEASURED, TrialState.FAILED),
    TrialState.MEASURED: (TrialState.DONE, TrialState.FAILED),
    TrialState.DONE: (),
    TrialState.INFEASIBLE: (),
    TrialState.FAILED: (),
}


@dataclass(frozen=True)
class Trial:
    """One candidate network: what was proposed, how far it came, and what was learned.

    Attributes:
        id: 0, 1, 2, ... in the order of proposal.
        architecture: The network, as a JSON mapping.
        state: How far it has come.
        seed: Seed of everything random about this trial.
        measurement: What the network costs on the board (sram_bytes, flash_bytes, ...), or None before costing.
        metrics: What it achieves (error_float, error_int8, ...), or None before training, but for `inherits_from`.
        objective: f_opt, the lower the better, or None before scoring.
        feasible: Whether it fits the board, or None before that is known.
        reason: Why it failed or does not fit; else None.
        duplicate_of: Id of the earlier trial of the same network whose results it took over, or None.
        times: Unix time in seconds at which each state was entered. Of a training that paused several times: `paused`,
            `paused_2` and so on.
        artefacts: Kind of file ("tflite", "weights", ...) to the SHA-256 of its content.
        params: What the tuner suggested, or None. Of a final training: {"final_of": the id of the trial it repeats}; of
            one that learned the validation recordings, too: also {"refit_of": the id of the trial that was chosen,
            "judged": that trial's metrics}.
        key: Canonical form of the architecture. Equal keys mean equal networks.
    """

    id: int
    architecture: Mapping[str, Any]
    state: TrialState
    seed: int
    measurement: Mapping[str, Any] | None
    metrics: Mapping[str, Any] | None
    objective: float | None
    feasible: bool | None
    reason: str | None
    duplicate_of: int | None
    times: Mapping[str, float]
    artefacts: Mapping[str, str]
    params: Mapping[str, Any] | None
    key: str

    @property
    def final_of(self) -> int | None:
        """Id of the trial whose network this one trains once more, at full length; None for a trial of the search."""
        found = (self.params or {}).get("final_of")
        return found if isinstance(found, int) else None

    @property
    def rungs(self) -> tuple[Mapping[str, Any], ...]:
        """What the trial achieved at each pause of its training, first to last."""
        found = (self.metrics or {}).get("rungs")
        return tuple(found) if isinstance(found, list) else ()

    @property
    def inherits_from(self) -> int | None:
        """Id of the trial with whose weights the training up to the first rung began; None: it began from scratch.

        Every later rung, and the result, are those of a training from scratch.
        """
        found = (self.metrics or {}).get("inherits_from")
        return found if isinstance(found, int) else None

    @property
    def epochs_kept(self) -> int:
        """Epochs of a paused training that it goes on from; 0 where it begins anew, or has not begun."""
        anew = self.inherits_from is not None and len(self.rungs) == 1
        return int(self.rungs[-1]["epochs"]) if self.rungs and not anew else 0

    @property
    def at_rest(self) -> bool:
        """Whether nothing more happens to it by itself: it is finished, or paused."""
        return self.state.is_finished or self.state is TrialState.PAUSED

    @property
    def refit_of(self) -> int | None:
        """Id of the chosen trial whose network this one trains on the validation recordings, too; else None.

        Its errors on these recordings say nothing, so its metrics are those of the chosen trial.
        """
        found = (self.params or {}).get("refit_of")
        return found if isinstance(found, int) else None

    @property
    def note(self) -> str:
        """What a reader should know beside the figures: the original of a duplicate, and the reason. Often empty."""
        copied = "" if self.duplicate_of is None else f"duplicate of {self.duplicate_of}"
        final = "" if self.final_of is None else f"final training of {self.final_of}"
        if self.refit_of is not None:
            final = f"{self.refit_of} trained on validation, too; validation errors are those of {self.refit_of}"
        rests = self.state is TrialState.PAUSED and self.rungs
        paused = f"paused after epoch {self.rungs[-1]['epochs']}" if rests else ""
        if rests and len(self.rungs) == 1 and self.inherits_from is not None:
            paused += f", with weights of {self.inherits_from}"
        return "; ".join(part for part in (copied, final, paused, self.reason) if part)


def check_transition(trial_id: int, current: TrialState, target: TrialState, reason: str | None) -> None:
    """Refuse a transition that the state machine does not have.

    Args:
        trial_id: For the message.
        current: State the trial is in.
        target: State it is to enter.
        reason: A trial can only fail with a reason.

    Raises:
        StudyError: The transition is illegal.

    Example:
        >>> check_transition(0, TrialState.PROPOSED, TrialState.COSTED, None)
        >>> check_transition(0, TrialState.DONE, TrialState.COSTED, None)
        Traceback (most recent call last):
        ...
        tinynas.errors.StudyError: trial 0: cannot go from 'done' to 'costed' ('done' is final)
    """
    where = f"trial {trial_id}"
    if not current.can_become(target):
        followers = ", ".join(current.followers)
        advice = f"'{current}' is final" if current.is_finished else f"from '{current}' to {followers}"
        raise StudyError(f"cannot go from '{current}' to '{target}'", where=where, advice=advice)
    if target is TrialState.FAILED and not (reason and reason.strip()):
        raise StudyError("a failed trial needs a reason", where=where, advice="pass reason=...")


def check_objective(trial_id: int, objective: float) -> float:
    """Return the objective as a float.

    Raises:
        StudyError: It is NaN or infinite. Such a trial cannot be ranked.
    """
    value = float(objective)
    if not math.isfinite(value):
        advice = "advance the trial to 'failed' with a reason"
        raise StudyError(f"the objective is {value}", where=f"trial {trial_id}", advice=advice)
    return value


def check_feasible(trial_id: int, state: TrialState, feasible: bool | None, objective: float | None) -> bool | None:
    """Return whether a trial that enters a state fits the board, as far as known.

    Raises:
        StudyError: It is infeasible but said to fit, or done without a score.
    """
    if state is TrialState.INFEASIBLE:
        if feasible:
            raise StudyError("an infeasible trial cannot be feasible", where=f"trial {trial_id}")
        return False
    if state is TrialState.DONE and (objective is None or feasible is None):
        missing = "objective" if objective is None else "feasible"
        raise StudyError(f"a trial that is done needs {missing}=...", where=f"trial {trial_id}")
    return feasible
