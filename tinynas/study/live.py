"""How far a search at work is, and the curves of its trainings: news beside its study (`news`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinynas.study.news import clear_news, number_or_none, read_news, whole_or_none, write_news

__all__ = ["LIVE_FILE", "LiveNotes", "clear_live", "read_live", "write_live"]

#: Its name in the study's folder.
LIVE_FILE = "live.json"


@dataclass(frozen=True)
class LiveNotes:
    """What a search told last.

    Attributes:
        running: Whether the search is at work.
        planned: Trials that it will make, final trainings included; None where it does not know.
        workers: Processes or remote workers that it works with; None where it does not know.
        epochs: The most epochs of a training; None where it does not know.
        started: Unix time in seconds at which this session began.
        written: Unix time in seconds of these notes.
        curves: Of each trial in training the validation error after every epoch.

    Example:
        >>> LiveNotes().running
        False
    """

    running: bool = False
    planned: int | None = None
    workers: int | None = None
    epochs: int | None = None
    started: float | None = None
    written: float | None = None
    curves: Mapping[int, tuple[float, ...]] = field(default_factory=dict)


def write_live(folder: Path, notes: LiveNotes) -> None:
    """Replace the notes beside a study; see `write_news`.

    Args:
        folder: Of the study.
        notes: What to tell.
    """
    content = {
        **{name: getattr(notes, name) for name in ("planned", "workers", "epochs", "started")},
        "curves": {str(trial): [round(value, 5) for value in curve] for trial, curve in notes.curves.items()},
    }
    write_news(folder / LIVE_FILE, content)


def clear_live(folder: Path) -> None:
    """Take the notes away: the search has ended."""
    clear_news(folder / LIVE_FILE)


def read_live(folder: Path) -> LiveNotes:
    """Read the notes beside a study; empty ones where there are none, or where they are damaged.

    Args:
        folder: Of the study.
    """
    found = read_news(folder / LIVE_FILE)
    if not found:
        return LiveNotes()
    curves = found.get("curves")
    return LiveNotes(
        running=True,
        planned=whole_or_none(found.get("planned")),
        workers=whole_or_none(found.get("workers")),
        epochs=whole_or_none(found.get("epochs")),
        started=number_or_none(found.get("started")),
        written=number_or_none(found.get("written")),
        curves=dict(_curves(curves)) if isinstance(curves, dict) else {},
    )


def _curves(curves: Mapping[str, Any]) -> list[tuple[int, tuple[float, ...]]]:
    kept = []
    for trial, values in curves.items():
        if trial.isdecimal() and len(trial) < 10 and isinstance(values, list):
            numbers = tuple(value for value in map(number_or_none, values) if value is not None)
            kept.append((int(trial), numbers))
    return kept
