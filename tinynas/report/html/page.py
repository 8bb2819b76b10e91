"""The HTML report: one file that shows a search and works without a network.

Plotly's script is inline, once; there are no links to other hosts, and a content security policy keeps it so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from tinynas.report.html.figures import error_against, foreseen_error, history, trajectory
from tinynas.report.html.plot import PALETTES, Figure
from tinynas.report.html.tables import (
    cards,
    error_table,
    facts_table,
    foreseen_table,
    recordings_table,
    resources_table,
    trials_table,
)
from tinynas.report.predicted import RESOURCES, proxy_error, proxy_error_text
from tinynas.report.view import View, mapping_at, number_at, read_view, time_is_estimated
from tinynas.report.words import bind, describe, error_text, kib, number, percent, relative
from tinynas.study import Study, TrialState, write_file

__all__ = ["write_report"]

_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"

# A longer table of measured trials is folded: the figures and the note say what it adds up to.
_MOST_ROWS = 30


def write_report(study: Study, path: str | Path) -> Path:
    """Write the report of a study, in whatever state the study is.

    Args:
        study: Open, also read-only or while another process writes it.
        path: The HTML file; an existing one is replaced whole or not at all.

    Returns:
        The path.

    Raises:
        StudyError: The study cannot be read, or the file cannot be written.
    """
    # File names can hold what UTF-8 cannot.
    return write_file(path, _page(read_view(study)).encode("utf-8", "backslashreplace"))


def _page(view: View) -> str:
    from plotly.offline import get_plotlyjs

    figures: dict[str, Figure] = {}
    trajectories = [trajectory(recording) for recording in view.recordings]
    sections = [
        _comparison(view),
        _history(view, figures),
        _costs(view, figures),
        _foreseen(view, figures),
        _trajectories(view),
        _recordings(view),
        _section("All trials", trials_table(view) if view.trials else "<p>No trial has been proposed yet.</p>"),
        _background(view),
    ]
    data = {"figures": figures, "trajectories": trajectories, "palettes": PALETTES}
    static = files("tinynas.report.html") / "static"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(f"tinynas: {view.title}, {view.dataset}")}</title>
<style>{(static / "report.css").read_text("utf-8")}</style>
</head>
<body>
<header>{_headline(view)}</header>
<main>
{"".join(sections)}
</main>
<footer><p>Made by tinynas from the study {escape(view.name)}.</p></footer>
<noscript><p class="banner">The figures need JavaScript; the tables do not.</p></noscript>
<script type="application/json" id="page-data">{_embed(data)}</script>
<script>{get_plotlyjs()}</script>
<script>{(static / "report.js").read_text("utf-8")}</script>
</body>
</html>
"""


def _embed(data: Mapping[str, Any]) -> str:
    """Return JSON that cannot end the script element it stands in."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _headline(view: View) -> str:
    origin = f"tinynas · {view.title} · {view.dataset}"
    title = f"Best network for {view.title}" if view.best else f"No network for {view.title} yet"
    paragraphs = [_lead(view)]
    unfinished = sum(not trial.state.is_finished for trial in view.trials)
    if unfinished or "best_trial" not in view.summary:
        count = f"{unfinished} trial{'s are' if unfinished != 1 else ' is'} under way. " if unfinished else ""
        paragraphs.append(f'<p class="banner">This search has not ended. {count}The figures are as of now.</p>')
    return (
        f'<p class="eyebrow">{escape(origin)}</p><h1>{escape(title)}</h1>{"".join(paragraphs)}'
        f"{cards(view) if view.trials else ''}"
    )


def _lead(view: View) -> str:
    if view.best is None:
        return f'<p class="lead">{escape(_why_none(view))}</p>'
    split = "test" if view.error("int8", "test") is not None else "validation"
    error = view.error("int8", split)
    text = f"A temporal convolutional network with {escape(describe(view.best.architecture))}."
    if error is not None:
        gains = [
            f"{gain} {phrase}"
            for predictor, phrase in (("mean", "always predicting the mean"), ("zero", "always predicting zero"))
            if (gain := relative(error, view.baseline(predictor, split)))
        ]
        text += f" As {view.precision} it reaches a velocity error of <strong>{error_text(error)}</strong>"
        text += f" on {split} recordings" + (f": {' and '.join(gains)}." if gains else ".")
    return f'<p class="lead">{bind(text)}</p>'


def _why_none(view: View) -> str:
    if not view.trials:
        return "No trial has been proposed yet."
    costs = [(number_at(t.measurement, "sram_bytes"), number_at(t.measurement, "flash_bytes")) for t in view.trials]
    known = [(sram, flash) for sram, flash in costs if sram is not None and flash is not None]
    text = f"None of {len(view.trials)} trials has ended with a network that fits the board."
    if known and view.infeasible:
        sram, flash = min(known)
        text += f" The candidate with the least SRAM takes {kib(sram)} of SRAM and {kib(flash)} of flash;"
        text += f" the board allows {kib(view.limit('sram'))} and {kib(view.limit('flash'))}."
    return text


def _section(title: str, body: str, note: str = "") -> str:
    note = f'<p class="note">{note}</p>' if note else ""
    return f"<section><h2>{escape(title)}</h2>{note}{body}</section>\n"


def _figure(name: str, figures: dict[str, Figure], figure: Figure, alt: str, caption: str = "") -> str:
    figures[name] = figure
    caption = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure><div class="plot" id="{name}" role="img" aria-label="{escape(alt)}"></div>{caption}</figure>'


def _comparison(view: View) -> str:
    if view.best is None and not view.summary.get("baselines"):
        return ""
    tables = error_table(view) + resources_table(view)
    note = "Errors are the RMSE of the velocity, x and y together; lower is better."
    if view.best:
        measurement = view.best.measurement or {}
        source, engine = (escape(str(measurement.get(key) or "unknown")) for key in ("source", "engine"))
        note += f" Resources: engine {engine}, figures from {source}."
        if toolchain := measurement.get("toolchain"):
            note += f" Image built by {escape(str(toolchain))}."
    return _section("Error and resources", f'<div class="pair">{tables}</div>', note)


def _history(view: View, figures: dict[str, Figure]) -> str:
    if not any(trial.state.is_finished for trial in view.trials):
        return _section("Search history", "<p>No trial has ended yet.</p>")
    best = f"the best, {number(view.best.objective, 4)}, was trial {view.best.id}" if view.best else "none is feasible"
    alt = f"Objective of {len(view.trials)} trials in the order of proposal; {best}."
    weights = mapping_at(view.config, "objective")
    terms = " + ".join(
        f"{weights[key]:g}·{term}"
        for key, term in (("l1", "error"), ("l2", "f_flash"), ("l3", "f_SRAM"))
        if number_at(weights, key) is not None
    )
    caption = f"f_opt = {terms}. " if terms else ""
    share = number_at(view.summary, "space_infeasible_share")
    caption += f"{percent(share)} of the search space does not fit the board. " if share is not None else ""
    if any(trial.feasible is False or trial.state is TrialState.FAILED for trial in view.trials):
        caption += "Trials without a trained, fitting network are in the strip at the bottom."
    return _section("Search history", _figure("history", figures, history(view), alt, caption))


def _costs(view: View, figures: dict[str, Figure]) -> str:
    parts = []
    for resource, name in (("sram", "SRAM"), ("flash", "flash")):
        figure = error_against(view, resource)
        if figure["data"]:
            limit = kib(view.limit(resource))
            alt = f"Validation error of the {view.precision} networks against {name}; the board's limit is {limit}."
            parts.append(_figure(f"error-{resource}", figures, figure, alt))
    note = "Each point is a trained network. No other one beats those on the Pareto front in both error and memory."
    return _section("Error against memory", f'<div class="pair">{"".join(parts)}</div>', note) if parts else ""


def _foreseen(view: View, figures: dict[str, Figure]) -> str:
    error = proxy_error(view)
    if error is None:
        return ""
    parts = []
    for resource, name in RESOURCES.items():
        figure = foreseen_error(view, resource)
        if figure["data"]:
            alt = f"How far the resource model's {name} is off, in percent of what was measured, over the latter."
            parts.append(_figure(f"foreseen-{resource}", figures, figure, alt))
    note = (
        f"Each point is a trial that was measured. The resource model was {proxy_error_text(error)}. "
        "Percentages are of what was measured: above zero too much was foreseen, below zero too little."
    )
    if any(time_is_estimated(trial.measurement) for trial in view.trials):
        note += " The latency is a virtual board's, an estimate."
    table = foreseen_table(view)
    count = error["trials"] or 0
    if count > _MOST_ROWS:
        table = f"<details><summary>All {count:.0f} measured trials</summary>{table}</details>"
    return _section("Foreseen and measured", f'<div class="pair">{"".join(parts)}</div>{table}', bind(note))


def _trajectories(view: View) -> str:
    if not view.recordings:
        return ""
    options = "".join(
        f'<option value="{index}">{escape(str(recording.get("name", index)))}</option>'
        for index, recording in enumerate(view.recordings)
    )
    chooser = f'<p><label>Recording: <select id="recording">{options}</select></label></p>'
    plot = (
        '<figure><div class="plot tall" id="trajectory" role="img" aria-label="True and predicted path"></div></figure>'
    )
    note = "The path seen from above: predicted velocities added up from the true start, without any correction."
    return _section("True and predicted path", chooser + plot, note)


def _recordings(view: View) -> str:
    table = recordings_table(view)
    note = (
        "RMSE: of the velocity. ATE: root mean square distance between true and predicted path. "
        "RTE: the same over stretches of 60 s."
    )
    return _section("Test recordings", table, note) if table else ""


def _background(view: View) -> str:
    parts = []
    documents = (("Configuration", view.config), ("Board", view.board), ("Provenance", view.origin))
    for title, document in documents:
        if table := facts_table(document):
            parts.append(f"<details><summary>{title}</summary>{table}</details>")
    return _section("Configuration and provenance", "".join(parts) or "<p>Nothing was recorded.</p>")
