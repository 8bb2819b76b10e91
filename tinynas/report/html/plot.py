"""Plotly's building blocks: palettes, axes, traces, as its own JSON.

Colours are names such as `theme:accent`, which the page turns into the colours of the reader's light or dark theme.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["PALETTES", "Figure", "axis", "layout", "lines", "marker", "points", "room_around"]

Figure = dict[str, Any]

# Okabe-Ito hues: told apart with every kind of colour vision, and by symbol as well.
PALETTES: dict[str, dict[str, str]] = {
    "light": {
        "ink": "#1b2530",
        "muted": "#5d6b7a",
        "grid": "#e3e8ee",
        "surface": "#ffffff",
        "accent": "#0b6bb5",
        "best": "#c2410c",
        "front": "#00805c",
        "bad": "#a8326a",
    },
    "dark": {
        "ink": "#e6edf3",
        "muted": "#93a1b0",
        "grid": "#28323d",
        "surface": "#161d26",
        "accent": "#5db3f0",
        "best": "#ff9d4d",
        "front": "#2fd0a0",
        "bad": "#f08bb8",
    },
}


def room_around(values: Sequence[float]) -> Figure:
    """A range with a margin on both sides, also around a single value."""
    if not values:
        return {}
    low, high = min(values), max(values)
    margin = 0.06 * (high - low) or 0.1 * abs(high) or 0.1
    return {"range": [low - margin, high + margin]}


def marker(colour: str, size: int = 8, symbol: str = "circle", opacity: float = 1.0) -> Figure:
    """The look of points; the rim keeps those that overlap apart."""
    return {
        "color": colour,
        "size": size,
        "symbol": symbol,
        "opacity": opacity,
        "line": {"width": 1, "color": "theme:surface"},
    }


def points(name: str, x: Sequence[Any], y: Sequence[Any], style: Figure | None = None) -> Figure:
    """A scatter of markers; `style` is a `marker`."""
    trace = {"type": "scatter", "mode": "markers", "name": name, "x": list(x), "y": list(y)}
    return trace | {"marker": style or marker("theme:accent")}


def lines(name: str, x: Sequence[Any], y: Sequence[Any], line: Figure) -> Figure:
    """A line through points; `line` is its look."""
    return {"type": "scatter", "mode": "lines", "name": name, "x": list(x), "y": list(y), "line": line}


def axis(title: str) -> Figure:
    """An axis in the colours of the theme."""
    return {
        "title": {"text": title, "standoff": 8},
        "gridcolor": "theme:grid",
        "linecolor": "theme:grid",
        "zerolinecolor": "theme:grid",
        "automargin": True,
    }


def layout(x: str, y: str) -> Figure:
    """The layout that the figures share; `x` and `y` are the titles of the axes."""
    return {
        "xaxis": axis(x),
        "yaxis": axis(y),
        "font": {"color": "theme:ink", "size": 13, "family": "system-ui, sans-serif"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hoverlabel": {"bgcolor": "theme:surface", "bordercolor": "theme:muted", "font": {"color": "theme:ink"}},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "theme:muted", "activecolor": "theme:ink"},
        "showlegend": True,
        "autosize": True,
    }
