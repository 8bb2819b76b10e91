"""Temporary folders that do not outlive their process for long: a killed one's are removed by the next."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

__all__ = ["scratch_folder", "sweep_scratch"]

_PREFIX = "tinynas-"
_LOCK = "in-use.lock"
# A folder is younger than that while its owner has not locked it yet.
_GRACE_S = 5.0


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a temporary folder, and remove it at the end; first remove those of processes that were killed.

    Yields:
        The folder, below `TMPDIR`.

    Raises:
        OSError: It cannot be made.

    Example:
        >>> with scratch_folder() as folder:
        ...     _ = (folder / "model.c").write_text("int x;")
        >>> folder.exists()
        False
    """
    _sweep_once()
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as name:
        lock = FileLock(Path(name) / _LOCK, thread_local=False, fallback_to_soft=False)
        try:
            lock.acquire()
        except (OSError, NotImplementedError):
            # No locks on this file system, or no room: without the file nobody takes the folder for left behind.
            with contextlib.suppress(OSError):
                (Path(name) / _LOCK).unlink(missing_ok=True)
        try:
            yield Path(name)
        finally:
            lock.release()


@cache
def _sweep_once() -> None:
    sweep_scratch()


def sweep_scratch() -> list[Path]:
    """Remove the temporary folders of processes that are no more.

    A folder that its owner holds locked, a young one, someone else's and a link are left alone.

    Returns:
        What was removed.
    """
    removed = []
    with contextlib.suppress(OSError):  # nothing depends on it
        for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError):
                if _is_left(folder):
                    shutil.rmtree(folder)
                    removed.append(folder)
    return removed


def _is_left(folder: Path) -> bool:
    found = folder.lstat()
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    if not folder.is_dir() or folder.is_symlink() or not mine or time.time() - found.st_mtime < _GRACE_S:
        return False
    path = folder / _LOCK
    if not path.is_file() or path.is_symlink():
        return False
    lock = FileLock(path, timeout=0, preserve_lock_file=True, fallback_to_soft=False)
    try:
        lock.acquire()
    except (Timeout, NotImplementedError):
        return False
    lock.release()
    return True
