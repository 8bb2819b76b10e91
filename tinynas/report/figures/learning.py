"""Learning curves: the validation error after every epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from tinynas.report.figures import plot
from tinynas.report.figures.plot import Figure
from tinynas.report.view import StudyView, curve_at
from tinynas.study import Trial

__all__ = ["learning_curve", "learning_curves"]

# More lines than these hide each other, and make the page large.
_MOST_LINES = 40


def learning_curves(view: StudyView) -> Figure | None:
    """Validation error over the epochs: of the best network, of those in training, and of the latest others.

    Args:
        view: The study.

    Returns:
        The figure; None where the study keeps no curve.
    """
    curves = list(_curves(view))
    if not curves:
        return None
    # What matters most is drawn last, on top.
    order = {"others": 0, "in training": 1, "best network": 2}
    latest = sorted(curves, key=lambda curve: (order[curve[1]], curve[0]))[-_MOST_LINES:]
    looks = {"others": ("muted", 1.2, 0.5), "in training": ("accent", 2.0, 1.0), "best network": ("best", 2.6, 1.0)}
    traces, named = [], set()
    for number, kind, values in latest:
        colour, width, opacity = looks[kind]
        more = {"opacity": opacity, "legendgroup": kind, "showlegend": kind not in named}
        traces.append(_line(kind, number, values, colour, width=width, **more))
        named.add(kind)
    return _draw(traces)


def learning_curve(view: StudyView, trial: Trial) -> Figure | None:
    """Validation error of one trial over its epochs; None where it is not kept.

    Args:
        view: The study.
        trial: The trial.
    """
    values = view.live.curves.get(trial.id) or curve_at(trial.metrics)
    if not values:
        return None
    line = _line("validation error", trial.id, values, "accent", width=2)
    line.update(mode="lines+markers")
    traces = [line]
    kept = (trial.metrics or {}).get("best_epoch")
    if isinstance(kept, int) and 0 <= kept < len(values):
        best = plot.marker("best", size=14, symbol="star")
        traces.append(plot.points("kept", [kept + 1], [values[kept]], best, hoverinfo="skip"))
    return _draw(traces)


def _curves(view: StudyView) -> Iterator[tuple[int, str, Sequence[float]]]:
    best = None if view.best is None else view.best.id
    running: Mapping[int, Sequence[float]] = view.live.curves
    for trial in view.trials:
        values = curve_at(trial.metrics)
        if trial.id in running and not trial.state.is_finished:
            yield trial.id, "in training", running[trial.id]
        elif values and trial.duplicate_of is None:
            yield trial.id, "best network" if trial.id == best else "others", values


def _line(name: str, number: int, values: Sequence[float], colour: str, **more: Any) -> Any:
    told = f"trial {number}<br>epoch %{{x}}: %{{y:.3f}}<extra></extra>"
    line = plot.lines(name, range(1, len(values) + 1), values, colour, hovertemplate=told, **more)
    return line.update(mode="markers") if len(values) == 1 else line  # a line of one point is not to be seen


def _draw(traces: Sequence[Any]) -> Figure:
    step = plot.whole_step(max(len(trace.x) for trace in traces))
    x = plot.axis(go.layout.XAxis, "epoch", zeroline=False, rangemode="tozero", dtick=step)
    y = plot.axis(go.layout.YAxis, "validation error in training (m/s)")
    return plot.draw(traces, plot.layout(x, y))
