"""Several studies in one figure: their best so far, and their Pareto fronts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import accumulate
from typing import Any

import plotly.graph_objects as go

from tinynas.report.figures import plot
from tinynas.report.figures.marks import error_of, hover, scored
from tinynas.report.figures.palette import COLOURS
from tinynas.report.figures.plot import Figure
from tinynas.report.resources import COSTS
from tinynas.report.view import StudyView, pareto_front

__all__ = ["compare_fronts", "compare_progress"]

# Told apart by colour and, from the sixth on, by the line as well.
_COLOURS = ("accent", "best", "front", "bad", "muted")
_DASHES = ("solid", "dash", "dot", "dashdot")


def compare_progress(views: Sequence[StudyView]) -> Figure | None:
    """Validation error of the best network so far, over the trials of each study; None where none has ended.

    Args:
        views: The studies.
    """
    traces = []
    for index, view in enumerate(views):
        found = [(trial.id, error) for trial in scored(view.trials) if trial.feasible and (error := error_of(trial))]
        if not found:
            continue
        numbers, errors = zip(*found, strict=True)
        lowest = list(accumulate(errors, min))
        told = f"{escape(view.name)}<br>trial %{{x}}: %{{y:.3f}} m/s<extra></extra>"
        name, (colour, dash) = escape(view.name), _look(index)
        x, y = [*numbers, view.trials[-1].id], [*lowest, lowest[-1]]
        trace = plot.lines(name, x, y, colour, shape="hv", hovertemplate=told)
        trace.line.dash = dash
        traces.append(trace)
    if not traces:
        return None
    last = max(trace.x[-1] for trace in traces)
    x = plot.axis(go.layout.XAxis, "trial", zeroline=False, dtick=plot.whole_step(last))
    y = plot.axis(go.layout.YAxis, "lowest validation error so far (m/s)", range=_room(traces))
    return plot.draw(traces, plot.layout(x, y))


def compare_fronts(views: Sequence[StudyView], key: str) -> Figure | None:
    """Pareto fronts of error against a cost; None where no study has one.

    Args:
        views: The studies.
        key: The cost: `sram`, `flash`, `latency` or `energy`.
    """
    [cost] = [one for one in COSTS if one.key == key]
    traces = []
    for index, view in enumerate(views):
        known = [
            (used, error, trial)
            for trial in scored(view.trials)
            if trial.feasible and (used := cost.of(trial)) and (error := error_of(trial)) is not None
        ]
        front = [known[i] for i in pareto_front([(used, error) for used, error, _ in known])]
        if not front:
            continue
        colour, dash = _look(index)
        told = hover([trial for *_, trial in front], f"error %{{y:.3f}} m/s, {cost.label} %{{x:.4g}} {cost.unit}<br>")
        x, y = [used for used, *_ in front], [error for _, error, _ in front]
        trace = plot.points(escape(view.name), x, y, plot.marker(colour, size=9), **told)
        line = go.scatter.Line(color=COLOURS[colour], width=1.5, shape="hv", dash=dash)
        traces.append(trace.update(mode="lines+markers", line=line))
    if not traces:
        return None
    x = plot.axis(go.layout.XAxis, f"{cost.label} ({cost.unit})", rangemode="tozero")
    y = plot.axis(go.layout.YAxis, "validation error (m/s)", range=_room(traces))
    return plot.draw(traces, plot.layout(x, y))


def _room(traces: Sequence[Any]) -> list[float] | None:
    """A range for the errors: Plotly's own goes below zero around a single one."""
    return plot.room_around([value for trace in traces for value in trace.y])


def _look(index: int) -> tuple[str, str]:
    return _COLOURS[index % len(_COLOURS)], _DASHES[index // len(_COLOURS) % len(_DASHES)]
