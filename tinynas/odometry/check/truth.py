"""The ground truth: where it is missing, frozen, jumping, slower than the sensors, or too fast for a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinynas.odometry.check.findings import Finding
from tinynas.odometry.frames import Motion
from tinynas.odometry.recording import Recording

__all__ = ["Track", "check_track", "check_truth", "count_lost_windows", "find_frozen"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_JUMP_M_S = 4.0
_FROZEN_S = 0.1
_FASTEST_M_S = 4.0
_MOVING_M_S = 0.2
_TRUTH = "dataset.align.truth, which is on by default,"
_SHAKEN = 0.3  # m/s2, standard deviation


@dataclass(frozen=True)
class Track:
    """How often a track has a value of its own.

    Args:
        period_rows: Rows from one value to the next; 1 where every row has its own.
        held: The rows between repeat the value before; else they are missing.
        own: (N,) rows that have a value of their own.
    """

    period_rows: int
    held: bool
    own: Mask


def check_track(recording: Recording) -> Track:
    """Find out whether the ground truth is slower than the sensors: held, or missing, between its own samples."""
    finite = _finite(recording)
    there = np.flatnonzero(finite)
    spacing = int(np.median(np.diff(there))) if there.size > 2 else 1
    if spacing > 1:
        return Track(spacing, False, finite)
    still = _repeats(recording.position, finite)
    _, rows = _find_runs(still)
    if rows.size:
        usual = int(np.median(rows))
        # Short runs of one length everywhere: it is held. A long one is a tracker that was lost.
        if still.mean() > 0.3 and usual * 2 <= recording.rate_hz and (np.abs(rows - usual) <= 1).mean() > 0.8:
            return Track(usual + 1, True, finite & np.r_[True, ~still])
    return Track(1, False, finite)


def find_frozen(recording: Recording) -> Mask:
    """Mask the rows in which the track stands still while the accelerometer says that the device moves."""
    frozen = np.zeros(len(recording), bool)
    finite = _finite(recording)
    for start, rows in zip(*_find_runs(_repeats(recording.position, finite)), strict=True):
        if rows >= _FROZEN_S * recording.rate_hz:
            frozen[start + 1 : start + rows + 1] = recording.accel[start : start + rows + 1].std(axis=0).max() > _SHAKEN
    return frozen


def check_truth(recording: Recording, motion: Motion | None, window: int) -> Iterator[Finding]:
    """Yield what is wrong with the ground truth."""
    name, rate_hz = recording.name, recording.rate_hz
    if motion is None:
        yield Finding("missing_truth", name, "no row of the ground truth can be trusted", "leave the recording out")
        return
    finite = _finite(recording)
    track = check_track(recording)
    if track.period_rows > 1:
        between = "held between" if track.held else "missing between"
        message = (
            f"the ground truth has a value of its own in every {track.period_rows}th row only: "
            f"{rate_hz / track.period_rows:.4g} Hz, {between}"
        )
        yield Finding("truth_rate", name, message, f"{_TRUTH} interpolates positions between")
    else:
        yield from _check_missing(name, finite)
        yield from _check_frozen(recording)
    yield from _check_jumps(name, recording.position, finite, rate_hz)
    yield from _check_speed(name, motion)
    lost = count_lost_windows(recording, window)
    if lost >= 0.02:
        message = f"{lost:.1%} of the windows of {window} samples touch ground truth that cannot be trusted"
        yield Finding(
            "lost_windows", name, message, "a shorter dataset.window loses fewer; paths go on by dead reckoning"
        )


def count_lost_windows(recording: Recording, window: int) -> float:
    """Share of all windows of so many samples that touch an untrusted row, 0 to 1; 1 where no window fits."""
    starts = len(recording) - window + 1
    if starts < 1:
        return 1.0
    bad = np.concatenate([[0], np.cumsum(~recording.valid)])
    return float((bad[window : window + starts] != bad[:starts]).mean())


def _check_missing(name: str, finite: Mask) -> Iterator[Finding]:
    share = 1 - float(finite.mean())
    if share:
        first = int(np.flatnonzero(~finite)[0])
        message = f"{share:.1%} of the ground truth is missing, first in row {first}"
        yield Finding("missing_truth", f"{name}:{first}", message, "windows that touch it are left out")


def _check_jumps(name: str, position: Array, finite: Mask, rate_hz: float) -> Iterator[Finding]:
    step_m = np.linalg.norm(np.diff(np.where(finite[:, None], position, 0.0), axis=0), axis=1)
    there = finite[1:] & finite[:-1]
    # A runner or a wheel is fast all along.
    usual_m_s = float(np.median(step_m[there])) * rate_hz if there.any() else 0.0
    jumps = np.flatnonzero((step_m * rate_hz > _JUMP_M_S + 2 * usual_m_s) & there)
    if jumps.size:
        worst = int(jumps[step_m[jumps].argmax()])
        message = (
            f"the ground truth jumps in {jumps.size} place(s), the farthest by {step_m[worst]:.2f} m in row {worst}"
        )
        yield Finding("truth_jump", f"{name}:{worst}", message, "windows that touch a jump are left out")


def _check_frozen(recording: Recording) -> Iterator[Finding]:
    frozen = find_frozen(recording)
    starts, rows = _find_runs(frozen)
    if not rows.size:
        return
    start, longest, total = int(starts[rows.argmax()]) - 1, int(rows.max()), int(rows.sum())
    rate_hz = recording.rate_hz
    message = (
        f"the ground truth stands still for {total / rate_hz:.2f} s while the device moves, in {rows.size} place(s), "
        f"the longest {longest / rate_hz:.2f} s from row {start}"
    )
    advice = f"{_TRUTH} masks it" if recording.valid[frozen].any() else "it is masked"
    yield Finding("frozen_truth", f"{recording.name}:{start}", message, advice)


def _finite(recording: Recording) -> Mask:
    return np.asarray(np.isfinite(recording.position).all(axis=1), bool)


def _repeats(position: Array, finite: Mask) -> Mask:
    """Whether each row but the first repeats the position of the row before."""
    return np.asarray((np.diff(np.nan_to_num(position), axis=0) == 0).all(axis=1) & finite[1:] & finite[:-1])


def _find_runs(still: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First index and length of each run of true values."""
    edges = np.flatnonzero(np.diff(np.r_[False, still, False]))
    return edges[::2], edges[1::2] - edges[::2]


def _check_speed(name: str, motion: Motion) -> Iterator[Finding]:
    speed = np.linalg.norm(motion.velocity[:, :2], axis=1)[motion.known]
    if not speed.size:
        return
    top = float(np.quantile(speed, 0.99))
    if top > _FASTEST_M_S:
        row = int(np.linalg.norm(motion.velocity[:, :2], axis=1).argmax())
        message = f"the ground truth moves at up to {top:.3g} m/s, faster than a person walks"
        advice = "check the unit of the position (m, cm and mm are understood); wheels and runners may be right"
        yield Finding("speed", f"{name}:{row}", message, advice)
    elif top < _MOVING_M_S:
        message = f"the ground truth never moves faster than {top:.2g} m/s: there is nothing to learn"
        yield Finding("speed", name, message, "check the unit of the position, or leave the recording out")
