"""How a search went: the objective of every trial, the best so far, and what it cost to find it."""

from __future__ import annotations

from itertools import accumulate

import plotly.graph_objects as go

from tinynas.report.figures import plot
from tinynas.report.figures.marks import UNSCORED, hover, scored, strip_of, unfit
from tinynas.report.figures.plot import Figure
from tinynas.report.view import StudyView
from tinynas.study import Trial

__all__ = ["history"]


def history(view: StudyView) -> Figure:
    """Objective of every scored trial, the best so far, and a strip of the trials that have no score."""
    feasible = [trial for trial in scored(view.trials) if trial.feasible]
    values = [_objective(trial) for trial in feasible]
    traces = []
    if feasible:
        best = list(accumulate(values, min))
        # The line goes on to the last trial: nothing better was found since.
        numbers = [trial.id for trial in feasible] + [view.trials[-1].id]
        traces.append(plot.lines("best so far", numbers, [*best, best[-1]], "best", shape="hv", hoverinfo="skip"))
        told = hover(feasible, "objective %{y:.4f}<br>")
        traces.append(plot.points("feasible", [trial.id for trial in feasible], values, **told))
    shown = []
    for state in UNSCORED:
        trials = [trial for trial in view.trials if strip_of(trial) == state]
        if trials:
            shown.append(state.value)
            numbers, told = [trial.id for trial in trials], hover(trials, "")
            names = [state.value] * len(trials)
            traces.append(plot.points(state.value, numbers, names, unfit(state), yaxis="y2", showlegend=False, **told))
    # Room for whole markers at both ends, and whole trial numbers even for one trial.
    last = max(1, len(view.trials) - 1)
    room = 0.3 + 0.015 * last
    x = plot.axis(go.layout.XAxis, "trial", range=[-room, last + room], zeroline=False, dtick=plot.whole_step(last))
    y = plot.axis(go.layout.YAxis, "objective f_opt (lower is better)", range=plot.room_around(values))
    if not shown:
        return plot.draw(traces, plot.layout(x, y))
    # Without a scored trial the strip is all there is.
    x.anchor, y.domain, y.visible = "y2", [0.24, 1], bool(values)
    strip = plot.axis(
        go.layout.YAxis,
        "",
        domain=[0, 0.18 if values else 1],
        type="category",
        categoryarray=shown[::-1],
        categoryorder="array",
        fixedrange=True,
        tickfont={"size": 11},
    )
    return plot.draw(traces, plot.layout(x, y, yaxis2=strip))


def _objective(trial: Trial) -> float:
    return float("inf") if trial.objective is None else trial.objective
