"""From predicted windows to a path in the plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import DatasetError
from tinynas.odometry.recording import Recording
from tinynas.odometry.windows import STANDING_M_S, WindowSpec

__all__ = ["Path2D", "trajectory"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Path2D:
    """The true and the predicted path of one recording at the same m instants.

    Args:
        time_s: (m,) increasing, in the recording's time.
        true: (m, 2) ground truth in m.
        predicted: (m, 2) in m; starts at the true position.
    """

    time_s: Array
    true: Array
    predicted: Array


def trajectory(
    predicted: NDArray[np.floating], start: NDArray[np.integer], spec: WindowSpec, recording: Recording
) -> Path2D:
    """Sum the predictions for one recording's windows to a path.

    Each window vouches for the `stride` samples in the middle of the stretch its target spans, so that windows tile the
    time without overlap whatever the stride: the step over a tile is the predicted velocity times stride / rate. For
    `velocity` and a stride of one window these are TinyOdom's sum of displacements, for overlapping windows its sum of
    displacement * stride / window. Attributing the step to the middle, not to the window's end, keeps a perfect
    prediction from trailing the truth by half a window. What overlapping windows cannot give is the detail below a
    window: their sum is the path smoothed over a window's length.

    For `speed_heading` the stretch is the window's second half and psi is the heading of that half. psi grows by the
    predicted change from the window half a window earlier (exact: IONet's polar form), or where there is none by the
    predicted change * samples / half from the window before. It starts from the truth: in the first window that moves,
    and in those that begin before its second half, it is the true heading of their own first half plus the predicted
    change. Turns made while standing are known only as well as the device turns with its carrier, and what a stop adds
    to the error of psi stays. A stride above half a window leaves time between the halves whose turns no window
    tells: the path of `speed_heading` is then not meaningful, even of perfect predictions.

    Where windows were dropped for their ground truth the path is dead-reckoned: velocity (or speed and turn rate) goes
    linearly from the last tile before the gap to the first after it. The truth enters the prediction at its start only:
    as a position, and for `speed_heading` as the headings over the first window that moves. Points lie at the edges of
    the tiles; gaps hold none between theirs.

    Args:
        predicted: (n, 2) predicted targets in the order of `start`.
        start: (n,) first row of each window, increasing.
        spec: How the windows were cut.
        recording: Where from.

    Raises:
        DatasetError: No windows, lengths differ, or windows start closer together than the stride.

    Example:
        >>> n = 401
        >>> line = np.stack([np.arange(n) / 100, np.zeros(n), np.zeros(n)], axis=1)
        >>> straight = Recording("line", 100.0, np.arange(n) / 100, np.ones((n, 3)), np.zeros((n, 3)), None, line, None,
        ...                      np.ones(n, bool))
        >>> path = trajectory(np.array([[1.0, 0.0]] * 2), np.array([0, 200]), WindowSpec(201, 200), straight)
        >>> path.predicted.tolist(), path.time_s.tolist()
        ([[0.0, 0.0], [2.0, 0.0], [4.0, 0.0]], [0.0, 2.0, 4.0])
    """
    targets: Array = np.asarray(predicted, np.float64)
    first: NDArray[np.int64] = np.asarray(start, np.int64)
    if targets.shape != (len(first), 2) or not len(first) or (np.diff(first) < spec.stride).any():
        message = f"predictions of shape {targets.shape} for {len(first)} windows, or windows closer than the stride"
        raise DatasetError(message, where=recording.name, advice="one prediction a window, in the order of the windows")
    low, high = _span(spec)
    row = first.astype(np.float64) + ((low + high) / 2 - spec.stride / 2)
    edges_row = _edges(row, float(spec.stride))
    velocity = targets if spec.target == "velocity" else _headed(targets, first, spec, recording)
    # Every interval between edges is a tile or, where windows are missing, a gap between two tiles.
    tile = np.searchsorted(row, edges_row[:-1], side="right") - 1
    in_gap = edges_row[:-1] >= row[tile] + spec.stride - 0.25
    following = np.minimum(tile + 1, len(row) - 1)
    rate = np.where(in_gap[:, None], (velocity[tile] + velocity[following]) / 2, velocity[tile])
    steps = rate * np.diff(edges_row)[:, None] / recording.rate_hz
    true = _true_at(recording, edges_row)
    walked = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
    return Path2D(time_s=recording.time_s[0] + edges_row / recording.rate_hz, true=true, predicted=true[0] + walked)


def _span(spec: WindowSpec) -> tuple[int, int]:
    """First and last row within a window of the stretch that the target's speed describes."""
    low, last = spec.span_start, int(spec.window) - 1
    return (low, last) if spec.target == "velocity" else (low + (int(spec.span) - 1) // 2, last)


def _edges(row: Array, stride: float) -> Array:
    """Edges of the tiles [row, row + stride): shared where tiles meet, two where windows are missing."""
    ends = row + stride
    broken = np.r_[row[1:] > ends[:-1] + 0.25, True]
    return np.sort(np.concatenate([row, ends[broken]]))


def _headed(predicted: Array, start: NDArray[np.int64], spec: WindowSpec, recording: Recording) -> Array:
    """Velocity in the world frame from speeds and changes of heading."""
    speed, change = predicted.T
    middle, first = (int(spec.span) - 1) // 2, start + spec.span_start
    first_half = recording.position[first + middle, :2] - recording.position[first, :2]
    moving = np.linalg.norm(first_half, axis=1) * recording.rate_hz >= STANDING_M_S * middle
    psi = _chained(np.arctan2(first_half[:, 1], first_half[:, 0]), moving, change, start, spec)
    return np.asarray(speed[:, None] * np.stack([np.cos(psi), np.sin(psi)], axis=1))


def _chained(
    before: Array, moving: NDArray[np.bool_], change: Array, start: NDArray[np.int64], spec: WindowSpec
) -> Array:
    """Heading of each window's second half in rad, as a sum of predicted changes.

    Args:
        before: (n,) true heading of the first half in rad; only those at the start are used.
        moving: (n,) where that heading is defined.
        change: (n,) predicted change of heading in rad.
        start: (n,) first rows.
        spec: How the windows were cut.
    """
    half = (int(spec.span) - 1) / 2
    # The window half a window earlier ends where this one's second half begins: its heading plus the change is exact.
    lag = max(1, round(half / spec.stride)) * int(spec.stride)
    anchor = int(np.argmax(moving))  # the first window with a direction; 0 where nothing moves
    index = {int(row): k for k, row in enumerate(start)}

    def turned(back: int, k: int) -> float:
        samples = int(start[k] - start[back])
        # Over a gap: the mean of the rates at its ends.
        rate = (change[k] + change[back]) / 2 if samples > max(lag, spec.stride) else change[k]
        return float(rate * samples / half)

    psi = np.zeros(len(start))
    for k in range(anchor, len(start)):
        # As many chains run side by side as windows begin within `lag`: each needs a heading to start from.
        if k == anchor or (moving[k] and start[k] < start[anchor] + lag):
            psi[k] = before[k] + change[k]
        else:
            back = max(index.get(int(start[k]) - lag, k - 1), anchor)
            psi[k] = psi[back] + turned(back, k)
    for k in range(anchor, 0, -1):
        psi[k - 1] = psi[k] - turned(k - 1, k)
    return psi


def _true_at(recording: Recording, row: Array) -> Array:
    """True position at fractional rows, interpolated over untrusted rows; past the ends it stays at the last row."""
    known = np.flatnonzero(recording.valid)
    return np.stack([np.interp(row, known, recording.position[known, axis]) for axis in (0, 1)], axis=1)
