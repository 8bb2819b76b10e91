"""The figures of the report, as Plotly's own JSON (data and layout).

Colours are names such as `theme:accent`, which the page turns into the colours of the reader's light or dark theme.
All text that comes from a study is escaped: Plotly reads labels as HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import accumulate
from typing import Any

from tinynas.report.view import View, number_at, pareto_front
from tinynas.report.words import describe_short, kib, macs
from tinynas.study import Trial

__all__ = ["PALETTES", "Figure", "error_against", "history", "trajectory"]

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

# Longer trajectories are thinned to this many points: more than a screen has pixels, and the file stays small.
_MOST_POINTS = 2000
_UNSCORED = {"infeasible": "x-thin", "failed": "cross-thin", "pruned": "line-ns"}


def history(view: View) -> Figure:
    """Objective of every scored trial, the best so far, and a strip of the trials that have no score."""
    scored = _scored(view.trials)
    feasible = [trial for trial in scored if trial.feasible]
    traces: list[Figure] = []
    if feasible:
        values = list(accumulate((_objective(trial) for trial in feasible), min))
        # The line goes on to the last trial: nothing better was found since.
        numbers = [trial.id for trial in feasible] + [view.trials[-1].id]
        line = {"color": "theme:best", "width": 2, "shape": "hv"}
        traces.append(_lines("best so far", numbers, [*values, values[-1]], line) | {"hoverinfo": "skip"})
        points = _points("feasible", [trial.id for trial in feasible], [_objective(trial) for trial in feasible])
        traces.append(points | _hover(feasible, "objective %{y:.4f}<br>"))
    for state, symbol in _UNSCORED.items():
        trials = [trial for trial in view.trials if _strip(trial) == state]
        if trials:
            marker = {"color": "theme:bad", "symbol": symbol, "size": 8, "line": {"width": 1.5, "color": "theme:bad"}}
            points = _points(state, [trial.id for trial in trials], [state] * len(trials), marker)
            traces.append(points | _hover(trials, "") | {"yaxis": "y2", "showlegend": False})
    layout = _layout("trial", "objective f_opt (lower is better)")
    layout["yaxis"] |= _room_around([_objective(trial) for trial in feasible])
    # Room for whole markers at both ends, and whole trial numbers even for one trial.
    last = max(1, len(view.trials) - 1)
    room = 0.3 + 0.015 * last
    layout["xaxis"] |= {"range": [-room, last + room], "zeroline": False}
    layout["xaxis"] |= {"dtick": 1} if last < 8 else {}
    if shown := [state for state in _UNSCORED if any(_strip(trial) == state for trial in view.trials)]:
        layout["xaxis"]["anchor"] = "y2"
        layout["yaxis"]["domain"] = [0.24, 1]
        strip = {"domain": [0, 0.18], "type": "category", "categoryarray": shown[::-1], "categoryorder": "array"}
        layout["yaxis2"] = _axis("") | strip | {"fixedrange": True, "tickfont": {"size": 11}}
    return {"data": traces, "layout": layout}


def error_against(view: View, resource: str) -> Figure:
    """Validation error of the deployed networks against the `sram` or `flash` it takes, with limit and Pareto front."""
    name = "SRAM" if resource == "sram" else resource
    limit = view.limit(resource)
    trials = [trial for trial in _scored(view.trials) if _error(trial) is not None and _cost(trial, resource)]
    costs, errors = [_kib(trial, resource) for trial in trials], [_error(trial) or 0.0 for trial in trials]
    fits = [i for i, trial in enumerate(trials) if trial.feasible]
    front = [fits[i] for i in pareto_front([(costs[i], errors[i]) for i in fits])]
    rest = sorted(set(range(len(trials))) - set(front))
    traces: list[Figure] = []

    def add(name: str, indices: list[int], **style: Any) -> None:
        if indices:
            points = _points(name, [costs[i] for i in indices], [errors[i] for i in indices])
            hover = f"error %{{y:.3f}} m/s, {resource} %{{x:.1f}} KiB<br>"
            traces.append(points | _hover([trials[i] for i in indices], hover) | style)

    add("trial", rest, marker=_marker("theme:accent", opacity=0.55))
    add("Pareto front", front, **_front_style())
    best = [i for i, trial in enumerate(trials) if view.best is not None and trial.id == view.best.id]
    add("best network", best, marker=_marker("theme:best", size=15, symbol="star"))
    layout = _layout(f"{name} (KiB)", f"validation error, {view.precision} (m/s)")
    layout["yaxis"] |= _room_around(errors)
    _mark_limit(layout, costs, None if limit is None else limit / 1024, kib(limit))
    return {"data": traces, "layout": layout}


def trajectory(recording: Mapping[str, Any]) -> Figure:
    """True and predicted path over one test recording, seen from above.

    Args:
        recording: name, time_s, true and predicted ([[x, y], ...] in metres).
    """
    traces: list[Figure] = []
    times = recording.get("time_s") or []
    for key, colour, dash in (("true", "theme:muted", "solid"), ("predicted", "theme:best", "solid")):
        points = [point for point in recording.get(key) or [] if _is_point(point)]
        step = max(1, -(-len(points) // _MOST_POINTS))
        kept = sorted({*range(0, len(points), step), len(points) - 1}) if points else []
        x, y = [round(points[i][0], 3) for i in kept], [round(points[i][1], 3) for i in kept]
        line = {"color": colour, "width": 2.5 if key == "true" else 2, "dash": dash}
        trace = _lines(key, x, y, line)
        clock = [round(times[i], 1) if i < len(times) else None for i in kept]
        hover = f"{key} at %{{customdata}} s<br>x %{{x:.2f}} m, y %{{y:.2f}} m<extra></extra>"
        traces.append(trace | {"customdata": clock, "hovertemplate": hover})
        if kept:
            end = _marker(colour, size=11, symbol="square")
            traces.append(_points("end", x[-1:], y[-1:], end) | {"showlegend": False, "hoverinfo": "skip"})
            if key == "true":
                start = _marker("theme:front", size=12, symbol="circle")
                traces.append(_points("start", x[:1], y[:1], start) | {"hoverinfo": "skip"})
    layout = _layout("x (m)", "y (m)")
    # One metre is as long on either axis, else a path is not a path.
    layout["yaxis"] |= {"scaleanchor": "x", "scaleratio": 1}
    layout["hovermode"] = "closest"
    return {"data": traces, "layout": layout}


def _mark_limit(layout: Figure, costs: Sequence[float], limit: float | None, text: str) -> None:
    layout["xaxis"]["rangemode"] = "tozero"
    if limit is None:
        return
    layout["xaxis"]["range"] = [0, 1.08 * max([limit, *costs])]
    line = {"color": "theme:bad", "width": 2, "dash": "dash"}
    layout["shapes"] = [{"type": "line", "x0": limit, "x1": limit, "y0": 0, "y1": 1, "yref": "paper", "line": line}]
    note = {"x": limit, "y": 1, "yref": "paper", "xanchor": "right", "yanchor": "top", "xshift": -4, "showarrow": False}
    layout["annotations"] = [note | {"text": f"limit {text}", "font": {"color": "theme:bad", "size": 12}}]


def _room_around(values: Sequence[float]) -> Figure:
    """A range with a margin on both sides, also around a single value."""
    if not values:
        return {}
    low, high = min(values), max(values)
    margin = 0.06 * (high - low) or 0.1 * abs(high) or 0.1
    return {"range": [low - margin, high + margin]}


def _front_style() -> Figure:
    line = {"color": "theme:front", "width": 1.5, "shape": "hv"}
    return {"mode": "lines+markers", "marker": _marker("theme:front", size=10), "line": line}


def _scored(trials: Iterable[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.state == "done" and trial.objective is not None]


def _strip(trial: Trial) -> str | None:
    """Which row of the strip a trial belongs to; None for scored trials and those under way."""
    if trial.state == "done":
        return None if trial.feasible else "infeasible"
    return trial.state if trial.state in _UNSCORED else None


def _objective(trial: Trial) -> float:
    return float("inf") if trial.objective is None else trial.objective


def _error(trial: Trial) -> float | None:
    return number_at(trial.metrics, "error_int8")


def _cost(trial: Trial, resource: str) -> float | None:
    return number_at(trial.measurement, f"{resource}_bytes")


def _kib(trial: Trial, resource: str) -> float:
    return (_cost(trial, resource) or 0.0) / 1024


def _is_point(point: object) -> bool:
    return isinstance(point, list) and len(point) == 2 and all(isinstance(value, int | float) for value in point)


def _hover(trials: Sequence[Trial], figures: str) -> Figure:
    """What a point says when touched: `figures` of the axes, then the network and its costs."""
    texts = []
    for trial in trials:
        costs = f"SRAM {kib(_cost(trial, 'sram'))}, flash {kib(_cost(trial, 'flash'))}"
        work = f"{macs(number_at(trial.measurement, 'macs'))} MACs"
        reason = f"<br>{escape(_shorten(trial.reason))}" if trial.reason else ""
        texts.append(f"{escape(describe_short(trial.architecture))}<br>{costs}, {work}{reason}")
    numbers = [str(trial.id) for trial in trials]
    template = f"<b>trial %{{text}}</b><br>{figures}%{{customdata}}<extra></extra>"
    return {"customdata": texts, "text": numbers, "hovertemplate": template}


def _shorten(text: str) -> str:
    return text if len(text) <= 90 else f"{text[:89]}…"


def _marker(colour: str, size: int = 8, symbol: str = "circle", opacity: float = 1.0) -> Figure:
    return {
        "color": colour,
        "size": size,
        "symbol": symbol,
        "opacity": opacity,
        "line": {"width": 1, "color": "theme:surface"},
    }


def _points(name: str, x: Sequence[Any], y: Sequence[Any], marker: Figure | None = None) -> Figure:
    trace = {"type": "scatter", "mode": "markers", "name": name, "x": list(x), "y": list(y)}
    return trace | {"marker": marker or _marker("theme:accent")}


def _lines(name: str, x: Sequence[Any], y: Sequence[Any], line: Figure) -> Figure:
    return {"type": "scatter", "mode": "lines", "name": name, "x": list(x), "y": list(y), "line": line}


def _axis(title: str) -> Figure:
    return {
        "title": {"text": title, "standoff": 8},
        "gridcolor": "theme:grid",
        "linecolor": "theme:grid",
        "zerolinecolor": "theme:grid",
        "automargin": True,
    }


def _layout(x: str, y: str) -> Figure:
    return {
        "xaxis": _axis(x),
        "yaxis": _axis(y),
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
