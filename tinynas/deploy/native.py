"""What native libraries write past Python: caught, so that it can be read, and kept off the user's terminal."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["captured_stderr"]


@contextmanager
def captured_stderr() -> Iterator[list[str]]:
    """Collect what is written to the standard error's file descriptor; the list is filled on leaving.

    The whole process is affected while it lasts: a progress display has to write to a descriptor of its own.

    Example:
        >>> with captured_stderr() as lines:
        ...     _ = os.write(2, b"from native code")
        >>> lines
        ['from native code']
    """
    lines: list[str] = []
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            file.seek(0)
            lines += file.read().decode(errors="replace").splitlines()
