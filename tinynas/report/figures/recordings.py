"""The figures of a search's recordings: one line a recording, those with problems in another colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import plotly.graph_objects as go

from tinynas.report.figures import plot
from tinynas.report.figures.plot import Figure
from tinynas.report.view import mapping_at

__all__ = ["PICTURES", "Picture", "draw_recordings"]

# More lines than these hide each other, and make the page large.
_MOST_LINES = 40


class Picture(NamedTuple):
    """A figure of all recordings: key of the curve, labels of the axes, what is said of it."""

    key: str
    x: str
    y: str
    caption: str


PICTURES = (
    Picture(
        "offset",
        "lag of the sensors (ms)",
        "correlation with the ground truth",
        "Offset: the correlation of the sensors with the ground truth at each lag. The peak belongs at 0.",
    ),
    Picture(
        "heading",
        "time (s)",
        "heading of the field (degrees)",
        "Heading: the direction of the horizontal magnetic field in the world, as recorded. It belongs at 0; hard iron "
        "and steel nearby move it.",
    ),
    Picture(
        "gravity",
        "time (s)",
        "vertical force (m/s2)",
        "Gravity: the specific force along the vertical of the ground truth's orientation. Below 9.8 m/s2 the ground "
        "truth's body is turned against the sensor.",
    ),
)


def draw_recordings(rows: Sequence[Mapping[str, Any]], picture: Picture) -> Figure | None:
    """Draw one curve of every recording; None where no recording has it.

    Args:
        rows: Checks of the recordings, as a study keeps them.
        picture: What is drawn. Recordings with problems come first where there are too many.
    """
    curves = [(row, x, y) for row in rows if (found := _curve(row, picture.key)) for x, y in [found]]
    if not curves:
        return None
    curves.sort(key=lambda curve: not curve[0].get("problems"))
    traces, named = [], set()
    for row, x, y in reversed(curves[:_MOST_LINES]):  # those with problems on top
        kind, colour = ("with problems", "best") if row.get("problems") else ("sound", "accent")
        name = escape(str(row.get("name")))
        more = {"opacity": 0.6, "legendgroup": kind, "showlegend": kind not in named}
        hover = f"{name}<br>%{{x:g}}, %{{y:g}}<extra></extra>"
        traces.append(plot.lines(kind, x, y, colour, width=1.5, hovertemplate=hover, **more))
        named.add(kind)
    axes = (plot.axis(go.layout.XAxis, picture.x), plot.axis(go.layout.YAxis, picture.y))
    return plot.draw(traces, plot.layout(*axes))


def _curve(row: Mapping[str, Any], key: str) -> tuple[list[float], list[float]] | None:
    found = mapping_at(row, "curves").get(key)
    if not isinstance(found, Sequence) or len(found) != 2:
        return None
    x, y = (
        [v for v in values if isinstance(v, int | float)] if isinstance(values, Sequence) else [] for values in found
    )
    return (x, y) if x and len(x) == len(y) else None
