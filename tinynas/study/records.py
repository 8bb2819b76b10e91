"""Rows of the database as trials."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from tinynas.errors import StudyError
from tinynas.study.database import Database
from tinynas.study.documents import load
from tinynas.study.trial import STATES, Trial, duplicate_of

__all__ = ["original_of", "read_trials"]


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


def original_of(database: Database, trial: Trial, state: str, reason: str | None) -> Trial | None:
    """Return the trial that a proposed trial is answered from, or None when it is not answered from another.

    Raises:
        StudyError: The reason reads `duplicate of N`, but N is not a trial of the same network in that state.
    """
    number = duplicate_of(reason) if trial.state == "proposed" else None
    if number is None:
        return None
    found = read_trials(database, "WHERE id = ? AND key = ? AND state = ?", number, trial.key, state)
    if not found:
        message = f"trial {number} is not a trial of the same architecture that is {state}"
        raise StudyError(message, where=f"trial {trial.id}")
    return found[0]


def _trial(row: sqlite3.Row, times: dict[str, float], artefacts: dict[str, str], path: Path) -> Trial:
    where = f"{path}:trial {row['id']}"

    def document(name: str) -> dict[str, Any] | None:
        return None if row[name] is None else load(row[name], f"{where}.{name}")

    try:
        seed = int(row["seed"])
    except ValueError as error:
        raise StudyError("the stored seed is damaged", where=where) from error
    if row["state"] not in STATES:
        raise StudyError(f"the stored state {row['state']!r} is unknown", where=where)
    return Trial(
        id=row["id"],
        architecture=load(row["architecture"], f"{where}.architecture"),
        state=row["state"],
        seed=seed,
        measurement=document("measurement"),
        metrics=document("metrics"),
        objective=row["objective"],
        feasible=None if row["feasible"] is None else bool(row["feasible"]),
        reason=row["reason"],
        times=times,
        artefacts=artefacts,
        params=document("params"),
        key=row["key"],
    )
