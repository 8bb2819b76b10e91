"""The tables and cards of the report as HTML. All text that comes from a study is escaped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from tinynas.report.predicted import RESOURCES, Foreseen, foreseen
from tinynas.report.view import View, number_at, time_is_estimated
from tinynas.report.words import (
    NONE,
    bind,
    describe_short,
    error_text,
    grouped,
    kib,
    macs,
    number,
    percent,
    relative,
    signed,
    span,
)
from tinynas.study import Trial, TrialState

__all__ = [
    "bar",
    "cards",
    "error_table",
    "facts_table",
    "foreseen_table",
    "recordings_table",
    "resources_table",
    "trials_table",
]


def bar(share: float | None, label: str, kind: str = "") -> str:
    """Return a horizontal bar, full at 1; `label` is what a screen reader says."""
    if share is None:
        return ""
    width = 100 * min(1.0, max(0.0, share))
    kind = "over" if share > 1 and kind != "best" else kind
    return (
        f'<span class="bar {kind}" role="img" aria-label="{escape(label)}">'
        f'<span style="width:{width:.1f}%"></span></span>'
    )


def cards(view: View) -> str:
    """Return the figures at the top: error, SRAM, flash, work, trials."""
    best = view.best
    items = []
    if best is not None:
        split = "test" if view.error("int8", "test") is not None else "validation"
        gain = relative(view.error("int8", split), view.baseline("mean", split))
        trained = f"{error_text(view.error('float', split))} before conversion"
        detail = f"{gain} predicting the mean" if gain else trained
        items.append(_card(f"{view.precision} error, {split}", error_text(view.error("int8", split)), detail))
        items += [_resource_card(view, best, resource) for resource in ("sram", "flash")]
        latency_us = number_at(best.measurement, "latency_us")
        detail = "an inference" if latency_us is None else f"{latency_us / 1000:.2f} ms an inference"
        detail += ", an estimate" if latency_us is not None and time_is_estimated(best.measurement) else ""
        items.append(_card("MACs", macs(number_at(best.measurement, "macs")), detail))
    unfinished = sum(not trial.state.is_finished for trial in view.trials)
    parts = [f"{view.infeasible} infeasible", f"{unfinished} under way" if unfinished else ""]
    seconds = number_at(view.summary, "seconds")
    parts.append(span(seconds) if seconds is not None else "")
    items.append(_card("trials", str(len(view.trials)), ", ".join(part for part in parts if part)))
    return f'<dl class="cards">{"".join(items)}</dl>'


def _card(title: str, figure: str, detail: str, extra: str = "") -> str:
    return (
        f'<div class="card"><dt>{escape(title)}</dt><dd><div class="figure">{escape(figure)}</div>{extra}'
        f'<div class="detail">{bind(escape(detail))}</div></dd></div>'
    )


def _resource_card(view: View, trial: Trial, resource: str) -> str:
    title = "SRAM" if resource == "sram" else resource
    used, limit = number_at(trial.measurement, f"{resource}_bytes"), view.limit(resource)
    share = used / limit if used is not None and limit else None
    detail = f"{percent(share)} of the {kib(limit)} limit" if share is not None else "limit unknown"
    return _card(title, kib(used), detail, bar(share, f"{title}: {detail}"))


def error_table(view: View) -> str:
    """Return the velocity errors of the best network beside those of the trivial predictors."""
    rows: list[tuple[str, float | None, float | None]] = []
    if view.best is not None:
        deployed, trained = f"best network, {view.precision} (as deployed)", "best network, before conversion"
        for stage, name in (("int8", deployed), ("float", trained)):
            rows.append((name, view.error(stage, "validation"), view.error(stage, "test")))
    for predictor, name in (("mean", "always the training mean"), ("zero", "always zero")):
        rows.append((name, view.baseline(predictor, "validation"), view.baseline(predictor, "test")))
    on_test = any(test is not None for _, _, test in rows)
    shown = [test if on_test else validation for _, validation, test in rows]
    worst = max((value for value in shown if value is not None), default=0.0)
    body = []
    for index, ((name, validation, test), value) in enumerate(zip(rows, shown, strict=True)):
        share = value / worst if value is not None and worst else None
        ours = view.best is not None and index < 2
        drawn = bar(share, f"{name}: {error_text(value)}", "best" if ours else "")
        body.append(
            f'<tr class="{"best" if ours and index == 0 else ""}"><th scope="row">{name}</th>'
            f'<td class="number">{number(validation)}</td><td class="number">{number(test)}</td><td>{drawn}</td></tr>'
        )
    head = _head(
        ["predictor", "validation (m/s)", "test (m/s)", "test error" if on_test else "validation error"], {1, 2}
    )
    return f'<div class="scroll"><table>{head}<tbody>{"".join(body)}</tbody></table></div>'


def resources_table(view: View) -> str:
    """Return what the best network takes of the board; empty when there is none."""
    if view.best is None:
        return ""
    measurement = view.best.measurement
    rows = []
    for resource, name in (("sram", "SRAM"), ("flash", "flash")):
        used, limit = number_at(measurement, f"{resource}_bytes"), view.limit(resource)
        share = used / limit if used is not None and limit else None
        rows.append((name, kib(used), kib(limit), bar(share, f"{name}: {percent(share)} of the limit")))
    for key, name in (
        ("predicted_sram_bytes", "SRAM, as it was foreseen"),
        ("predicted_flash_bytes", "flash, as it was foreseen"),
    ):
        if (foreseen := number_at(measurement, key)) is not None:
            rows.append((name, kib(foreseen), "", ""))
    for key, name in (("arena_bytes", "tensor arena"), ("tflite_bytes", ".tflite file")):
        rows.append((name, kib(number_at(measurement, key)), "", ""))
    for key, name in (("macs", "MACs"), ("parameters", "parameters")):
        rows.append((name, macs(number_at(measurement, key)), "", ""))
    for key, name, unit in (("latency_us", "latency", "ms"), ("energy_uj", "energy", "mJ")):
        value = number_at(measurement, key)
        estimate = ", an estimate" if key == "latency_us" and time_is_estimated(measurement) else ""
        rows.append((name, "not measured" if value is None else f"{value / 1000:.2f} {unit}{estimate}", "", ""))
    body = "".join(
        f'<tr><th scope="row">{name}</th><td class="number">{used}</td><td class="number">{limit}</td>'
        f"<td>{drawn}</td></tr>"
        for name, used, limit, drawn in rows
    )
    head = _head(["resource", "used", "limit", "share"], {1, 2})
    return f'<div class="scroll"><table>{head}<tbody>{body}</tbody></table></div>'


def recordings_table(view: View) -> str:
    """Return the metrics of the best network on every test recording; empty when there are none."""
    rows = view.test_recordings
    if not rows:
        return ""
    worst = max((number_at(row, "joint") or 0.0 for row in rows), default=0.0)
    body = []
    for row in rows:
        joint = number_at(row, "joint")
        name = escape(str(row.get("name", NONE)))
        label = f"{row.get('name', NONE)}: {error_text(joint)}"
        drawn = bar(joint / worst if joint is not None and worst else None, label)
        cells = "".join(
            f'<td class="number" data-sort="{_sort(number_at(row, key))}">{number(number_at(row, key), digits)}</td>'
            for key, digits in (("length_m", 1), ("rmse_x", 3), ("rmse_y", 3), ("joint", 3), ("ate_m", 2), ("rte_m", 2))
        )
        body.append(f'<tr><th scope="row" class="wide">{name}</th>{cells}<td>{drawn}</td></tr>')
    names = ["recording", "length (m)", "RMSE x (m/s)", "RMSE y (m/s)", "RMSE (m/s)", "ATE (m)", "RTE (m)"]
    return _scrolling(_head(names, {1, 2, 3, 4, 5, 6}, sortable=True, unsorted=["RMSE"]), body)


def trials_table(view: View) -> str:
    """Return all trials, sortable by every column."""
    body = []
    for trial in view.trials:
        times = sorted(trial.times.values())
        seconds = times[-1] - times[0] if len(times) > 1 else None
        measured = [number_at(trial.measurement, name) for name in ("sram_bytes", "flash_bytes", "macs")]
        numbers = [
            (trial.objective, number(trial.objective, 4)),
            (number_at(trial.metrics, "error_int8"), number(number_at(trial.metrics, "error_int8"))),
            *zip(measured, (kib(measured[0]), kib(measured[1]), macs(measured[2])), strict=True),
            (seconds, NONE if seconds is None else f"{seconds:.1f}"),
        ]
        cells = "".join(f'<td class="number" data-sort="{_sort(value)}">{text}</td>' for value, text in numbers)
        best = ' class="best"' if view.best is not None and trial.id == view.best.id else ""
        state = TrialState.INFEASIBLE if trial.feasible is False else trial.state
        body.append(
            f'<tr{best}><th scope="row" class="number" data-sort="{trial.id}">{trial.id}</th>'
            f'<td><span class="state {state}">{state}</span></td>{cells}'
            f'<td class="nowrap">{escape(describe_short(trial.architecture))}</td>'
            f'<td class="wide">{escape(trial.note)}</td></tr>'
        )
    names = [
        "trial",
        "state",
        "objective",
        f"{view.precision} error (m/s)",
        "SRAM",
        "flash",
        "MACs",
        "time (s)",
        "network",
        "note",
    ]
    return _scrolling(_head(names, {0, 2, 3, 4, 5, 6, 7}, sortable=True), body)


def foreseen_table(view: View) -> str:
    """Return the trials that were measured, with what the resource model had foreseen, sortable by every column."""
    pairs = {resource: {pair.trial.id: pair for pair in foreseen(view, resource)} for resource in RESOURCES}
    body = []
    for trial in view.trials:
        found = [pairs[resource].get(trial.id) for resource in RESOURCES]
        if not any(found):
            continue
        latency_us = number_at(trial.measurement, "latency_us")
        numbers = [cell for pair in found for cell in _foreseen_cells(pair)]
        numbers.append((latency_us, NONE if latency_us is None else f"{latency_us / 1000:.2f}"))
        cells = "".join(f'<td class="number" data-sort="{_sort(value)}">{text}</td>' for value, text in numbers)
        best = ' class="best"' if view.best is not None and trial.id == view.best.id else ""
        body.append(f'<tr{best}><th scope="row" class="number" data-sort="{trial.id}">{trial.id}</th>{cells}</tr>')
    names = ["trial", *["foreseen", "measured", "off", "off (%)"] * len(RESOURCES), "latency (ms)"]
    groups = [("", 1), *((f"{name} (bytes)", 4) for name in RESOURCES.values()), ("", 1)]
    return _scrolling(_head(names, set(range(len(names))), sortable=True, groups=groups), body)


def _foreseen_cells(pair: Foreseen | None) -> list[tuple[float | None, str]]:
    if pair is None:
        return [(None, NONE)] * 4
    return [
        (pair.foreseen_bytes, grouped(pair.foreseen_bytes)),
        (pair.measured_bytes, grouped(pair.measured_bytes)),
        (pair.off_bytes, signed(pair.off_bytes)),
        (pair.off_percent, signed(pair.off_percent, 2)),
    ]


def facts_table(document: Mapping[str, Any]) -> str:
    """Return a nested mapping as a table of dotted keys and values."""
    rows = [
        f'<tr><th scope="row">{escape(key)}</th><td>{escape(value)}</td></tr>' for key, value in _flat("", document)
    ]
    return f'<div class="scroll"><table class="facts"><tbody>{"".join(rows)}</tbody></table></div>' if rows else ""


def _flat(prefix: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else str(key), item)
    else:
        yield prefix, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _head(
    names: Sequence[str],
    numeric: set[int],
    *,
    sortable: bool = False,
    unsorted: Sequence[str] = (),
    groups: Sequence[tuple[str, int]] = (),
) -> str:
    """The head of a table; `groups` are names over so many columns each, in a row above."""
    cells = []
    for index, name in enumerate(names):
        text = f'<button type="button">{escape(name)}</button>' if sortable else escape(name)
        cells.append(f'<th scope="col" class="{"number" if index in numeric else ""}">{text}</th>')
    cells += [f'<th scope="col">{escape(name)}</th>' for name in unsorted]
    above = "".join(
        f'<th scope="colgroup" colspan="{width}" class="group">{escape(name)}</th>'
        if name
        else f'<td colspan="{width}"></td>'
        for name, width in groups
    )
    return f"<thead>{f'<tr>{above}</tr>' if above else ''}<tr>{''.join(cells)}</tr></thead>"


def _scrolling(head: str, body: Iterable[str]) -> str:
    table = f'<table class="sortable">{head}<tbody>{"".join(body)}</tbody></table>'
    # Focusable, so that a keyboard can scroll it.
    return f'<div class="scroll" tabindex="0">{table}</div>'


def _sort(value: float | None) -> str:
    return "" if value is None else repr(float(value))
