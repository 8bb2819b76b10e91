"""What of a study is whole: every row and every file held against its hash, also where SQLite gives up."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tinynas.errors import StudyError
from tinynas.study.artefacts import ArtefactStore
from tinynas.study.database import connect, explain
from tinynas.study.documents import load
from tinynas.study.hashes import row_hash
from tinynas.study.records import trial_of_row
from tinynas.study.schema import DOCUMENTS, TRIAL_COLUMNS, damaged_rows, is_study
from tinynas.study.trial import Trial

__all__ = ["StudyCheck", "check_study"]

_FAULTS = (sqlite3.Error, UnicodeDecodeError, StudyError, ValueError, TypeError, IndexError, KeyError)
# Beyond the last trial that was found, in a table that cannot be walked through.
_GAP = 100


@dataclass(frozen=True)
class StudyCheck:
    """A study, as far as it is whole.

    Attributes:
        folder: The study.
        damaged: What is not whole, in words: rows of the database, and files.
        documents: Configuration, board, provenance and summary; those that are whole.
        trials: Trials whose row is whole, in the order of proposal.
        lost_files: Hashes of files that such trials name and that are missing or damaged.
    """

    folder: Path
    damaged: tuple[str, ...]
    documents: dict[str, Any]
    trials: tuple[Trial, ...]
    lost_files: frozenset[str]

    def to_dict(self) -> dict[str, Any]:
        """Return all that is whole, for JSON."""
        return {
            "study": str(self.folder),
            "damaged": list(self.damaged),
            **{name: self.documents.get(name) for name in DOCUMENTS if name != "tally"},
            "trials": [{**asdict(trial), "state": trial.state.value} for trial in self.trials],
            "lost_files": sorted(self.lost_files),
        }


def check_study(folder: str | Path) -> StudyCheck:
    """Read what is whole of a study, and name what is not. Nothing is changed.

    Args:
        folder: The study.

    Raises:
        StudyError: There is no study, it is another version's, or nothing of it can be read.

    Example:
        >>> import tempfile
        >>> from tinynas.study import Study
        >>> Study.create(tempfile.mkdtemp() + "/s", config={}, board={}, provenance={}).close()
        >>> folder = tempfile.mkdtemp() + "/study"
        >>> with Study.create(folder, config={}, board={}, provenance={}) as study:
        ...     _ = study.propose(params=None, architecture={}, key="k", seed=0)
        >>> found = check_study(folder)
        >>> found.damaged, len(found.trials)
        ((), 1)
    """
    folder = Path(folder)
    path = folder / "study.db"
    if not path.is_file():
        advice = "name the folder that `tinynas search` made (--out)"
        raise StudyError("not a study: there is no study.db in it", where=str(folder), advice=advice)
    try:
        with contextlib.closing(connect(path, readonly=True)) as connection:
            connection.execute("BEGIN")
            ours, _ = is_study(connection)
            damaged = _damage(connection) if ours else ["study.db: not made by tinynas, or its first page"]
            documents = _documents(connection)
            trials = tuple(_trials(connection, path))
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise explain(error, path, "read the study") from error
    store = ArtefactStore(folder / "artefacts")
    lost = frozenset(sha256 for trial in trials for sha256 in trial.artefacts.values() if not _is_whole(store, sha256))
    names = {sha256: f"trial {trial.id}: {kind}" for trial in trials for kind, sha256 in trial.artefacts.items()}
    damaged += sorted(f"{names[sha256]} ({store.path(sha256)})" for sha256 in lost)
    return StudyCheck(folder, tuple(damaged), documents, trials, lost)


def _damage(connection: sqlite3.Connection) -> list[str]:
    try:
        return damaged_rows(connection)
    except _FAULTS as error:
        return [f"study.db: {error}"]


def _documents(connection: sqlite3.Connection) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in DOCUMENTS:
        with contextlib.suppress(*_FAULTS):
            rows = connection.execute("SELECT name, json, hash FROM document WHERE name = ?", (name,)).fetchall()
            if rows and row_hash("document", tuple(rows[0])[:-1]) == rows[0][-1]:
                found[name] = load(rows[0][1], name)
    return found


def _trials(connection: sqlite3.Connection, path: Path) -> Iterator[Trial]:
    """Trials one by one, by their number: where one cannot be read, the next may."""
    with contextlib.suppress(*_FAULTS):
        yield from list(_walk(connection, path))
        return
    number, last = 0, -1
    while number <= last + _GAP:
        with contextlib.suppress(*_FAULTS):
            row = connection.execute(f"SELECT {_COLUMNS} FROM trial WHERE id = ?", (number,)).fetchone()
            if row is not None:
                last = number
                yield trial_of_row(row, path)
        number += 1


def _walk(connection: sqlite3.Connection, path: Path) -> Iterator[Trial]:
    for row in connection.execute(f"SELECT {_COLUMNS} FROM trial ORDER BY id").fetchall():
        with contextlib.suppress(*_FAULTS):
            yield trial_of_row(row, path)


_COLUMNS = f"{', '.join(TRIAL_COLUMNS)}, hash"


def _is_whole(store: ArtefactStore, sha256: str) -> bool:
    try:
        store.get(sha256)
    except StudyError:
        return False
    return True
