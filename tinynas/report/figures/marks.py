"""What several figures show of a trial: its look, what it says when touched, its error and its costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from tinynas.report.figures.palette import COLOURS
from tinynas.report.view import number_at
from tinynas.report.words import describe_short, kib, macs
from tinynas.study import Trial, TrialState

__all__ = ["UNSCORED", "error_of", "hover", "scored", "strip_of", "unfit"]

#: States without a score, with their symbols.
UNSCORED = {TrialState.PAUSED: "circle-open", TrialState.INFEASIBLE: "x-thin", TrialState.FAILED: "cross-thin"}

_HEAD = "<b>trial %{text}</b><br>"
_MOST_LETTERS = 90


def unfit(state: TrialState) -> Any:
    """The look of trials without a score: thin crosses are all rim."""
    colour = COLOURS["muted" if state is TrialState.PAUSED else "bad"]
    return go.scatter.Marker(color=colour, size=8, symbol=UNSCORED[state], line={"width": 1.5, "color": colour})


def scored(trials: Iterable[Trial]) -> list[Trial]:
    """Those that have ended with a score."""
    return [trial for trial in trials if trial.state is TrialState.DONE and trial.objective is not None]


def strip_of(trial: Trial) -> TrialState | None:
    """Which row of the strip a trial belongs to; None for scored trials and those under way."""
    if trial.state is TrialState.DONE:
        return None if trial.feasible else TrialState.INFEASIBLE
    return trial.state if trial.state in UNSCORED else None


def error_of(trial: Trial) -> float | None:
    """Validation error of the network as deployed, in m/s."""
    return number_at(trial.metrics, "error_int8")


def hover(trials: Sequence[Trial], figures: str) -> dict[str, Any]:
    """What a point says when touched: `figures` of the axes, then the network and its costs."""
    texts = []
    for trial in trials:
        sram, flash = (kib(number_at(trial.measurement, f"{name}_bytes")) for name in ("sram", "flash"))
        work = f"{macs(number_at(trial.measurement, 'macs'))} MACs"
        note = f"<br>{escape(_shorten(trial.note))}" if trial.note else ""
        texts.append(f"{escape(describe_short(trial.architecture))}<br>SRAM {sram}, flash {flash}, {work}{note}")
    numbers = [str(trial.id) for trial in trials]
    return {"customdata": texts, "text": numbers, "hovertemplate": f"{_HEAD}{figures}%{{customdata}}<extra></extra>"}


def _shorten(text: str) -> str:
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1]}…"
