"""The final trainings of a study: how far seeds of one network lie apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any

from tinynas.report.view import StudyView, number_at
from tinynas.report.words import number

__all__ = ["describe_final", "final_trainings"]


def final_trainings(view: StudyView) -> list[dict[str, Any]]:
    """Return what the final training found, network by network; empty without one.

    Args:
        view: The study.

    Returns:
        For each network: of (id of the trial that the search made), trials (ids of its final trainings), error_int8
        (joint velocity RMSE in m/s on the validation recordings, one a training), mean and spread (their standard
        deviation, or None of a single one), and like_best: whether the seeds leave open which of this network and the
        one of lowest mean is better, or None where no network has two seeds; best: whether it is that one.
    """
    found: dict[int, dict[str, Any]] = {}
    for trial in view.trials:
        error = number_at(trial.metrics, "error_int8")
        if trial.final_of is not None and trial.refit_of is None and error is not None:
            row = found.setdefault(trial.final_of, {"of": trial.final_of, "trials": [], "error_int8": []})
            row["trials"].append(trial.id)
            row["error_int8"].append(error)
    for row in found.values():
        errors = row["error_int8"]
        row["mean"], row["spread"] = mean(errors), stdev(errors) if len(errors) > 1 else None
    rows = list(found.values())
    for row, alike in zip(rows, _compare_to_best([row["error_int8"] for row in rows]), strict=True):
        row["like_best"] = alike
    if rows:
        least = min(row["mean"] for row in rows)
        for row in rows:
            row["best"] = row["mean"] == least
    return rows


def _compare_to_best(groups: Sequence[Sequence[float]]) -> list[bool | None]:
    """Which groups have a mean that does not differ from the lowest one by a t-test of 5 %.

    The spread between seeds is taken to be the same for all networks: two or three seeds of one say little about it.
    """
    from scipy.stats import t

    freedom = sum(len(group) - 1 for group in groups)
    if freedom < 1:
        return [None] * len(groups)
    spread = math.sqrt(sum((value - mean(group)) ** 2 for group in groups for value in group) / freedom)
    best = min(groups, key=mean)
    border = float(t.ppf(0.975, freedom)) * spread
    apart = [math.sqrt(1 / len(group) + 1 / len(best)) for group in groups]
    return [mean(group) - mean(best) <= border * width for group, width in zip(groups, apart, strict=True)]


def describe_final(row: Mapping[str, Any]) -> str:
    """Say what the final trainings of one network came to.

    Args:
        row: Of `final_trainings`.

    Example:
        >>> describe_final({"of": 4, "error_int8": [0.1, 0.12], "mean": 0.11, "spread": 0.0141})
        'network of trial 4, 2 seeds: 0.110 \N{PLUS-MINUS SIGN} 0.014 m/s on validation'
    """
    errors = row.get("error_int8")
    count = len(errors) if isinstance(errors, Sequence) else 0
    spread = number_at(row, "spread")
    beside = "" if spread is None else f" \N{PLUS-MINUS SIGN} {number(spread)}"
    alike = ", not told from the best by its seeds" if row.get("like_best") and not row.get("best") else ""
    seeds = f"{count} seed{'' if count == 1 else 's'}"
    return (
        f"network of trial {row.get('of')}, {seeds}: {number(number_at(row, 'mean'))}{beside} m/s on validation{alike}"
    )
