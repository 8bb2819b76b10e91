"""What native libraries write past Python: caught, so that it can be read, and kept off the user's terminal."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

__all__ = ["captured_stderr", "load_tensorflow"]

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
    with _LOCK, _buffer() as file:
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


def _buffer() -> IO[bytes]:
    """A file in memory where there are such: what a full disk swallows would be missing from what is read."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("tinynas-stderr"), "w+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)


def load_tensorflow(threads: int) -> bool:
    """Import TensorFlow without the lines about its build that it writes at start-up, and fix its threads.

    The number of threads decides the order in which sums are made, hence the last digits of a result.

    Args:
        threads: Threads of one operation, and operations at a time; whatever the machine has and its environment says.

    Returns:
        Whether they are so many. False in a process where TensorFlow has begun with another number: it cannot be
        changed then.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with captured_stderr():
        import tensorflow as tf

        threading = tf.config.threading
        try:
            threading.set_intra_op_parallelism_threads(threads)
            threading.set_inter_op_parallelism_threads(threads)
        except RuntimeError:
            pass
        tf.constant(0.0)  # devices are looked for, and reported, with the first tensor
        counts = threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads()
    return bool(counts == (threads, threads))
