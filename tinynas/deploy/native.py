"""What native libraries write past Python: caught, so that it can be read, and kept off the user's terminal."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["captured_stderr"]

# Two threads that redirect at once would each restore what the other one set, and the descriptor would be lost.
_LOCK = threading.RLock()


@contextmanager
def captured_stderr() -> Iterator[list[str]]:
    """Collect what is written to the standard error's file descriptor; the list is filled on leaving.

    The whole process is affected while it lasts: a progress display has to write to a descriptor of its own, and a
    second thread that captures waits for the first.

    Example:
        >>> with captured_stderr() as lines:
        ...     _ = os.write(2, b"from native code")
        >>> lines
        ['from native code']
    """
    lines: list[str] = []
    with _LOCK, tempfile.TemporaryFile() as file:
        sys.stderr.flush()
        saved = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield lines
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            file.seek(0)
            lines += file.read().decode(errors="replace").splitlines()
