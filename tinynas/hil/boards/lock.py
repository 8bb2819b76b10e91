"""One process at a time at a board: a lock that the operating system drops when the process ends, and who holds it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from tinynas.errors import BoardError, HostError
from tinynas.resources import state_folder

__all__ = ["BoardLock", "Holder", "board_file"]

_POLL_S = 0.2
_MOST_BYTES = 2048
_MOST_CHARACTERS = 120


@dataclass(frozen=True)
class Holder:
    """Who uses a board.

    Attributes:
        pid: Number of the process.
        host: The computer that it runs on.
        command: Its command line, shortened.
        since: When it took the board, in seconds since 1970.
    """

    pid: int
    host: str
    command: str
    since: float

    @property
    def who(self) -> str:
        """The process, in words."""
        where = "" if self.host == socket.gethostname() else f" on {self.host}"
        return f"process {self.pid}{where} ({self.command})"

    def __str__(self) -> str:
        return f"{self.who}, since {time.strftime('%H:%M:%S', time.localtime(self.since))}"


def board_file(key: str, suffix: str) -> Path:
    """A file about one board, in a folder of the user's that is made here.

    Args:
        key: The probe's serial number; of a board without one, its port.
        suffix: Which file, such as ".lock".

    Raises:
        HostError: The folder cannot be made.
    """
    folder = state_folder() / "boards"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HostError(
            f"the folder cannot be made: {error.strerror}",
            where=str(folder),
            advice="set TINYNAS_STATE to one that can",
        ) from error
    # Ports are paths and URLs; what makes a name of them must not make one name of two.
    plain = re.sub(r"[^A-Za-z0-9-]+", "_", key)[-40:]
    return folder / f"{plain}-{hashlib.sha256(key.encode()).hexdigest()[:8]}{suffix}"


class BoardLock:
    """The right to use a board, among the processes of one user; in one thread it may be taken again and again.

    Args:
        key: The probe's serial number; of a board without one, its port.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self._path = board_file(key, ".lock")
        self._lock = FileLock(
            self._path, poll_interval=_POLL_S, fallback_to_soft=False, preserve_lock_file=True, on_acquired=_sign
        )

    def take(self, wait_s: float = 0.0) -> bool:
        """Take the board; whether it is ours now.

        Args:
            wait_s: Longest wait for who has it.

        Raises:
            HostError: The file cannot be locked.
        """
        try:
            self._lock.acquire(timeout=wait_s)
        except Timeout:
            return False
        except (OSError, NotImplementedError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise HostError(
                f"the board cannot be locked: {reason}",
                where=str(self._path),
                advice="set TINYNAS_STATE to a folder on a local disk",
            ) from error
        return True

    def release(self) -> None:
        """Give it back, once for each time it was taken."""
        self._lock.release()

    @contextmanager
    def held(self, wait_s: float) -> Iterator[None]:
        """Use the board.

        Raises:
            BoardError: Another process has it for longer than the wait; it is named.
            HostError: The file cannot be locked.
        """
        if not self.take(wait_s):
            raise BoardError(
                f"the board is in use by {self.holder() or 'another process'}",
                where=self.key,
                advice="wait for it or stop it; `tinynas boards list --attached` shows who uses which board",
            )
        try:
            yield
        finally:
            self.release()

    def holder(self) -> Holder | None:
        """Who has the board; None: nobody, or it has not signed."""
        if self.take():
            self.release()
            return None
        try:
            with self._path.open("rb") as stream:
                stream.seek(1)
                return Holder(**json.loads(stream.read(_MOST_BYTES)))
        except (OSError, ValueError, TypeError):
            return None


def _sign(descriptor: int) -> None:
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:_MOST_CHARACTERS]
    signature = {"pid": os.getpid(), "host": socket.gethostname(), "command": command, "since": time.time()}
    # The names only serve messages: a full disk must not keep a board from being used.
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        # From the second byte on: on Windows the lock lies on the first and forbids reading it.
        os.lseek(descriptor, 1, os.SEEK_SET)
        os.write(descriptor, json.dumps(signature).encode())
