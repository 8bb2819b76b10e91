"""Recordings brought in order: one sample rate, and ground truth that belongs to the sensors in time and in axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from tinynas.odometry.check import check_track, find_frozen, measure_lag
from tinynas.odometry.frames import measure_mounting, smooth, true_motion
from tinynas.odometry.options import AlignOptions, DatasetOptions
from tinynas.odometry.recording import Recording

__all__ = ["align", "preparation", "resample"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Rates of one data set that differ by less than this are left alone: a resampled recording is a little smoother.
_SAME_RATE = 1e-6
_LONGEST_RESIDUAL_DEG = 20.0


def preparation(options: DatasetOptions) -> Callable[[Recording], Recording]:
    """Return what a configuration does to every recording before it is used.

    Args:
        options: `rate_hz` resamples, `align` says what is done about the ground truth.

    Example:
        >>> from tinynas.odometry import SyntheticOptions, load_dataset
        >>> size = SyntheticOptions(n_train=1, n_valid=1, n_test=1, duration_s=20.0)
        >>> load_dataset("synthetic", synthetic=size, each=preparation(DatasetOptions(rate_hz=50.0))).rate_hz
        50.0
    """

    def prepare(recording: Recording) -> Recording:
        if options.rate_hz is not None:
            recording = resample(recording, options.rate_hz, gap_s=options.align.gap_s)
        return align(recording, options.align)

    return prepare


def resample(recording: Recording, rate_hz: float, *, gap_s: float = 0.1) -> Recording:
    """Return a recording at another, even rate, by its time column.

    Values are interpolated linearly; towards a lower rate they are smoothed first, so that vibration does not come back
    as motion. Rows in a gap longer than `gap_s` are interpolated too, and masked.

    Args:
        recording: Any recording.
        rate_hz: The new rate in Hz.
        gap_s: Longest stretch without samples that is bridged, in s.
    """
    then = recording.time_s
    steps = np.diff(then)
    if abs(recording.rate_hz / rate_hz - 1) < _SAME_RATE and np.abs(steps * rate_hz - 1).max() < 1e-3:
        return recording
    start_s, rows = float(then[0]), int((then[-1] - then[0]) * rate_hz + 1e-6) + 1
    time_s = start_s + np.arange(rows) / rate_hz
    period = float(np.median(steps))
    # A Gaussian of 0.35 new periods halves what is at half the new rate.
    width = 0.35 / rate_hz if rate_hz * period < 0.95 else 0.0

    def turn(values: Array) -> Array:
        even = smooth(values, width, 1 / period) if width else values
        return np.stack([np.interp(time_s, then, axis) for axis in even.T], axis=1)

    after = np.clip(np.searchsorted(then, time_s, side="left"), 1, len(then) - 1)
    bridged = (steps <= max(gap_s, 1.5 * period))[after - 1]
    position, orientation, valid = _truth_at(recording, time_s, longest_s=max(gap_s, 1.5 * period))
    return replace(
        recording,
        rate_hz=rate_hz,
        time_s=time_s,
        accel=turn(recording.accel),
        gyro=turn(recording.gyro),
        mag=None if recording.mag is None else turn(recording.mag),
        position=position,
        orientation=orientation,
        valid=valid & bridged,
    )


def align(recording: Recording, options: AlignOptions) -> Recording:
    """Bring the ground truth of a recording to its sensors.

    `truth` interpolates a track that is slower than the sensors, and masks it where it stands still while the device
    moves. `time` shifts it by the offset that `data check` finds, drift and all. `frame` turns its orientation by the
    constant rotation between the two bodies; about an axis that never turned nothing is changed.

    Args:
        recording: In the body frame.
        options: What to do.
    """
    if options.truth:
        recording = _mend_track(recording, options.gap_s)
    if options.time:
        recording = _shift(recording)
    if options.frame:
        recording = _turn(recording)
    return recording


def _mend_track(recording: Recording, gap_s: float) -> Recording:
    track = check_track(recording)
    if track.period_rows > 1:
        # The rows that hold a sample of their own; what lies between is interpolated.
        own = replace(recording, valid=recording.valid & track.own)
        longest_s = max(gap_s, 1.5 * track.period_rows / recording.rate_hz)
        position, orientation, valid = _truth_at(own, recording.time_s, longest_s=longest_s)
        return replace(recording, position=position, orientation=orientation, valid=valid)
    frozen = find_frozen(recording)
    return replace(recording, valid=recording.valid & ~frozen) if frozen.any() else recording


def _shift(recording: Recording) -> Recording:
    motion = true_motion(recording)
    lag = None if motion is None else measure_lag(recording, motion)
    if lag is None:
        return recording
    middle_s = (recording.time_s[0] + recording.time_s[-1]) / 2
    then = recording.time_s - lag.lag_s - lag.slope * (recording.time_s - middle_s)
    position, orientation, valid = _truth_at(recording, then, longest_s=1.5 / recording.rate_hz)
    return replace(recording, position=position, orientation=orientation, valid=valid)


def _turn(recording: Recording) -> Recording:
    motion = true_motion(recording)
    mounting = None if motion is None else measure_mounting(recording, motion)
    if mounting is None or mounting.residual_deg > _LONGEST_RESIDUAL_DEG or recording.orientation is None:
        return recording
    known = recording.valid
    turned = np.array(recording.orientation)
    attitude = Rotation.from_quat(turned[known]) * Rotation.from_matrix(mounting.rotation)
    turned[known] = attitude.as_quat()
    return replace(recording, orientation=turned)


def _truth_at(recording: Recording, time_s: Array, *, longest_s: float) -> tuple[Array, Array | None, Mask]:
    """Position, orientation and their validity at other times: between trusted rows at most `longest_s` apart."""
    trusted = np.flatnonzero(recording.valid)
    if trusted.size < 2:
        nothing = np.zeros(len(time_s), bool)
        orientation = None if recording.orientation is None else np.tile([0.0, 0, 0, 1], (len(time_s), 1))
        return np.full((len(time_s), 3), np.nan), orientation, nothing
    then = recording.time_s[trusted]
    after = np.clip(np.searchsorted(then, time_s, side="left"), 1, len(then) - 1)
    tolerance = 1e-6
    inside = (time_s >= then[0] - tolerance) & (time_s <= then[-1] + tolerance)
    on_row = np.minimum(np.abs(time_s - then[after]), np.abs(time_s - then[after - 1])) <= tolerance
    valid = inside & (on_row | (then[after] - then[after - 1] <= longest_s + tolerance))
    position = np.stack([np.interp(time_s, then, axis) for axis in recording.position[trusted].T], axis=1)
    if recording.orientation is None:
        return position, None, valid
    # Both signs of a quaternion are one rotation: neighbours take the same before they are mixed.
    quaternions = recording.orientation[trusted]
    flips = np.cumprod(np.where((quaternions[1:] * quaternions[:-1]).sum(axis=1) < 0, -1.0, 1.0))
    quaternions = quaternions * np.r_[1.0, flips][:, None]
    mixed = np.stack([np.interp(time_s, then, axis) for axis in quaternions.T], axis=1)
    length = np.linalg.norm(mixed, axis=1, keepdims=True)
    return position, mixed / np.maximum(length, 1e-9), valid & (length[:, 0] > 0.5)
