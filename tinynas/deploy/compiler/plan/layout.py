"""Offsets of buffers in one arena: dynamic storage allocation, exact for few buffers.

Two buffers may overlap when one is done with before the other is first written. Placing buffers one by one, each at the
lowest free offset, reaches the optimum for at least one order of placing; with few buffers that order is searched for
by branch and bound, with many a few good orders are tried.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from tinynas.deploy.compiler.plan.schedule import Buffer

__all__ = ["ALIGNMENT", "Layout", "lay_out"]

ALIGNMENT = 4
# Placements that the search may try before it settles for the best one found.
_BUDGET = 5_000


@dataclass(frozen=True, slots=True)
class Layout:
    """Where buffers lie.

    Attributes:
        offsets: Of each buffer, in bytes.
        bytes: Size of the arena that the buffers need.
        lower_bound: The most bytes that are needed at one time: no layout is smaller.
    """

    offsets: tuple[int, ...]
    bytes: int
    lower_bound: int

    @property
    def reserved(self) -> int:
        """Bytes of the arena's array: C has no empty one."""
        return max(self.bytes, ALIGNMENT)


def lay_out(buffers: Sequence[Buffer]) -> Layout:
    """Find offsets.

    Args:
        buffers: With sizes and lifetimes.

    Returns:
        A layout; optimal where it meets its lower bound, or where the search came to an end.

    Example:
        >>> lay_out([Buffer(1, 8, 0, 1), Buffer(1, 4, 1, 2), Buffer(1, 8, 2, 3)]).bytes
        12
    """
    sizes = [-(-buffer.bytes // ALIGNMENT) * ALIGNMENT for buffer in buffers]
    bound = _most_at_once(buffers, sizes)
    search = _Search(buffers, sizes, bound)
    numbers = range(len(buffers))
    for key in (
        lambda i: (-sizes[i], i),
        lambda i: (-sizes[i] * (buffers[i].last - buffers[i].first + 1), i),
        lambda i: (buffers[i].first, -sizes[i]),
        lambda i: (-buffers[i].last, -sizes[i]),
        lambda i: (buffers[i].first - buffers[i].last, -sizes[i]),
    ):
        if search.height <= bound:
            break
        search.try_order(sorted(numbers, key=key))
    search.branch([], sorted(numbers, key=lambda i: -sizes[i]), 0)
    return Layout(tuple(search.best), search.height, bound)


def _most_at_once(buffers: Sequence[Buffer], sizes: Sequence[int]) -> int:
    """The most bytes that are alive at one time."""
    change: dict[int, int] = {}
    for size, buffer in zip(sizes, buffers, strict=True):
        change[buffer.first] = change.get(buffer.first, 0) + size
        change[buffer.last + 1] = change.get(buffer.last + 1, 0) - size
    return max(accumulate([change[at] for at in sorted(change)]), default=0)


#: Where a buffer lies: its first byte, the byte behind its last, its number.
_Placement = tuple[int, int, int]


class _Search:
    def __init__(self, buffers: Sequence[Buffer], sizes: list[int], bound: int) -> None:
        self.sizes, self.bound = sizes, bound
        lives = [(buffer.first, buffer.last) for buffer in buffers]
        self.meets = [[begun <= last and first <= ended for first, last in lives] for begun, ended in lives]
        self.best: list[int] = [0] * len(buffers)
        self.height = 1 << 60 if buffers else 0
        self.left = _BUDGET
        self.seen: set[tuple[_Placement, ...]] = set()

    def try_order(self, order: list[int]) -> None:
        """Place buffers in an order, and keep the result if it is the best so far."""
        if self.height <= self.bound:
            return
        placed: list[_Placement] = []
        for i in order:
            offset = self._lowest(i, placed)
            insort(placed, (offset, offset + self.sizes[i], i))
        self._keep(placed)

    def branch(self, placed: list[_Placement], rest: list[int], height: int) -> None:
        """Try every order of the rest, as far as it can still be the best.

        Args:
            placed: Buffers that are placed, from the lowest up.
            rest: The others.
            height: Bytes that the placed ones take.
        """
        if self.height <= self.bound or self.left <= 0 or height >= self.height:
            return
        if not rest:
            self._keep(placed)
            return
        for k, i in enumerate(rest):
            self.left -= 1
            offset = self._lowest(i, placed)
            end = offset + self.sizes[i]
            if end >= self.height:  # it cannot be the best any more
                continue
            larger = placed.copy()
            insort(larger, (offset, end, i))
            if (key := tuple(larger)) in self.seen:  # another order led here
                continue
            self.seen.add(key)
            self.branch(larger, rest[:k] + rest[k + 1 :], max(height, end))

    def _keep(self, placed: list[_Placement]) -> None:
        height = max((end for _, end, _ in placed), default=0)
        if height < self.height:
            self.height = height
            for offset, _, i in placed:
                self.best[i] = offset

    def _lowest(self, i: int, placed: list[_Placement]) -> int:
        """The lowest offset at which a buffer meets none that is alive at the same time."""
        meets, size, offset = self.meets[i], self.sizes[i], 0
        for start, end, j in placed:
            if meets[j]:
                if start - offset >= size:
                    break
                if end > offset:
                    offset = end
        return offset
