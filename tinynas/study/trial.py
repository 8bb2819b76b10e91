"""Trial: one candidate network and everything known about it; and the state machine it moves through."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tinynas.errors import StudyError

__all__ = ["FINAL_STATES", "STATES", "Trial", "check_feasible", "check_objective", "check_transition", "duplicate_of"]

STATES = ("proposed", "costed", "trained", "converted", "measured", "done", "infeasible", "failed", "pruned")
FINAL_STATES = frozenset({"done", "infeasible", "failed", "pruned"})

# What may follow a state. `failed` and `pruned` may follow every state that is not final. The graph has no cycle, so a
# trial enters each state at most once.
_NEXT: dict[str, frozenset[str]] = {
    "proposed": frozenset({"costed", "failed", "pruned"}),
    "costed": frozenset({"infeasible", "trained", "failed", "pruned"}),
    "trained": frozenset({"converted", "failed", "pruned"}),
    "converted": frozenset({"measured", "failed", "pruned"}),
    "measured": frozenset({"done", "failed", "pruned"}),
} | dict.fromkeys(FINAL_STATES, frozenset())

_DUPLICATE = re.compile(r"duplicate of (\d{1,18})", re.ASCII)


@dataclass(frozen=True)
class Trial:
    """One candidate network: what was proposed, how far it came, and what was learned.

    Attributes:
        id: 0, 1, 2, ... in the order of proposal.
        architecture: The network, as a JSON mapping.
        state: One of `STATES`.
        seed: Seed of everything random about this trial.
        measurement: What the network costs on the board (sram_bytes, flash_bytes, ...), or None before costing.
        metrics: What it achieves (error_float, error_int8, ...), or None before training.
        objective: f_opt, the lower the better, or None before scoring.
        feasible: Whether it fits the board, or None before that is known.
        reason: Why it failed, was pruned, was infeasible or was answered from another trial; else None.
        times: Unix time in seconds at which each state was entered.
        artefacts: Kind of file ("tflite", "weights", ...) to the SHA-256 of its content.
        params: What the tuner suggested, or None.
        key: Canonical form of the architecture; equal keys mean equal networks.
    """

    id: int
    architecture: Mapping[str, Any]
    state: str
    seed: int
    measurement: Mapping[str, Any] | None
    metrics: Mapping[str, Any] | None
    objective: float | None
    feasible: bool | None
    reason: str | None
    times: Mapping[str, float]
    artefacts: Mapping[str, str]
    params: Mapping[str, Any] | None
    key: str

    @property
    def finished(self) -> bool:
        """Whether the trial is in a final state: done, infeasible, failed or pruned."""
        return self.state in FINAL_STATES


def duplicate_of(reason: str | None) -> int | None:
    """Return N when the reason reads `duplicate of N`, else None.

    Example:
        >>> duplicate_of("duplicate of 12")
        12
        >>> duplicate_of("out of memory") is None
        True
    """
    match = _DUPLICATE.fullmatch(reason or "")
    return int(match[1]) if match else None


def check_transition(trial_id: int, current: str, target: str, reason: str | None) -> None:
    """Refuse a transition that the state machine does not have.

    Args:
        trial_id: For the message.
        current: State the trial is in.
        target: State it is to enter.
        reason: A trial can only fail with a reason; `duplicate of N` lets a proposed trial finish at once.

    Raises:
        StudyError: The transition is illegal.

    Example:
        >>> check_transition(0, "proposed", "costed", None)
        >>> check_transition(0, "done", "costed", None)
        Traceback (most recent call last):
        ...
        tinynas.errors.StudyError: trial 0: cannot go from 'done' to 'costed' ('done' is final)
    """
    where = f"trial {trial_id}"
    if target not in STATES:
        raise StudyError(f"unknown state {target!r}", where=where, advice=f"one of {', '.join(STATES)}")
    answered = current == "proposed" and target in {"done", "infeasible"} and duplicate_of(reason) is not None
    if not answered and target not in _NEXT[current]:
        followers = ", ".join(state for state in STATES if state in _NEXT[current])
        advice = f"from {current!r} to {followers}" if followers else f"{current!r} is final"
        raise StudyError(f"cannot go from {current!r} to {target!r}", where=where, advice=advice)
    if target == "failed" and not (reason and reason.strip()):
        raise StudyError("a failed trial needs a reason", where=where, advice="pass reason=...")


def check_objective(trial_id: int, objective: float) -> float:
    """Return the objective as a float.

    Raises:
        StudyError: It is NaN or infinite: such a trial cannot be ranked.
    """
    value = float(objective)
    if not math.isfinite(value):
        advice = "advance the trial to 'failed' with a reason"
        raise StudyError(f"the objective is {value}", where=f"trial {trial_id}", advice=advice)
    return value


def check_feasible(trial_id: int, state: str, feasible: bool | None, objective: float | None) -> bool | None:
    """Return whether a trial that enters a state fits the board, as far as known.

    Raises:
        StudyError: Infeasible yet said to fit, or done without a score.
    """
    if state == "infeasible":
        if feasible:
            raise StudyError("an infeasible trial cannot be feasible", where=f"trial {trial_id}")
        return False
    if state == "done" and (objective is None or feasible is None):
        missing = "objective" if objective is None else "feasible"
        raise StudyError(f"a trial that is done needs {missing}=...", where=f"trial {trial_id}")
    return feasible
