"""Telling the host's failures from a candidate's: a full disk says nothing about a network."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tinynas.errors import HostError, TinynasError

__all__ = ["explain_host_fault", "host_faults_stop", "is_host_fault"]

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_MEMORY = {errno.ENOMEM, errno.EAGAIN}


def is_host_fault(error: BaseException) -> bool:
    """Whether an error, or one that led to it, is the operating system's or a lack of memory.

    Example:
        >>> try:
        ...     raise ValueError("the converter failed") from OSError(28, "No space left on device")
        ... except ValueError as error:
        ...     is_host_fault(error)
        True
    """
    return _root(error) is not None


def _root(error: BaseException) -> BaseException | None:
    """The first failure of the host in a chain of causes."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        if isinstance(link, (OSError, MemoryError, _exhausted())):
            return link
        seen.add(id(link))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return None


def _exhausted() -> type[BaseException]:
    """What TensorFlow raises where it gets no memory; nobody has met it while TensorFlow is not imported."""
    tensorflow = sys.modules.get("tensorflow")
    found = MemoryError if tensorflow is None else tensorflow.errors.ResourceExhaustedError
    assert issubclass(found, BaseException)
    return found


def explain_host_fault(error: BaseException, doing: str, *, where: str | None = None, then: str) -> HostError:
    """Turn a failure of the host into an error that says what to do.

    Args:
        error: What was raised; `is_host_fault` is true of it.
        doing: What was being done, as "cost trial 3".
        where: The place to name where the failure itself names no file.
        then: What to do after mending it, as "resume the search".
    """
    root = _root(error) or error
    if not isinstance(root, OSError):
        return HostError(f"cannot {doing}: not enough memory", where=where, advice=f"free some memory, then {then}")
    place = str(root.filename) if root.filename else where
    if root.errno in _NO_SPACE:
        advice = f"free some space, or set TMPDIR to another folder, then {then}"
        return HostError(f"cannot {doing}: the disk (or the quota) is full", where=place, advice=advice)
    if root.errno in _NO_MEMORY:
        message = f"cannot {doing}: not enough memory or too many processes"
        return HostError(message, where=place, advice=f"free some, then {then}")
    reason = os.strerror(root.errno) if root.errno else str(root) or type(root).__name__
    return HostError(f"cannot {doing}: {reason}", where=place, advice=f"mend that, then {then}")


@contextmanager
def host_faults_stop(doing: str, *, where: str | None = None, then: str) -> Iterator[None]:
    """Raise the host's failures in the block as `HostError`, also those that were taken for a candidate's.

    Args:
        doing: See `explain_host_fault`.
        where: See `explain_host_fault`.
        then: See `explain_host_fault`.

    Raises:
        HostError: An `OSError` or a lack of memory, or a `TinynasError` of the disposition "infeasible" that follows
            from one. Whatever else is raised in the block passes as it is.
    """
    try:
        yield
    except Exception as error:
        judged = not isinstance(error, TinynasError) or error.disposition == "infeasible"
        if judged and is_host_fault(error):
            raise explain_host_fault(error, doing, where=where, then=then) from error
        raise
