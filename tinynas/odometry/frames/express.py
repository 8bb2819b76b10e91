"""What inputs are expressed in: the device's own axes, or axes that an attitude filter holds level or north.

How a device is held is not the network's business. In the `level` frame z points up and the yaw is the gyroscope's
alone; in the `north` frame x points along the horizontal magnetic field. There, a turn of the walker is a turn of
inputs and targets: S. Herath et al., "RoNIN", ICRA 2020; W. Liu et al., "TLIO", RA-L 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import DatasetError
from tinynas.odometry.attitude import AttitudeOptions, track_attitude
from tinynas.odometry.frames.bearing import compare_accelerations, turn_truth
from tinynas.odometry.frames.calibration import calibrate_magnetometer
from tinynas.odometry.frames.mounting import measure_mounting
from tinynas.odometry.frames.signals import to_matrices, true_motion
from tinynas.odometry.recording import Frame, Recording

__all__ = ["FrameChoice", "Framed", "MountingChoice", "choose_frame", "express", "heading_error"]

Array = NDArray[np.float64]

# Accelerations tell a turn to some 5 degrees; smaller ones are left to the orientation.
_SURE = 0.5
_LEAST_TURN_RAD = np.radians(20.0)

FrameChoice = Literal["body", "level", "north", "auto"]
MountingChoice = Literal["free", "fixed"]

# The heading error is that of the filter, which is slow; motion capture flips its body for a moment now and then.
_HEADING_S = 1.0


@dataclass(frozen=True, eq=False)
class Framed:
    """A recording in a frame, with the attitude that brought it there.

    Args:
        recording: The recording; its sensors, and in the level frame its positions too, are in the frame.
        rotation: (N, 3, 3) turns the device's axes into a level frame (north with a magnetometer); None where the frame
            is the body's and there is no magnetometer.
        heading_error_rad: (N,) the truth's yaw minus the filter's, without jumps of a whole turn; None without
            ground-truth orientation or without `rotation`.
    """

    recording: Recording
    rotation: Array | None
    heading_error_rad: Array | None

    @property
    def yaw_drift_deg(self) -> float | None:
        """How far the filter's yaw moves against the truth's, in degrees: the spread between its extremes."""
        error = self.heading_error_rad
        return None if error is None else float(np.degrees(error.max() - error.min()))


def choose_frame(choice: FrameChoice, recordings: Sequence[Recording], *, target: str, use_mag: bool | None) -> Frame:
    """Decide in which frame recordings are learned.

    `auto` is `north` where there is a magnetometer, else `level` where the target can be turned into that frame: where
    the ground truth has an orientation, or the target is `speed_heading`. What is left is `body`.

    Args:
        choice: What is asked for.
        recordings: At least one; all have the same sensors.
        target: `velocity` or `speed_heading`.
        use_mag: False: the magnetometer is put aside.

    Raises:
        DatasetError: The data do not have what the frame needs. `where` is `frame`.

    Example:
        >>> from tinynas.odometry import SyntheticOptions, load_dataset
        >>> small = load_dataset("synthetic", synthetic=SyntheticOptions(n_train=1, duration_s=5.0))
        >>> choose_frame("auto", small.train, target="velocity", use_mag=None)
        'north'
    """
    has_mag = use_mag is not False and all(recording.mag is not None for recording in recordings)
    has_level = target != "velocity" or all(recording.orientation is not None for recording in recordings)
    frame = choice if choice != "auto" else "north" if has_mag else "level" if has_level else "body"
    if frame == "north" and not has_mag:
        missing = "use_mag is false" if use_mag is False else "there is no magnetometer"
        raise DatasetError(f"{missing}, so nothing tells north", where="frame", advice="choose level, or auto")
    if frame == "level" and not has_level:
        message = "the ground truth has no orientation, so velocity cannot be turned into the level frame"
        advice = "add the orientation, or learn the target speed_heading"
        raise DatasetError(message, where="frame", advice=advice)
    return frame


def express(
    recording: Recording,
    frame: Frame,
    options: AttitudeOptions,
    *,
    use_mag: bool | None = None,
    mounting: MountingChoice = "free",
) -> Framed:
    """Express a recording's sensors in a frame.

    In the `level` frame the yaw drifts, so the truth is brought into the frame too: each step of the position is turned
    by the filter's yaw minus the truth's. What a network learns is then independent of the drift, and a path's error is
    that in the drifting frame; `Framed.yaw_drift_deg` says how far it drifts. Where accelerations show
    that the truth's body is turned about the vertical against the device, that constant is taken out as well.

    Args:
        recording: In the body frame.
        frame: The frame to bring it to; `body` leaves it as it is.
        options: Of the attitude filter.
        use_mag: False: the magnetometer is put aside.
        mounting: `fixed`: networks see the device's axes in the frame, too. Not in the body frame, where they never
            change.

    Raises:
        DatasetError: The recording is in a frame already, or does not have what the frame needs.
    """
    if recording.frame != "body":
        raise DatasetError(f"the recording is in the {recording.frame} frame already", where=recording.name)
    mag = None if use_mag is False or frame == "level" else recording.mag
    if frame == "body" and mag is None:
        return Framed(recording, None, None)
    if frame == "north" and mag is None:
        raise DatasetError("the recording has no magnetometer, so nothing tells north", where=recording.name)
    rotation = _track(recording, mag, options)
    error = None if recording.orientation is None else heading_error(recording, rotation)
    if frame == "body":
        return Framed(recording, rotation, error)
    position = recording.position
    if frame == "level" and error is not None:
        position = _turn_steps(recording, error)
    turned = replace(
        recording,
        accel=np.einsum("nij,nj->ni", rotation, recording.accel),
        gyro=np.einsum("nij,nj->ni", rotation, recording.gyro),
        mag=None,
        position=position,
        frame=frame,
        axes=rotation.transpose(0, 2, 1).reshape(-1, 9) if mounting == "fixed" else None,
    )
    if frame == "level" and error is not None:
        turned, error = _settle(turned, error)
    return Framed(turned, rotation, error)


def _settle(recording: Recording, error: Array) -> tuple[Recording, Array]:
    """Take out a constant turn of the truth's body against the device, where accelerations are sure of it."""
    agreement = compare_accelerations([recording])
    angle = float(np.angle(agreement))
    if abs(agreement) < _SURE or abs(angle) < _LEAST_TURN_RAD:
        return recording, error
    return turn_truth(recording, -angle), error + angle


def _track(recording: Recording, mag: Array | None, options: AttitudeOptions) -> Array:
    """Attitude by the filter; what the whole recording tells of the magnetometer's hard iron is taken off first."""
    gyro, rate_hz = recording.gyro, recording.rate_hz
    if mag is not None and options.hard_iron == "recording":
        mag = mag - calibrate_magnetometer(gyro, mag, rate_hz)
    return track_attitude(recording.accel, gyro, mag, rate_hz, options)


def heading_error(recording: Recording, rotation: Array) -> Array:
    """Compare a filter's yaw with the ground truth's.

    Args:
        recording: With ground-truth orientation.
        rotation: (N, 3, 3) turns the device's axes into a level frame.

    Returns:
        (N,) the truth's yaw minus the filter's in rad, smoothed over a second and without jumps of a whole turn;
        interpolated over untrusted rows.

    Raises:
        DatasetError: The recording has no orientation.
    """
    if recording.orientation is None:
        raise DatasetError("the ground truth has no orientation", where=recording.name)
    known = np.flatnonzero(recording.valid)
    truth = to_matrices(recording.orientation[known])
    # Motion capture follows a body that is turned against the phone by as much as 180 degrees.
    motion = true_motion(recording)
    mounting = None if motion is None else measure_mounting(recording, motion)
    mount = np.eye(3) if mounting is None else mounting.rotation
    apart = np.einsum("nij,jk,nlk->nil", truth, mount, rotation[known])
    # The twist about the vertical that is nearest to the rotation between the two.
    twist = np.stack([apart[:, 0, 0] + apart[:, 1, 1], apart[:, 1, 0] - apart[:, 0, 1]], axis=1)
    twist = _smooth(twist, max(1, round(_HEADING_S * recording.rate_hz)))
    yaw = np.unwrap(np.arctan2(twist[:, 1], twist[:, 0]))
    return np.asarray(np.interp(np.arange(len(recording)), known, yaw))


def _smooth(values: Array, size: int) -> Array:
    """Moving mean over `size` rows, column by column."""
    kernel = np.full(size, 1.0 / size)
    return np.stack([np.convolve(values[:, axis], kernel, "same") for axis in range(values.shape[1])], axis=1)


def _turn_steps(recording: Recording, error: Array) -> Array:
    """Positions whose every step is turned by minus the heading error; they begin where the recording begins."""
    rows, known = np.arange(len(recording)), np.flatnonzero(recording.valid)
    plane = np.stack([np.interp(rows, known, recording.position[known, axis]) for axis in (0, 1)], axis=1)
    step, middle = np.diff(plane, axis=0), -(error[1:] + error[:-1]) / 2
    cos, sin = np.cos(middle), np.sin(middle)
    turned = np.stack([cos * step[:, 0] - sin * step[:, 1], sin * step[:, 0] + cos * step[:, 1]], axis=1)
    position = np.array(recording.position)
    position[:, :2] = plane[0] + np.concatenate([np.zeros((1, 2)), np.cumsum(turned, axis=0)])
    return position
