"""Which rows of a motion-capture track can be trusted."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

__all__ = ["trusted_rows"]

_ISLAND_S = 0.5
_MEDIAN_S = 0.51
_MEDIAN_MOST_ROWS = 301


def trusted_rows(
    position: NDArray[np.float64],
    rate_hz: float,
    *,
    max_speed_m_s: float = 4.0,
    max_excursion_m: float = 0.25,
    max_frozen_s: float | None = 0.05,
) -> NDArray[np.bool_]:
    """Mask the rows of a track that the tracker lost.

    Four signs, each measured on the Vicon tracks of OxIOD:

    - a row is not finite;
    - the step to the next row is faster than a person moves: both rows are out. Rows between two such steps less than
      0.5 s apart are an island that nothing ties to the track: out as well;
    - the row is far from the running median of 0.51 s: an excursion of several rows, however slowly it began. The
      median bridges rows that are not finite, but not a quarter of a second of them;
    - the track repeats one position exactly, which noise never does: the tracker held its last value.

    Args:
        position: (N, 3) in m.
        rate_hz: Sample rate in Hz.
        max_speed_m_s: Speed above which a step is a jump, in m/s.
        max_excursion_m: Largest distance from the running median, in m.
        max_frozen_s: Longest stretch of identical positions, in s; None where a track may really stand still.

    Returns:
        (N,) bool, true where the row can be trusted.

    Example:
        >>> track = np.outer(np.arange(100) / 100, [1.0, 0.0, 0.0])
        >>> track[50] += 3.0
        >>> np.flatnonzero(~trusted_rows(track, 100.0)).tolist()
        [49, 50, 51]
    """
    finite = np.asarray(np.isfinite(position).all(axis=1), bool)
    valid: NDArray[np.bool_] = finite.copy()
    step_m = np.linalg.norm(np.diff(np.where(finite[:, None], position, 0.0), axis=0), axis=1)
    both: NDArray[np.bool_] = np.logical_and(finite[1:], finite[:-1])
    jumps = np.flatnonzero(both & (step_m * rate_hz > max_speed_m_s))
    valid[jumps] = False
    valid[jumps + 1] = False
    for first, second in pairwise(jumps):
        if second - first <= _ISLAND_S * rate_hz:
            valid[first : second + 2] = False
    valid &= _off_median_m(position, np.flatnonzero(finite), int(_MEDIAN_S * rate_hz) | 1) <= max_excursion_m
    if max_frozen_s is not None:
        valid &= ~_frozen(both & (step_m == 0), max(1, round(max_frozen_s * rate_hz)))
    return valid


def _off_median_m(position: NDArray[np.float64], finite: NDArray[np.intp], rows: int) -> NDArray[np.float64]:
    """Distance of each row from the running median over `rows` rows in m; 0 where there is no position.

    Short gaps are interpolated, so that an excursion beside one is still seen. Over longer ones there is nothing to
    compare with: the stretches before and after are taken each on its own, or the edges of a gap would look far off.
    """
    off_m = np.zeros(len(position))
    for known in np.split(finite, np.flatnonzero(np.diff(finite) > rows // 2) + 1):
        if not known.size:  # no row of the track is finite
            continue
        span = np.arange(known[0], known[-1] + 1)
        track = np.stack([np.interp(span, known, axis[known]) for axis in position.T], axis=1)
        # A median of thousands of rows, at a rate of kilohertz, is taken of every n-th: a walker is slow.
        every = -(-rows // _MEDIAN_MOST_ROWS)
        smooth = np.empty_like(track)
        for axis, column in enumerate(track.T):  # scipy's filter of one axis is 10 times faster than that of two
            thin = median_filter(column[::every], size=(rows // every) | 1, mode="nearest")
            smooth[:, axis] = (
                thin if every == 1 else np.interp(np.arange(len(column)), np.arange(0, len(column), every), thin)
            )
        off_m[span] = np.linalg.norm(track - smooth, axis=1)
    return off_m


def _frozen(still: NDArray[np.bool_], rows: int) -> NDArray[np.bool_]:
    """Rows inside runs of at least `rows` steps without motion; the first row of a run is a real sample."""
    frozen = np.zeros(len(still) + 1, bool)
    edges = np.flatnonzero(np.diff(np.r_[False, still, False]))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        if stop - start >= rows:
            frozen[start + 1 : stop + 1] = True
    return frozen
