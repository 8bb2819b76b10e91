"""Whether a board is free, in use or set aside, for those who look on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tinynas.hil.boards.health import read_health
from tinynas.hil.boards.lock import BoardLock

__all__ = ["BoardState", "look_at"]


@dataclass(frozen=True)
class BoardState:
    """An attached board, as it was a moment ago.

    Attributes:
        key: See `BoardLock`.
        state: What it is.
        detail: Who uses it, or why it was set aside; None: neither.
        since: When that began, in seconds since 1970; None: not known.
    """

    key: str
    state: Literal["free", "in use", "set aside"]
    detail: str | None = None
    since: float | None = None


def look_at(key: str) -> BoardState:
    """Look at a board without using it.

    Args:
        key: See `BoardLock`.

    Raises:
        HostError: Its lock cannot be looked at.
    """
    lock = BoardLock(key)
    if lock.take():
        lock.release()
        health = read_health(key)
        if health.reason is None:
            return BoardState(key, "free")
        return BoardState(key, "set aside", health.reason, health.checked_at)
    holder = lock.holder()
    if holder is None:
        return BoardState(key, "in use", "another process")
    return BoardState(key, "in use", holder.who, holder.since)
