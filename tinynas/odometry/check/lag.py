"""The time offset between sensors and ground truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinynas.odometry.frames import Motion, smooth
from tinynas.odometry.recording import STANDARD_GRAVITY_M_S2, Recording

__all__ = ["Lag", "compare", "correlate", "measure_lag"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_LONGEST_S = 0.5
_PIECE_S = 20.0
_LEAST_CORRELATION = 0.4


@dataclass(frozen=True)
class Lag:
    """How much later the sensors show a motion than the ground truth does.

    Args:
        lag_s: In the middle of the recording, in s.
        slope: Change in s per s.
        drift_s: Change over the whole recording in s; 0 where it is too short to tell.
        correlation: Of the two signals at that lag.
        signal: What was compared: "turn rate" or "acceleration".
    """

    lag_s: float
    slope: float
    drift_s: float
    correlation: float
    signal: str


def measure_lag(recording: Recording, motion: Motion) -> Lag | None:
    """Compare the magnitude of the turn rate by both, or without orientation the vertical acceleration.

    Neither depends on how the device is mounted. The drift comes from pieces of 20 s: a line through their lags, if the
    pieces agree on one better than on a constant.

    Returns:
        The lag, or None where the two signals have nothing in common.
    """
    pair = compare(recording, motion)
    if pair is None:
        return None
    sensed, true, name = pair
    rate_hz, known = recording.rate_hz, motion.known
    whole = _peak(sensed, true, known, rate_hz)
    if whole is None:
        return None
    rows = round(_PIECE_S * rate_hz)
    pieces = [
        (start / rate_hz + _PIECE_S / 2, found[0])
        for start in range(0, len(sensed) - rows + 1, rows)
        if (found := _peak(*_piece((sensed, true), known, slice(start, start + rows)), rate_hz)) is not None
    ]
    slope = _slope(pieces)
    duration_s = len(recording) / rate_hz
    return Lag(whole[0], slope, slope * duration_s, whole[1], name)


def correlate(sensed: Array, true: Array, known: Mask, rate_hz: float) -> tuple[Array, Array]:
    """Return lags of `sensed` behind `true` in s and the correlation at each; known rows alone count."""
    longest = int(min(_LONGEST_S * rate_hz, len(sensed) // 4))
    lags = range(-longest, longest + 1)
    one, two, there = _centred(true, known), _centred(sensed, known), known.astype(np.float64)
    values = []
    for lag in lags:
        first, second = slice(max(0, -lag), len(one) - max(0, lag)), slice(max(0, lag), len(one) - max(0, -lag))
        both = there[first]  # what the ground truth does not know is no fault of the sensors
        power = np.sqrt((one[first] ** 2 * both).sum() * (two[second] ** 2 * both).sum())
        values.append(float((one[first] * two[second] * both).sum()) / power if power > 0 else 0.0)
    return np.array(lags) / rate_hz, np.array(values)


def compare(recording: Recording, motion: Motion) -> tuple[Array, Array, str] | None:
    """Return a signal (N,) by the sensors, the same by the ground truth, and its name; None where there is none."""
    rate_hz = recording.rate_hz
    if motion.rate is not None:
        pair = [np.linalg.norm(smooth(rate, 0.04, rate_hz), axis=1) for rate in (recording.gyro, motion.rate)]
        return pair[0], pair[1], "turn rate"
    if not np.ptp(motion.position[:, 2]) > 1e-3:
        return None
    up = smooth(recording.accel, 0.5, rate_hz)
    up = up / np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-9)
    sensed = (recording.accel * up).sum(axis=1) - STANDARD_GRAVITY_M_S2
    true = np.gradient(np.gradient(smooth(motion.position[:, 2], 0.05, rate_hz))) * rate_hz**2
    return smooth(sensed, 0.05, rate_hz), true, "acceleration"


def _centred(values: Array, known: Mask) -> Array:
    return values - (values[known].mean() if known.any() else 0.0)


def _peak(sensed: Array, true: Array, known: Mask, rate_hz: float) -> tuple[float, float] | None:
    if known.mean() < 0.5 or len(sensed) < 2 * rate_hz:
        return None
    lags, values = correlate(sensed, true, known, rate_hz)
    best = int(values.argmax())
    if values[best] < _LEAST_CORRELATION or not 0 < best < len(lags) - 1:
        return None
    # A parabola through the three greatest values: the peak lies between samples.
    left, centre, right = values[best - 1 : best + 2]
    bend = left - 2 * centre + right
    offset = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return float(lags[best] + offset / rate_hz), float(centre)


def _piece(pair: tuple[Array, Array], known: Mask, rows: slice) -> tuple[Array, Array, Mask]:
    return pair[0][rows], pair[1][rows], known[rows]


def _slope(pieces: list[tuple[float, float]]) -> float:
    """Slope of a line through the pieces' lags, or 0 where a line explains them no better than a constant."""
    if len(pieces) < 3:
        return 0.0
    time, lag = np.array(pieces).T
    # The line through the medians of pairs: one piece with a false peak does not turn it.
    pairs = [(lag[j] - lag[i]) / (time[j] - time[i]) for i in range(len(time)) for j in range(i + 1, len(time))]
    slope = float(np.median(pairs))
    around_line = np.abs(lag - slope * time - np.median(lag - slope * time)).sum()
    around_constant = np.abs(lag - np.median(lag)).sum()
    return slope if around_line < 0.8 * around_constant else 0.0
