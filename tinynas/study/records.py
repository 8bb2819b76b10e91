"""Trials as rows of the database, and back."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tinynas.errors import StudyError
from tinynas.study.database import Database
from tinynas.study.documents import load
from tinynas.study.trial import Trial, TrialState

__all__ = ["insert_trial", "read_trials", "refer", "update_trial"]

# Columns that a transition writes.
_LEARNED = ("measurement", "metrics", "objective", "feasible", "reason", "duplicate_of")


def read_trials(database: Database, condition: str, *values: object) -> list[Trial]:
    """Return the trials that meet a condition, all as of one moment.

    Args:
        database: The open database.
        condition: What follows `SELECT * FROM trial`, with `?` for values; all trials in order when empty.
        values: The values.

    Raises:
        StudyError: The database is closed or damaged.
    """
    with database.snapshot():
        rows = database.read(f"SELECT * FROM trial {condition or 'ORDER BY id'}", *values)
        which = "WHERE trial = ?" if len(rows) == 1 else ""
        only = (rows[0]["id"],) if which else ()
        times: dict[int, dict[str, float]] = {row["id"]: {} for row in rows}
        files: dict[int, dict[str, str]] = {row["id"]: {} for row in rows}
        for entry in database.read(f"SELECT * FROM transition {which} ORDER BY rowid", *only):
            times.get(entry["trial"], {})[entry["state"]] = entry["unix_time_s"]
        for entry in database.read(f"SELECT * FROM artefact {which} ORDER BY rowid", *only):
            files.get(entry["trial"], {})[entry["kind"]] = entry["sha256"]
    return [_trial(row, times[row["id"]], files[row["id"]], database.path) for row in rows]


def insert_trial(database: Database, trial_id: int, values: Sequence[object]) -> None:
    """Add a trial in the state `proposed`, inside a transaction; values are seed, key, architecture, params."""
    columns = "id, state, seed, key, architecture, params"
    database.execute(f"INSERT INTO trial ({columns}) VALUES (?, 'proposed', ?, ?, ?, ?)", trial_id, *values)
    database.execute("INSERT INTO transition VALUES (?, 'proposed', ?)", trial_id, time.time())


def update_trial(database: Database, trial_id: int, state: TrialState, values: Sequence[object]) -> None:
    """Move a trial to a state, inside a transaction; the values are those of `_LEARNED`."""
    columns = ", ".join(f"{name} = ?" for name in ("state", *_LEARNED))
    database.execute(f"UPDATE trial SET {columns} WHERE id = ?", state.value, *values, trial_id)
    database.execute("INSERT INTO transition VALUES (?, ?, ?)", trial_id, state.value, time.time())


def refer(database: Database, trial_id: int, hashes: Mapping[str, str]) -> None:
    """Say which stored files belong to a trial (kind to SHA-256), inside a transaction."""
    for kind, sha256 in hashes.items():
        database.execute("INSERT OR REPLACE INTO artefact VALUES (?, ?, ?)", trial_id, kind, sha256)


def _trial(row: sqlite3.Row, times: dict[str, float], artefacts: dict[str, str], path: Path) -> Trial:
    where = f"{path}:trial {row['id']}"

    def document(name: str) -> dict[str, Any] | None:
        return None if row[name] is None else load(row[name], f"{where}.{name}")

    try:
        seed, state = int(row["seed"]), TrialState(row["state"])
    except ValueError as error:
        raise StudyError("the stored seed or state is damaged", where=where) from error
    return Trial(
        id=row["id"],
        architecture=load(row["architecture"], f"{where}.architecture"),
        state=state,
        seed=seed,
        measurement=document("measurement"),
        metrics=document("metrics"),
        objective=row["objective"],
        feasible=None if row["feasible"] is None else bool(row["feasible"]),
        reason=row["reason"],
        duplicate_of=row["duplicate_of"],
        times=times,
        artefacts=artefacts,
        params=document("params"),
        key=row["key"],
    )
