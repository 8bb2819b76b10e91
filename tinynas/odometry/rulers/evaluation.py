"""Predictions held against the truth, recording by recording, with those who look at no network beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import DatasetError
from tinynas.odometry.recording import Recording
from tinynas.odometry.rulers.metrics import (
    SpeedAndDirection,
    VelocityError,
    absolute_trajectory_error,
    relative_trajectory_error,
    split_error,
    velocity_rmse,
)
from tinynas.odometry.rulers.paths import Path2D, trajectory
from tinynas.odometry.windows import Windows, WindowSpec

__all__ = ["Evaluation", "PathError", "RecordingEvaluation", "evaluate"]

Predictions = NDArray[np.floating]


@dataclass(frozen=True)
class PathError:
    """What a predictor makes of one recording, or of all.

    Args:
        velocity_rmse: Joint velocity RMSE over the windows in m/s.
        ate_m: Absolute trajectory error in m; over several recordings the mean. None where a path means nothing.
        rte_m: Relative trajectory error over 60 s in m, alike.
        drift_percent: Distance between the ends of the predicted and the true path, in percent of the way; None too
            where the truth does not move.
    """

    velocity_rmse: float
    ate_m: float | None
    rte_m: float | None
    drift_percent: float | None


@dataclass(frozen=True, eq=False)
class RecordingEvaluation:
    """The errors on one recording.

    Args:
        name: Name of the recording.
        velocity: Velocity error over its windows.
        errors: The same as one number, with those of the path.
        parts: The velocity error as speed and direction; None where the truth stands still.
        length_m: Length of the true path in m, over the span of the windows.
        path: The true and the predicted path.
        baselines: What the baselines make of it, by name.
        baseline_paths: The paths that the baselines predict, by name.
    """

    name: str
    velocity: VelocityError
    errors: PathError
    parts: SpeedAndDirection | None
    length_m: float
    path: Path2D
    baselines: Mapping[str, PathError] = field(default_factory=dict)
    baseline_paths: Mapping[str, Path2D] = field(default_factory=dict)

    @property
    def ate_m(self) -> float | None:
        """Absolute trajectory error in m."""
        return self.errors.ate_m

    @property
    def rte_m(self) -> float | None:
        """Relative trajectory error over 60 s in m."""
        return self.errors.rte_m


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The errors over all windows, and recording by recording (those without a window are left out).

    Args:
        velocity: Velocity error over all windows.
        errors: The same as one number, and the means of the recordings' path errors.
        parts: The velocity error as speed and direction; None where the truth stands still.
        recordings: Recording by recording.
        baselines: What the baselines make of all, by name.
    """

    velocity: VelocityError
    errors: PathError
    parts: SpeedAndDirection | None
    recordings: tuple[RecordingEvaluation, ...]
    baselines: Mapping[str, PathError] = field(default_factory=dict)


def evaluate(
    predicted: Predictions,
    windows: Windows,
    recordings: Sequence[Recording],
    baselines: Mapping[str, Predictions] | None = None,
) -> Evaluation:
    """Compare the predictions for windows with the ground truth of the recordings they were cut from.

    Args:
        predicted: (n, 2) predicted targets, in the order of `windows`.
        windows: Windows with their targets.
        recordings: The recordings `windows` was made of, in the same order.
        baselines: Predictions of others by name (`Baselines.predict`).

    Raises:
        DatasetError: The three do not belong together.
    """
    names = tuple(recording.name for recording in recordings)
    if names != windows.names:
        raise DatasetError("the windows were cut from other recordings", where="metrics")
    others = baselines or {}
    parts = []
    for index, recording in enumerate(recordings):
        mine = windows.recording == index
        if not mine.any():
            continue
        path, errors = _follow(predicted, windows, recording, mine)
        true = windows.targets[mine]
        followed = {name: _follow(other, windows, recording, mine) for name, other in others.items()}
        parts.append(
            RecordingEvaluation(
                name=recording.name,
                velocity=velocity_rmse(predicted[mine], true, target=windows.spec.target),
                errors=errors,
                parts=split_error(predicted[mine], true, target=windows.spec.target),
                length_m=_length(path),
                path=path,
                baselines={name: error for name, (_, error) in followed.items()},
                baseline_paths={name: other for name, (other, _) in followed.items()},
            )
        )
    return Evaluation(
        velocity=velocity_rmse(predicted, windows.targets, target=windows.spec.target),
        errors=_total(predicted, windows, [part.errors for part in parts]),
        parts=split_error(predicted, windows.targets, target=windows.spec.target),
        recordings=tuple(parts),
        baselines={
            name: _total(other, windows, [part.baselines[name] for part in parts]) for name, other in others.items()
        },
    )


def _follow(
    predicted: Predictions, windows: Windows, recording: Recording, mine: NDArray[np.bool_]
) -> tuple[Path2D, PathError]:
    spec = windows.spec
    path = trajectory(predicted[mine], windows.start[mine], spec, recording)
    rmse = velocity_rmse(predicted[mine], windows.targets[mine], target=spec.target).joint
    if not _is_path(spec):
        return path, PathError(rmse, None, None, None)
    length = _length(path)
    end = float(np.linalg.norm(path.predicted[-1] - path.true[-1]))
    return path, PathError(
        velocity_rmse=rmse,
        ate_m=absolute_trajectory_error(path.predicted, path.true),
        rte_m=relative_trajectory_error(path.time_s, path.predicted, path.true),
        drift_percent=100 * end / length if length > 0 else None,
    )


def _is_path(spec: WindowSpec) -> bool:
    """Whether windows add up to a path: speeds and changes of heading do not where turns lie between the windows."""
    return spec.target == "velocity" or 2 * spec.stride <= spec.span


def _length(path: Path2D) -> float:
    return float(np.linalg.norm(np.diff(path.true, axis=0), axis=1).sum())


def _total(predicted: Predictions, windows: Windows, parts: Sequence[PathError]) -> PathError:
    def mean(values: Sequence[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return float(np.mean(known)) if known else None

    return PathError(
        velocity_rmse=velocity_rmse(predicted, windows.targets, target=windows.spec.target).joint,
        ate_m=mean([part.ate_m for part in parts]),
        rte_m=mean([part.rte_m for part in parts]),
        drift_percent=mean([part.drift_percent for part in parts]),
    )
