"""A new study on disk: the whole of it, or nothing that a second attempt would stumble over."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from tinynas.errors import StudyError
from tinynas.study.artefacts import explain_os_error
from tinynas.study.database import Database, create_database, parts_of
from tinynas.study.lock import WriterLock

__all__ = ["create_study"]


def create_study(folder: Path, documents: Mapping[str, str]) -> tuple[Database, WriterLock]:
    """Make the folder, the lock and the database of a new study.

    A killed process can leave a lock file and a half-made database behind; these are no study and are replaced.

    Args:
        folder: Made when missing, with its parents. May hold other files, which are left alone.
        documents: Name to JSON text, for the database.

    Returns:
        The database, open for writing, and the right to write it.

    Raises:
        StudyError: A study is already there, or the folder cannot be written. What was made until then is removed.
    """
    path = folder / "study.db"
    with _undoing_folders(folder):
        lock = WriterLock(folder / "study.lock", creating=True)
        if os.path.lexists(path):
            lock.release()
            advice = "go on with it by `tinynas resume`, or choose another folder by --out"
            raise StudyError("there is already a study in this folder", where=str(folder), advice=advice)
        try:
            create_database(path, documents)
            return Database(path, readonly=False), lock
        except BaseException:
            # The database may be complete, and only its name not be synced: who asks again must not meet it.
            for made in (path, *parts_of(path)):
                with contextlib.suppress(OSError):
                    made.unlink(missing_ok=True)
            lock.remove()
            raise


@contextlib.contextmanager
def _undoing_folders(folder: Path) -> Iterator[None]:
    """Make a folder with its parents; remove again, when the block fails, those that were made and are empty."""
    missing = [level for level in (folder, *folder.parents) if not level.exists()]
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise explain_os_error(error, folder, "create the study", "start again") from error
        yield
    except BaseException:
        for level in missing:
            with contextlib.suppress(OSError):
                level.rmdir()
        raise
