"""What searches know of a board's failures, and tell each other through a file that the board's holder writes."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass

from tinynas.errors import HostError
from tinynas.hil.boards.lock import board_file

__all__ = ["Health", "read_health", "write_health"]

_MOST_BYTES = 4096


@dataclass(frozen=True)
class Health:
    """How a board has done.

    Attributes:
        failures: In a row, of its last measurements.
        reason: Why it was set aside; None: it is in use.
        checked_at: When it was, or was last tested since, in seconds since 1970.
    """

    failures: int = 0
    reason: str | None = None
    checked_at: float = 0.0

    def age_s(self) -> float:
        """Seconds since the last test; without end where the clock was set back behind it."""
        age = time.time() - self.checked_at
        return age if age >= 0 else float("inf")


def read_health(key: str) -> Health:
    """What is known of a board; nothing where its file is missing or damaged.

    Args:
        key: See `BoardLock`.
    """
    try:
        with board_file(key, ".json").open("rb") as stream:
            found = Health(**json.loads(stream.read(_MOST_BYTES)))
        sound = isinstance(found.failures, int) and isinstance(found.reason, str | None)
        return found if sound and isinstance(found.checked_at, int | float) else Health()
    except (OSError, ValueError, TypeError):
        return Health()


def write_health(key: str, health: Health) -> None:
    """Keep what is known of a board; the caller holds its lock.

    Raises:
        HostError: The file cannot be written.
    """
    path = board_file(key, ".json")
    part = path.with_suffix(".part")
    try:
        if health == Health():
            path.unlink(missing_ok=True)
            return
        part.write_text(json.dumps(asdict(health)), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise HostError(f"the board's state cannot be kept: {error.strerror}", where=str(path)) from error
