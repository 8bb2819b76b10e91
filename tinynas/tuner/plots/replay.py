"""What a tuner thought at a moment of its search, for pictures: a copy is asked, so that the tuner stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.acquire import divided, weigh
from tinynas.tuner.acquisition import ACQUISITIONS
from tinynas.tuner.ask_tell import AskTell
from tinynas.tuner.config import Params, finite_or_none
from tinynas.tuner.history import read_answer
from tinynas.tuner.plots.traces import HUES, INK, MUTED, Trace, dots, lines
from tinynas.tuner.space import Float, Integer, PointCode, Space
from tinynas.tuner.surrogate import Model
from tinynas.tuner.threads import single_blas_thread

__all__ = [
    "clusters",
    "contour",
    "copy_of",
    "line_codes",
    "model_of",
    "near_codes",
    "objective_trace",
    "surrogate_traces",
]

Array = NDArray[np.float64]

# Points along a curve, and along each side of a contour plot.
CURVE_POINTS, CONTOUR_POINTS = 240, 64
# The acquisition may be a needle between two points of a curve: it is drawn at these distances from chosen points, too.
NEAR = 10.0 ** np.linspace(-4.0, -1.5, 9)
# Contours of the expected improvement reach this many decades below its maximum; it falls by hundreds.
DECADES = 6.0
# Its lowest shade is not white, because what a constraint forbids is blank.
SHADES = [[0.0, "#e4e9ee"], [1.0, "#46566a"]]


def copy_of(tuner: AskTell, count: int | None = None) -> AskTell:
    """Another tuner that knows the same, or the first so many evaluations only."""
    state = tuner.state_dict()
    if count is not None and count < len(state["observations"]):
        state |= {"observations": state["observations"][:count], "pending": [], "asked": count}
    # A run may have had another sense than the configuration, and what it was given is in the state.
    copy = AskTell(tuner.space.param_dict, replace(tuner.config, sense=state["sense"], initial_custom=None))
    copy.load_state_dict(state)
    return copy


def model_of(tuner: AskTell) -> Model:
    """The surrogate fitted to what a tuner knows, at least one success."""
    model = tuner.model
    assert isinstance(model, Model)
    return model


def levels(space: Space, place: int, count: int, near: Iterable[PointCode] = ()) -> list[Any]:
    """Codes along a parameter, ascending: about `count` of equal probability, and some close to given points."""
    parameter = space.parameters[place]
    if isinstance(parameter, Integer):
        ranks = np.unique(np.round(np.linspace(0, parameter.size - 1, count)).astype(np.int64))
        rest = {code[place] for code in near}
        return sorted({parameter.values[rank] for rank in ranks.tolist()} | rest)
    assert isinstance(parameter, Float)
    close = parameter.coordinates([code[place] for code in near]).ravel()
    around = (close[:, None] + np.concatenate([-NEAR, [0.0], NEAR])).ravel()
    unit = np.clip(np.concatenate([np.linspace(0.0, 1.0, count), around]), parameter.low, parameter.high)
    return sorted(set(parameter.codes(unit[:, None])))


def line_codes(space: Space, place: int, centre: PointCode, near: Iterable[PointCode] = ()) -> list[PointCode]:
    """Points along a parameter through a point, more of them close to given points."""
    return [(*centre[:place], level, *centre[place + 1 :]) for level in levels(space, place, CURVE_POINTS, near)]


def near_codes(tuner: AskTell) -> list[PointCode]:
    """Points that curves should be drawn close to: the best ones, and those pending."""
    with single_blas_thread():
        copy = copy_of(tuner)
        return copy.space.codes(model_of(copy).anchors) + copy._history.pending


def surrogate_traces(tuner: AskTell, place: int, count: int, near: list[PointCode]) -> list[Trace]:
    """The curves and points of `surrogate_1d` after so many evaluations.

    The curves have the same places along the axis whatever the count, so that one can turn into the next.
    """
    copy = copy_of(tuner, count)
    space, history, told = copy.space, copy._history, tuner._history.observations
    upcoming = [told[count].code] if count < len(told) else history.pending
    with single_blas_thread():
        model = model_of(copy)
        best = history.best()
        centre = space.codes(model.anchors[:1])[0] if best is None else space.code(best[0])
        codes = line_codes(space, place, centre, near)
        X = space.coordinates(codes)
        scores = weigh(model, space.coordinates(history.pending), copy.config, len(X))(X)
    x = [code[place] for code in codes]
    mean, deviation = copy.predict([space.params(code) for code in codes])
    told_here = [one for one in history.observations if one.value is not None]
    on_line = [one.code[:place] + one.code[place + 1 :] == centre[:place] + centre[place + 1 :] for one in told_here]
    symbols = ["circle" if on else "circle-open" for on in on_line]
    failed = [one.code[place] for one in history.observations if one.value is None]
    # Something, if only None, so that the legend always has an entry.
    ahead = [value for code in upcoming for value in (code[place], code[place], None)] or [None]
    edge = {"line": {"width": 0, "simplify": False}, "hoverinfo": "skip"}
    fill = {"fill": "tonexty", "fillcolor": "rgba(0,114,178,0.18)"}
    below = {"xaxis": "x2", "yaxis": "y2"}
    return [
        lines("upper end", x, mean + 2.0 * deviation, HUES[0]) | edge | {"showlegend": False},
        lines("mean ± 2 standard deviations", x, mean - 2.0 * deviation, HUES[0]) | edge | fill,
        lines("mean", x, mean, HUES[0]),
        dots("evaluated", [one.code[place] for one in told_here], [one.value for one in told_here], INK, symbols),
        dots("failed", failed, [0.0] * len(failed), HUES[1], "x") | below,
        lines("acquisition", x, _scaled(model, copy, scores), HUES[2]) | {"fill": "tozeroy"} | below,
        lines("evaluated next", ahead, ([0.0, 1.0, None] * len(upcoming)) or [None], HUES[1], "dash") | below,
    ]


def objective_trace(space: Space, place: int, objective: Callable[[list[Params]], Any], near: list[PointCode]) -> Trace:
    """The objective of a space of one parameter, with gaps where it fails."""
    codes = line_codes(space, place, near[0], near)
    points = [space.params(code) for code in codes]
    answered, values = read_answer(objective([dict(point) for point in points]), points, 1)
    known = {space.code(point): finite_or_none(value) for point, value in zip(answered, values, strict=True)}
    return lines("objective", [code[place] for code in codes], [known.get(code) for code in codes], MUTED, "dot")


def clusters(tuner: AskTell, model: Model, n: int) -> tuple[Array, NDArray[np.int64]]:
    """The promising candidates that `clustered` divides, and the cluster of each, from the same random numbers.

    Returns:
        Coordinates, shape (m, dimension), and labels, shape (m,).
    """
    space, history = tuner.space, tuner._history
    pending, rng = space.coordinates(history.pending), tuner._suggester._rng(history, 0)
    return divided(model, pending, history.taken, n, rng, tuner.config)


def contour(tuner: AskTell, model: Model) -> Trace:
    """The acquisition over a space of two numbers; blank where a known constraint forbids."""
    space, history = tuner.space, tuner._history
    across, up = levels(space, 0, CONTOUR_POINTS), levels(space, 1, CONTOUR_POINTS)
    codes: list[PointCode] = [(a, b) for b in up for a in across]
    X = space.coordinates(codes)
    values = weigh(model, space.coordinates(history.pending), tuner.config, len(X))(X)
    name = "confidence bound"
    if _logarithmic(model, tuner):
        values = (values - values.max()) / np.log(10.0)
        values, name = np.maximum(values, -DECADES), "expected<br>improvement,<br>decades below<br>its maximum"
    values[~np.array(space.feasible(codes))] = np.nan
    grid = values.reshape(len(up), len(across))
    return {
        "type": "contour",
        "name": "acquisition",
        "x": across,
        "y": up,
        "z": grid,
        "colorscale": SHADES,
        "colorbar": {"title": {"text": name}},
        "ncontours": 14,
        "line": {"width": 0.5},
        "hoverinfo": "x+y+z",
    }


def _logarithmic(model: Model, tuner: AskTell) -> bool:
    # Without a feasible point the acquisition is the logarithm of the probability of one, whatever its kind.
    return ACQUISITIONS[tuner.config.acquisition].logarithmic or model.best is None


def _scaled(model: Model, tuner: AskTell, scores: Array) -> Array:
    """Values of the acquisition to [0, 1]: the improvement itself, where they are its logarithm."""
    if _logarithmic(model, tuner):
        return np.asarray(np.exp(scores - scores.max()))
    return np.asarray((scores - scores.min()) / (float(np.ptp(scores)) or 1.0))
