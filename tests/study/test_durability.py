"""What survives: killed processes, full disks, read-only media."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tinynas.errors import StudyError
from tinynas.study import Study, write_file

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and limits")

# A search in small: takes up what is unfinished, then proposes; says what is stored once the call has returned.
WORKER = textwrap.dedent("""
    import os, sys
    from tinynas.errors import StudyError
    from tinynas.study import Study
    folder, limit = sys.argv[1], int(sys.argv[2])
    if limit:
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    def said(*words):
        os.write(1, (" ".join(map(str, words)) + "\\n").encode())
    def content(trial, kind):
        return f"{trial} {kind} ".encode() * 500
    pad = {"pad": "x" * 2500}  # so that limits are met after few transactions
    ORDER = ["proposed", "costed", "trained", "converted", "measured", "done"]
    try:
        if os.path.exists(folder + "/study.db"):
            study = Study.open(folder)
        else:
            study = Study.create(folder, config={"seed": 1}, board={}, provenance={})
        said("open")
        while len(study.trials()) < 1000:
            queue = study.unfinished() or [study.propose(params=pad, architecture={"f": 1}, key="k", seed=0)]
            said(queue[0].id, "proposed")
            for trial in queue:
                for state in ORDER[ORDER.index(trial.state) + 1:]:
                    kind = {"trained": "weights", "converted": "tflite"}.get(state)
                    study.advance(trial.id, state, metrics={state: trial.id}, objective=1.0, feasible=True,
                                  artefacts={kind: content(trial.id, kind)} if kind else None)
                    said(trial.id, state)
    except StudyError as error:
        said("error", error.where, "|", error.message, "|", error.advice)
""")
# Reads a study again and again; ends with a traceback where it cannot.
READER = textwrap.dedent("""
    import sys, time
    from tinynas.study import Study
    while True:
        with Study.open(sys.argv[1], readonly=True) as study:
            study.trials()
        time.sleep(0.05)
""")
ORDER = ["proposed", "costed", "trained", "converted", "measured", "done"]


def start(folder: Path, limit: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORKER, str(folder), str(limit)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def reached(lines: list[str]) -> dict[int, str]:
    """The furthest state that the worker said was stored, per trial."""
    words = [line.split() for line in lines if line.endswith("\n")]
    return {int(line[0]): line[1] for line in words if line[0].isdigit()}


def check(folder: Path, promised: dict[int, str]) -> None:
    """All that was said to be stored is there, with its files, and nothing is half there."""
    with Study.open(folder, readonly=True) as study:
        trials = study.trials()
        for trial in trials:
            position = ORDER.index(trial.state)
            assert position >= ORDER.index(promised.get(trial.id, "proposed"))
            assert list(trial.times) == ORDER[: position + 1]
            assert trial.metrics == (dict.fromkeys(ORDER[1 : position + 1], trial.id) or None)
            kinds = {"weights": 2, "tflite": 3}
            assert set(trial.artefacts) == {kind for kind, since in kinds.items() if position >= since}
            for kind, sha256 in trial.artefacts.items():
                assert study.artefact(sha256) == f"{trial.id} {kind} ".encode() * 500
        assert {trial.id for trial in trials} >= set(promised)


@pytest.mark.slow
@posix
def test_sigkill_at_random_moments_loses_no_finished_step(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    random = np.random.default_rng(11)
    promised: dict[int, str] = {}
    for _ in range(25):
        worker = start(folder)
        assert worker.stdout is not None
        # By lines and not by time: a busy machine must not turn this into killing interpreters that still start up.
        lines = [worker.stdout.readline() for _ in range(int(random.integers(0, 14)))]
        time.sleep(float(random.uniform(0, 0.006)))
        worker.kill()
        lines += worker.stdout.readlines()
        worker.stdout.close()
        assert worker.wait() == -signal.SIGKILL
        assert not any(line.startswith("error") for line in lines), lines
        promised |= reached(lines)
        if (folder / "study.db").exists():
            check(folder, promised)
    assert len(promised) > 10
    Study.open(folder).close()
    assert not list(folder.rglob("*.part")), "what a killed writer left half written is swept away"


@posix
def test_sigkill_while_the_study_is_created(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    for index in range(6):
        folder = tmp_path / str(index)
        worker = start(folder)
        deadline = time.monotonic() + 10
        while not folder.exists() and time.monotonic() < deadline:
            time.sleep(0.0005)
        time.sleep(float(random.uniform(0, 0.006)))
        worker.kill()
        worker.communicate()
        opened = Study.open if (folder / "study.db").exists() else None
        with opened(folder) if opened else Study.create(folder, config={"seed": 1}, board={}, provenance={}) as study:
            assert study.config == {"seed": 1}


@posix
@pytest.mark.parametrize("limit", [300, 5_000, 40_000, 70_000])
def test_file_size_limit_in_a_process(tmp_path: Path, limit: int) -> None:
    folder = tmp_path / "study"
    worker = start(folder, limit)
    lines = worker.communicate(timeout=60)[0].splitlines(keepends=True)
    assert worker.returncode == 0
    assert lines[-1].startswith("error"), "it ends with the error, not with a traceback or a signal"
    where, message, advice = lines[-1].removeprefix("error").split("|")
    assert str(folder) in where
    assert "full" in message
    assert "free some space" in advice
    promised = reached(lines)
    if (folder / "study.db").exists():
        assert "resume" in advice
        check(folder, promised)
    else:
        assert "resume" not in advice, "there is nothing to resume"
        assert not folder.exists()
    assert bool(promised) == (limit >= 40_000)
    resumed = start(folder)
    assert resumed.stdout is not None
    assert resumed.stdout.readline() == "open\n"
    resumed.kill()
    promised |= reached(resumed.communicate()[0].splitlines(keepends=True))
    check(folder, promised)


def test_full_database(study: Study) -> None:
    study.propose(params=None, architecture={}, key="first", seed=0)
    pages = study._database.read("PRAGMA page_count")[0][0]
    study._database.read(f"PRAGMA max_page_count = {pages + 1}")

    def fill() -> None:
        for index in range(1000):
            study.propose(params={"pad": "x" * 3000}, architecture={}, key=str(index), seed=0)

    with pytest.raises(StudyError, match="disk is full") as caught:
        fill()
    assert str(caught.value.where).endswith("study.db")
    assert "resume" in str(caught.value.advice)
    kept = study.trials()
    assert kept[0].key == "first"
    with pytest.raises(StudyError, match="disk is full"):
        study.advance(0, "costed", measurement={"pad": "x" * 20_000})
    assert study.trials() == kept
    study._database.read("PRAGMA max_page_count = 100000")
    assert study.propose(params={"pad": "x" * 3000}, architecture={}, key="again", seed=0).id == len(kept)
    study.close()
    with Study.open(study.folder) as again:
        assert again.trials()[:-1] == kept


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_artefact_that_cannot_be_stored(study: Study, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    study.propose(params=None, architecture={}, key="k", seed=0)

    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(StudyError) as caught:
            study.advance(0, "costed", artefacts={"weights": b"abc"})
    assert "artefacts" in str(caught.value.where)
    assert ("full" in caught.value.message) == (number != errno.EIO)
    assert study.trial(0).state == "proposed"
    assert not [path for path in study.folder.rglob("*") if path.is_file() and path.parent.parent.name == "artefacts"]
    assert study.artefact(study.advance(0, "costed", artefacts={"weights": b"abc"}).artefacts["weights"]) == b"abc"


def test_write_file_keeps_the_old_file_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_file(tmp_path / "new" / "report.html", b"old")

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StudyError, match="full") as caught:
        write_file(path, b"new content")
    assert caught.value.where == str(path)
    assert [file.read_bytes() for file in path.parent.iterdir()] == [b"old"]


def test_write_file_changes_the_old_file_by_rename_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_file(tmp_path / "best.tflite", b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(StudyError, match="Input/output error"):
        write_file(path, b"new")
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"old"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root on Linux")
    disk = tmp_path / "disk"
    disk.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", bytes(disk), b"tmpfs", 0, b"size=256k") != 0:
        pytest.skip(f"cannot mount a tmpfs: {os.strerror(ctypes.get_errno())}")
    yield disk
    libc.umount2(bytes(disk), 2)


def test_full_disk_then_resume(small_disk: Path) -> None:
    folder = small_disk / "study"
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(64 * 1024))
    worker = start(folder)
    lines = worker.communicate(timeout=60)[0].splitlines(keepends=True)
    assert lines[-1].startswith("error"), lines[-1]
    assert "full" in lines[-1]
    promised = reached(lines)
    assert promised
    check(folder, promised)
    ballast.unlink()
    resumed = start(folder)
    more = reached(resumed.communicate(timeout=60)[0].splitlines(keepends=True))
    assert len(more) > 1, "with space made it goes on until that is used up too"
    check(folder, promised | more)


@posix
def test_readonly_folder_with_the_journal_of_a_killed_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "study"
    with Study.create(folder, config={}, board={}, provenance={}) as study:
        study.propose(params=None, architecture={}, key="kept", seed=0)
    # Cut off between the write to the file and the commit: the journal must be rolled back to read the truth.
    program = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA cache_size = 1")
database.execute("BEGIN IMMEDIATE")
for index in range(1, 200):
    database.execute("INSERT INTO trial (id, state, seed, key, architecture, times, artefacts, hash) "
                     "VALUES (?, 'proposed', '0', ?, '{}', '{}', '{}', '')", (index, "x" * 900))
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", program, str(folder / "study.db")], check=False)
    assert (folder / "study.db-journal").stat().st_size > 0
    archive = shutil.copytree(folder, tmp_path / "archive")
    before = {path.name: path.read_bytes() for path in archive.iterdir()}
    honest = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not Path(path).is_relative_to(archive) and honest(path, mode))
    with Study.open(archive, readonly=True) as study:
        assert [trial.key for trial in study.trials()] == ["kept"]
    assert {path.name: path.read_bytes() for path in archive.iterdir()} == before, "read-only means read-only"
    monkeypatch.undo()
    with Study.open(folder, readonly=True) as study:
        assert [trial.key for trial in study.trials()] == ["kept"]


def test_a_clock_that_jumps_changes_nothing_but_the_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set back by a year, or far into the future, as a machine without a battery does it at its start."""
    clock = iter([1e9, 1e9 + 1, 5.0, 4e9, -3.0, 0.0, 1e9, 7.0])
    monkeypatch.setattr("tinynas.study.records.time.time", lambda: next(clock))
    with Study.create(tmp_path / "study", config={}, board={}, provenance={}) as study:
        study.propose(params=None, architecture={}, key="a", seed=0)
        for state in ORDER[1:]:
            study.advance(0, state, objective=0.5, feasible=True)
        study.propose(params=None, architecture={}, key="b", seed=1)
    with Study.open(tmp_path / "study") as study:
        first, second = study.trials()
        assert list(first.times) == ORDER
        assert list(first.times.values()) == [1e9, 1e9 + 1, 5.0, 4e9, -3.0, 0.0]
        assert (first.id, second.id, second.times) == (0, 1, {"proposed": 1e9})
        assert study.best() == first
        assert study.unfinished() == [second]


@posix
def test_readers_during_a_search_see_whole_studies(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    with subprocess.Popen([sys.executable, "-c", WORKER, str(folder), "0"], stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"open\n"
        # The readers that poll beside this one, as dashboards and reports do.
        others = [subprocess.Popen([sys.executable, "-c", READER, str(folder)]) for _ in range(3)]
        seen = []
        try:
            deadline = time.monotonic() + 60
            while (len(seen) < 25 or seen[-1] < 3) and time.monotonic() < deadline:
                with Study.open(folder, readonly=True) as study:
                    trials = study.trials()
                seen.append(len(trials))
                for trial in trials:
                    assert list(trial.times) == ORDER[: ORDER.index(trial.state.value) + 1]
                    assert set(trial.metrics or {}) == set(ORDER[1 : ORDER.index(trial.state.value) + 1])
                    assert ("weights" in trial.artefacts) == (ORDER.index(trial.state.value) >= 2)
        finally:
            alive = [other.poll() is None for other in others]
            for process in (worker, *others):
                process.kill()
            for other in others:
                other.wait()
    assert seen == sorted(seen)
    assert seen[-1] >= 3
    assert alive == [True] * 3
