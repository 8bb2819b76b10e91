"""What the page's figures are made of: traces and layouts of `plotly.graph_objects`, which checks every property."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from tinynas.report.figures.palette import COLOURS

__all__ = [
    "Figure",
    "axis",
    "bars",
    "draw",
    "draw_ranked",
    "layout",
    "lines",
    "marker",
    "points",
    "room_around",
    "whole_step",
]

#: `plotly.graph_objects.Figure`, which a notebook shows as it is.
Figure = Any


def draw(traces: Sequence[Any], form: Any) -> Figure:
    """A figure of traces over a layout."""
    return go.Figure(data=list(traces), layout=form)


def draw_ranked(traces: Sequence[Any], titles: Sequence[str], label: str, *, row_px: int, text_px: int) -> Figure:
    """A figure of groups of bars that lie, the first title and the first trace on top.

    Args:
        traces: Bars, one of each trace for each title.
        titles: Of the groups.
        label: What the bars' lengths are.
        row_px: Height of a group.
        text_px: Size of the titles.
    """
    x = axis(go.layout.XAxis, label, rangemode="tozero")
    order = {"categoryarray": list(titles)[::-1], "categoryorder": "array"}
    y = axis(go.layout.YAxis, "", type="category", tickfont={"size": text_px}, **order)
    form = layout(x, y, barmode="group", height=90 + row_px * len(titles))
    form.legend.traceorder = "reversed"  # Plotly draws the first of a group lowest
    return draw(traces[::-1], form)


def bars(name: str, colour: str, **more: Any) -> Any:
    """Bars with a rim that keeps neighbours apart. `colour` is a name of `COLOURS`."""
    rim = go.bar.marker.Line(width=1, color=COLOURS["surface"])
    return go.Bar(name=name, marker=go.bar.Marker(color=COLOURS[colour], line=rim), **more)


def room_around(values: Sequence[float]) -> list[float] | None:
    """A range with a margin on both sides, also around a single value; None around nothing."""
    if not values:
        return None
    low, high = min(values), max(values)
    margin = 0.06 * (high - low) or 0.1 * abs(high) or 0.1
    return [low - margin, high + margin]


def whole_step(last: int) -> int | None:
    """Step of the ticks of an axis that counts: Plotly would draw halves of a few; None: Plotly chooses."""
    return 1 if last < 8 else None


def marker(colour: str, size: int = 8, symbol: str = "circle", opacity: float = 1.0) -> Any:
    """The look of points; the rim keeps those that overlap apart. `colour` is a name of `COLOURS`."""
    rim = go.scatter.marker.Line(width=1, color=COLOURS["surface"])
    return go.scatter.Marker(color=COLOURS[colour], size=size, symbol=symbol, opacity=opacity, line=rim)


def points(name: str, x: Sequence[Any], y: Sequence[Any], style: Any = None, **more: Any) -> Any:
    """A scatter of markers; `style` is a `marker`."""
    return go.Scatter(mode="markers", name=name, x=list(x), y=list(y), marker=style or marker("accent"), **more)


def lines(name: str, x: Sequence[Any], y: Sequence[Any], colour: str, *, width: float = 2, **more: Any) -> Any:
    """A line through points. `colour` is a name of `COLOURS`."""
    shape = more.pop("shape", "linear")
    line = go.scatter.Line(color=COLOURS[colour], width=width, shape=shape)
    return go.Scatter(mode="lines", name=name, x=list(x), y=list(y), line=line, **more)


def axis(kind: Any, title: str, **more: Any) -> Any:
    """An axis; `kind` is `go.layout.XAxis` or `YAxis`."""
    grid = COLOURS["grid"]
    lines = {"gridcolor": grid, "linecolor": grid, "zerolinecolor": grid}
    return kind(**({"title": {"text": title, "standoff": 8}, "automargin": True} | lines | more))


def layout(x: Any, y: Any, **more: Any) -> Any:
    """The layout that the figures share, over two axes."""
    clear = "rgba(0,0,0,0)"
    return go.Layout(
        template="none",
        xaxis=x,
        yaxis=y,
        font={"color": COLOURS["ink"], "size": 13, "family": "system-ui, sans-serif"},
        paper_bgcolor=clear,
        plot_bgcolor=clear,
        hoverlabel={
            "bgcolor": COLOURS["surface"],
            "bordercolor": COLOURS["muted"],
            "font": {"color": COLOURS["ink"]},
        },
        legend={"traceorder": "normal", "orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        modebar={"bgcolor": clear, "color": COLOURS["muted"], "activecolor": COLOURS["ink"]},
        autosize=True,
        **({"showlegend": True} | more),
    )
