"""What a check of recordings finds: records that say what is wrong, where, and what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = ["Curve", "Curves", "DataCheck", "Finding", "FindingKind", "RecordingCheck", "Split"]

Split = Literal["train", "valid", "test"]

FindingKind = Literal[
    "accel_unit",
    "duplicate_rows",
    "frozen_sensor",
    "frozen_truth",
    "gap",
    "gravity_sign",
    "gyro_unit",
    "heading_scatter",
    "irregular_time",
    "lost_windows",
    "mag_axes",
    "mag_bias",
    "mag_unit",
    "misaligned",
    "missing_truth",
    "no_magnetometer",
    "rate",
    "repaired",
    "repeated_walk",
    "speed",
    "time_drift",
    "time_offset",
    "truth_jump",
    "truth_rate",
    "turning_truth",
    "z_down",
]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a recording.

    Args:
        kind: What kind of thing, for programs.
        where: Recording, with the first row or the time where there is one.
        message: What was found, with figures.
        advice: What to do about it.
    """

    kind: FindingKind
    where: str
    message: str
    advice: str


Curve = tuple[tuple[float, ...], tuple[float, ...]]
"""What is drawn: x and y."""


@dataclass(frozen=True)
class Curves:
    """Curves of one recording, as it was recorded; None where something is not there.

    Args:
        offset: Lags of the sensors behind the ground truth in ms; the correlation at each.
        heading: Time in s; direction of the horizontal field in the world in degrees, from its mean.
        gravity: Time in s; specific force along the world's vertical in m/s2, 9.8 where all is right.
    """

    offset: Curve | None = None
    heading: Curve | None = None
    gravity: Curve | None = None


@dataclass(frozen=True)
class RecordingCheck:
    """What was measured on one recording, and what is wrong with it.

    Args:
        name: Name of the recording.
        split: Its split.
        rate_hz: Sample rate by the time column, in Hz.
        duration_s: Length in s.
        length_m: Length of the true path in m.
        speed_m_s: Median true speed in m/s while moving; None where there is no ground truth.
        lag_ms: How much later the sensors show a motion than the ground truth does, in ms; None where unknown.
        lag_drift_ms: How much that changes over the recording, in ms; None where unknown.
        misalignment_deg: Angle between the vertical by the ground truth's orientation and that by the accelerometer, in
            degrees; None without orientation.
        rotation_deg: Angle of the whole constant rotation between the two bodies, in degrees; None where unknown.
        unobservable_axis: (3,) axis in the sensor's frame about which the device hardly turned, so that nothing tells
            the rotation about it; None where everything is known.
        mag_bias_ut: Length of the magnetometer's hard-iron bias, in uT; None without magnetometer.
        heading_consistency: How steady the direction of the horizontal field is in the world, as recorded: length of
            the mean unit vector, 0 to 1. None without magnetometer.
        heading_consistency_calibrated: The same without the hard-iron bias.
        lost_windows: Share of the windows that touch untrusted ground truth, 0 to 1.
        problems: What is wrong.
        curves: What a picture shows.
    """

    name: str
    split: Split
    rate_hz: float
    duration_s: float
    length_m: float
    speed_m_s: float | None
    lag_ms: float | None
    lag_drift_ms: float | None
    misalignment_deg: float | None
    rotation_deg: float | None
    unobservable_axis: tuple[float, float, float] | None
    mag_bias_ut: float | None
    heading_consistency: float | None
    heading_consistency_calibrated: float | None
    lost_windows: float
    problems: tuple[Finding, ...] = field(default=())
    curves: Curves = field(default=Curves())

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data."""
        return asdict(self)


@dataclass(frozen=True)
class DataCheck:
    """The checks of every recording of a dataset.

    Args:
        source: The dataset's specification.
        recordings: One check a recording, in the order train, valid, test.
    """

    source: str
    recordings: tuple[RecordingCheck, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        """All findings."""
        return tuple(finding for recording in self.recordings for finding in recording.problems)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data."""
        return {"source": self.source, "recordings": [recording.to_dict() for recording in self.recordings]}

    def summary(self) -> str:
        """One line: how many recordings have which problems."""
        count = len(self.recordings)
        kinds: dict[str, set[str]] = {}
        for recording in self.recordings:
            for finding in recording.problems:
                kinds.setdefault(finding.kind, set()).add(recording.name)
        if not kinds:
            return f"{count} recordings, nothing wrong found"
        parts = [f"{kind} in {len(names)}" for kind, names in sorted(kinds.items(), key=lambda item: -len(item[1]))]
        return f"{count} recordings; {', '.join(parts)}"
