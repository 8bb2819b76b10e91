"""One writer at a time: an advisory lock on a file, which the operating system drops when the process ends."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

from tinynas.errors import StudyError
from tinynas.study.artefacts import RESUME, explain_os_error

__all__ = ["WriterLock", "has_locks", "no_locks"]

# Long enough to get over a file that its creator removes between our opening and locking it.
_PATIENCE_S, _POLL_S = 0.2, 0.02
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}
_MOST_BYTES = 512


class WriterLock:
    """Exclusive right to write a study, held from construction to `release` or to the end of the process.

    The file stays. What counts is the lock on it, so a killed process leaves nothing to clean up. A forked worker does
    not inherit the right: otherwise a worker that outlives a killed search would keep the study locked.

    Args:
        path: The lock file; made when missing. A symbolic link is refused, not followed.
        creating: Whether the study is about to be made. The messages differ.

    Raises:
        StudyError: Another process (named) holds the lock, the file cannot be made, or the file system has no locks.
            A file that was made here is removed again.
    """

    def __init__(self, path: Path, *, creating: bool = False) -> None:
        self._path = path
        doing, then = ("create the study", "start again") if creating else ("open the study for writing", RESUME)
        made = not os.path.lexists(path)
        self._lock = FileLock(
            path,
            timeout=_PATIENCE_S,
            poll_interval=_POLL_S,
            thread_local=False,
            fallback_to_soft=False,
            preserve_lock_file=True,
            on_acquired=_sign,
        )
        try:
            self._lock.acquire()
            if not has_locks(path.parent):  # SQLite needs the other kind of lock as well
                raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
        except Timeout as error:
            advice = "wait for it or stop it; reading (`tinynas report`) works at any time"
            message = f"the study is in use by {_read_holder(path)}"
            raise StudyError(message, where=str(path.parent), advice=advice) from error
        except OSError as error:
            self._lock.release()
            if made:
                path.unlink(missing_ok=True)
            raise _explain(error, path, doing, then) from error

    def remove(self) -> None:
        """Give the right back and remove the file: there is no study to write after all."""
        if os.name == "nt":  # an open file cannot be removed there
            self.release()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Give the right back. Does nothing the second time."""
        self._lock.release()


def has_locks(folder: Path) -> bool:
    """Whether files in a folder can be locked in the way that SQLite does; True where that cannot be tried."""
    if os.name == "nt":
        return True
    import fcntl

    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            fcntl.lockf(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _NO_LOCKS
    return True


def no_locks(doing: str, path: Path) -> StudyError:
    """Return the error that says so."""
    advice = "choose a folder on a local disk; network folders often have no locks"
    return StudyError(f"cannot {doing}: the file system has no file locks", where=str(path), advice=advice)


def _explain(error: OSError, path: Path, doing: str, then: str) -> StudyError:
    if error.errno in _NO_LOCKS:
        return no_locks(doing, path)
    if path.is_symlink():
        message = f"cannot {doing}: the lock file is a symbolic link"
        return StudyError(message, where=str(path), advice="remove the link")
    return explain_os_error(error, path, doing, then)


def _sign(descriptor: int) -> None:
    # The name only serves the message of the next process that tries: a full disk must not keep a study from opening.
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        # From the second byte on: on Windows the lock lies on the first and forbids reading it.
        os.lseek(descriptor, 1, os.SEEK_SET)
        os.write(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode())


def _read_holder(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            stream.seek(1)
            pid, host = stream.read(_MOST_BYTES).decode("ascii", "replace").split()
    except (OSError, ValueError):
        return "another process"
    if host != socket.gethostname():
        return f"process {pid} on {host}"
    return "this very process" if pid == str(os.getpid()) else f"process {pid}"
