"""Creating, opening, refusing to open."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tinynas.errors import StudyError
from tinynas.study import Study

Finish = Callable[..., int]


def test_create_refuses_an_existing_study(study: Study) -> None:
    study.propose(params=None, architecture={}, key="k", seed=0)
    study.close()
    with pytest.raises(StudyError, match="already a study") as caught:
        Study.create(study.folder, config={}, board={}, provenance={})
    assert "resume" in str(caught.value.advice)
    with Study.open(study.folder) as again:
        assert len(again.trials()) == 1


def test_create_in_a_folder_with_other_files_keeps_them(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "study.db.part").write_text("left by a killed process")
    Study.create(tmp_path, config={}, board={}, provenance={}).close()
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "study.db.part").exists()


def test_create_on_a_file_or_with_bad_documents(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match="cannot create"):
        Study.create(tmp_path / "file", config={}, board={}, provenance={})
    with pytest.raises(StudyError, match=r"config\.x"):
        Study.create(tmp_path / "s", config={"x": np.inf}, board={}, provenance={})
    assert not (tmp_path / "s").exists()


def test_open_what_is_not_a_study(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="not a study"):
        Study.open(tmp_path / "nowhere")
    with pytest.raises(StudyError, match="not a study"):
        Study.open(tmp_path)
    assert list(tmp_path.iterdir()) == [], "opening leaves nothing behind"
    sqlite3.connect(tmp_path / "study.db").execute("CREATE TABLE t (a)").connection.close()
    with pytest.raises(StudyError, match="not made by tinynas"):
        Study.open(tmp_path)
    (tmp_path / "study.db").write_bytes(b"")
    with pytest.raises(StudyError, match="not made by tinynas"):
        Study.open(tmp_path)


@pytest.mark.parametrize(
    ("version", "message", "advice"),
    [(4, "a newer tinynas", "upgrade tinynas"), (1, r"an older tinynas \(schema 1; this one reads 3\)", "begin a new")],
)
def test_open_the_study_of_another_version(study: Study, version: int, message: str, advice: str) -> None:
    study.close()
    with sqlite3.connect(study.folder / "study.db") as database:
        database.execute(f"PRAGMA user_version = {version}")
    database.close()
    with pytest.raises(StudyError, match=message) as caught:
        Study.open(study.folder)
    assert advice in str(caught.value.advice)


@pytest.mark.parametrize("readonly", [False, True])
def test_damaged_database_is_reported_never_a_traceback(study: Study, finish: Finish, readonly: bool) -> None:
    study._database.execute("PRAGMA synchronous = OFF")
    for _ in range(20):
        finish(0.5, metrics={"pad": "x" * 500})
    study.close()
    path = study.folder / "study.db"
    good = path.read_bytes()
    random = np.random.default_rng(5)
    refused = []
    for _ in range(40):
        damaged = bytearray(good)
        if random.random() < 0.3:
            damaged = damaged[: int(random.integers(1, len(damaged)))]
        else:
            start = int(random.integers(0, len(damaged)))
            damaged[start : start + 64] = random.bytes(64)
        path.write_bytes(damaged)
        try:
            with Study.open(study.folder, readonly=readonly) as broken:
                broken.trials(), broken.config, broken.counts()
        except StudyError as error:
            refused.append(str(error.where))
    assert len(refused) > 10
    assert all("study.db" in where for where in refused)


def test_one_writer_any_number_of_readers(study: Study) -> None:
    study.propose(params=None, architecture={}, key="k", seed=0)
    with pytest.raises(StudyError, match="in use by this very process"):
        Study.open(study.folder)
    program = """
import sys
from tinynas.study import Study
from tinynas.errors import StudyError
with Study.open(sys.argv[1], readonly=True) as reader:
    print(len(reader.trials()))
try:
    Study.open(sys.argv[1])
except StudyError as error:
    print(error.message)
"""
    told = subprocess.run(
        [sys.executable, "-c", program, str(study.folder)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert told == ["1", f"the study is in use by process {os.getpid()}"]
    study.close()
    Study.open(study.folder).close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_worker_does_not_keep_the_study_locked(study: Study) -> None:
    read, write = os.pipe()
    ready, say_ready = os.pipe()
    worker = os.fork()
    if worker == 0:  # pragma: no cover
        os.close(write)
        os.write(say_ready, b"1")
        os.read(read, 1)
        os._exit(0)
    try:
        os.read(ready, 1)
        study.close()
        Study.open(study.folder).close()
    finally:
        os.close(write)
        os.close(read)
        os.waitpid(worker, 0)
