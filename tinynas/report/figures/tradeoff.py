"""The error of networks against what they cost, with the board's limit and the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from tinynas.report.figures import plot
from tinynas.report.figures.marks import error_of, hover, scored
from tinynas.report.figures.palette import COLOURS
from tinynas.report.figures.plot import Figure
from tinynas.report.resources import COSTS
from tinynas.report.view import StudyView, pareto_front

__all__ = ["error_against"]

_COSTS = {cost.key: cost for cost in COSTS}


def error_against(view: StudyView, key: str) -> Figure | None:
    """Validation error of the deployed networks against what they cost, with the limit and the Pareto front.

    Args:
        view: The study.
        key: The cost: `sram`, `flash`, `latency` or `energy`.

    Returns:
        The figure; None where no trial has both.
    """
    cost = _COSTS[key]
    found = [(trial, cost.of(trial), error_of(trial)) for trial in scored(view.trials)]
    shown = [(trial, used, error) for trial, used, error in found if used and error is not None]
    if not shown:
        return None
    trials, costs, errors = (list(column) for column in zip(*shown, strict=True))
    fits = [i for i, trial in enumerate(trials) if trial.feasible]
    front = [fits[i] for i in pareto_front([(costs[i], errors[i]) for i in fits])]
    rest = sorted(set(range(len(trials))) - set(front))
    best = [i for i, trial in enumerate(trials) if view.best is not None and trial.id == view.best.id]
    step = go.scatter.Line(color=COLOURS["front"], width=1.5, shape="hv")
    looks: dict[str, tuple[list[int], Any, dict[str, Any]]] = {
        "trial": (rest, plot.marker("accent", opacity=0.55), {}),
        "Pareto front": (front, plot.marker("front", size=10), {"mode": "lines+markers", "line": step}),
        "best network": (best, plot.marker("best", size=15, symbol="star"), {}),
    }
    traces = []
    for name, (indices, style, more) in looks.items():
        if indices:
            axes = f"error %{{y:.3f}} m/s, {cost.label} %{{x:.4g}} {cost.unit}<br>"
            told = hover([trials[i] for i in indices], axes)
            trace = plot.points(name, [costs[i] for i in indices], [errors[i] for i in indices], style, **told)
            traces.append(trace.update(more))
    x = plot.axis(go.layout.XAxis, f"{cost.label} ({cost.unit})", rangemode="tozero")
    y = plot.axis(go.layout.YAxis, f"validation error, {view.precision} (m/s)", range=plot.room_around(errors))
    form = plot.layout(x, y)
    limit = cost.limit(view)
    if limit is not None:
        _mark_limit(form, costs, limit, cost.text(limit))
    return plot.draw(traces, form)


def _mark_limit(form: Any, costs: Sequence[float], limit: float, text: str) -> None:
    form.xaxis.range = [0, 1.08 * max([limit, *costs])]
    line = {"color": COLOURS["bad"], "width": 2, "dash": "dash"}
    form.shapes = [go.layout.Shape(type="line", x0=limit, x1=limit, y0=0, y1=1, yref="paper", line=line)]
    place = {"x": limit, "y": 1, "yref": "paper", "xanchor": "right", "yanchor": "top", "xshift": -4}
    font = {"color": COLOURS["bad"], "size": 12}
    form.annotations = [go.layout.Annotation(text=f"limit {text}", showarrow=False, font=font, **place)]
