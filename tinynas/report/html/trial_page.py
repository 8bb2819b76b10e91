"""One trial as a page: its network, its costs, its learning, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator

from tinynas.report.columns import Where, columns_in
from tinynas.report.html.cards import resource_cards
from tinynas.report.html.cells import Card, Cell, Head, Row, Table, bar_of
from tinynas.report.html.network_sections import inside_sections, memory_section, paths_section
from tinynas.report.html.sections import Content, Lead, Plot, Section
from tinynas.report.html.tables import facts
from tinynas.report.rulers import RULERS
from tinynas.report.trial_view import TrialView
from tinynas.report.view import number_at
from tinynas.report.words import NONE, bind, describe, error_text, number, signed, span
from tinynas.study import TrialState

__all__ = ["trial_page"]


def trial_page(one: TrialView) -> Content:
    """Make the page of a trial.

    Args:
        one: The trial.
    """
    trial, view = one.trial, one.study
    state = TrialState.INFEASIBLE if trial.feasible is False else trial.state
    return Content(
        name=f"tinynas: trial {trial.id}, {view.name}",
        eyebrow=f"tinynas · {view.title} · {view.dataset} · {view.name}",
        title=f"Trial {trial.id}",
        lead=_lead(one),
        sections=tuple(_sections(one)),
        banner=f"This trial is under way: {trial.state}." if trial in view.under_way else "",
        cards=(
            Card("state", str(state), bind(_age(one))),
            *_error_card(one),
            *(resource_cards(view, trial) if trial.measurement else ()),
        ),
        recordings=one.recordings,
        footer=f"Trial {trial.id} of the study {view.name}.",
    )


def _lead(one: TrialView) -> Lead:
    note = f" ({one.trial.note})" if one.trial.note else ""
    if one.study.best is not None and one.study.best.id == one.trial.id:
        note += " It is the best of the study."
    return Lead(bind(f"A network with {describe(one.trial.architecture)}.{note}"))


def _age(one: TrialView) -> str:
    times = sorted(one.trial.times.values())
    return f"{span(times[-1] - times[0])} from proposal on" if len(times) > 1 else "just proposed"


def _error_card(one: TrialView) -> Iterator[Card]:
    error = number_at(one.trial.metrics, "error_int8")
    if error is not None:
        before = number_at(one.trial.metrics, "error_float")
        yield Card(f"{one.study.precision} error", error_text(error), bind(f"{error_text(before)} before conversion"))


def _sections(one: TrialView) -> Iterator[Section]:
    from tinynas.report.figures import learning_curve

    if (errors := _errors(one)) is not None:
        note = "The network as it is deployed beside the one that was trained, and beside what needs no network."
        yield Section("Error, deployed and trained", note, tables=(errors,))
    yield from memory_section(one, "this network")
    yield from inside_sections(one, "this network")
    curve = learning_curve(one.study, one.trial)
    if curve is not None:
        alt = f"Validation error of trial {one.trial.id} over its epochs."
        yield Section("Learning curve", plots=(Plot("learning", curve, alt),))
    yield from paths_section(one)
    tables = tuple(table for table in (_states(one), _figures(one)) if table is not None)
    yield Section("Steps and figures", "How long each step took, and what is known of the network.", tables=tables)
    named = (
        ("Parameters", one.trial.params),
        ("Architecture", one.trial.architecture),
        ("Measurement", one.trial.measurement),
        ("Metrics", {k: v for k, v in (one.trial.metrics or {}).items() if k != "history"}),
        ("Files, by SHA-256", one.trial.artefacts),
    )
    documents = tuple((title, rows) for title, document in named if (rows := facts(document or {})))
    yield Section("Everything that is stored", documents=documents)


def _errors(one: TrialView) -> Table | None:
    """The error before and after conversion, in m/s; None before training."""
    metrics = one.trial.metrics
    known = [
        (f"{one.study.precision}, as deployed", number_at(metrics, "error_int8")),
        ("before conversion", number_at(metrics, "error_float")),
    ]
    known += [(name, one.study.baseline(predictor, "validation")) for predictor, name in RULERS.items()]
    deployed = known[0][1]
    if known[1][1] is None:
        return None
    worst = max(value for _, value in known if value is not None)
    body = [
        Row(
            (
                Cell(name),
                Cell(number(value), "number"),
                Cell(NONE if value is None or deployed is None else signed(value - deployed, 4), "number"),
                Cell(bar=bar_of(value, worst, f"{name}: {error_text(value)}", "best" if index < 2 else "")),
            ),
            best=index == 0,
        )
        for index, (name, value) in enumerate(known)
        if value is not None
    ]
    heads = (Head("predictor"), Head("validation (m/s)", True), Head("against deployed", True), Head("error"))
    return Table(heads, tuple(body))


def _states(one: TrialView) -> Table:
    """When each state was entered, after the proposal."""
    times = sorted(one.trial.times.items(), key=lambda item: item[1])
    body, before = [], times[0][1] if times else 0.0
    for state, at in times:
        body.append(Row((Cell(state, state=True), Cell(f"{at - before:.2f}", "number"))))
        before = at
    return Table((Head("state"), Head("took (s)", True)), tuple(body))


def _figures(one: TrialView) -> Table | None:
    rows = [(column.label, column.text(one.trial.measurement)) for column in columns_in(Where.PAGE)]
    body = [Row((Cell(label), Cell(text, "number"))) for label, text in rows if text is not None]
    return Table((Head("figure"), Head("value", True)), tuple(body)) if one.trial.measurement else None
