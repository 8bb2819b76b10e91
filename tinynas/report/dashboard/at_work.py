"""The first section of a study's page in the dashboard: what its search is doing now."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from tinynas.report.dashboard.crew_tables import crew_tables
from tinynas.report.html.cells import Bar, Cell, Head, Row, Table, sorted_cell
from tinynas.report.html.sections import Section
from tinynas.report.view import StudyView, number_at
from tinynas.report.words import NONE, bind, describe_short, number, span
from tinynas.study import Trial, TrialState

__all__ = ["at_work"]

_DOING = {
    TrialState.PROPOSED: "costing",
    TrialState.COSTED: "training",
    TrialState.PAUSED: "training on",
    TrialState.TRAINED: "converting",
    TrialState.CONVERTED: "measuring",
    TrialState.MEASURED: "scoring",
}
# So long without a word is worth telling; the longest epochs take minutes.
_QUIET_S = 120.0
_MOST_REASONS = 6


def at_work(view: StudyView, link: Callable[[int], str], now: float | None = None) -> Section:
    """Say what a search does now and with whom, how far it is, and what has gone wrong.

    Args:
        view: The study.
        link: The address of a trial's own page.
        now: Unix time in seconds; None: the clock's.
    """
    now = time.time() if now is None else now
    running = view.under_way
    tables = [_progress(view)]
    if running:
        tables.append(_running(view, running, link, now))
    if view.live.running:
        tables += crew_tables(view.crew, link, now)
    if reasons := _failures(view):
        tables.append(reasons)
    return Section("The search", bind(_note(view, len(running), now)), tables=tuple(tables))


def _note(view: StudyView, running: int, now: float) -> str:
    live = view.live
    if not live.running:
        if "best_trial" in view.summary:
            return "The search has ended."
        return "No search is at work on this study; `tinynas resume` goes on with it."
    parts = ["A search is at work"]
    if live.workers:
        parts.append(f" with {live.workers} worker{'' if live.workers == 1 else 's'}")
    if live.started is not None:
        parts.append(f", for {span(max(0.0, now - live.started))} in this session")
    left = _left_s(view, now)
    if left is not None:
        parts.append(f", and needs about {span(left)} more")
    heard = max(now - (live.written or now), 0.0)
    silent = f" It has said nothing for {span(heard)}." if running and heard > _QUIET_S else ""
    return "".join(parts) + "." + silent


def _left_s(view: StudyView, now: float) -> float | None:
    """Seconds of the budget that are left; without one, what the trials left take at the pace of this session."""
    live = view.live
    ends = [max(t.times.values()) for t in view.trials if t.at_rest and t.times]
    minutes, spent = number_at(view.config, "minutes"), number_at(view.summary, "seconds")
    if minutes is not None and spent is not None and ends:
        return max(0.0, 60 * minutes - spent - max(0.0, now - max(ends)))
    if live.planned is None or live.started is None or live.written is None:
        return None
    here = [end for end in ends if end >= live.started]
    if not here or len(ends) >= live.planned:
        return None
    return (max(here) - live.started) / len(here) * (live.planned - len(ends))


def _progress(view: StudyView) -> Table:
    ended = sum(trial.at_rest for trial in view.trials)
    planned = None if "best_trial" in view.summary and not view.live.running else _planned(view)
    failed = sum(trial.state is TrialState.FAILED for trial in view.trials)
    drawn = None if not planned else Bar(min(1.0, ended / planned), f"{ended} of {planned:.0f} trials have ended")
    paused = sum(trial.state is TrialState.PAUSED for trial in view.trials)
    counts = [
        ("ended", f"{ended} of {planned:.0f}" if planned else str(ended), drawn),
        ("infeasible", str(view.infeasible), None),
        ("failed", str(failed), None),
        ("answered from an earlier trial", str(sum(t.duplicate_of is not None for t in view.trials)), None),
        *([("paused, not among the best", str(paused), None)] if paused else []),
    ]
    if not planned:
        plain = tuple(Row((Cell(name), Cell(text, "number"))) for name, text, _ in counts)
        return Table((Head("trials"), Head("count", True)), plain)
    rows = tuple(Row((Cell(name), Cell(text, "number"), Cell(bar=bar))) for name, text, bar in counts)
    return Table((Head("trials"), Head("count", True), Head("of those planned")), rows)


def _planned(view: StudyView) -> float | None:
    """Trials that the search will make, final trainings included; None where that is not known."""
    if view.live.planned:
        return view.live.planned
    searched = number_at(view.config, "trials")
    finals = [number_at(view.config, "final", key) or 0 for key in ("candidates", "seeds")]
    return None if searched is None else searched + finals[0] * finals[1]


def _running(view: StudyView, running: list[Trial], link: Callable[[int], str], now: float) -> Table:
    body = []
    for trial in running:
        curve = view.live.curves.get(trial.id, ())
        since = max(0.0, now - max(trial.times.values(), default=now))
        epochs = f"{len(curve)} of {view.live.epochs}" if view.live.epochs else str(len(curve))
        doing = _DOING.get(trial.state, str(trial.state)) if view.live.running else f"left {trial.state}"
        body.append(
            Row(
                (
                    sorted_cell(trial.id, str(trial.id), link(trial.id)),
                    Cell(doing, "nowrap"),
                    Cell(span(since), "number"),
                    Cell(epochs if curve else NONE, "number"),
                    Cell(number(curve[-1] if curve else None), "number"),
                    Cell(describe_short(trial.architecture), "wide"),
                )
            )
        )
    numeric = (Head("since", True), Head("epoch", True), Head("validation (m/s)", True))
    return Table((Head("trial", True), Head("doing"), *numeric, Head("network")), tuple(body))


def _failures(view: StudyView) -> Table | None:
    counted = Counter((t.reason or NONE)[:200] for t in view.trials if t.state is TrialState.FAILED)
    if not counted:
        return None
    rows = [
        Row((Cell(reason, "wide"), Cell(str(count), "number"))) for reason, count in counted.most_common(_MOST_REASONS)
    ]
    return Table((Head("why trials failed"), Head("count", True)), tuple(rows))
