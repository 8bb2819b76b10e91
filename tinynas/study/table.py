"""A study as a table: for pandas, and for a notebook that shows a study by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from tinynas.errors import StudyError
from tinynas.printable import printable
from tinynas.study.trial import Trial, TrialState

__all__ = ["flatten", "render", "to_frame"]

_SHOWN = 10
_COLUMNS: Mapping[str, tuple[str, float]] = {
    "error_int8": ("error, int8", 1.0),
    "sram_bytes": ("SRAM (KiB)", 1024.0),
    "flash_bytes": ("flash (KiB)", 1024.0),
    "macs": ("MACs (thousands)", 1000.0),
}


def flatten(trial: Trial) -> dict[str, Any]:
    """A trial as one row: its own fields, then metrics and costs by their names, then `params.NAME`.

    Example:
        >>> import tempfile
        >>> from tinynas.study import Study
        >>> with Study.create(tempfile.mkdtemp() + "/s", config={}, board={}, provenance={}) as study:
        ...     flatten(study.propose(params={"filters": 8}, architecture={}, key="k", seed=1))["params.filters"]
        8
    """
    row: dict[str, Any] = {
        "trial": trial.id,
        "state": trial.state.value,
        "feasible": trial.feasible,
        "objective": trial.objective,
        "reason": trial.reason,
        "duplicate_of": trial.duplicate_of,
        "final_of": trial.final_of,
        "seconds": max(trial.times.values()) - min(trial.times.values()) if trial.times else None,
    }
    for values in (trial.metrics, trial.measurement):
        row |= {name: value for name, value in (values or {}).items() if name not in row}
    # Lists as they are; a mapping would be no value of a column.
    return row | {f"params.{name}": value for name, value in (trial.params or {}).items() if name != "final_of"}


def to_frame(trials: Sequence[Trial]) -> Any:
    """Trials as a `pandas.DataFrame`, a row each, with the trial's number as index.

    Raises:
        StudyError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise StudyError("pandas is not installed", advice="pip install 'tinynas[pandas]'") from error
    rows = [flatten(trial) for trial in trials]
    columns = list(dict.fromkeys(name for row in rows for name in row)) or ["trial"]
    return pd.DataFrame(rows, columns=columns).set_index("trial")


def render(name: str, board: str, trials: Sequence[Trial], best: Trial | None) -> str:
    """A study as HTML: how far it is, and its best trials in a table. What comes from the study is escaped.

    Args:
        name: Of the study.
        board: Of the board.
        trials: All of them.
        best: The best one, or None.
    """
    counts = [f"{n} {state}" for state in TrialState if (n := sum(trial.state is state for trial in trials))]
    head = f"<p><b>{_text(name)}</b> for {_text(board)}: {', '.join(counts) or 'no trials yet'}</p>"
    done = [t for t in trials if t.state is TrialState.DONE and t.objective is not None]
    ranked = sorted(done, key=lambda t: (not t.feasible, t.objective, t.id))[:_SHOWN]
    if not ranked:
        return head
    titles = ["trial", "objective", *(title for title, _ in _COLUMNS.values()), "network"]
    lines = [f"<tr>{''.join(f'<th>{title}</th>' for title in titles)}</tr>"]
    for trial in ranked:
        cells = [str(trial.id), f"{trial.objective:.4f}", *_figures(trial), _network(trial)]
        style = ' style="font-weight: bold"' if best is not None and trial.id == best.id else ""
        lines.append(f"<tr{style}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    more = f"<p>{len(done) - len(ranked)} more are done.</p>" if len(done) > len(ranked) else ""
    return f"{head}<table>{''.join(lines)}</table>{more}"


def _figures(trial: Trial) -> list[str]:
    known = {**(trial.metrics or {}), **(trial.measurement or {})}
    found = ((known.get(name), unit) for name, (_, unit) in _COLUMNS.items())
    return [f"{value / unit:.4g}" if isinstance(value, int | float) else "" for value, unit in found]


def _network(trial: Trial) -> str:
    params = {name: value for name, value in (trial.params or {}).items() if name != "final_of"}
    return _text(", ".join(f"{name} {value}" for name, value in (params or trial.architecture).items()))


def _text(value: str) -> str:
    return escape(printable(value))
