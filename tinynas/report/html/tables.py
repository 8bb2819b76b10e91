"""The tables of a study's page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tinynas.report.columns import Where, columns_in
from tinynas.report.front import describe_point, front_headings, read_front, traded_off
from tinynas.report.html.cells import Bar, Cell, Head, Row, Table, bar_of, sorted_cell
from tinynas.report.predicted import RESOURCES, Prediction, predictions
from tinynas.report.rulers import RULERS, describe_errors
from tinynas.report.view import StudyView, number_at
from tinynas.report.words import (
    NONE,
    describe_choice,
    describe_short,
    error_text,
    grouped,
    kib,
    number,
    percent,
    signed,
)
from tinynas.study import Trial, TrialState

__all__ = [
    "error_table",
    "facts",
    "front_table",
    "prediction_table",
    "recordings_table",
    "resources_table",
    "trials_table",
]


def error_table(view: StudyView) -> Table:
    """The velocity errors of the best network beside those of the trivial predictors."""
    rows: list[tuple[str, float | None, float | None]] = []
    if view.best is not None:
        deployed, trained = f"best network, {view.precision} (as deployed)", "best network, before conversion"
        for stage, name in (("int8", deployed), ("float", trained)):
            rows.append((name, view.error(stage, "validation"), view.error(stage, "test")))
    for predictor, name in RULERS.items():
        rows.append((name, view.baseline(predictor, "validation"), view.baseline(predictor, "test")))
    on_test = any(test is not None for _, _, test in rows)
    shown = [test if on_test else validation for _, validation, test in rows]
    worst = max((value for value in shown if value is not None), default=0.0)
    body = []
    for index, ((name, validation, test), value) in enumerate(zip(rows, shown, strict=True)):
        ours = view.best is not None and index < 2
        drawn = bar_of(value, worst, f"{name}: {error_text(value)}", "best" if ours else "")
        cells = (Cell(name), Cell(number(validation), "number"), Cell(number(test), "number"), Cell(bar=drawn))
        body.append(Row(cells, best=ours and index == 0))
    last = "test error" if on_test else "validation error"
    heads = (Head("predictor"), Head("validation (m/s)", True), Head("test (m/s)", True), Head(last))
    return Table(heads, tuple(body))


def resources_table(view: StudyView) -> Table | None:
    """What the best network takes of the board; None where there is none."""
    if view.best is None:
        return None
    body = []
    for column in columns_in(Where.PAGE):
        text = column.text(view.best.measurement)
        if text is None:
            continue
        share = limit = None
        if column.resource is not None:
            share, limit = view.share(view.best, column.resource), kib(view.limit(column.resource))
        drawn = None if share is None else Bar(share, f"{column.label}: {percent(share)} of the limit")
        body.append(Row((Cell(column.label), Cell(text, "number"), Cell(limit or "", "number"), Cell(bar=drawn))))
    heads = (Head("resource"), Head("used", True), Head("limit", True), Head("share"))
    return Table(heads, tuple(body))


def recordings_table(view: StudyView) -> Table | None:
    """The metrics of the best network on every test recording; None where there are none."""
    rows = view.test_recordings
    if not rows:
        return None
    worst = max((number_at(row, "joint") or 0.0 for row in rows), default=0.0)
    body = []
    for row in rows:
        joint, name = number_at(row, "joint"), str(row.get("name", NONE))
        figures = [
            sorted_cell(number_at(row, key), number(number_at(row, key), digits))
            for key, digits in (("length_m", 1), ("rmse_x", 3), ("rmse_y", 3), ("joint", 3), ("ate_m", 2), ("rte_m", 2))
        ]
        drawn = Cell(bar=bar_of(joint, worst, f"{name}: {error_text(joint)}"))
        body.append(Row((Cell(name, "name"), *figures, Cell(describe_errors(row), "prose"), drawn)))
    names = ("length (m)", "RMSE x (m/s)", "RMSE y (m/s)", "RMSE (m/s)", "ATE (m)", "RTE (m)")
    heads = (
        Head("recording", sortable=True),
        *(Head(name, True, True) for name in names),
        Head("beside what needs no network"),
        Head("RMSE"),
    )
    return Table(heads, tuple(body), sortable=True)


def trials_table(view: StudyView, link: Callable[[int], str] | None = None) -> Table:
    """All trials, sortable by every column.

    Args:
        view: The study.
        link: The address of a trial's own page; None: there is none.
    """
    shown = columns_in(Where.TRIALS)
    body = []
    for trial in view.trials:
        times = sorted(trial.times.values())
        seconds = times[-1] - times[0] if len(times) > 1 else None
        error = number_at(trial.metrics, "error_int8")
        state = TrialState.INFEASIBLE if trial.feasible is False else trial.state
        cells = (
            sorted_cell(trial.id, str(trial.id), "" if link is None else link(trial.id)),
            Cell(str(state), state=True),
            sorted_cell(trial.objective, number(trial.objective, 4)),
            sorted_cell(error, number(error)),
            *(sorted_cell(column.value(trial.measurement), column.text(trial.measurement) or NONE) for column in shown),
            sorted_cell(seconds, NONE if seconds is None else f"{seconds:.1f}"),
            Cell(describe_short(trial.architecture) + describe_choice(trial.params), "nowrap"),
            Cell(trial.note, "wide"),
        )
        body.append(Row(cells, best=_is_best(view, trial)))
    heads = (
        Head("trial", True, True),
        Head("state", sortable=True),
        *(Head(name, True, True) for name in ("objective", f"{view.precision} error (m/s)")),
        *(Head(column.label, True, True) for column in shown),
        Head("time (s)", True, True),
        *(Head(name, sortable=True) for name in ("network", "note")),
    )
    return Table(heads, tuple(body), sortable=True)


def front_table(view: StudyView) -> Table | None:
    """The networks of the Pareto front, the knee marked; None where there is none."""
    names, points = traded_off(view), read_front(view)
    if not points:
        return None
    body = []
    for point in points:
        texts = (Cell(text, "number") for text in describe_point(point, names))
        network = Cell(describe_short(point["architecture"]), "nowrap")
        cells = (Cell(str(point["trial"]), "number"), *texts, network, Cell("the knee" if point["knee"] else ""))
        body.append(Row(cells, best=point["knee"]))
    heads = (Head("trial", True), *(Head(name, True) for name in front_headings(names)), Head("network"), Head(""))
    return Table(heads, tuple(body))


def prediction_table(view: StudyView) -> Table:
    """The trials that were measured, with what the resource model predicted, sortable by every column."""
    pairs = {resource: {pair.trial.id: pair for pair in predictions(view, resource)} for resource in RESOURCES}
    body = []
    for trial in view.trials:
        found = [pairs[resource].get(trial.id) for resource in RESOURCES]
        if not any(found):
            continue
        latency_us = number_at(trial.measurement, "latency_us")
        cells = [cell for pair in found for cell in _prediction_cells(pair)]
        cells.append(sorted_cell(latency_us, NONE if latency_us is None else f"{latency_us / 1000:.2f}"))
        body.append(Row((sorted_cell(trial.id, str(trial.id)), *cells), best=_is_best(view, trial)))
    names = ("trial", *("predicted", "measured", "off", "off (%)") * len(RESOURCES), "latency (ms)")
    groups = (("", 1), *((f"{name} (bytes)", 4) for name in RESOURCES.values()), ("", 1))
    return Table(tuple(Head(name, True, True) for name in names), tuple(body), sortable=True, groups=groups)


def _prediction_cells(pair: Prediction | None) -> list[Cell]:
    if pair is None:
        return [sorted_cell(None, NONE)] * 4
    return [
        sorted_cell(pair.predicted_bytes, grouped(pair.predicted_bytes)),
        sorted_cell(pair.measured_bytes, grouped(pair.measured_bytes)),
        sorted_cell(pair.off_bytes, signed(pair.off_bytes)),
        sorted_cell(pair.off_percent, signed(pair.off_percent, 2)),
    ]


def facts(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A nested mapping as dotted keys and values."""
    return list(_flat("", document)) if document else []


def _flat(prefix: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else str(key), item)
    else:
        yield prefix, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _is_best(view: StudyView, trial: Trial) -> bool:
    return view.best is not None and trial.id == view.best.id
