"""The figures of the report, as Plotly's own JSON (data and layout).

All text that comes from a study is escaped: Plotly reads labels as HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import accumulate
from typing import Any

from tinynas.report.html import plot
from tinynas.report.html.plot import Figure
from tinynas.report.predicted import RESOURCES, Foreseen, foreseen
from tinynas.report.view import View, number_at, pareto_front
from tinynas.report.words import describe_short, grouped, kib, macs, signed
from tinynas.study import Trial, TrialState

__all__ = ["error_against", "foreseen_error", "history", "trajectory"]

# Longer trajectories are thinned to this many points: more than a screen has pixels, and the file stays small.
_MOST_POINTS = 2000
_UNSCORED = {TrialState.INFEASIBLE: "x-thin", TrialState.FAILED: "cross-thin"}
_UNFIT = {"color": "theme:bad", "size": 8, "line": {"width": 1.5, "color": "theme:bad"}}
_HEAD = "<b>trial %{text}</b><br>"


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
        traces.append(plot.lines("best so far", numbers, [*values, values[-1]], line) | {"hoverinfo": "skip"})
        points = plot.points("feasible", [trial.id for trial in feasible], [_objective(trial) for trial in feasible])
        traces.append(points | _hover(feasible, "objective %{y:.4f}<br>"))
    for state, symbol in _UNSCORED.items():
        trials = [trial for trial in view.trials if _strip(trial) == state]
        if trials:
            marker = _UNFIT | {"symbol": symbol}
            points = plot.points(state.value, [trial.id for trial in trials], [state.value] * len(trials), marker)
            traces.append(points | _hover(trials, "") | {"yaxis": "y2", "showlegend": False})
    layout = plot.layout("trial", "objective f_opt (lower is better)")
    layout["yaxis"] |= plot.room_around([_objective(trial) for trial in feasible])
    # Room for whole markers at both ends, and whole trial numbers even for one trial.
    last = max(1, len(view.trials) - 1)
    room = 0.3 + 0.015 * last
    layout["xaxis"] |= {"range": [-room, last + room], "zeroline": False}
    layout["xaxis"] |= {"dtick": 1} if last < 8 else {}
    if shown := [state.value for state in _UNSCORED if any(_strip(trial) == state for trial in view.trials)]:
        layout["xaxis"]["anchor"] = "y2"
        layout["yaxis"]["domain"] = [0.24, 1]
        strip = {"domain": [0, 0.18], "type": "category", "categoryarray": shown[::-1], "categoryorder": "array"}
        layout["yaxis2"] = plot.axis("") | strip | {"fixedrange": True, "tickfont": {"size": 11}}
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
            points = plot.points(name, [costs[i] for i in indices], [errors[i] for i in indices])
            hover = f"error %{{y:.3f}} m/s, {resource} %{{x:.1f}} KiB<br>"
            traces.append(points | _hover([trials[i] for i in indices], hover) | style)

    add("trial", rest, marker=plot.marker("theme:accent", opacity=0.55))
    add("Pareto front", front, **_front_style())
    best = [i for i, trial in enumerate(trials) if view.best is not None and trial.id == view.best.id]
    add("best network", best, marker=plot.marker("theme:best", size=15, symbol="star"))
    layout = plot.layout(f"{name} (KiB)", f"validation error, {view.precision} (m/s)")
    layout["yaxis"] |= plot.room_around(errors)
    _mark_limit(layout, costs, None if limit is None else limit / 1024, kib(limit))
    return {"data": traces, "layout": layout}


def foreseen_error(view: View, resource: str) -> Figure:
    """How far the resource model was off, in percent of what was measured of the `sram` or `flash`, over the latter."""
    pairs = foreseen(view, resource)
    best = None if view.best is None else view.best.id
    kinds: dict[str, list[Foreseen]] = {"trial": [], "infeasible": [], "best network": []}
    for pair in pairs:
        trial = pair.trial
        kinds["best network" if trial.id == best else "infeasible" if trial.feasible is False else "trial"].append(pair)
    styles = {
        "trial": plot.marker("theme:accent", opacity=0.75),
        "infeasible": _UNFIT | {"symbol": _UNSCORED[TrialState.INFEASIBLE]},
        "best network": plot.marker("theme:best", size=15, symbol="star"),
    }
    traces = []
    for name, shown in kinds.items():
        if shown:
            sizes, off = [pair.measured_bytes / 1024 for pair in shown], [pair.off_percent for pair in shown]
            traces.append(plot.points(name, sizes, off, styles[name]) | _both(shown))
    layout = plot.layout(f"{RESOURCES[resource]}, measured (KiB)", "resource model off by (%)")
    # The line of no error is always in sight: it is what the points are read against.
    layout["yaxis"] |= plot.room_around([0.0, *(pair.off_percent for pair in pairs)])
    layout["yaxis"] |= {"zerolinecolor": "theme:muted", "zerolinewidth": 1.5}
    layout["xaxis"]["zeroline"] = False
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
        trace = plot.lines(key, x, y, line)
        clock = [round(times[i], 1) if i < len(times) else None for i in kept]
        hover = f"{key} at %{{customdata}} s<br>x %{{x:.2f}} m, y %{{y:.2f}} m<extra></extra>"
        traces.append(trace | {"customdata": clock, "hovertemplate": hover})
        if kept:
            end = plot.marker(colour, size=11, symbol="square")
            traces.append(plot.points("end", x[-1:], y[-1:], end) | {"showlegend": False, "hoverinfo": "skip"})
            if key == "true":
                start = plot.marker("theme:front", size=12, symbol="circle")
                traces.append(plot.points("start", x[:1], y[:1], start) | {"hoverinfo": "skip"})
    layout = plot.layout("x (m)", "y (m)")
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


def _front_style() -> Figure:
    line = {"color": "theme:front", "width": 1.5, "shape": "hv"}
    return {"mode": "lines+markers", "marker": plot.marker("theme:front", size=10), "line": line}


def _scored(trials: Iterable[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.state is TrialState.DONE and trial.objective is not None]


def _strip(trial: Trial) -> TrialState | None:
    """Which row of the strip a trial belongs to; None for scored trials and those under way."""
    if trial.state is TrialState.DONE:
        return None if trial.feasible else TrialState.INFEASIBLE
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
        note = f"<br>{escape(_shorten(trial.note))}" if trial.note else ""
        texts.append(f"{escape(describe_short(trial.architecture))}<br>{costs}, {work}{note}")
    numbers = [str(trial.id) for trial in trials]
    template = f"{_HEAD}{figures}%{{customdata}}<extra></extra>"
    return {"customdata": texts, "text": numbers, "hovertemplate": template}


def _both(pairs: Sequence[Foreseen]) -> Figure:
    """What a point says when touched: the network, and what was foreseen and measured of it to the byte."""
    texts = [
        f"{escape(describe_short(pair.trial.architecture))}<br>foreseen {grouped(pair.foreseen_bytes)} B, "
        f"measured {grouped(pair.measured_bytes)} B<br>"
        f"off by {signed(pair.off_bytes)} B, {signed(pair.off_percent, 2)} %"
        for pair in pairs
    ]
    numbers = [str(pair.trial.id) for pair in pairs]
    return {"customdata": texts, "text": numbers, "hovertemplate": f"{_HEAD}%{{customdata}}<extra></extra>"}


def _shorten(text: str) -> str:
    return text if len(text) <= 90 else f"{text[:89]}…"
