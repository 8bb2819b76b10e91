"""Who works for a search, and on which boards: news beside its study (`news`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tinynas.study.news import clear_news, number_or_none, read_news, whole_or_none, write_news

__all__ = ["CREW_FILE", "BoardNote", "CrewNotes", "WorkerNote", "clear_crew", "read_crew", "write_crew"]

#: Its name in the study's folder.
CREW_FILE = "crew.json"

_MOST = 1000
_MOST_CHARACTERS = 500


@dataclass(frozen=True)
class WorkerNote:
    """A worker that lives.

    Attributes:
        name: Its process, or its address.
        trials: What it works on; often one trial, none while it waits.
        since: Unix time in seconds from which on it does so; None: not known.
        problem: Why it gets no work; None: it does.
        boards: How many boards of the search's kind are at it, attached or virtual; of a cluster's worker.
    """

    name: str
    trials: tuple[int, ...] = ()
    since: float | None = None
    problem: str | None = None
    boards: int = 0


@dataclass(frozen=True)
class BoardNote:
    """A board that the search may measure on.

    Attributes:
        name: Its probe's serial number, or its port; of virtual ones the board's name.
        state: "free", "in use", "set aside" or "virtual".
        detail: Who uses it, or why it was set aside; of virtual ones how many there are; None: neither.
        since: Unix time in seconds from which on; None: not known.
    """

    name: str
    state: str
    detail: str | None = None
    since: float | None = None


@dataclass(frozen=True)
class CrewNotes:
    """The workers and the boards of a search, as its driver saw them last."""

    workers: tuple[WorkerNote, ...] = ()
    boards: tuple[BoardNote, ...] = ()


def write_crew(folder: Path, notes: CrewNotes) -> None:
    """Replace the notes beside a study; see `write_news`.

    Args:
        folder: Of the study.
        notes: What to tell.
    """
    write_news(folder / CREW_FILE, asdict(notes))


def clear_crew(folder: Path) -> None:
    """Take the notes away: the search has ended."""
    clear_news(folder / CREW_FILE)


def read_crew(folder: Path) -> CrewNotes:
    """Read the notes beside a study; empty ones where there are none, or where they are damaged.

    Args:
        folder: Of the study.
    """
    found = read_news(folder / CREW_FILE)
    workers = tuple(
        WorkerNote(
            name,
            _trials(row.get("trials")),
            number_or_none(row.get("since")),
            _text(row.get("problem")),
            whole_or_none(row.get("boards")) or 0,
        )
        for name, row in _rows(found.get("workers"))
    )
    boards = tuple(
        BoardNote(name, state, _text(row.get("detail")), number_or_none(row.get("since")))
        for name, row in _rows(found.get("boards"))
        if (state := _text(row.get("state"))) is not None
    )
    return CrewNotes(workers, boards)


def _rows(rows: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Names and rows that are such."""
    for row in rows[:_MOST] if isinstance(rows, list) else ():
        if isinstance(row, dict) and (name := _text(row.get("name"))) is not None:
            yield name, row


def _trials(value: object) -> tuple[int, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(one for one in value[:_MOST] if isinstance(one, int) and not isinstance(one, bool) and one >= 0)


def _text(value: object) -> str | None:
    return value[:_MOST_CHARACTERS] if isinstance(value, str) else None
