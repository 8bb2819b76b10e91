"""A study as a whole: what limits the board now, what each parameter moved, which of the best cannot be told apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tinynas.config import Config
from tinynas.explain.advice import Step, next_steps
from tinynas.report import COSTS, Importance, StudyView, final_trainings, importances, number_at
from tinynas.study import Trial, TrialState

__all__ = ["Bound", "StudyExplained", "Tie", "explain_study"]

# Of a normal distribution: two single trainings of one network differ by more in 5 of 100 cases.
_CERTAIN = 1.96 * math.sqrt(2)
_TIGHT = 0.9
_TIES = 10


@dataclass(frozen=True)
class Bound:
    """A resource, and how near the search is to its limit.

    Attributes:
        cost: `sram`, `flash`, `latency`, `energy`.
        label: What people call it.
        share: Of the limit that the best network takes; None without one.
        exceeded: Networks that take more than the limit.
        binds: Whether it limits the search: networks exceed it, or the best one takes nearly all of it.
    """

    cost: str
    label: str
    share: float | None
    exceeded: int
    binds: bool


@dataclass(frozen=True)
class Tie:
    """Networks that a single training does not tell apart.

    Attributes:
        spread_m_s: Standard deviation of the error between trainings of one network; None: not known.
        trainings: How many final trainings that is learned from.
        trials: Trials whose error is nearer to the best one's than chance makes it, the best first.
    """

    spread_m_s: float | None
    trainings: int
    trials: tuple[int, ...]


@dataclass(frozen=True)
class StudyExplained:
    """What there is to say of a study.

    Attributes:
        trials: By state, how many.
        best: Number of the best trial, or None.
        bounds: What limits the networks.
        reasons: Why trials failed, and how often; the most frequent first.
        importances: What moved error, SRAM and flash.
        tie: Which of the best cannot be told apart.
        steps: What to try next, the most useful first.
    """

    trials: Mapping[str, int]
    best: int | None
    bounds: tuple[Bound, ...]
    reasons: Mapping[str, int]
    importances: tuple[Importance, ...]
    tie: Tie
    steps: tuple[Step, ...]

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)


def explain_study(view: StudyView, config: Config) -> StudyExplained:
    """Say what limits a study, what moved what, and what to try next.

    Args:
        view: The study.
        config: The same study's configuration.
    """
    counts = {str(state): sum(trial.state is state for trial in view.trials) for state in TrialState}
    bounds, tie = tuple(_bounds(view)), _tie(view)
    reasons: dict[str, int] = {}
    for trial in view.trials:
        if trial.state is TrialState.FAILED:
            reasons[str(trial.reason)] = reasons.get(str(trial.reason), 0) + 1
    return StudyExplained(
        trials={state: count for state, count in counts.items() if count},
        best=None if view.best is None else view.best.id,
        bounds=bounds,
        reasons=dict(sorted(reasons.items(), key=lambda one: -one[1])),
        importances=tuple(importances(view)),
        tie=tie,
        steps=tuple(next_steps(view, config, [bound.cost for bound in bounds if bound.binds], len(tie.trials))),
    )


def _bounds(view: StudyView) -> list[Bound]:
    found = []
    for cost in COSTS:
        limit = cost.limit(view)
        if not limit:
            continue
        used = None if view.best is None else cost.of(view.best)
        share = None if used is None else used / limit
        over = sum((value := cost.of(trial)) is not None and value > limit for trial in view.trials)
        found.append(Bound(cost.key, cost.label, share, over, over > 0 or (share is not None and share >= _TIGHT)))
    return found


def _tie(view: StudyView) -> Tie:
    finals = final_trainings(view)
    spreads = [(float(row["spread"]), len(row["trials"]) - 1) for row in finals if row["spread"] is not None]
    ranked = sorted(
        (error, trial.id) for trial in view.trials if _counts(trial) and (error := _error(trial)) is not None
    )
    if not spreads or not ranked:
        return Tie(None, 0, ())
    freedom = sum(count for _, count in spreads)
    spread = math.sqrt(sum(count * one**2 for one, count in spreads) / freedom)
    near = [number for error, number in ranked if error <= ranked[0][0] + _CERTAIN * spread]
    return Tie(spread, sum(len(row["trials"]) for row in finals), tuple(near[:_TIES]))


def _counts(trial: Trial) -> bool:
    """Whether a trial is one of a search, fits, and was trained by itself."""
    return bool(trial.feasible) and trial.final_of is None and trial.duplicate_of is None


def _error(trial: Trial) -> float | None:
    return number_at(trial.metrics, "error_int8")
