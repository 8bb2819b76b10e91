"""The tables of a study, and what is wrong with their rows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from tinynas.study.hashes import row_hash

__all__ = [
    "READABLE_VERSIONS",
    "SCHEMA_VERSION",
    "TRIAL_COLUMNS",
    "damaged_rows",
    "document_values",
    "insert_schema",
    "is_study",
    "trial_row",
]

SCHEMA_VERSION = 3
"""Raised with every change of the tables or of what may stand in them. Version 1 had no hashes, and two more tables."""

READABLE_VERSIONS = (2, 3)
"""Version 2 is version 3 without trials that pause."""

_APPLICATION_ID = 0x746E6173  # "tnas": tells a study from any other SQLite file

TRIAL_COLUMNS = (
    "id", "state", "seed", "key", "architecture", "params", "measurement", "metrics", "objective", "feasible", "reason",
    "duplicate_of", "times", "artefacts",
)  # fmt: skip

# Seeds are text: they may be wider than SQLite's 64-bit integers. There is no index beside the tables: it could
# contradict them.
_TABLES = (
    "CREATE TABLE document (name TEXT PRIMARY KEY, json TEXT NOT NULL, hash TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE trial ("
    "id INTEGER PRIMARY KEY, state TEXT NOT NULL, seed TEXT NOT NULL, key TEXT NOT NULL, architecture TEXT NOT NULL, "
    "params TEXT, measurement TEXT, metrics TEXT, objective REAL, feasible INTEGER, reason TEXT, "
    "duplicate_of INTEGER REFERENCES trial, times TEXT NOT NULL, artefacts TEXT NOT NULL, hash TEXT NOT NULL)",
)
DOCUMENTS = ("config", "board", "provenance", "summary", "tally")
"""`tally` says how many trials there are: a row that vanished is missed."""


def insert_schema(connection: sqlite3.Connection, documents: Mapping[str, str]) -> None:
    """Make the tables of a new study, as one transaction."""
    connection.execute("BEGIN")
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    for table in _TABLES:
        connection.execute(table)
    rows = [document_values(name, text) for name, text in {**documents, "tally": '{"trials":0}'}.items()]
    connection.executemany("INSERT INTO document VALUES (?, ?, ?)", rows)
    connection.execute("COMMIT")


def document_values(name: str, text: str) -> tuple[str, str, str]:
    """Return the row of a document."""
    return name, text, row_hash("document", (name, text))


def trial_row(values: Mapping[str, object]) -> tuple[object, ...]:
    """Return the row of a trial, from its values by column."""
    row = tuple(int(value) if isinstance(value, bool) else value for value in map(values.__getitem__, TRIAL_COLUMNS))
    return (*row, row_hash("trial", row))


def is_study(connection: sqlite3.Connection) -> tuple[bool, int]:
    """Return whether a database is a study's, and the version of its tables."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    return application == _APPLICATION_ID, int(version)


def damaged_rows(connection: sqlite3.Connection) -> list[str]:
    """Name what does not match its hash or is missing; empty for a sound study.

    Raises:
        sqlite3.Error: The file is so damaged that it cannot be read through.
    """
    found = [row[0] for row in connection.execute("PRAGMA quick_check(1)") if row[0] != "ok"]
    if sorted(row[0] for row in connection.execute("SELECT sql FROM sqlite_master")) != sorted(_TABLES):
        return [*found, "the tables"]
    documents = connection.execute("SELECT name, json, hash FROM document").fetchall()
    sound = {name: text for name, text, digest in documents if row_hash("document", (name, text)) == digest}
    found += [f"document {name}" for name in DOCUMENTS if name not in sound]
    ids: set[int] = set()
    for row in connection.execute(f"SELECT {', '.join(TRIAL_COLUMNS)}, hash FROM trial"):
        ids.add(row[0])
        if row_hash("trial", tuple(row)[:-1]) != row[-1]:
            found.append(f"trial {row[0]}")
    count = json.loads(sound["tally"])["trials"] if "tally" in sound else len(ids)
    found += [f"trial {number} (it is missing)" for number in range(count) if number not in ids]
    found += [f"trial {number} (it was never stored)" for number in sorted(ids) if not 0 <= number < count]
    return found
