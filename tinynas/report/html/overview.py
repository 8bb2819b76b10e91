"""A study as a page: its sections, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tinynas.objective import TERMS
from tinynas.report.html.cards import cards
from tinynas.report.html.data import data_sections
from tinynas.report.html.lead import banner, lead
from tinynas.report.html.network_sections import inside_sections, memory_section, paths_section
from tinynas.report.html.sections import Content, Plot, Section
from tinynas.report.html.tables import (
    error_table,
    facts,
    front_table,
    prediction_table,
    recordings_table,
    resources_table,
    trials_table,
)
from tinynas.report.importance import FEWEST_TRIALS, importances
from tinynas.report.power import describe_power, read_power
from tinynas.report.predicted import RESOURCES, proxy_error, proxy_error_text
from tinynas.report.resources import COSTS
from tinynas.report.trial_view import TrialView
from tinynas.report.view import StudyView, mapping_at, number_at, time_is_estimated
from tinynas.report.words import bind, number, percent
from tinynas.study import TrialState

__all__ = ["overview"]

# A longer table of measured trials is folded: the figures and the note say what it adds up to.
_MOST_ROWS = 30


def overview(
    view: StudyView,
    best: TrialView | None,
    *,
    first: tuple[Section, ...] = (),
    link: Callable[[int], str] | None = None,
) -> Content:
    """Make the page of a study.

    Args:
        view: The study.
        best: Its best trial; None where it has none.
        first: Sections that stand before all others.
        link: The address of a trial's own page; None: there is none.
    """
    title = f"Best network for {view.title}" if view.best else f"No network for {view.title} yet"
    return Content(
        name=f"tinynas: {view.title}, {view.dataset}",
        eyebrow=f"tinynas · {view.title} · {view.dataset}",
        title=title,
        lead=lead(view),
        sections=(*first, *_sections(view, best, link)),
        banner=banner(view),
        cards=tuple(cards(view)) if view.trials else (),
        recordings=view.recordings,
        footer=f"Made by tinynas from the study {view.name}.",
    )


def _sections(view: StudyView, best: TrialView | None, link: Callable[[int], str] | None) -> Iterator[Section]:
    if view.best is not None or view.summary.get("baselines"):
        yield _comparison(view)
    yield _history(view)
    yield from _front(view)
    yield from _costs(view)
    if best is not None:
        yield from memory_section(best, "the best network")
    yield from _importance(view)
    yield from _learning(view)
    yield from _predicted(view)
    if best is not None:
        yield from inside_sections(best, "the best network")
        yield from paths_section(best)
    if recordings := recordings_table(view):
        note = (
            "RMSE: of the velocity. ATE: root mean square distance between true and predicted path. "
            "RTE: the same over stretches of 60 s."
        )
        yield Section("Test recordings", note, tables=(recordings,))
    yield from data_sections(view)
    if view.trials:
        yield Section("All trials", tables=(trials_table(view, link),))
    else:
        yield Section("All trials", text="No trial has been proposed yet.")
    named = (("Configuration", view.config), ("Board", view.board), ("Provenance", view.origin))
    documents = tuple((title, rows) for title, document in named if (rows := facts(document)))
    yield Section(
        "Configuration and provenance", text="" if documents else "Nothing was recorded.", documents=documents
    )


def _comparison(view: StudyView) -> Section:
    tables = [table for table in (error_table(view), resources_table(view)) if table]
    note = "Errors are the RMSE of the velocity, x and y together; lower is better."
    if view.best and (text := describe_power(read_power(view, view.best))):
        note += f" Mean power: {text}."
    if view.best:
        measurement = view.best.measurement or {}
        source, engine = (str(measurement.get(key) or "unknown") for key in ("source", "engine"))
        note += f" Resources: engine {engine}, figures from {source}."
        if toolchain := measurement.get("toolchain"):
            note += f" Image built by {toolchain}."
    return Section("Error and resources", note, tables=tuple(tables))


def _history(view: StudyView) -> Section:
    from tinynas.report.figures import history

    if not any(trial.at_rest for trial in view.trials):
        return Section("Search history", text="No trial has ended yet.")
    best = f"the best, {number(view.best.objective, 4)}, was trial {view.best.id}" if view.best else "none is feasible"
    alt = f"Objective of {len(view.trials)} trials in the order of proposal; {best}."
    weights = mapping_at(view.config, "objective")
    limits = mapping_at(weights, "limits")  # without one, a term that saves does not count
    counted = [term for term in TERMS if term.sign < 0 or number_at(limits, term.quantity) is not None]
    terms = " + ".join(
        f"{weights[key]:g}·{term}"
        for key, term in (("l1", "error"), *((term.weight, f"f_{term.label}") for term in counted))
        if number_at(weights, key) is not None
    )
    caption = f"f_opt = {terms}. " if terms else ""
    share = number_at(view.summary, "space_infeasible_share")
    caption += f"{percent(share)} of the search space does not fit the board. " if share is not None else ""
    if any(trial.feasible is False or trial.state in (TrialState.FAILED, TrialState.PAUSED) for trial in view.trials):
        caption += "Trials without a trained, fitting network are in the strip at the bottom."
    return Section("Search history", plots=(Plot("history", history(view), alt, caption),))


def _front(view: StudyView) -> Iterator[Section]:
    table = front_table(view)
    if table is not None:
        note = (
            "No other network is at least as good in all of these and better in one. The knee, marked, is the nearest "
            "to the best of each, every quantity scaled to its span over the front."
        )
        yield Section("Pareto front", bind(note), tables=(table,))


def _costs(view: StudyView) -> Iterator[Section]:
    from tinynas.report.figures import error_against

    plots = []
    for cost in COSTS:
        figure = error_against(view, cost.key)
        if figure is not None:
            limit = cost.limit(view)
            most = "no limit is known" if limit is None else f"the limit is {cost.text(limit)}"
            alt = f"Validation error of the {view.precision} networks against {cost.label}; {most}."
            plots.append(Plot(f"error-{cost.key}", figure, alt))
    note = "Each point is a trained network. No other one beats those on the Pareto front in both error and cost."
    if plots:
        yield Section("Error against cost", note, plots=tuple(plots))


def _importance(view: StudyView) -> Iterator[Section]:
    from tinynas.report.figures import parameter_importance

    found = importances(view)
    if not found:
        return
    note = (
        "How much worse a forest of random trees predicts the figure where one parameter is shuffled between the "
        f"trials, as a share of all parameters. It takes {FEWEST_TRIALS} trials, and says more with more of them."
    )
    if found[0].figure == "error":
        learnt = percent(found[0].explained) if found[0].explained > 0 else "nothing"
        note += f" Of the error's variance in trials that it has not seen the forest explains {learnt}."
    alt = "Share of each parameter in what moved error, SRAM and flash."
    yield Section(
        "What the parameters moved", bind(note), plots=(Plot("importance", parameter_importance(found), alt),)
    )


def _learning(view: StudyView) -> Iterator[Section]:
    from tinynas.report.figures import learning_curves

    figure = learning_curves(view)
    if figure is not None:
        note = "Validation error of the float network after every epoch; the lowest one's weights are kept."
        alt = "Validation error over the epochs, one line a trial."
        yield Section("Learning curves", note, plots=(Plot("learning", figure, alt),))


def _predicted(view: StudyView) -> Iterator[Section]:
    from tinynas.report.figures import prediction_error

    error = proxy_error(view)
    if error is None:
        return
    plots = []
    for resource, name in RESOURCES.items():
        figure = prediction_error(view, resource)
        if figure.data:
            alt = f"How far the resource model's {name} is off, in percent of what was measured, over the latter."
            plots.append(Plot(f"predicted-{resource}", figure, alt))
    note = (
        f"Each point is a trial that was measured. The resource model was {proxy_error_text(error)}. "
        "Percentages are of what was measured: above zero the prediction was too high, below zero too low."
    )
    if any(time_is_estimated(trial.measurement) for trial in view.trials):
        note += " The latency is a virtual board's, an estimate."
    count = error["trials"] or 0
    fold = f"All {count:.0f} measured trials" if count > _MOST_ROWS else ""
    table = prediction_table(view)
    yield Section("Predicted and measured", bind(note), plots=tuple(plots), tables=(table,), fold=fold)
