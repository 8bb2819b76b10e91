"""The check of a dataset: every recording on its own, then what recordings have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from tinynas.odometry.check.curves import draw_curves
from tinynas.odometry.check.field import FieldCheck, measure_field
from tinynas.odometry.check.findings import DataCheck, Finding, RecordingCheck, Split
from tinynas.odometry.check.lag import Lag, measure_lag
from tinynas.odometry.check.overlap import find_repeated_walks
from tinynas.odometry.check.timing import check_timing
from tinynas.odometry.check.truth import check_truth, count_lost_windows
from tinynas.odometry.check.units import check_units, z_down
from tinynas.odometry.dataset import Dataset
from tinynas.odometry.frames import Motion, Mounting, measure_mounting, true_motion
from tinynas.odometry.recording import Recording, Splits
from tinynas.odometry.windows import Target

__all__ = ["check_dataset", "check_recording"]

_LONGEST_LAG_S = 0.015
_LONGEST_DRIFT_S = 0.03
_LARGEST_TILT_DEG = 10.0
_LARGEST_ROTATION_DEG = 15.0
_UPSIDE_DOWN_DEG = 150.0
_STEADY = 0.97
_WALKING_M_S = 0.2
_SAME_RATE = 0.01


def check_dataset(
    dataset: Dataset | Splits, *, source: str = "", window: int = 200, target: Target = "velocity"
) -> DataCheck:
    """Check all recordings of a dataset.

    Args:
        dataset: The recordings; they need not go together.
        source: Their specification; "" for the dataset's own name.
        window: Window length in samples, for the share of windows that are lost.
        target: What is to be learned: `velocity` needs a magnetometer, or the level frame.

    Example:
        >>> from tinynas.odometry import SyntheticOptions, load_dataset
        >>> small = load_dataset("synthetic", synthetic=SyntheticOptions(n_train=1, n_valid=1, n_test=1, duration_s=20))
        >>> [check.split for check in check_dataset(small).recordings]
        ['train', 'valid', 'test']
    """
    splits: dict[Split, tuple[Recording, ...]] = {"train": dataset.train, "valid": dataset.valid, "test": dataset.test}
    everything = [recording for recordings in splits.values() for recording in recordings]
    extra: dict[str, list[Finding]] = {recording.name: [] for recording in everything}
    for finding in (*find_repeated_walks(splits).values(), *_compare_rates(everything)):
        extra[finding.where].append(finding)
    checks = []
    for split, recordings in splits.items():
        for recording in recordings:
            check = check_recording(recording, split, window=window, target=target)
            checks.append(replace(check, problems=(*check.problems, *extra[recording.name])))
    name = source or (dataset.name if isinstance(dataset, Dataset) else "")
    return DataCheck(name, tuple(checks))


def _compare_rates(recordings: Sequence[Recording]) -> Iterator[Finding]:
    for recording in recordings[1:]:
        if abs(recording.rate_hz / recordings[0].rate_hz - 1) > _SAME_RATE:
            message = f"sampled at {recording.rate_hz:g} Hz where {recordings[0].name} has {recordings[0].rate_hz:g} Hz"
            yield Finding("rate", recording.name, message, "set dataset.rate_hz, which resamples all to one rate")


def check_recording(
    recording: Recording, split: Split = "train", *, window: int = 200, target: Target = "velocity"
) -> RecordingCheck:
    """Check one recording on its own.

    Args:
        recording: In the body frame.
        split: Where it belongs; only passed on.
        window: Window length in samples.
        target: What is to be learned.
    """
    motion = true_motion(recording)
    lag = None if motion is None else measure_lag(recording, motion)
    mounting = None if motion is None else measure_mounting(recording, motion, lag_s=lag.lag_s if lag else 0.0)
    field = measure_field(recording, motion, mounting)
    findings = [
        *check_timing(recording),
        *check_units(recording, motion, field),
        *_check_lag(recording.name, lag),
        *check_truth(recording, motion, window),
    ]
    # With a wrong sign or unit of gravity the rotation means nothing.
    if not any(finding.kind in ("gravity_sign", "accel_unit") for finding in findings):
        findings += _check_mounting(recording.name, mounting)
    findings += _check_field(recording.name, field, target)
    steps = np.zeros(1) if motion is None else np.linalg.norm(np.diff(motion.position[:, :2], axis=0), axis=1)
    speed = np.zeros(1) if motion is None else np.linalg.norm(motion.velocity[:, :2], axis=1)
    moving = speed[speed > _WALKING_M_S]
    unseen = None if mounting is None or mounting.unobservable_axis is None else mounting.unobservable_axis
    return RecordingCheck(
        name=recording.name,
        split=split,
        rate_hz=_rounded((len(recording) - 1) / float(recording.time_s[-1] - recording.time_s[0]), 3),
        duration_s=_rounded(recording.duration_s, 3),
        length_m=_rounded(float(steps.sum()) if motion is None else _length_m(motion, recording.rate_hz), 2),
        speed_m_s=_rounded(float(np.median(moving)), 3) if moving.size else None,
        lag_ms=None if lag is None else _rounded(1e3 * lag.lag_s, 1),
        lag_drift_ms=None if lag is None else _rounded(1e3 * lag.drift_s, 1),
        misalignment_deg=None if mounting is None else _rounded(mounting.tilt_deg, 1),
        rotation_deg=None if mounting is None or unseen is not None else _rounded(mounting.angle_deg, 1),
        unobservable_axis=None if unseen is None else tuple(_rounded(float(v), 2) for v in unseen),  # type: ignore[arg-type]
        mag_bias_ut=None if field is None else _rounded(float(np.linalg.norm(field.bias_ut)), 2),
        heading_consistency=None if field is None else _rounded(field.consistency, 4),
        heading_consistency_calibrated=None if field is None else _rounded(field.consistency_calibrated, 4),
        lost_windows=_rounded(count_lost_windows(recording, window), 4),
        problems=tuple(findings),
        curves=draw_curves(recording, motion, mounting),
    )


def _length_m(motion: Motion, rate_hz: float) -> float:
    """Length of the way: sway and noise below a quarter of a second do not count."""
    return float(np.linalg.norm(motion.velocity[:, :2], axis=1).sum() / rate_hz)


def _rounded(value: float, digits: int) -> float:
    return round(float(value), digits)


def _check_lag(name: str, lag: Lag | None) -> Iterator[Finding]:
    if lag is None:
        return
    if abs(lag.lag_s) >= _LONGEST_LAG_S:
        later = "later" if lag.lag_s > 0 else "earlier"
        message = (
            f"the sensors show a motion {1e3 * abs(lag.lag_s):.0f} ms {later} than the ground truth (by {lag.signal})"
        )
        yield Finding("time_offset", name, message, "set dataset.align.time to true, which shifts the ground truth")
    if abs(lag.drift_s) >= _LONGEST_DRIFT_S:
        message = f"the offset of the ground truth drifts by {1e3 * lag.drift_s:+.0f} ms over the recording"
        yield Finding("time_drift", name, message, "set dataset.align.time to true, which takes the drift out as well")


def _check_mounting(name: str, mounting: Mounting | None) -> Iterator[Finding]:
    if mounting is None:
        return
    unseen = mounting.unobservable_axis is not None
    rotation = "" if unseen else f", the whole rotation by {mounting.angle_deg:.0f} degrees"
    if mounting.tilt_deg > _LARGEST_TILT_DEG or (not unseen and mounting.angle_deg > _LARGEST_ROTATION_DEG):
        message = (
            f"the ground truth's body is turned against the sensor: the vertical by {mounting.tilt_deg:.0f} degrees"
            f"{rotation}"
        )
        if unseen:
            message += "; the part about the vertical is not observable: the device turned about that axis alone"
        advice = "set dataset.align.frame to true, which turns the ground truth's orientation"
        yield Finding("misaligned", name, message, advice)
    if mounting.tilt_deg > _UPSIDE_DOWN_DEG:
        message = f"the sensor's vertical is upside down against the ground truth ({mounting.tilt_deg:.0f} degrees)"
        yield z_down(name, message)
    if mounting.residual_deg > _LARGEST_TILT_DEG:
        message = f"no constant rotation explains the orientation: {mounting.residual_deg:.0f} degrees remain"
        advice = "the tracked body moved against the device, or the orientation is wrong: leave the recording out"
        yield Finding("turning_truth", name, message, advice)


def _check_field(name: str, field: FieldCheck | None, target: Target) -> Iterator[Finding]:
    if field is None:
        if target == "velocity":
            message = "the target is velocity and there is no magnetometer: nothing tells north"
            advice = "learn in the level frame (dataset.frame: level), or the target speed_heading"
            yield Finding("no_magnetometer", name, message, advice)
        return
    bias_ut = float(np.linalg.norm(field.bias_ut))
    if bias_ut > 0.2 * max(field.horizontal_ut, 1e-9):
        horizontal = f"where the horizontal field is {field.horizontal_ut:.0f} uT"
        message = f"the magnetometer has a hard iron of {bias_ut:.1f} uT {horizontal}"
        yield Finding("mag_bias", name, message, "the level and north frames take it off; in the body frame it stays")
    if field.consistency_calibrated < _STEADY:
        message = (
            f"the direction of the field scatters: {field.consistency_calibrated:.2f} after calibration, "
            f"{field.consistency:.2f} as recorded, where 1 is steady"
        )
        yield Finding("heading_scatter", name, message, "steel nearby: the frame level does without the magnetometer")
    if field.agreement is not None and field.agreement < 0.3:
        message = f"the field does not turn as the gyroscope says (correlation {field.agreement:.2f})"
        advice = "the magnetometer's axes or signs differ from the gyroscope's: bring both to one frame"
        yield Finding("mag_axes", name, message, advice)
