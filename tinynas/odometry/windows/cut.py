"""Recordings cut into windows: the inputs and targets a network is trained on, and the normalisation of the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tinynas.errors import DatasetError
from tinynas.odometry.recording import Frame, Recording

__all__ = ["CHANNELS", "STANDING_M_S", "Target", "WindowSpec", "Windows", "make_windows"]

Target = Literal["velocity", "speed_heading"]

CHANNELS = tuple(
    f"{sensor}_{axis} ({unit})"
    for sensor, unit in (("accel", "m/s2"), ("gyro", "rad/s"), ("mag", "uT"))
    for axis in "xyz"
)
"""Names of the input channels in order; the first 6 where there is no magnetometer."""

_AXES = tuple(f"device_{axis} along {component} (1)" for axis in "xyz" for component in "xyz")

STANDING_M_S = 0.1
"""Below this speed a direction of motion is noise: a phone held by a standing person sways by some cm/s."""


@dataclass(frozen=True)
class WindowSpec:
    """How recordings are cut.

    Args:
        window: Length of a window in samples; at least 2 (`speed_heading`: 3).
        stride: Samples from the start of one window to the next.
        target: `velocity`, or `speed_heading` for data without a magnetometer (see `make_windows`).
        use_mag: Whether the magnetometer is an input; None: if the data has one.
        target_span: Rows, up to the window's last one, that the target describes; None: the window's own. More than
            the window has reach before its start.
        reach: Rows, up to the window's last one, that have to be there and trusted; None: those of window and target.
            Windows of several lengths with one reach end at the same rows, so that their errors compare.

    Raises:
        DatasetError: A value makes no window.
    """

    window: int
    stride: int
    target: Target = "velocity"
    use_mag: bool | None = None
    target_span: int | None = None
    reach: int | None = None

    def __post_init__(self) -> None:
        if self.target not in ("velocity", "speed_heading"):
            raise DatasetError(f"unknown target '{self.target}'", where="target", advice="velocity or speed_heading")
        shortest = 2 if self.target == "velocity" else 3
        for name, low in (("window", 2), ("stride", 1), ("span", shortest)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
                raise DatasetError(f"{value!r} is not a whole number of samples, at least {low}", where=self._key(name))

    def _key(self, name: str) -> str:
        return name if name != "span" else "window" if self.target_span is None else "target_span"

    @property
    def span(self) -> int:
        """Rows that the target describes."""
        return self.window if self.target_span is None else self.target_span

    @property
    def span_start(self) -> int:
        """The first of these rows, counted from the window's first; negative where they reach before it."""
        return int(self.window) - int(self.span)

    @property
    def rows(self) -> int:
        """Rows up to the window's last one that have to be there and trusted."""
        return max(int(self.window), int(self.span), int(self.reach or 0))


@dataclass(frozen=True, eq=False)
class Windows:
    """n windows of C channels.

    Args:
        inputs: (n, window, C) float32 in SI units (mag: uT), channels in the order of `CHANNELS`; then the device's
            axes where the recordings hold them.
        targets: (n, 2) float32, see `make_windows`.
        recording: (n,) index of the recording each window comes from, into the recordings given.
        start: (n,) first row of each window.
        names: Names of all recordings given.
        rate_hz: Sample rate in Hz.
        spec: How they were cut.
        frame: What the inputs are expressed in.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]
    recording: NDArray[np.int64]
    start: NDArray[np.int64]
    names: tuple[str, ...]
    rate_hz: float
    spec: WindowSpec
    frame: Frame = "body"

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names and units of the channels."""
        count = self.inputs.shape[2]
        return CHANNELS[:count] if count <= len(CHANNELS) else (*CHANNELS[: count - len(_AXES)], *_AXES)

    @property
    def turns(self) -> bool:
        """Whether a turn about the vertical is a turn of the inputs' x and y."""
        return self.frame != "body"

    @property
    def target_turns(self) -> bool:
        """Whether the targets turn along: they are a vector in the inputs' frame."""
        return self.turns and self.spec.target == "velocity"


def make_windows(recordings: Sequence[Recording], spec: WindowSpec) -> Windows:
    """Cut recordings into windows; those that touch untrusted ground truth are dropped.

    Targets, with p the ground-truth position, rows 0 ... w-1 of the target's span (the window's own rows, unless
    `target_span` says otherwise; both end at the same row) and rate f:

    - `velocity`: ((p[w-1] - p[0]) / ((w-1) / f)) in the world frame, x and y in m/s. This is TinyOdom's target (S. S.
      Saha et al., "TinyOdom: Hardware-Aware Efficient Neural Inertial Navigation", IMWUT 6(2), 2022), divided by the
      window's duration. It can be learned only where the inputs tell north: with a magnetometer.
    - `speed_heading`: with the middle row m = (w-1) // 2, first half a = p[m] - p[0] and second half b = p[w-1] - p[m]:
      (|b| / ((w-1-m) / f) in m/s, angle from a to b in (-pi, pi] rad). It does not depend on the frame. Polar form of
      C. Chen et al., "IONet: Learning to Cure the Curse of Drift in Inertial Odometry", AAAI 2018: with heading psi
      before the step, p += |b| (cos(psi + dpsi), sin(psi + dpsi)), psi += dpsi, exact for windows half overlapping.
      Where either half moves at less than `STANDING_M_S` its direction is undefined: the change is then the device's
      turn about the vertical between the middles of the halves, or 0 for recordings without orientation.

    Args:
        recordings: At one rate, with the same sensors. Those shorter than a window give none, unless all are.
        spec: How to cut.

    Raises:
        DatasetError: No recordings, a window longer than every recording (the message gives the longest), nothing but
            untrusted ground truth, or a magnetometer is asked for that is not there. `where` is the field of `spec`,
            with the recording.

    Example:
        >>> from tinynas.odometry import SyntheticOptions, load_dataset
        >>> small = load_dataset("synthetic", synthetic=SyntheticOptions(n_train=1, duration_s=10.0))
        >>> make_windows(small.train, WindowSpec(window=200, stride=100)).inputs.shape
        (9, 200, 9)
    """
    if not recordings:
        raise DatasetError("there are no recordings to cut", where="recordings")
    use_mag = _use_mag(recordings, spec)
    window, frame = int(spec.window), recordings[0].frame
    longest = max(recordings, key=len)
    key = "window" if spec.span_start >= 0 else "target_span"
    where, needed = f"{key} (recording {longest.name})", spec.rows
    if len(longest) < needed:
        message = (
            f"a {key.removeprefix('target_')} of {needed} samples is longer than every recording; the longest has "
        )
        advice = f"use a {key.removeprefix('target_')} of at most {len(longest)} samples"
        raise DatasetError(f"{message}{len(longest)}", where=where, advice=advice)
    for recording in recordings:
        if recording.frame != frame:
            message = f"in the {recording.frame} frame, where {recordings[0].name} is in the {frame} frame"
            raise DatasetError(message, where=recording.name, advice="bring all recordings into one frame")
    starts = [_starts(recording.valid, spec) for recording in recordings]
    total = sum(map(len, starts))
    if not total:
        message = f"every window of {window} samples touches untrusted ground truth"
        raise DatasetError(message, where=where, advice="use a shorter window, or check the ground truth")
    inputs = np.empty((total, window, (9 if use_mag else 6) + (9 if _see_axes(recordings) else 0)), np.float32)
    targets = np.empty((total, 2), np.float32)
    done = 0
    for recording, start in zip(recordings, starts, strict=True):
        part = slice(done, done + len(start))
        done += len(start)
        if len(start):
            _fill(inputs[part], recording, start, window, use_mag)
            targets[part] = _targets(recording, start + spec.span_start, int(spec.span), spec.target)
    return Windows(
        inputs=inputs,
        targets=targets,
        recording=np.repeat(np.arange(len(recordings)), [len(start) for start in starts]),
        start=np.concatenate(starts),
        names=tuple(recording.name for recording in recordings),
        rate_hz=recordings[0].rate_hz,
        spec=spec,
        frame=frame,
    )


def _use_mag(recordings: Sequence[Recording], spec: WindowSpec) -> bool:
    without = [recording.name for recording in recordings if recording.mag is None]
    if spec.use_mag and without:
        message, advice = "a magnetometer is asked for, but the recording has none", "set it to false, or leave it out"
        raise DatasetError(message, where=f"use_mag (recording {without[0]})", advice=advice)
    return not without if spec.use_mag is None else spec.use_mag


def _see_axes(recordings: Sequence[Recording]) -> bool:
    without = [recording.name for recording in recordings if recording.axes is None]
    if 0 < len(without) < len(recordings):
        raise DatasetError("the recording lacks the device's axes, which others hold", where=without[0])
    return not without


def _starts(valid: NDArray[np.bool_], spec: WindowSpec) -> NDArray[np.int64]:
    """First rows of the windows whose every row, and every row of whose target, can be trusted."""
    window, before = int(spec.window), spec.rows - int(spec.window)
    starts: NDArray[np.int64] = np.arange(before, len(valid) - window + 1, int(spec.stride), dtype=np.int64)
    bad_before = np.concatenate([[0], np.cumsum(~valid)])
    kept = bad_before[starts + window] == bad_before[starts - before]
    return np.asarray(starts[kept])


def _fill(out: NDArray[np.float32], recording: Recording, start: NDArray[np.int64], window: int, use_mag: bool) -> None:
    first = 0
    for values in (recording.accel, recording.gyro, recording.mag if use_mag else None, recording.axes):
        if values is not None:
            views = sliding_window_view(values.astype(np.float32), window, axis=0)
            out[:, :, first : first + values.shape[1]] = views[start].transpose(0, 2, 1)
            first += values.shape[1]


def _targets(recording: Recording, start: NDArray[np.int64], window: int, target: Target) -> NDArray[np.float64]:
    plane = recording.position[:, :2]
    last = window - 1
    if target == "velocity":
        return np.asarray((plane[start + last] - plane[start]) * (recording.rate_hz / last))
    middle = last // 2
    before = (plane[start + middle] - plane[start]) * (recording.rate_hz / middle)
    after = (plane[start + last] - plane[start + middle]) * (recording.rate_hz / (last - middle))
    speed_before, speed = np.linalg.norm(before, axis=1), np.linalg.norm(after, axis=1)
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    change = np.arctan2(cross, (before * after).sum(axis=1))
    standing = np.minimum(speed_before, speed) < STANDING_M_S
    change[standing] = _turn(recording, start[standing] + middle // 2, start[standing] + (middle + last) // 2)
    return np.stack([speed, change], axis=1)


def _turn(recording: Recording, before: NDArray[np.int64], after: NDArray[np.int64]) -> NDArray[np.float64]:
    """Turn of the device about the vertical between two rows in rad: the twist part of the rotation in the world."""
    if recording.orientation is None:
        return np.zeros(len(before))
    first, second = recording.orientation[before], recording.orientation[after]
    # Parts w and z of the quaternion second * conj(first), for any attitude of the device.
    scalar = (first * second).sum(axis=1)
    z = (
        first[:, 3] * second[:, 2]
        - second[:, 3] * first[:, 2]
        - second[:, 0] * first[:, 1]
        + second[:, 1] * first[:, 0]
    )
    turn = 2 * np.arctan2(z, scalar)
    return np.asarray(np.arctan2(np.sin(turn), np.cos(turn)))
