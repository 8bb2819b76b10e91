"""Pictures of a search, as Plotly figures: the surrogate at work, a batch being chosen, and convergence.

`figure.show()` opens a figure in the browser, `figure.write_html(path)` saves it as a page of its own; with
`auto_play=False` one with a slider waits for the reader.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinynas.tuner.acquire import clustered
from tinynas.tuner.acquisition import ACQUISITIONS
from tinynas.tuner.ask_tell import AskTell
from tinynas.tuner.config import ConfigTypeError, ConfigValueError, Params, check_count
from tinynas.tuner.optional import load_optional
from tinynas.tuner.plots.convergence import Scale, named_sources, read_run, run_traces
from tinynas.tuner.plots.replay import (
    clusters,
    contour,
    copy_of,
    model_of,
    near_codes,
    objective_trace,
    surrogate_traces,
)
from tinynas.tuner.plots.traces import HUES, INK, MUTED, axis, cloud, layout, player, span
from tinynas.tuner.space import Float, Integer, Space
from tinynas.tuner.threads import single_blas_thread

__all__ = ["batch_2d", "convergence", "surrogate_1d"]


def surrogate_1d(
    tuner: AskTell, name: str | None = None, objective: Callable[[list[Params]], Any] | None = None
) -> Any:
    """The surrogate along one parameter, evaluation by evaluation, with a slider.

    Above, the surrogate's mean, the band of two standard deviations about it and the evaluations so far; below, the
    acquisition scaled to [0, 1]. A dashed line shows which point was told next in fact; in the last frame, those that
    are pending. With several parameters the others are held at the best point so far, and evaluations elsewhere show
    as hollow.

    Args:
        tuner: Has been told something. It is not changed.
        name: The parameter; None where there is only one.
        objective: The function itself in the tuner's manner (list of points -> list of values), to compare with; for
            a tuner with one parameter.

    Returns:
        A `plotly.graph_objects.Figure` with one frame for each evaluation from the first success on. Its data are,
        in order: upper end of the band, lower end, mean, evaluations, failures, acquisition, next points, and the
        objective where it is given.

    Raises:
        ConfigValueError: If nothing has succeeded; if there are several senses, conditions, or a surrogate of the
            user's; or if the parameter is not one number.

    Example:
        >>> from tinynas.tuner import Tuner
        >>> tuner = Tuner({"x": range(9)}, conf_dict={"sense": "minimize"})
        >>> for x in (0, 8, 4):
        ...     tuner.tell({"x": x}, (x - 3) ** 2)
        >>> len(surrogate_1d(tuner).frames)
        3
    """
    subplots = load_optional("plotly.subplots", "plotly")

    _check_tuner(tuner)
    space = tuner.space
    place = _place(space, name)
    if objective is not None and len(space.names) > 1:
        raise ConfigValueError("an objective can be drawn where there is one parameter only", where="objective")
    told = tuner._history.observations
    first = next(i for i, one in enumerate(told) if one.value is not None)
    counts = range(first + 1, len(told) + 1)
    near = near_codes(tuner)
    frames = [surrogate_traces(tuner, place, count, near) for count in counts]
    figure = subplots.make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.7, 0.3], vertical_spacing=0.06)
    figure.add_traces(frames[-1])
    figure.frames = [{"name": str(count), "data": traces} for count, traces in zip(counts, frames, strict=True)]
    if objective is not None:
        figure.add_trace(objective_trace(space, place, objective, near))
    figure.update_layout(**layout(), **player([str(count) for count in counts], "evaluations: "), height=640)
    figure.update_xaxes(axis(space, place))
    figure.update_xaxes(title=None, row=1, col=1)
    # One range for all frames: the eye follows the curve, not the axis; and Plotly would move the axis under the curve.
    across = np.array([*frames[-1][2]["x"], *(one.code[place] for one in told)], dtype=float)
    if figure.layout.xaxis.type == "log":
        across = np.log10(across[across > 0.0])
    figure.update_xaxes(range=span(across, across))
    bands = np.concatenate([trace["y"] for frame in frames for trace in frame[:2]])
    values = np.array([one.value for one in told if one.value is not None])
    figure.update_yaxes(title="objective", range=span(values, bands), row=1, col=1)
    kind = ACQUISITIONS[tuner.config.acquisition].label
    figure.update_yaxes(title=kind, range=[-0.06, 1.08], row=2, col=1)
    return figure


def batch_2d(tuner: AskTell, n: int = 5) -> Any:
    """How the clustering strategy chooses a batch in a space of two numbers.

    The contours are the acquisition; upon them lie the most promising candidates, coloured by cluster, the evaluations
    so far, and the points chosen: the best of all candidates, refined, and the best of each other cluster. `Tuner.ask`
    may have a point that polishes the best one in place of the last of them.

    Args:
        tuner: Has been told something, whatever strategy it is configured for. It is not changed, and nothing is
            pending that was not before.
        n: Points of the batch, at least 2.

    Returns:
        A `plotly.graph_objects.Figure`. Its data are, in order: contour, one trace for each cluster, evaluations,
        failures, pending points, chosen points.

    Raises:
        ConfigValueError: If nothing has succeeded; if there are several senses or a surrogate of the user's; if the
            space is not one of two numbers, without conditions; or if n is below 2.
        ConfigTypeError: If n is not an integer.
        ExhaustedError: If no point is left.

    Example:
        >>> from tinynas.tuner import Tuner
        >>> tuner = Tuner({"x": range(20), "y": range(20)}, conf_dict={"seed": 1})
        >>> for x, y in ((0, 0), (5, 15), (12, 8)):
        ...     tuner.tell({"x": x, "y": y}, x - y)
        >>> len(batch_2d(tuner, 3).data[-1].x)
        3
    """
    go = load_optional("plotly.graph_objects", "plotly")

    check_count("n", n, 2, where="")
    _check_tuner(tuner)
    space = tuner.space
    numbers = [isinstance(parameter, Float | Integer) for parameter in space.parameters]
    if numbers != [True, True] or space.conditions:
        raise ConfigValueError("the space must have two parameters, each a number, and no conditions", where="tuner")
    copy = copy_of(tuner)
    history = copy._history
    with single_blas_thread():
        model = model_of(copy)
        promising, labels = clusters(copy, model, n)
        rngs = [copy._suggester._rng(history, i) for i in range(n)]
        chosen = clustered(model, space.coordinates(history.pending), history.taken, rngs, copy.config)
        traces = [contour(copy, model)]
    for rank, label in enumerate(np.unique(labels)):
        members = space.codes(promising[labels == label])
        traces.append(cloud(f"cluster {rank + 1}", members, HUES[rank % len(HUES)], "circle", 6))
    succeeded = [one.code for one in history.observations if one.value is not None]
    failed = [one.code for one in history.observations if one.value is None]
    traces += [
        cloud("evaluated", succeeded, INK, "square", 9),
        cloud("failed", failed, INK, "x", 10),
        cloud("pending", history.pending, MUTED, "diamond", 11),
        cloud("chosen", chosen, "#ffd400", "star", 18, outline=INK),
    ]
    figure = go.Figure(traces)
    figure.update_layout(**layout(), xaxis=axis(space, 0), yaxis=axis(space, 1), height=640)
    return figure


def convergence(results_or_tuners: Any, minimize: bool | None = None, minimum: float | None = None) -> Any:
    """Best value so far against the number of evaluations, of one search or several.

    Args:
        results_or_tuners: A results dictionary or a tuner; a list of them; or a mapping from names to them. Failures
            are known to tuners only (and where a results dictionary has NaN among its values).
        minimize: Whether low values are better. None asks the tuner, or sees it from `best_objective` in the results.
        minimum: The best value possible (the highest one when maximising). With it the plot shows the regret, the
            distance from it, on a logarithmic axis; a regret of 0 is drawn at a tenth of the lowest one above 0.

    Returns:
        A `plotly.graph_objects.Figure` with three traces for each search: best so far, evaluations, failures.
        Evaluations that break a learned constraint or are of lower fidelity show as hollow, and are never the best.

    Raises:
        ConfigTypeError: If something is neither results nor a tuner.
        ConfigValueError: If nothing has succeeded; if a search has several senses or an unknown one; or if some
            maximise and some minimise.

    Example:
        >>> figure = convergence({"objective_values": [3.0, 1.0, 2.0]}, minimize=True)
        >>> [float(value) for value in figure.data[0].y]
        [3.0, 1.0, 1.0]
    """
    go = load_optional("plotly.graph_objects", "plotly")

    runs = [read_run(name, source, minimize) for name, source in named_sources(results_or_tuners)]
    if not any(np.isfinite(run.values).any() for run in runs):
        raise ConfigValueError("no evaluation has succeeded", where="results_or_tuners")
    if len({run.minimize for run in runs}) > 1:
        raise ConfigValueError("some searches maximise and some minimise", where="results_or_tuners")
    scale = Scale.of(runs, minimum)
    figure = go.Figure([trace for rank, run in enumerate(runs) for trace in run_traces(run, scale, rank)])
    failures = any(not np.isfinite(run.values).all() for run in runs)
    # Failures have no value: they lie in a strip of their own below the others.
    strip = 0.06 * len(runs) if failures else 0.0
    title = "best value so far" if minimum is None else "regret of the best so far"
    figure.update_layout(
        **layout(),
        xaxis={"title": {"text": "evaluations"}, "anchor": "y2" if failures else "y"},
        yaxis={"title": {"text": title}, "type": "linear" if minimum is None else "log", "domain": [strip, 1.0]},
        yaxis2={"visible": failures, "domain": [0.0, max(strip - 0.02, 0.01)], "type": "category"},
    )
    figure.update_layout(yaxis={"exponentformat": "power"}, yaxis2={"autorange": "reversed", "showgrid": False})
    return figure


# -- the surrogate and the batch ---------------------------------------------------------------------------------------


def _check_tuner(tuner: Any) -> None:
    if not isinstance(tuner, AskTell):
        raise ConfigTypeError(f"must be a tuner, not {type(tuner).__name__}", where="tuner")
    if len(tuner._history.senses) > 1:
        raise ConfigValueError("a tuner with several senses has no single surrogate to draw", where="tuner")
    if tuner.config.surrogate is not None:
        raise ConfigValueError("a surrogate of your own has no acquisition to draw", where="tuner")
    if tuner._history.usable == 0:
        raise ConfigValueError("no evaluation has succeeded yet", where="tuner", advice="run or tell it first")


def _place(space: Space, name: str | None) -> int:
    if name is None and len(space.names) > 1:
        raise ConfigValueError(
            f"the space has {len(space.names)} parameters", where="name", advice=f"name one of {', '.join(space.names)}"
        )
    if name is not None and name not in space.names:
        raise ConfigValueError(f"{name!r} is not a parameter of the space", where="name")
    place = 0 if name is None else space.names.index(name)
    if not isinstance(space.parameters[place], Float | Integer):
        raise ConfigValueError(f"{space.names[place]!r} is not a number", where="name")
    if space.conditions:
        raise ConfigValueError("a space with conditions cannot be cut along one parameter", where="tuner")
    return place
