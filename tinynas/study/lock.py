"""One writer at a time: an advisory lock on a file, which the operating system drops when the process ends."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import weakref
from pathlib import Path

from tinynas.errors import StudyError
from tinynas.study.artefacts import RESUME, explain_os_error

__all__ = ["WriterLock"]

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        # A byte far beyond the text: Windows locks forbid reading what they cover.
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class WriterLock:
    """Exclusive right to write a study, held from construction to `release` or to the end of the process.

    The file stays; it is the lock on it that counts, so a killed process leaves nothing to clean up. A forked worker
    does not inherit the right: else a worker that outlives a killed search would keep the study locked.

    Args:
        path: The lock file; made when missing.
        creating: Whether the study is only about to be made; the messages differ.

    Raises:
        StudyError: Another process (named) holds the lock, or the file cannot be made.
    """

    def __init__(self, path: Path, *, creating: bool = False) -> None:
        self._path = path
        self._descriptor: int | None = None
        descriptor = self._lock(creating)
        # Who fails to create a study removes the file: a lock on a file without a name keeps nobody out.
        while not _names(path, descriptor):
            os.close(descriptor)
            descriptor = self._lock(creating)
        self._descriptor = descriptor
        # The name only serves the message of the next one who tries: a full disk must not keep a study from opening.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode())
        _held.add(self)
        _forget_in_children()

    def _lock(self, creating: bool) -> int:
        doing, then = ("create the study", "start again") if creating else ("open the study for writing", RESUME)
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise explain_os_error(error, self._path, doing, then) from error
        try:
            _try_lock(descriptor)
        except (BlockingIOError, PermissionError) as error:
            holder = _read_holder(descriptor)
            os.close(descriptor)
            advice = "wait for it or stop it; reading (`tinynas report`) works at any time"
            raise StudyError(f"the study is in use by {holder}", where=str(self._path.parent), advice=advice) from error
        except OSError as error:
            os.close(descriptor)
            raise explain_os_error(error, self._path, "lock the study", then) from error
        return descriptor

    def remove(self) -> None:
        """Give the right back and remove the file: there is no study to write after all."""
        if os.name == "nt":  # an open file cannot be removed there
            self.release()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Give the right back. Does nothing the second time."""
        _held.discard(self)
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


_held: weakref.WeakSet[WriterLock] = weakref.WeakSet()
_watching_forks = False


def _forget_in_children() -> None:
    global _watching_forks
    if not _watching_forks and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_release_all)
        _watching_forks = True


def _release_all() -> None:
    # Closing the child's descriptor leaves the parent's lock alone.
    for lock in list(_held):
        lock.release()


def _names(path: Path, descriptor: int) -> bool:
    """Whether the path still leads to the open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return False


def _read_holder(descriptor: int) -> str:
    try:
        pid, host = os.read(descriptor, 512).decode("ascii", "replace").split()
    except (OSError, ValueError):
        return "another process"
    if host != socket.gethostname():
        return f"process {pid} on {host}"
    return "this very process" if pid == str(os.getpid()) else f"process {pid}"
