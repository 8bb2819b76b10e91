"""What runs of several optimisers on several problems say: regret, who is better where, and a ranking.

Regret of a run after n evaluations = (best value so far - minimum) / unit, where the unit is what the best of ten
random points lacks (`Problem.reference`): 1 is as good as ten random points, 0 is perfect. Regrets below `FLOOR`, those
below zero too, are rounding noise of the functions themselves, and count as `FLOOR`.

The comparison is that of Dewancker et al. 2016 ("A Strategy for Ranking Optimization Methods using Multiple Criteria"):
on each function two optimisers are compared by a Mann-Whitney U test on their final regrets, where that sees no
difference by one on the areas under their best-seen curves, and the partial rankings that result are added up by Borda
counts: one point for every optimiser beaten on a function.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FLOOR",
    "SIGNIFICANCE",
    "beaten",
    "best_seen",
    "borda",
    "compare",
    "direction",
    "evaluations_to",
    "geometric_mean",
    "summary",
]

Array = NDArray[np.float64]
# Of one optimiser: name of the problem to best-seen regrets, shape (runs, evaluations).
Curves = Mapping[str, Array]

FLOOR = 1e-8
SIGNIFICANCE = 0.05
REACHED = 0.01


def best_seen(values: Sequence[float], minimum: float, unit: float, evaluations: int) -> Array:
    """Regret after each evaluation, shape (evaluations,).

    Args:
        values: In the order evaluated. Where an optimiser gave up early, the best it had stays.
        minimum: Lowest value of the problem.
        unit: Regret of the best of ten random points.
        evaluations: Length of the curve.
    """
    curve = np.full(evaluations, np.inf)
    curve[: len(values)] = values[:evaluations]
    return np.maximum((np.minimum.accumulate(curve) - minimum) / unit, FLOOR)


def geometric_mean(regrets: Sequence[float] | Array) -> float:
    """Geometric mean of regrets."""
    return float(np.exp(np.log(regrets).mean()))


def evaluations_to(curves: Array, regret: float = REACHED) -> Array:
    """Evaluations that each run needed to come down to a regret, shape (runs,); infinite where it did not."""
    below = curves <= regret
    return np.where(below.any(axis=1), below.argmax(axis=1) + 1.0, np.inf)


def compare(first: Array, second: Array) -> str | None:
    """Whether the first of two optimisers is better on a problem.

    Args:
        first: Best-seen regrets, shape (runs, evaluations).
        second: Those of the other.

    Returns:
        "final" if its final regrets are significantly lower; "area" if there is no significant difference in those, and
        the areas under its curves are; None otherwise, be it worse or not distinguishable.
    """
    final = direction(first[:, -1], second[:, -1])
    if final:
        return "final" if final < 0 else None
    return "area" if direction(first.mean(axis=1), second.mean(axis=1)) < 0 else None


def direction(first: Array, second: Array) -> int:
    """-1 if the first sample is significantly lower than the second, 1 if higher, else 0 (two-sided test)."""
    from scipy.stats import mannwhitneyu

    if np.unique(np.concatenate([first, second])).size == 1:
        return 0
    test = mannwhitneyu(first, second, alternative="two-sided")
    return int(np.sign(test.statistic - len(first) * len(second) / 2)) if test.pvalue < SIGNIFICANCE else 0


def beaten(curves: Mapping[str, Curves]) -> dict[str, dict[tuple[str, str], str]]:
    """Problem to pairs (better, worse) of optimisers to how they differ there: "final" or "area"."""
    found: dict[str, dict[tuple[str, str], str]] = {}
    for problem in dict.fromkeys(name for of_one in curves.values() for name in of_one):
        present = [optimiser for optimiser in curves if problem in curves[optimiser]]
        pairs = {(a, b): compare(curves[a][problem], curves[b][problem]) for a, b in permutations(present, 2)}
        found[problem] = {pair: how for pair, how in pairs.items() if how}
    return found


def borda(optimisers: Sequence[str], pairs: Mapping[str, Mapping[tuple[str, str], str]]) -> dict[str, int]:
    """Optimisers beaten, added up over the problems."""
    return {name: sum(better == name for found in pairs.values() for better, _ in found) for name in optimisers}


def summary(curves: Mapping[str, Curves], marks: Sequence[int]) -> dict[str, Any]:
    """All figures of a benchmark, for JSON.

    The regret of an optimiser is the geometric mean, over problems, of the median over runs: the median forgives an
    unlucky run, the geometric mean gives every problem the same weight whatever its size.

    Args:
        curves: Optimiser to problem to best-seen regrets, shape (runs, evaluations).
        marks: Numbers of evaluations after which to give the regret.
    """
    pairs = beaten(curves)
    points = borda(list(curves), pairs)
    figures = {}
    for name, of_one in curves.items():
        needed = np.concatenate([evaluations_to(runs) for runs in of_one.values()])
        median = float(np.median(needed))
        figures[name] = {
            "problems": len(of_one),
            "runs": len(needed),
            "regret": {
                str(n): geometric_mean([float(np.median(runs[:, n - 1])) for runs in of_one.values()]) for n in marks
            },
            "share_to_1_percent": round(float(np.isfinite(needed).mean()), 4),
            # The median over all runs, those that never came there included: unknown if they are the half.
            "evaluations_to_1_percent": median if np.isfinite(median) else None,
            "borda": points[name],
            "better_than": _table_of(name, pairs, better=True),
            "worse_than": _table_of(name, pairs, better=False),
        }
    medians = {
        problem: {
            name: float(np.median(of_one[problem][:, -1])) for name, of_one in curves.items() if problem in of_one
        }
        for problem in pairs
    }
    return {
        "significance": SIGNIFICANCE,
        "regret_floor": FLOOR,
        "optimisers": figures,
        "final_regret": medians,
    }


def _table_of(name: str, pairs: Mapping[str, Mapping[tuple[str, str], str]], *, better: bool) -> dict[str, Any]:
    """Other optimiser to the problems on which this one is better (or worse), by final regret and by area."""
    table: dict[str, dict[str, list[str]]] = {}
    for problem, found in pairs.items():
        for (winner, loser), how in found.items():
            mine, other = (winner, loser) if better else (loser, winner)
            if mine == name:
                table.setdefault(other, {"final": [], "area": []})[how].append(problem)
    return table
