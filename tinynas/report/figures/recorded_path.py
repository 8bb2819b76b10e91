"""The path over a recording, seen from above."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from tinynas.report.figures import plot
from tinynas.report.figures.plot import Figure

__all__ = ["path_over_recording"]

# Longer trajectories are thinned to this many points: a screen shows no more, and the file stays small.
_MOST_POINTS = 800


def path_over_recording(recording: Mapping[str, Any]) -> Figure:
    """True and predicted path over one test recording, seen from above, and that of a compass where it is known.

    Standing still remains where the paths start.

    Args:
        recording: name, time_s, true, predicted and perhaps compass ([[x, y], ...] in metres).
    """
    traces = []
    times = recording.get("time_s") or []
    for key, colour, width in (("true", "muted", 2.5), ("predicted", "best", 2.0), ("compass", "accent", 1.2)):
        if key == "compass" and not recording.get(key):
            continue
        points = [point for point in recording.get(key) or [] if _is_point(point)]
        step = max(1, -(-len(points) // _MOST_POINTS))
        kept = sorted({*range(0, len(points), step), len(points) - 1}) if points else []
        x, y = [round(points[i][0], 3) for i in kept], [round(points[i][1], 3) for i in kept]
        clock = [round(times[i], 1) if i < len(times) else None for i in kept]
        hover = f"{key} at %{{customdata}} s<br>x %{{x:.2f}} m, y %{{y:.2f}} m<extra></extra>"
        traces.append(plot.lines(key, x, y, colour, width=width, customdata=clock, hovertemplate=hover))
        if kept:
            end = plot.marker(colour, size=11, symbol="square")
            traces.append(plot.points("end", x[-1:], y[-1:], end, showlegend=False, hoverinfo="skip"))
            if key == "true":
                start = plot.marker("front", size=12, symbol="circle")
                traces.append(plot.points("start, and standing still", x[:1], y[:1], start, hoverinfo="skip"))
    # One metre is as long on either axis, else a path is not a path.
    y_axis = plot.axis(go.layout.YAxis, "y (m)", scaleanchor="x", scaleratio=1)
    return plot.draw(traces, plot.layout(plot.axis(go.layout.XAxis, "x (m)"), y_axis, hovermode="closest"))


def _is_point(point: object) -> bool:
    return isinstance(point, list) and len(point) == 2 and all(isinstance(value, int | float) for value in point)
