"""Augmentation: the same walk in another heading, at another speed, with another sensor.

In a level or north frame a turn of the walk is a turn of inputs and targets (S. Herath et al., "RoNIN", ICRA 2020), and
the same motion played s times as fast has s^2 times the acceleration, s times the angular rate and s times the speed.
All but the time scale is one affine map of a window's samples, drawn anew for each window of each step. Training
applies it as one matrix product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tinynas.checked import Flag, NotNegative, options
from tinynas.errors import DatasetError
from tinynas.odometry.recording import STANDARD_GRAVITY_M_S2, Recording
from tinynas.odometry.windows.cut import Windows
from tinynas.odometry.windows.normalization import Normalization

__all__ = ["AugmentOptions", "Augmenter", "change_speed"]

Array = NDArray[np.float64]

# Speeds at which the recordings are played; evenly spaced on a logarithmic scale.
_SPEEDS = 5

_Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]


@options("training.augment")
class AugmentOptions:
    """How training windows are varied.

    Attributes:
        yaw: Turn each window by a random angle about the vertical; None: in a level or north frame, where alone it is
            possible.
        time_scale: Play recordings up to this share faster or slower; 0.25 is 0.8 to 1.25 times as fast. Level or north
            frame only.
        force_scale: Scale the specific force without gravity by up to this share. Level or north frame only.
        tilt_deg: Standard deviation of a tilt of the frame about each horizontal axis. Level or north frame only.
        accel_bias_m_s2: Standard deviation of an offset of the specific force, constant over a window.
        gyro_bias_rad_s: Like `accel_bias_m_s2`, for the angular rate.
        noise: Standard deviation of white noise, as a share of a channel's own spread.

    Raises:
        ConfigError: A value has the wrong type or is out of range.
    """

    yaw: Flag | None = None
    time_scale: _Share = 0.0
    force_scale: _Share = 0.0
    tilt_deg: Annotated[float, Field(ge=0.0, le=45.0, allow_inf_nan=False)] = 0.0
    accel_bias_m_s2: NotNegative = 0.0
    gyro_bias_rad_s: NotNegative = 0.0
    noise: NotNegative = 0.2

    def check(self, windows: Windows) -> None:
        """Refuse what these windows cannot be varied by.

        Raises:
            DatasetError: A value needs a level or north frame. `where` is its key.
        """
        if windows.turns:
            return
        for name in ("yaw", "time_scale", "force_scale", "tilt_deg"):
            if getattr(self, name):
                advice = "set dataset.frame to level or north, or leave it out"
                message = "where gravity points is known in a level or north frame only"
                raise DatasetError(message, where=f"training.augment.{name}", advice=advice)


@dataclass(frozen=True, eq=False)
class Augmenter:
    """Draws affine maps of normalised windows, and turns of their normalised targets.

    Args:
        options: What is varied.
        scale: Normalisation of the inputs.
        turns: Whether inputs can be turned about the vertical.
        target_turns: Whether targets turn along.
    """

    options: AugmentOptions
    scale: Normalization
    turns: bool
    target_turns: bool

    @property
    def yaw(self) -> bool:
        """Whether windows are turned about the vertical."""
        return self.turns if self.options.yaw is None else self.options.yaw

    def vary(
        self, rng: np.random.Generator, inputs: NDArray[np.float32], targets: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Vary a batch.

        Args:
            rng: Source of randomness.
            inputs: (n, window, C) normalised windows.
            targets: (n, 2) targets, scaled about zero where they turn along.

        Returns:
            New arrays, or the ones given where nothing is varied.
        """
        o = self.options
        if self.yaw or any((o.force_scale, o.tilt_deg, o.accel_bias_m_s2, o.gyro_bias_rad_s)):
            matrix, offset, turn = self.draw(rng, len(inputs))
            inputs = inputs @ matrix
            inputs += offset
            targets = (targets[:, None] @ turn)[:, 0] if self.target_turns else targets
        if o.noise:
            inputs = inputs + np.float32(o.noise) * rng.standard_normal(inputs.shape, np.float32)
        return inputs, targets

    def draw(
        self, rng: np.random.Generator, count: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Draw maps for a batch.

        Args:
            rng: Source of randomness.
            count: Windows.

        Returns:
            matrix (count, C, C) and offset (count, 1, C): a window x (rows, C) becomes x @ matrix + offset; and turn
            (count, 2, 2): its target y becomes y @ turn.
        """
        o, channels = self.options, len(self.scale.mean)
        angle = rng.uniform(-np.pi, np.pi, count) if self.yaw else np.zeros(count)
        rotation = _about_vertical(angle)
        if o.tilt_deg:
            rotation = rotation @ _tilts(np.radians(rng.normal(0.0, o.tilt_deg, (count, 2))))
        factor = 1 + rng.uniform(-o.force_scale, o.force_scale, count) if o.force_scale else np.ones(count)
        matrix = np.tile(np.eye(channels), (count, 1, 1))
        offset = np.zeros((count, channels))
        gravity = np.array([0.0, 0.0, STANDARD_GRAVITY_M_S2])
        # The device's axes, where they are inputs, turn like force and rate.
        axes = [(first, np.ones(count), np.zeros(3), 0.0) for first in range(6, channels, 3)] if self.turns else []
        for first, gain, rest, bias in (
            (0, factor, gravity, o.accel_bias_m_s2),
            (3, np.ones(count), np.zeros(3), o.gyro_bias_rad_s),
            *axes,
        ):
            part = slice(first, first + 3)
            mean, std = self.scale.mean[part], self.scale.std[part]
            # In SI units: v' = rotation (gain (v - rest) + rest) + bias, and v = std x + mean.
            matrix[:, part, part] = (rotation * gain[:, None, None] * std / std[:, None]).transpose(0, 2, 1)
            start = gain[:, None] * (mean - rest) + rest
            moved = np.einsum("nij,nj->ni", rotation, start)
            if bias:
                moved += rng.normal(0.0, bias, (count, 3))
            offset[:, part] = (moved - mean) / std
        # A tilt is the frame's error: the walk and its target know nothing of it.
        turn = _about_vertical(angle if self.target_turns else np.zeros(count))[:, :2, :2].transpose(0, 2, 1)
        return matrix.astype(np.float32), offset[:, None].astype(np.float32), turn.astype(np.float32)


def _about_vertical(angle: Array) -> Array:
    cos, sin, zero, one = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    return np.moveaxis(np.array([[cos, -sin, zero], [sin, cos, zero], [zero, zero, one]]), 2, 0)


def _tilts(tilt: Array) -> Array:
    """Rotations about the horizontal vectors (n, 2) by their length in rad."""
    angle = np.maximum(np.linalg.norm(tilt, axis=1), 1e-12)
    x, y = (tilt / angle[:, None]).T
    cos, sin = np.cos(angle), np.sin(angle)
    rows = [
        [cos + x * x * (1 - cos), x * y * (1 - cos), y * sin],
        [x * y * (1 - cos), cos + y * y * (1 - cos), -x * sin],
        [-y * sin, x * sin, cos],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def change_speed(recordings: Sequence[Recording], share: float) -> list[list[Recording]]:
    """Play recordings slower and faster.

    The same motion s times as fast has the same path, s times the angular rate and s^2 times the acceleration; gravity
    stays.

    Args:
        recordings: In a level or north frame.
        share: The fastest is 1 + share times as fast, the slowest 1 / (1 + share).

    Returns:
        The recordings at each further speed; none where `share` is 0.

    Raises:
        DatasetError: A recording is in the body frame.

    Example:
        >>> change_speed([], 0.25)
        [[], [], [], []]
    """
    if not share:
        return []
    speeds = (1 + share) ** np.linspace(-1.0, 1.0, _SPEEDS)
    return [
        # What is too short to be played faster makes no window either.
        [_play(recording, speed) for recording in recordings if len(recording) - 1 > speed]
        for speed in speeds
        if abs(speed - 1) > 1e-9
    ]


def _play(recording: Recording, speed: float) -> Recording:
    if recording.frame == "body":
        raise DatasetError("where gravity points is not known in the body frame", where=recording.name)
    row = np.arange(len(recording) / speed) * speed
    row = row[row < len(recording) - 1]  # rounding may put the last one there
    before, part = row.astype(np.int64), (row % 1.0)[:, None]

    def at(values: Array) -> Array:
        return np.asarray(values[before] * (1 - part) + values[before + 1] * part)

    gravity = np.array([0.0, 0.0, STANDARD_GRAVITY_M_S2])
    # The nearest row: rotations do not interpolate linearly, and these change slowly.
    nearest = np.rint(row).astype(np.int64)
    orientation, axes = recording.orientation, recording.axes
    return replace(
        recording,
        time_s=np.arange(len(row)) / recording.rate_hz,
        accel=gravity + speed**2 * (at(recording.accel) - gravity),
        gyro=speed * at(recording.gyro),
        position=at(recording.position),
        orientation=None if orientation is None else orientation[nearest],
        axes=None if axes is None else axes[nearest],
        valid=recording.valid[before] & recording.valid[before + 1],
    )
