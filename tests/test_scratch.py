"""Temporary folders: gone at the end, and those of killed processes at the next start."""

import errno
import os
import subprocess
import sys
import tempfile
import time

import pytest

from tinynas import scratch

HOLD = """
import sys, time
from tinynas.scratch import scratch_folder
with scratch_folder() as folder:
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(scratch, "_GRACE_S", 0.0)
    scratch._sweep_once.cache_clear()
    yield tmp_path
    scratch._sweep_once.cache_clear()


def hold():
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_process_s_folder_is_removed_by_the_next_and_a_living_one_s_is_not(temporary):
    killed, left = hold()
    living, used = hold()
    try:
        killed.kill()
        killed.wait()
        assert sorted(map(str, temporary.glob("tinynas-*"))) == sorted([left, used])
        with scratch.scratch_folder() as mine:
            assert sorted(map(str, temporary.glob("tinynas-*"))) == sorted([used, str(mine)])
        assert [str(path) for path in temporary.iterdir()] == [used]
    finally:
        living.kill()
        living.wait()
        killed.stdout.close()
        living.stdout.close()


def test_what_is_not_ours_is_left_alone(temporary, monkeypatch):
    (temporary / "tinynas-notes").mkdir()  # no lock in it
    (temporary / "tinynas-file").touch()
    outside = temporary / "outside"
    outside.mkdir()
    (outside / scratch._LOCK).touch()
    (temporary / "tinynas-link").symlink_to(outside, target_is_directory=True)
    theirs = temporary / "tinynas-theirs"
    theirs.mkdir()
    (theirs / scratch._LOCK).touch()
    young = temporary / "tinynas-young"
    young.mkdir()
    (young / scratch._LOCK).touch()
    os.utime(young, (time.time() + 30, time.time() + 30))
    with monkeypatch.context() as patch:
        patch.setattr(os, "getuid", lambda: 12345, raising=False)
        assert scratch.sweep_scratch() == []
    assert scratch.sweep_scratch() == [theirs]
    assert (outside / scratch._LOCK).exists()


def test_a_folder_is_removed_when_its_block_fails(temporary):
    def fail():
        with scratch.scratch_folder() as folder:
            (folder / "x").touch()
            raise ValueError(folder)

    with pytest.raises(ValueError, match="tinynas-") as caught:
        fail()
    assert not caught.value.args[0].exists()


def test_a_file_system_without_locks_has_scratch_folders_that_nobody_sweeps(temporary, monkeypatch):
    def no_locks(*_args):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(fcntl, "flock", no_locks)
    with scratch.scratch_folder() as folder:
        monkeypatch.undo()
        assert not list(folder.iterdir())
        assert folder not in scratch.sweep_scratch()
        assert folder.exists()
    assert not folder.exists()
