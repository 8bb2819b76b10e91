"""Trajectories as files in the TUM format, which the field's tools read: one `time x y z qx qy qz qw` a line."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinynas.odometry.rulers.evaluation import Evaluation

__all__ = ["write_tum"]


def write_tum(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Write the true and the predicted path of every recording.

    Paths lie in the plane: z is 0, and the orientation is not told (0 0 0 1).

    Args:
        evaluation: What `evaluate` returned.
        folder: Where to; made if it is not there.

    Returns:
        The files, `NAME.true.tum` and `NAME.predicted.tum`; what a file's name cannot hold becomes `_`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for recording in evaluation.recordings:
        stem = re.sub(r"[^\w.-]+", "_", recording.name).lstrip(".-") or "recording"
        for kind, points in (("true", recording.path.true), ("predicted", recording.path.predicted)):
            path = folder / f"{stem}.{kind}.tum"
            path.write_text(_lines(recording.path.time_s, points))
            files.append(path)
    return files


def _lines(time_s: NDArray[np.float64], points: NDArray[np.float64]) -> str:
    rows = (f"{t:.6f} {x:.6f} {y:.6f} 0 0 0 0 1" for t, (x, y) in zip(time_s, points, strict=True))
    return "\n".join(rows) + "\n"
