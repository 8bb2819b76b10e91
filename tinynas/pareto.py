"""Pareto fronts of any number of quantities, all to be low."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["find_front", "find_knee"]


def find_front(points: Sequence[Sequence[float]]) -> list[int]:
    """Find the points that no other one dominates: none is at least as low everywhere and lower somewhere.

    Args:
        points: Of as many quantities each. Of equal points the first counts.

    Returns:
        Indices, by rising first quantity.

    Example:
        >>> find_front([(3, 1, 5), (1, 3, 5), (2, 4, 4), (2, 4, 6), (1, 3, 5)])
        [1, 2, 0]
    """
    if not points:
        return []
    values = np.asarray(points, float)
    front = []
    for index, point in enumerate(values):
        no_higher = (values <= point).all(axis=1)
        lower = (values < point).any(axis=1)
        equal_before = (values[:index] == point).all(axis=1).any()
        if not equal_before and not (no_higher & lower).any():
            front.append(index)
    return sorted(front, key=lambda index: (*values[index].tolist(), index))


def find_knee(points: Sequence[Sequence[float]]) -> int:
    """Find the knee of a front: the point nearest to where every quantity is the lowest, each scaled to its span.

    Args:
        points: A front; not empty.

    Example:
        >>> find_knee([(0.0, 10.0), (0.2, 3.0), (1.0, 2.0)])
        1
    """
    values = np.asarray(points, float)
    span = np.ptp(values, axis=0)
    scaled = (values - values.min(axis=0)) / np.where(span > 0, span, 1.0)
    return int((scaled**2).sum(axis=1).argmin())
