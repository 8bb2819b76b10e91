"""A study that could not be created leaves nothing that a second attempt would stumble over."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tinynas.errors import StudyError
from tinynas.study import Study, creation, database
from tinynas.study.lock import WriterLock

FULL = OSError(errno.ENOSPC, "No space left on device")
DOCUMENTS = {"config": {"seed": 1}, "board": {}, "provenance": {}}


def fail(error: BaseException) -> Callable[..., None]:
    def raise_it(*_: object, **__: object) -> None:
        raise error

    return raise_it


def break_lock(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(os, "open", fail(FULL))


def break_database(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(database, "connect", fail(sqlite3.OperationalError("database or disk is full")))


def break_rename(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Path, "replace", fail(FULL))


def break_sync(patch: pytest.MonkeyPatch) -> None:
    """The last step: the database has its name by then."""
    patch.setattr(database, "sync_folder", fail(FULL))


def break_opening(patch: pytest.MonkeyPatch) -> None:
    full = "cannot open the study: the disk is full or failing"
    patch.setattr(creation, "Database", fail(StudyError(full, advice="free some space, then start again")))


BREAKS = [break_lock, break_database, break_rename, break_sync, break_opening]


@pytest.mark.parametrize("break_", BREAKS)
def test_nothing_is_left_of_folders_that_it_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, break_: Callable[[pytest.MonkeyPatch], None]
) -> None:
    folder = tmp_path / "studies" / "first"
    with monkeypatch.context() as patch:
        break_(patch)
        with pytest.raises(StudyError, match="full") as caught:
            Study.create(folder, **DOCUMENTS)
    assert caught.value.advice == "free some space, then start again"
    assert list(tmp_path.iterdir()) == []
    Study.create(folder, **DOCUMENTS).close()


@pytest.mark.parametrize("break_", BREAKS)
def test_what_was_there_before_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, break_: Callable[[pytest.MonkeyPatch], None]
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with monkeypatch.context() as patch:
        break_(patch)
        with pytest.raises(StudyError):
            Study.create(tmp_path, **DOCUMENTS)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_an_interruption_leaves_nothing_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "replace", fail(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        Study.create(tmp_path / "study", **DOCUMENTS)
    assert list(tmp_path.iterdir()) == []


def test_a_study_that_is_there_is_not_undone(study: Study) -> None:
    study.close()
    before = {path.name: path.read_bytes() for path in study.folder.iterdir()}
    assert set(before) == {"study.db", "study.lock"}
    with pytest.raises(StudyError, match="already a study"):
        Study.create(study.folder, **DOCUMENTS)
    assert {path.name for path in study.folder.iterdir()} == set(before)
    assert (study.folder / "study.db").read_bytes() == before["study.db"]
    Study.open(study.folder).close()


@pytest.mark.parametrize(
    "left", [["study.lock"], ["study.db.part"], ["study.lock", "study.db.part", "study.db.part-journal"]]
)
def test_what_a_killed_creation_left_is_no_study(tmp_path: Path, left: list[str]) -> None:
    for name in left:
        (tmp_path / name).write_bytes(b"1 elsewhere\n" * 500)
    with pytest.raises(StudyError, match="not a study"):
        Study.open(tmp_path)
    with Study.create(tmp_path, **DOCUMENTS) as study:
        assert study.config == {"seed": 1}
    assert {path.name for path in tmp_path.iterdir()} == {"study.db", "study.lock"}


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
@pytest.mark.parametrize("moment", ["create_database", "Database"])
def test_killed_between_lock_and_database(tmp_path: Path, moment: str) -> None:
    program = f"""
import os, sys
from tinynas.study import Study, creation
creation.{moment} = lambda *_, **__: os.kill(os.getpid(), 9)
Study.create(sys.argv[1], config={{"seed": 1}}, board={{}}, provenance={{}})
"""
    folder = tmp_path / "study"
    run = subprocess.run([sys.executable, "-c", program, str(folder)], check=False)
    assert run.returncode == -9
    made = moment == "Database"
    with Study.open(folder) if made else Study.create(folder, **DOCUMENTS) as study:
        assert study.config == {"seed": 1}


@pytest.mark.skipif(os.name != "posix", reason="an open file cannot be removed on Windows")
def test_a_lock_on_a_removed_file_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    path = tmp_path / "study.lock"
    honest = fcntl.flock
    removals = iter([True, True, False])

    def flock(descriptor: int, operation: int) -> None:
        # Between our opening and our locking the file, another process gives up its creation.
        if next(removals):
            path.unlink()
        honest(descriptor, operation)

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", flock)
        held = WriterLock(path)
    with pytest.raises(StudyError, match="in use by this very process"):
        WriterLock(path)
    held.release()
    WriterLock(path).release()


@pytest.mark.skipif(os.name != "posix", reason="Windows has one kind of lock")
@pytest.mark.parametrize("call", ["flock", "lockf"])
def test_a_file_system_without_locks_is_named_as_the_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    import fcntl

    monkeypatch.setattr(fcntl, call, fail(OSError(errno.ENOLCK, "No locks available")))
    with pytest.raises(StudyError, match="the file system has no file locks") as caught:
        Study.create(tmp_path / "study", **DOCUMENTS)
    assert "local disk" in str(caught.value.advice)
    assert list(tmp_path.iterdir()) == []
