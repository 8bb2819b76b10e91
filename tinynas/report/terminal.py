"""The final table of a search, for a terminal or a log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tinynas.printable import printable
from tinynas.report.columns import Where, columns_in
from tinynas.report.finals import describe_final
from tinynas.report.front import describe_point, front_headings
from tinynas.report.power import describe_power
from tinynas.report.predicted import proxy_error_text
from tinynas.report.rulers import RULERS, describe_errors
from tinynas.report.view import mapping_at, number_at
from tinynas.report.words import NONE, describe, describe_input, error_text, number, percent, relative, span

__all__ = ["print_result"]

_BAR_CELLS = 12


def print_result(outcome: Mapping[str, Any], console: Console | None = None) -> None:
    """Print what a search found: a table on a terminal, one `name: value` a line when piped.

    Args:
        outcome: What `result` returned.
        console: Where to; standard output when None.

    Example:
        >>> import io
        >>> stream = io.StringIO()
        >>> print_result({"board": "nucleo_f446re", "trials": 0, "best": None}, Console(file=stream))
        >>> print(stream.getvalue().splitlines()[0])
        best network for nucleo_f446re: none that fits
    """
    console = console or Console()
    rows = list(_rows(outcome))
    if not console.is_terminal:
        for name, value, _ in rows:
            # Straight to the file: no wrapping at 80 columns, no markup, one line a fact.
            console.file.write(f"{name}: {printable(' '.join(value.split()))}\n")
        return
    (title, headline, _), *facts = rows
    table = Table(title=Text(title, style="bold"), show_header=False, title_justify="left", padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("network", Text(headline, style="bold green" if outcome.get("best") else "bold red"))
    for name, value, share in facts:
        text = Text(value)
        if share is not None:
            text = _bar(share).append(f" {value}")
        table.add_row(name, text)
    console.print(table)


def _rows(outcome: Mapping[str, Any]) -> Iterator[tuple[str, str, float | None]]:
    best, test = mapping_at(outcome, "best"), mapping_at(outcome, "test")
    title = f"best network for {outcome.get('board') or 'unnamed board'}"
    yield title, describe(mapping_at(best, "architecture")) if best else "none that fits", None
    if best:
        yield "trial", f"{best.get('trial')}, objective {number(number_at(best, 'objective'), 4)}", None
        yield "input", describe_input(best), None
    for split, metrics, baselines in (
        ("validation", best, mapping_at(outcome, "baselines")),
        ("test", test, mapping_at(test, "baselines")),
    ):
        if metrics:
            yield f"error, {split}", _errors(metrics, str(best.get("precision") or "int8")), None
        yield from _baselines(baselines, metrics, split)
    finals = outcome.get("final")
    for row in finals if isinstance(finals, list) else []:
        yield "final training", describe_final(row), None
    recordings = test.get("recordings")
    for row in recordings if isinstance(recordings, list) else []:
        yield f"test {row.get('name')}", describe_errors(row), None
    for column in columns_in(Where.TERMINAL) if best else ():
        value, text = column.value(best), column.text(best)
        limit = number_at(outcome, "limits", f"{column.resource}_bytes")
        if value is not None and limit:
            yield column.label, f"{text} of {column.write(limit)} ({percent(value / limit)})", value / limit
        elif value is not None or text == NONE:
            yield column.label, text or NONE, None
    if text := describe_power(best):
        yield "mean power", text, None
    yield from _front(outcome)
    if best:
        yield "figures from", f"{best.get('source') or 'unknown'}, engine {best.get('engine') or 'unknown'}", None
    if text := proxy_error_text(error := mapping_at(outcome, "proxy_error")):
        yield "resource model", f"{text}; measured trials: {error.get('trials')}", None
    yield "trials", _trials(outcome), None
    yield "time", span(number_at(outcome, "seconds")), None
    if outcome.get("study"):
        yield "study", str(outcome["study"]), None


def _front(outcome: Mapping[str, Any]) -> Iterator[tuple[str, str, None]]:
    """The networks of a Pareto front, one a line."""
    points = outcome.get("front")
    for point in points if isinstance(points, list) else []:
        names = ["error", *(column.key for column in columns_in(Where.TERMINAL) if column.value(point) is not None)]
        figures = zip(front_headings(names), describe_point(point, names), strict=True)
        text = ", ".join(f"{heading} {figure}" for heading, figure in figures)
        yield f"front, trial {point.get('trial')}", text + (" (the knee)" if point.get("knee") else ""), None


def _errors(metrics: Mapping[str, Any], precision: str) -> str:
    deployed, trained = number_at(metrics, "error_int8"), number_at(metrics, "error_float")
    return f"{error_text(deployed)} as {precision}, {error_text(trained)} before conversion"


def _baselines(baselines: Mapping[str, Any], metrics: Mapping[str, Any], split: str) -> Iterator[tuple[str, str, None]]:
    """The predictors without a network beside the network, on the recordings of one split."""
    for name, label in RULERS.items():
        baseline = number_at(baselines, name)
        if baseline is not None:
            gain = relative(number_at(metrics, "error_int8"), baseline)
            text = error_text(baseline) + (f" (the network is {gain})" if gain else "")
            yield f"{label}, {split}", text, None


def _trials(outcome: Mapping[str, Any]) -> str:
    text = f"{outcome.get('trials', 0)}, {outcome.get('infeasible', 0)} infeasible"
    share = number_at(outcome, "space_infeasible_share")
    if share is not None:
        text += f"; {percent(share)} of the search space does not fit"
    early = outcome.get("ended_early")
    return f"{text}; ended early: {early}" if early else text


def _bar(share: float) -> Text:
    filled = min(_BAR_CELLS, max(0, round(share * _BAR_CELLS)))
    bar = Text("█" * filled, style="red" if share > 1 else "green")
    return bar.append("░" * (_BAR_CELLS - filled), style="dim")
