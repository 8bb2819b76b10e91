"""What reads of flash cost: wait states, and the caches that hide them, by simulation over the very run.

Of an M4 the flash interface's: constants in a few lines, code in a kilobyte or two, least recently used out first. Of
an M7 the first level's data cache, four ways of lines of 32 bytes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Protocol

__all__ = ["DataCache", "LineCache", "NoCache", "ReadCost", "SetCache"]


class ReadCost(Protocol):
    """Cycles that a read of flash waits."""

    def wait(self, address: int, /) -> int:
        """Of the read at an address; what was read stays in the cache, if there is one."""


class NoCache:
    """Each read waits.

    Args:
        waits: Wait states now.
    """

    def __init__(self, waits: Callable[[], int]) -> None:
        self._waits = waits

    def wait(self, _address: int) -> int:
        """See `ReadCost`."""
        return self._waits()


class LineCache:
    """A fully associative cache of a few lines.

    Args:
        lines: How many.
        line_bytes: What the flash is read by.
        prefetches: The line behind the one that is read is there in time, as where wait states are few.
    """

    def __init__(self, lines: int, line_bytes: int, *, prefetches: bool = False) -> None:
        self._lines, self._line_bytes = lines, line_bytes
        self._prefetches, self._latest = prefetches, -1
        self._held: OrderedDict[int, None] = OrderedDict()

    def lines_of(self, address: int, size: int) -> tuple[int, ...]:
        """Numbers of the lines that a range of addresses touches."""
        return tuple(range(address // self._line_bytes, (address + size - 1) // self._line_bytes + 1))

    def misses(self, lines: Iterable[int]) -> int:
        """How many of some lines are not there; afterwards all of them are, or as many as it holds."""
        missing, held = 0, self._held
        for line in lines:
            prefetched = self._prefetches and line == self._latest + 1
            self._latest = line
            if line in held:
                held.move_to_end(line)
                continue
            missing += not prefetched
            held[line] = None
            if len(held) > self._lines:
                held.popitem(last=False)
        return missing


class DataCache:
    """Constants behind a flash interface.

    Args:
        lines: Of its data cache.
        line_bytes: What the flash is read by.
        state: Wait states now, and whether the data cache is on.
    """

    def __init__(self, lines: int, line_bytes: int, state: Callable[[], tuple[int, bool]]) -> None:
        self._cache, self._line_bytes, self._state = LineCache(lines, line_bytes), line_bytes, state

    def wait(self, address: int) -> int:
        """See `ReadCost`."""
        waits, on = self._state()
        return waits if not on or self._cache.misses((address // self._line_bytes,)) else 0


class SetCache:
    """The data cache of a Cortex-M7's first level: four ways, lines of 32 bytes.

    Args:
        size_bytes: All of it.
        miss_cycles: What a miss costs.
        on: Whether it is on.
    """

    _WAYS, _LINE_BYTES = 4, 32

    def __init__(self, size_bytes: int, miss_cycles: int, on: Callable[[], bool]) -> None:
        self._miss_cycles, self._on = miss_cycles, on
        self._sets = [LineCache(self._WAYS, 1) for _ in range(size_bytes // self._LINE_BYTES // self._WAYS)]

    def wait(self, address: int) -> int:
        """See `ReadCost`."""
        line = address // self._LINE_BYTES
        missing = not self._on() or self._sets[line % len(self._sets)].misses((line,))
        return self._miss_cycles if missing else 0
