"""The figures at the top of a study's page."""

from __future__ import annotations

from tinynas.report.columns import Where, columns_in
from tinynas.report.html.cells import Bar, Card
from tinynas.report.view import StudyView, number_at
from tinynas.report.words import NONE, bind, error_text, kib, percent, relative, span
from tinynas.study import Trial

__all__ = ["cards", "resource_cards"]


def cards(view: StudyView) -> list[Card]:
    """The figures at the top: error, SRAM, flash, work, trials."""
    best = view.best
    items = []
    if best is not None:
        split = "test" if view.error("int8", "test") is not None else "validation"
        gain = relative(view.error("int8", split), view.baseline("mean", split))
        trained = f"{error_text(view.error('float', split))} before conversion"
        detail = f"{gain} predicting the mean" if gain else trained
        items.append(Card(f"{view.precision} error, {split}", error_text(view.error("int8", split)), bind(detail)))
        items += resource_cards(view, best)
    unfinished = len(view.under_way)
    parts = [f"{view.infeasible} infeasible", f"{unfinished} under way" if unfinished else ""]
    seconds = number_at(view.summary, "seconds")
    parts.append(span(seconds) if seconds is not None else "")
    return [*items, Card("trials", str(len(view.trials)), bind(", ".join(part for part in parts if part)))]


def resource_cards(view: StudyView, trial: Trial) -> list[Card]:
    """What a trial's network takes of the board, and how much it computes."""
    items: list[Card] = []
    work = None
    for column in columns_in(Where.TRIALS):
        if column.resource is None:
            work = column
            continue
        share, limit = view.share(trial, column.resource), kib(view.limit(column.resource))
        detail = f"{percent(share)} of the {limit} limit" if share is not None else "limit unknown"
        drawn = None if share is None else Bar(share, f"{column.label}: {detail}")
        items.append(Card(column.label, column.text(trial.measurement) or NONE, bind(detail), drawn))
    if work is not None:
        times = [column.text(trial.measurement) for column in columns_in(Where.TERMINAL) if column.is_time]
        known = "; ".join(text for text in times if text and text != "not measured")
        detail = f"an inference: {known}" if known else "an inference"
        items.append(Card(work.label, work.text(trial.measurement) or NONE, bind(detail)))
    return items
