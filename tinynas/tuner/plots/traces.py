"""The pieces that the figures of `tinynas.tuner.plots` are made of: traces, axes and controls, as Plotly's own JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.space import Float, PointCode, Space

__all__ = ["HUES", "INK", "MUTED", "Trace", "axis", "cloud", "dots", "layout", "lines", "player", "span"]

Array = NDArray[np.float64]
Trace = dict[str, Any]

# Okabe-Ito hues, told apart with every kind of colour vision.
HUES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f3c8d", "#8a8a00")
INK, MUTED = "#1b2530", "#8a97a5"
# How far the axis of values goes beyond those observed, as a share of their range: a band may be very wide at first.
BEYOND = 0.75


def lines(name: str, x: Any, y: Any, hue: str, dash: str = "solid") -> Trace:
    """A curve."""
    # A simplified one leaves out points, other ones in each frame, and cannot turn into the next without tearing.
    line = {"color": hue, "dash": dash, "simplify": False}
    return {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, "line": line}


def dots(name: str, x: Any, y: Any, hue: str = INK, symbol: Any = "circle", size: int = 8) -> Trace:
    """Markers, in the legend where there are any."""
    marker = {"color": hue, "symbol": symbol, "size": size}
    shown = len(x) > 0
    return {"type": "scatter", "mode": "markers", "name": name, "x": x, "y": y, "marker": marker, "showlegend": shown}


def cloud(name: str, codes: Sequence[PointCode], hue: str, symbol: str, size: int, outline: str = "white") -> Trace:
    """Points of a space of two numbers."""
    trace = dots(name, [code[0] for code in codes], [code[1] for code in codes], hue, symbol, size)
    trace["marker"] |= {"line": {"width": 1.0, "color": outline}}
    return trace


def axis(space: Space, place: int) -> Trace:
    """The axis of a parameter: logarithmic where its distribution is."""
    parameter = space.parameters[place]
    logarithmic = isinstance(parameter, Float) and parameter.logarithmic
    kind = {"type": "log", "exponentformat": "power"} if logarithmic else {"type": "linear"}
    return {"title": {"text": parameter.name}, **kind}


def layout() -> Trace:
    """What all figures share."""
    return {
        "template": "plotly_white",
        "hovermode": "closest",
        "margin": {"l": 70, "r": 20, "t": 60, "b": 60},
        "legend": {"orientation": "h", "traceorder": "normal", "yanchor": "bottom", "y": 1.02, "x": 0.0},
    }


def player(names: Sequence[str], prefix: str) -> Trace:
    """A slider through frames, at the last one, and buttons to play them."""
    at_once = {"mode": "immediate", "frame": {"duration": 0, "redraw": False}, "transition": {"duration": 0}}
    slow = {"frame": {"duration": 600, "redraw": False}, "transition": {"duration": 0}}
    steps = [{"label": name, "method": "animate", "args": [[name], at_once]} for name in names]
    buttons = [
        {"label": "▶", "method": "animate", "args": [None, slow]},
        {"label": "❚❚", "method": "animate", "args": [[None], at_once]},
    ]
    place = {"x": 0.0, "xanchor": "right", "y": 0.0, "yanchor": "top", "pad": {"t": 62, "r": 12}}
    return {
        "sliders": [{"active": len(steps) - 1, "steps": steps, "currentvalue": {"prefix": prefix}, "pad": {"t": 50}}],
        "updatemenus": [{"type": "buttons", "direction": "left", "buttons": buttons, "showactive": False, **place}],
    }


def span(values: Array, ends: Array) -> list[float]:
    """A range for an axis with all of `values`, and with `ends` as far as they do not dwarf them."""
    low, high = float(values.min()), float(values.max())
    width = (high - low) or max(abs(high), 1.0)
    bottom, top = min(low, float(ends.min())), max(high, float(ends.max()))
    bottom, top = max(bottom, low - BEYOND * width), min(top, high + BEYOND * width)
    room = 0.04 * max(top - bottom, width)
    return [bottom - room, top + room]
