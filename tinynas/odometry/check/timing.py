"""The clock and the rows: rate, jitter, repeated rows, sensors that stand still."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tinynas.odometry.check.findings import Finding
from tinynas.odometry.recording import Recording

__all__ = ["check_timing"]

_RATE_TOLERANCE = 0.002
_JITTER = 0.1
_FROZEN_S = 0.2


def check_timing(recording: Recording) -> Iterator[Finding]:
    """Yield what is wrong with the clock and the order of the rows."""
    name, rate_hz = recording.name, recording.rate_hz
    steps = np.diff(recording.time_s)
    measured_hz = len(steps) / float(recording.time_s[-1] - recording.time_s[0])
    if abs(measured_hz / rate_hz - 1) > _RATE_TOLERANCE:
        message = f"the samples come at {measured_hz:.5g} Hz, not at {rate_hz:g} Hz: speeds are wrong by that"
        yield Finding("rate", name, message, "set dataset.rate_hz, which resamples to that rate by the time column")
    period = float(np.median(steps))
    jitter = float(np.quantile(np.abs(steps - period), 0.95)) / period
    if jitter > _JITTER:
        message = f"the time between samples varies by {jitter:.0%} of a period (95 % of the steps)"
        yield Finding("irregular_time", name, message, "set dataset.rate_hz, which resamples by the time column")
    gaps = np.flatnonzero(steps > 1.5 * period)
    if gaps.size:
        longest = int(gaps[steps[gaps].argmax()])
        message = f"samples are missing in {gaps.size} place(s), for up to {steps[longest] - period:.3f} s"
        advice = "set dataset.rate_hz: short gaps are interpolated, longer ones are masked"
        yield Finding("gap", f"{name}:{longest + 1}", message, advice)
    yield from _check_rows(recording)
    for repair in recording.repairs:
        # The row alone: where a file lies on somebody's computer is not for reports.
        yield Finding("repaired", f"{name}:{repair.where.rpartition(':')[2]}", repair.message, repair.advice)


def _check_rows(recording: Recording) -> Iterator[Finding]:
    name, rate_hz = recording.name, recording.rate_hz
    held = [_repeats(sensor) for sensor in (recording.accel, recording.gyro)]
    both = held[0] & held[1]
    share = float(both.mean())
    if share > 0.02:
        message = f"{share:.1%} of the rows repeat accelerometer and gyroscope of the row before"
        advice = f"the sensors may run at {rate_hz * (1 - share):.4g} Hz: record at their rate, or set dataset.rate_hz"
        yield Finding("duplicate_rows", f"{name}:{int(both.argmax()) + 1}", message, advice)
    for sensor, repeats in zip(("accelerometer", "gyroscope"), held, strict=True):
        start, rows = _longest_run(repeats)
        if rows >= max(2.0, _FROZEN_S * rate_hz):
            message = f"the {sensor} repeats one value for {rows / rate_hz:.2f} s from row {start}"
            yield Finding("frozen_sensor", f"{name}:{start}", message, "cut the recording there, or leave it out")


def _repeats(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray((np.diff(values, axis=0) == 0).all(axis=1))


def _longest_run(repeats: NDArray[np.bool_]) -> tuple[int, int]:
    edges = np.flatnonzero(np.diff(np.r_[False, repeats, False]))
    starts, rows = edges[::2], edges[1::2] - edges[::2]
    if not rows.size:
        return 0, 0
    longest = int(rows.argmax())
    return int(starts[longest]), int(rows[longest])
