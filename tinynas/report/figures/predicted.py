"""How far the resource model was off, trial by trial."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from tinynas.report.figures import plot
from tinynas.report.figures.marks import unfit
from tinynas.report.figures.palette import COLOURS
from tinynas.report.figures.plot import Figure
from tinynas.report.predicted import RESOURCES, Prediction, predictions
from tinynas.report.view import StudyView
from tinynas.report.words import describe_short, grouped, signed
from tinynas.study import TrialState

__all__ = ["prediction_error"]

_HEAD = "<b>trial %{text}</b><br>"


def prediction_error(view: StudyView, resource: str) -> Figure:
    """How far the resource model was off, in percent of what was measured of the `sram` or `flash`, over the latter."""
    pairs = predictions(view, resource)
    best = None if view.best is None else view.best.id
    kinds: dict[str, list[Prediction]] = {"trial": [], "infeasible": [], "best network": []}
    for pair in pairs:
        trial = pair.trial
        kinds["best network" if trial.id == best else "infeasible" if trial.feasible is False else "trial"].append(pair)
    styles = {
        "trial": plot.marker("accent", opacity=0.75),
        "infeasible": unfit(TrialState.INFEASIBLE),
        "best network": plot.marker("best", size=15, symbol="star"),
    }
    traces = [
        plot.points(
            name,
            [pair.measured_bytes / 1024 for pair in shown],
            [pair.off_percent for pair in shown],
            styles[name],
            **_say_both(shown),
        )
        for name, shown in kinds.items()
        if shown
    ]
    x = plot.axis(go.layout.XAxis, f"{RESOURCES[resource]}, measured (KiB)", zeroline=False)
    y = plot.axis(
        go.layout.YAxis,
        "resource model off by (%)",
        # The line of no error is always in sight: it is what the points are read against.
        range=plot.room_around([0.0, *(pair.off_percent for pair in pairs)]),
        zerolinecolor=COLOURS["muted"],
        zerolinewidth=1.5,
    )
    return plot.draw(traces, plot.layout(x, y))


def _say_both(pairs: Sequence[Prediction]) -> dict[str, Any]:
    """What a point says when touched: the network, and what was predicted and measured of it to the byte."""
    texts = [
        f"{escape(describe_short(pair.trial.architecture))}<br>predicted {grouped(pair.predicted_bytes)} B, "
        f"measured {grouped(pair.measured_bytes)} B<br>"
        f"off by {signed(pair.off_bytes)} B, {signed(pair.off_percent, 2)} %"
        for pair in pairs
    ]
    numbers = [str(pair.trial.id) for pair in pairs]
    return {"customdata": texts, "text": numbers, "hovertemplate": f"{_HEAD}%{{customdata}}<extra></extra>"}
