"""One sequence of inertial samples with ground truth: the noun every reader makes and every window is cut from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import DatasetError
from tinynas.odometry.bounds import require_physical, require_rate

__all__ = ["STANDARD_GRAVITY_M_S2", "Frame", "Reader", "Recording", "Repair", "Splits"]

Array = NDArray[np.float64]

Frame = Literal["body", "level", "north"]
"""What sensors are expressed in: the device's axes, z up with a free yaw, or x along the horizontal magnetic field."""

STANDARD_GRAVITY_M_S2 = 9.80665
"""Standard gravity (3rd CGPM, 1901): the factor between G and m/s2."""

_QUATERNION_TOLERANCE = 0.01
_RATE_TOLERANCE = 0.02


class Repair(NamedTuple):
    """Something that a reader mended.

    Attributes:
        where: The file and row.
        message: What was wrong, and what was done about it.
        advice: What the user can do.
    """

    where: str
    message: str
    advice: str


@dataclass(frozen=True, eq=False)
class Recording:
    """One sequence of N samples of an inertial sensor, with ground truth, in SI units.

    Arrays are stored read-only and as float64 (`valid`: bool). Inputs must be finite in every row; ground truth must be
    finite where `valid` is true and may be NaN elsewhere.

    Args:
        name: Unique within a dataset, for example `handheld/data1/imu2`.
        rate_hz: Sample rate in Hz.
        time_s: (N,) time of each row in s, strictly increasing at `rate_hz`.
        accel: (N, 3) specific force in m/s2. At rest, lying face up, it reads +9.81 on z.
        gyro: (N, 3) angular rate in rad/s.
        mag: (N, 3) magnetic flux density in uT, or None.
        position: (N, 3) ground-truth position in the world frame in m, z up.
        orientation: (N, 4) unit quaternion x, y, z, w that turns body into world coordinates, or None.
        valid: (N,) mask of the rows whose ground truth can be trusted.
        mode: How the device was carried, or None where the dataset does not say.
        frame: What the sensors are expressed in; readers give the body frame, `express` the others.
        repairs: What the reader mended.
        axes: (N, 9) the device's x, y and z axis in the frame, three components each, where networks see them; else
            None.

    Raises:
        DatasetError: Shapes differ, a value is not finite or beyond what can be measured, time does not advance at the
            rate, or a quaternion is not of unit length. The message names the recording and the first bad row
            (counted from 0).

    Example:
        >>> n = 3
        >>> still = Recording("still", 100.0, np.arange(n) / 100, np.tile([0, 0, 9.81], (n, 1)), np.zeros((n, 3)), None,
        ...                   np.zeros((n, 3)), None, np.ones(n, bool))
        >>> still.duration_s, still.channels
        (0.03, 6)
    """

    name: str
    rate_hz: float
    time_s: Array
    accel: Array
    gyro: Array
    mag: Array | None
    position: Array
    orientation: Array | None
    valid: NDArray[np.bool_]
    mode: str | None = None
    frame: Frame = "body"
    repairs: tuple[Repair, ...] = ()
    axes: Array | None = None

    def __post_init__(self) -> None:
        if not (np.isfinite(self.rate_hz) and self.rate_hz > 0):
            raise DatasetError(f"sample rate {self.rate_hz} Hz is not a positive number", where=self.name)
        require_rate(self.rate_hz, self.name)
        rows = len(self.time_s)
        if rows < 2:
            raise DatasetError(f"{rows} row(s) are too few for a recording", where=self.name)
        widths = {"time_s": 0, "accel": 3, "gyro": 3, "mag": 3, "position": 3, "orientation": 4, "axes": 9}
        for field, width in widths.items():
            value = getattr(self, field)
            if value is not None:
                self._freeze(field, np.asarray(value, np.float64), (rows, width) if width else (rows,))
        self._freeze("valid", np.asarray(self.valid, bool), (rows,))
        self._check_values()

    def _freeze(self, field: str, value: NDArray[np.generic], shape: tuple[int, ...]) -> None:
        if value.shape != shape:
            raise DatasetError(f"{field} has shape {value.shape}, expected {shape}", where=self.name)
        # A view, so that the caller's own array stays writeable.
        view = np.ascontiguousarray(value).view()
        view.setflags(write=False)
        object.__setattr__(self, field, view)

    def _check_values(self) -> None:
        everywhere = np.ones(len(self.valid), bool)
        truth = ("position", "orientation")
        for field in ("time_s", "accel", "gyro", "mag", "axes", *truth):
            value = getattr(self, field)
            if value is None:
                continue
            finite = np.isfinite(value) if value.ndim == 1 else np.isfinite(value).all(axis=1)
            self._require(finite, self.valid if field in truth else everywhere, f"{field} is not finite")
        sensors = ("time_s", "accel", "gyro", "mag", "position")
        require_physical({field: getattr(self, field) for field in sensors}, lambda row: f"{self.name}:{row}")
        steps = np.diff(self.time_s)
        self._require(np.r_[True, steps > 0], everywhere, "time_s does not increase")
        measured_hz = len(steps) / (self.time_s[-1] - self.time_s[0])
        if abs(measured_hz / self.rate_hz - 1) > _RATE_TOLERANCE:
            raise DatasetError(f"time_s runs at {measured_hz:.4g} Hz, not at {self.rate_hz:g} Hz", where=self.name)
        if self.orientation is not None:
            length = np.linalg.norm(np.where(self.valid[:, None], self.orientation, 0.5), axis=1)
            unit = np.abs(length - 1) < _QUATERNION_TOLERANCE
            self._require(unit, self.valid, "orientation is not a unit quaternion")

    def _require(self, good: NDArray[np.bool_], rows: NDArray[np.bool_], message: str) -> None:
        bad = np.flatnonzero(~good & rows)
        if bad.size:
            raise DatasetError(f"{message} in {bad.size} row(s), first in row {bad[0]}", where=f"{self.name}:{bad[0]}")

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def duration_s(self) -> float:
        """Length of the recording in s: rows over rate."""
        return len(self) / self.rate_hz

    @property
    def channels(self) -> int:
        """Number of input channels: 6, or 9 with a magnetometer; 9 more with the device's axes."""
        return 6 + (0 if self.mag is None else 3) + (0 if self.axes is None else 9)


class Splits(NamedTuple):
    """The recordings of a dataset, parted by recording and never by window."""

    train: tuple[Recording, ...]
    valid: tuple[Recording, ...]
    test: tuple[Recording, ...]


class Reader(Protocol):
    """Turns a folder of one layout into recordings."""

    def __call__(self, folder: Path, *, modes: Sequence[str] | None = None, seed: int = 0) -> Splits:
        """Read the recordings of every split.

        Args:
            folder: Root of the dataset.
            modes: Carrying modes to keep; None for all.
            seed: For readers that draw a split themselves.

        Raises:
            DatasetError: Something is missing or malformed.
        """
        ...
