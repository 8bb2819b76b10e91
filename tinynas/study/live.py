"""What a search at work tells those who watch it: a small file beside the study, which ends with the search.

It is news and no record: nothing is read back from it by a search, and a study is whole without it.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinynas.study.artefacts import refuse_links

__all__ = ["LIVE_FILE", "LiveNotes", "clear_live", "read_live", "write_live"]

#: Its name in the study's folder.
LIVE_FILE = "live.json"

# Of a search on another computer nobody can see whether it lives, only when it last wrote.
_SILENT_S = 600.0
_MOST_BYTES = 4_000_000


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
    """Replace the notes beside a study. A disk that does not take them is no reason to stop: then there are none.

    Args:
        folder: Of the study.
        notes: What to tell.
    """
    content = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "written": time.time(),
        **{name: getattr(notes, name) for name in ("planned", "workers", "epochs", "started")},
        "curves": {str(trial): [round(value, 5) for value in curve] for trial, curve in notes.curves.items()},
    }
    path, part = folder / LIVE_FILE, folder / f"{LIVE_FILE}.part"
    with contextlib.suppress(OSError, ValueError):
        part.unlink(missing_ok=True)  # SQLite's rule here, too: no link is followed
        part.write_text(json.dumps(content, allow_nan=False), "utf-8")
        part.replace(path)


def clear_live(folder: Path) -> None:
    """Take the notes away: the search has ended."""
    with contextlib.suppress(OSError):
        (folder / LIVE_FILE).unlink(missing_ok=True)


def read_live(folder: Path) -> LiveNotes:
    """Read the notes beside a study; empty ones where there are none, or where they are damaged.

    Args:
        folder: Of the study.
    """
    path = folder / LIVE_FILE
    try:
        refuse_links(path)
        if path.stat().st_size > _MOST_BYTES:
            return LiveNotes()
        found = json.loads(path.read_bytes())
    except Exception:  # whatever is wrong with it: it is news only
        return LiveNotes()
    if not isinstance(found, dict) or not _lives(found):
        return LiveNotes()
    curves = found.get("curves")
    return LiveNotes(
        running=True,
        planned=_whole(found.get("planned")),
        workers=_whole(found.get("workers")),
        epochs=_whole(found.get("epochs")),
        started=_number(found.get("started")),
        written=_number(found.get("written")),
        curves=dict(_curves(curves)) if isinstance(curves, dict) else {},
    )


def _lives(found: Mapping[str, Any]) -> bool:
    """Whether the process that wrote the notes is still there."""
    written, pid = _number(found.get("written")), _whole(found.get("pid"))
    if written is None or pid is None:
        return False
    if found.get("host") != socket.gethostname() or os.name == "nt":
        return time.time() - written < _SILENT_S
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # it is there, and another user's
    return True


def _curves(curves: Mapping[str, Any]) -> list[tuple[int, tuple[float, ...]]]:
    kept = []
    for trial, values in curves.items():
        if trial.isdecimal() and len(trial) < 10 and isinstance(values, list):
            numbers = tuple(value for value in map(_number, values) if value is not None)
            kept.append((int(trial), numbers))
    return kept


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
