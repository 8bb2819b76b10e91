"""Which parameters of a search moved what: by how much a figure is predicted worse without one of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from tinynas.report.resources import COSTS
from tinynas.report.view import StudyView, number_at
from tinynas.study import Trial

__all__ = ["FEWEST_TRIALS", "Importance", "importance", "importances"]

#: With fewer trials nothing can be told.
FEWEST_TRIALS = 8

# More trees and repeats change the shares by less than a further trial does.
_TREES, _REPEATS, _MOST_TRIALS = 48, 5, 2000


@dataclass(frozen=True)
class Importance:
    """What the parameters have to do with one figure.

    Attributes:
        figure: `error` or the key of a cost.
        shares: Of each parameter, of all together 1; the largest first.
        trials: How many trials that is learned from.
        explained: Share of the figure's variance that a forest predicts of trials it has not seen; near 0 or below, the
            shares say nothing.
    """

    figure: str
    shares: dict[str, float]
    trials: int
    explained: float


def importance(view: StudyView, figure: str = "error") -> Importance | None:
    """Learn from a study's trials which parameters moved a figure.

    A forest of random trees learns the figure from the parameters. A parameter's share is how much worse the forest
    predicts where that parameter is shuffled between the trials (permutation importance: L. Breiman, Random forests,
    Machine Learning 45, 2001). The same study gives the same shares.

    Args:
        view: The study.
        figure: `error`, the validation error of the network as deployed, or the key of a cost: `sram`, `flash`, ...

    Returns:
        The importance; None with fewer than `FEWEST_TRIALS` trials, or where all are alike.
    """
    of = _figures()[figure]
    rows = [(trial.params, value) for trial in view.trials if trial.params and _is_own(trial) and (value := of(trial))]
    rows = rows[-_MOST_TRIALS:]
    names = sorted({name for params, _ in rows for name in params})
    if len(rows) < FEWEST_TRIALS or not names:
        return None
    inputs = np.stack([_encode([params.get(name) for params, _ in rows]) for name in names], axis=1)
    targets = np.array([value for _, value in rows], np.float64)
    varied = [index for index in range(len(names)) if np.ptp(inputs[:, index]) > 0]
    if not varied or np.ptp(targets) == 0:
        return None
    shuffled, explained = _learn(inputs[:, varied].tobytes(), len(varied), targets.tobytes())
    drops = np.maximum(shuffled, 0.0)
    whole = float(drops.sum())
    if whole == 0:
        return None
    shares = {names[index]: float(drop) / whole for index, drop in zip(varied, drops, strict=True)}
    ranked = dict(sorted(shares.items(), key=lambda item: (-item[1], item[0])))
    return Importance(figure, ranked, len(rows), explained)


def importances(view: StudyView) -> list[Importance]:
    """What moved the error, the SRAM and the flash; without those of which nothing can be told.

    Args:
        view: The study.
    """
    return [found for figure in ("error", "sram", "flash") if (found := importance(view, figure)) is not None]


@lru_cache(maxsize=24)
def _learn(inputs: bytes, width: int, targets: bytes) -> tuple[tuple[float, ...], float]:
    """How much worse each column's shuffling makes a forest, and what the forest explains; bytes, to be remembered."""
    x, y = np.frombuffer(inputs).reshape(-1, width), np.frombuffer(targets)
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    forest = RandomForestRegressor(_TREES, min_samples_leaf=2, oob_score=True, bootstrap=True, random_state=0)
    with warnings.catch_warnings():  # of few trials some were in every tree's sample
        warnings.simplefilter("ignore", UserWarning)
        forest.fit(x, y)
    found = permutation_importance(forest, x, y, n_repeats=_REPEATS, random_state=0)
    return tuple(found.importances_mean.tolist()), float(forest.oob_score_)


def _figures() -> dict[str, Callable[[Trial], float | None]]:
    return {"error": lambda trial: number_at(trial.metrics, "error_int8"), **{cost.key: cost.of for cost in COSTS}}


def _is_own(trial: Trial) -> bool:
    """Whether a trial is the search's own, and no repetition that would count twice."""
    return trial.duplicate_of is None and trial.final_of is None


def _encode(values: Sequence[Any]) -> np.ndarray[Any, Any]:
    """Numbers as they are; anything else by the order of its text; what a trial does not have apart from all."""
    if all(value is None or isinstance(value, int | float) for value in values):
        known = [float(value) for value in values if value is not None]
        missing = min(known, default=0.0) - 1
        return np.array([missing if value is None else float(value) for value in values])
    ranks = {text: index for index, text in enumerate(sorted({repr(value) for value in values}))}
    return np.array([float(ranks[repr(value)]) for value in values])
