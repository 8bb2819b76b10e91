"""The final table of a search, for a terminal or a log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tinynas.report.predicted import proxy_error_text
from tinynas.report.view import mapping_at, number_at, time_is_estimated
from tinynas.report.words import describe, error_text, kib, macs, number, percent, relative, span

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
            console.file.write(f"{name}: {' '.join(value.split())}\n")
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
    for split, metrics, baselines in (
        ("validation", best, mapping_at(outcome, "baselines")),
        ("test", test, mapping_at(test, "baselines")),
    ):
        if metrics:
            yield f"error, {split}", _errors(metrics, str(best.get("precision") or "int8")), None
        yield from _baselines(baselines, metrics, split)
    for name, label in (("sram", "SRAM"), ("flash", "flash")):
        if best:
            used, limit = number_at(best, f"{name}_bytes"), number_at(outcome, "limits", f"{name}_bytes")
            share = used / limit if used is not None and limit else None
            text = kib(used) if share is None else f"{kib(used)} of {kib(limit)} ({percent(share)})"
            yield label, text, share
    if best:
        yield "MACs", macs(number_at(best, "macs")), None
        if (latency_us := number_at(best, "latency_us")) is not None:
            estimate = ", an estimate" if time_is_estimated(best) else ""
            yield "latency", f"{latency_us / 1000:.2f} ms{estimate}", None
        if (energy_uj := number_at(best, "energy_uj")) is not None:
            yield "energy", f"{energy_uj / 1000:.3f} mJ", None
        yield "figures from", f"{best.get('source') or 'unknown'}, engine {best.get('engine') or 'unknown'}", None
    if text := proxy_error_text(error := mapping_at(outcome, "proxy_error")):
        yield "resource model", f"{text}; measured trials: {error.get('trials')}", None
    yield "trials", _trials(outcome), None
    yield "time", span(number_at(outcome, "seconds")), None
    if outcome.get("study"):
        yield "study", str(outcome["study"]), None


def _errors(metrics: Mapping[str, Any], precision: str) -> str:
    deployed, trained = number_at(metrics, "error_int8"), number_at(metrics, "error_float")
    return f"{error_text(deployed)} as {precision}, {error_text(trained)} before conversion"


def _baselines(baselines: Mapping[str, Any], metrics: Mapping[str, Any], split: str) -> Iterator[tuple[str, str, None]]:
    """The trivial predictors beside the network, on the recordings of one split."""
    for name, label in (("mean", "predicting the mean"), ("zero", "predicting zero")):
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
