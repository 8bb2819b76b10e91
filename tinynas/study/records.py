"""Trials as rows of the database, and back."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tinynas.errors import StudyError
from tinynas.study.database import Database
from tinynas.study.documents import load
from tinynas.study.hashes import row_hash
from tinynas.study.schema import TRIAL_COLUMNS, document_values, trial_row
from tinynas.study.trial import Trial, TrialState

__all__ = ["best_trial", "insert_trial", "read_trials", "refer", "store_document", "trial_of_row", "update_trial"]

# Columns that a transition writes.
_LEARNED = ("measurement", "metrics", "objective", "feasible", "reason", "duplicate_of")


def read_trials(database: Database, condition: str, *values: object) -> list[Trial]:
    """Return the trials that meet a condition, all as of one moment.

    Args:
        database: The open database.
        condition: What follows `SELECT ... FROM trial`, with `?` for values; all trials in order when empty.
        values: The values.

    Raises:
        StudyError: The database is closed or damaged.
    """
    return [trial_of_row(row, database.path) for row in _rows(database, condition or "ORDER BY id", *values)]


def best_trial(database: Database) -> Trial | None:
    """Return the feasible, finished trial of lowest objective, the first on ties; if it has a refit, that one."""
    fit, refit_of = "WHERE state = 'done' AND feasible = 1 AND", "json_extract(params, '$.refit_of')"
    for best in read_trials(database, f"{fit} {refit_of} IS NULL ORDER BY objective, id LIMIT 1"):
        refits = read_trials(database, f"{fit} {refit_of} = ? ORDER BY id DESC LIMIT 1", best.id)
        return next(iter(refits), best)
    return None


def insert_trial(database: Database, trial_id: int, values: Sequence[object]) -> None:
    """Add a trial in the state `proposed`, inside a transaction; values are seed, key, architecture, params."""
    row: dict[str, object] = dict.fromkeys(TRIAL_COLUMNS)
    row |= dict(zip(("seed", "key", "architecture", "params"), values, strict=True))
    row |= {"id": trial_id, "state": "proposed", "times": _json({"proposed": time.time()}), "artefacts": "{}"}
    database.execute(f"INSERT INTO trial VALUES ({_marks(len(TRIAL_COLUMNS) + 1)})", *trial_row(row))
    store_document(database, "tally", _json({"trials": trial_id + 1}))


def update_trial(
    database: Database, trial_id: int, state: TrialState, values: Sequence[object], hashes: Mapping[str, str]
) -> None:
    """Move a trial to a state, inside a transaction; the values are those of `_LEARNED`, the files as of `refer`."""
    row = _row(database, trial_id)
    times = json.loads(str(row["times"]))
    again = sum(name.partition("_")[0] == state.value for name in times)
    times[state.value if not again else f"{state.value}_{again + 1}"] = time.time()
    learned = dict(zip(_LEARNED, values, strict=True))
    _replace(database, {**row, "state": state.value, "times": _json(times), **learned, **_with_files(row, hashes)})


def refer(database: Database, trial_id: int, hashes: Mapping[str, str]) -> None:
    """Say which stored files belong to a trial (kind to SHA-256), inside a transaction."""
    row = _row(database, trial_id)
    _replace(database, {**row, **_with_files(row, hashes)})


def _with_files(row: Mapping[str, object], hashes: Mapping[str, str]) -> dict[str, str]:
    return {"artefacts": _json({**json.loads(str(row["artefacts"])), **hashes})}


def store_document(database: Database, name: str, text: str) -> None:
    """Store a document, inside a transaction."""
    database.execute("INSERT OR REPLACE INTO document VALUES (?, ?, ?)", *document_values(name, text))


def _rows(database: Database, condition: str, *values: object) -> list[sqlite3.Row]:
    return database.read(f"SELECT {', '.join(TRIAL_COLUMNS)}, hash FROM trial {condition}", *values)


def _row(database: Database, trial_id: int) -> dict[str, object]:
    [row] = _rows(database, "WHERE id = ?", trial_id)
    _require_whole(row, database.path)
    return {name: row[name] for name in TRIAL_COLUMNS}


def _replace(database: Database, row: Mapping[str, object]) -> None:
    columns = ", ".join(f"{name} = ?" for name in (*TRIAL_COLUMNS, "hash"))
    database.execute(f"UPDATE trial SET {columns} WHERE id = ?", *trial_row(row), row["id"])


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def _require_whole(row: sqlite3.Row, path: Path) -> None:
    values = tuple(row)
    if row_hash("trial", values[:-1]) != values[-1]:
        advice = "`tinynas study check` says what else is damaged, `tinynas study export` saves what is whole"
        raise StudyError("what is stored does not match its hash", where=f"{path}:trial {row['id']}", advice=advice)


def trial_of_row(row: sqlite3.Row, path: Path) -> Trial:
    """Return the trial that a row holds.

    Args:
        row: All columns of the table, the hash last.
        path: The database, for errors.

    Raises:
        StudyError: The row is damaged.
    """
    _require_whole(row, path)
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
        times=load(row["times"], f"{where}.times"),
        artefacts=load(row["artefacts"], f"{where}.artefacts"),
        params=document("params"),
        key=row["key"],
    )
