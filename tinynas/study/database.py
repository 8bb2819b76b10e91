"""The SQLite file of a study: schema, opening, and errors in the user's words."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tinynas.errors import StudyError
from tinynas.study.artefacts import RESUME, explain_os_error, refuse_links, sync_folder
from tinynas.study.lock import has_locks, no_locks
from tinynas.study.schema import READABLE_VERSIONS, SCHEMA_VERSION, damaged_rows, insert_schema, is_study

__all__ = ["Database", "connect", "create_database", "explain", "parts_of"]

_BUSY_SECONDS = 30.0
_SHOWN = 5
_OLDER = "read it with the tinynas that wrote it, or begin a new study"
_SALVAGE = "restore study.db from a copy; `tinynas study check` says what is whole, `tinynas study export` saves it"

# SQLite quotes what it found in a damaged file, and that need not be text.
_FAULTS = (sqlite3.Error, UnicodeDecodeError)


class Database:
    """A connection to the file of a study.

    The journal is a rollback journal, not a write-ahead log: between transactions the one file is the whole study and
    can be copied as it is, and it works on network drives. `synchronous = EXTRA` makes a committed transaction survive
    a power cut as well as a killed process.

    Args:
        path: The database file.
        readonly: Refuse changes; works on read-only media and beside a writer.

    Raises:
        StudyError: No such file, not a study, damaged, or written by a newer tinynas.
    """

    def __init__(self, path: Path, *, readonly: bool) -> None:
        self.path = path
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        if not path.is_file():
            advice = "name the folder that `tinynas search` made (--out)"
            raise StudyError("not a study: there is no study.db in it", where=str(path.parent), advice=advice)
        # SQLite follows links, also when it rolls a journal back for a reader.
        refuse_links(path, path.with_name(f"{path.name}-journal"), path.with_name(f"{path.name}-wal"))
        try:
            self._connection = connect(path, readonly=readonly)
        except _FAULTS as error:
            raise explain(error, path, "open the study") from error
        try:
            self._verify_or_copy(readonly)
        except BaseException as error:
            self.close()
            if isinstance(error, _FAULTS):
                raise explain(error, path, "open the study") from error
            raise

    def close(self) -> None:
        """Close the connection. Does nothing the second time."""
        self._connection.close()
        if self._copy is not None:
            self._copy.cleanup()
            self._copy = None

    def read(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """Return all rows of a query.

        Raises:
            StudyError: The database is damaged or closed.
        """
        try:
            return self._connection.execute(sql, values).fetchall()
        except _FAULTS as error:
            raise explain(error, self.path, "read the study") from error

    def execute(self, sql: str, *values: object) -> None:
        """Run one statement, inside `transaction`."""
        self._connection.execute(sql, values)

    @contextlib.contextmanager
    def transaction(self, doing: str) -> Iterator[None]:
        """Run the statements of the block as one transaction: all of them are stored durably, or none.

        Args:
            doing: What is stored, for the message, as "store trial 3".

        Raises:
            StudyError: The disk is full, the study was opened read-only, the database is damaged.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._connection.execute("COMMIT")
        except _FAULTS as error:
            self._roll_back()
            raise explain(error, self.path, doing) from error
        except BaseException:
            self._roll_back()
            raise

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all reads of the block see the same state, whatever a writer does meanwhile."""
        self.read("BEGIN")
        try:
            yield
        finally:
            self._roll_back()

    def _roll_back(self) -> None:
        # SQLite has already rolled back after some errors (a full disk); a journal that cannot be removed now is
        # rolled back by the next one who opens the file.
        with contextlib.suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _verify_or_copy(self, readonly: bool) -> None:
        try:
            self._verify()
        except sqlite3.OperationalError:
            if not readonly or os.access(self.path.parent, os.W_OK):
                raise
            # A killed writer left a journal that SQLite cannot roll back on read-only media: do it on a copy.
            self._connection.close()
            self._connection = self._connect_copy()
            self._verify()

    def _verify(self) -> None:
        ours, version = is_study(self._connection)
        where = str(self.path)
        if not ours:
            raise StudyError("not a study: the database was not made by tinynas", where=where)
        if version not in READABLE_VERSIONS:
            age, advice = ("a newer", "upgrade tinynas") if version > SCHEMA_VERSION else ("an older", _OLDER)
            message = f"the study was written by {age} tinynas (schema {version}; this one reads {SCHEMA_VERSION})"
            raise StudyError(message, where=where, advice=advice)
        self._connection.execute("BEGIN")  # a writer at work must not look like damage
        try:
            found = damaged_rows(self._connection)
        finally:
            self._roll_back()
        if found:
            more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            message = f"the database is damaged: {', '.join(found[:_SHOWN])}{more}"
            raise StudyError(message, where=where, advice=_SALVAGE)

    def _connect_copy(self) -> sqlite3.Connection:
        self._copy = tempfile.TemporaryDirectory(prefix="tinynas-study-")
        for name in (self.path.name, f"{self.path.name}-journal"):
            if (source := self.path.with_name(name)).exists():
                shutil.copyfile(source, Path(self._copy.name) / name)
        return connect(Path(self._copy.name) / self.path.name, readonly=True)


def create_database(path: Path, documents: Mapping[str, str]) -> None:
    """Make the file of a new study, whole or not at all.

    Args:
        path: Where; the folder exists and its writer lock is held. No file is there yet.
        documents: Name to JSON text, stored in the `document` table.

    Raises:
        StudyError: The file could not be written.
    """
    part, journal = parts_of(path)
    try:
        for leftover in (part, journal):
            leftover.unlink(missing_ok=True)
        try:
            # SQLite would follow a link of this name; made here, the file is there and is none.
            os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o666))
            with contextlib.closing(connect(part, readonly=False, create=True)) as connection:
                insert_schema(connection, documents)
            part.replace(path)
        except BaseException:
            for leftover in (part, journal):
                with contextlib.suppress(OSError):
                    leftover.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise explain_os_error(error, path, "create the study", "start again") from error
    except _FAULTS as error:
        raise explain(error, path, "create the study", "start again") from error


def parts_of(path: Path) -> tuple[Path, Path]:
    """Return the files in which `create_database` makes a database before it gives it its name."""
    part = path.with_name(f"{path.name}.part")
    return part, part.with_name(f"{part.name}-journal")


def connect(path: Path, *, readonly: bool, create: bool = False) -> sqlite3.Connection:
    """Open an SQLite file.

    Args:
        path: The file.
        readonly: Refuse changes.
        create: Make the file.
    """
    # A reader may roll back the journal of a killed writer, so it only asks for less than write access where it must.
    writable = os.access(path.parent, os.W_OK) and (create or os.access(path, os.W_OK))
    mode = "rwc" if create else "rw" if writable or not readonly else "ro"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
    )
    connection.row_factory = sqlite3.Row
    try:
        if readonly:
            connection.execute("PRAGMA query_only = ON")
        else:
            connection.execute("PRAGMA synchronous = EXTRA")
            connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def explain(error: Exception, path: Path, doing: str, then: str = RESUME) -> StudyError:
    """Turn what SQLite found into an error in the user's words; see `explain_os_error`."""
    # By text: the numeric codes reach Python only from 3.11 on.
    text = str(error)
    if "disk is full" in text or "disk I/O error" in text:
        message = f"cannot {doing}: the disk is full or failing ({text})"
        return StudyError(message, where=str(path), advice=f"free some space, then {then}")
    if "locked" in text and not has_locks(path.parent):
        return no_locks(doing, path)
    if "locked" in text:
        message = f"cannot {doing}: another program holds the file"
        return StudyError(message, where=str(path), advice=f"close it, then {then}")
    if "readonly" in text or "unable to open" in text:
        advice = "check the permissions of the folder and the file"
        return StudyError(f"cannot {doing}: {text}", where=str(path), advice=advice)
    if isinstance(error, sqlite3.ProgrammingError):
        return StudyError(f"cannot {doing}: the study is closed", where=str(path))
    message = f"cannot {doing}: the database is damaged or not a study ({text})"
    return StudyError(message, where=str(path), advice=_SALVAGE)
