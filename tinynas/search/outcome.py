"""What a trained model makes of recordings: its figures for a study, and its paths."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from tinynas.deploy import Model, infer, snap
from tinynas.odometry import Evaluation, RecordingEvaluation, average_turns
from tinynas.search.task import Array

__all__ = ["figures", "known_figures", "path_errors", "paths", "predict_deployed"]

# Predictors without a network whose paths are kept: that of standing still is a point, that of the mean a line.
_SHOWN = ("compass",)


def predict_deployed(model: Model | bytes, inputs: Array, turns: int) -> Array:
    """Predict as the board does: by the converted model, averaged over turned inputs.

    Args:
        model: The .tflite model.
        inputs: (n, window, channels) normalised windows.
        turns: 1, 2 or 4 directions.

    Returns:
        (n, outputs).
    """
    model = Model.of(model)
    if turns == 1:
        return infer(model, inputs)
    return average_turns(lambda windows: infer(model, windows), snap(model, inputs), turns)


def figures(found: Evaluation, yaw_drifts: Mapping[str, float] | None = None) -> dict[str, Any]:
    """The figures of an evaluation as JSON values, in total and recording by recording.

    Args:
        found: The evaluation.
        yaw_drifts: By recording, how far the yaw of its frame drifts, in degrees.
    """
    return {
        "rmse_x": found.velocity.x,
        "rmse_y": found.velocity.y,
        **_path_figures(found),
        "recordings": [
            {
                "name": one.name,
                "rmse_x": one.velocity.x,
                "rmse_y": one.velocity.y,
                "joint": one.velocity.joint,
                **_path_figures(one),
                "length_m": one.length_m,
                "yaw_drift_deg": (yaw_drifts or {}).get(one.name),
            }
            for one in found.recordings
        ],
    }


def known_figures(found: Any) -> Any:
    """Figures with None for those that are no numbers: one recording may have none, and the others are a result."""
    if isinstance(found, dict):
        return {key: known_figures(value) for key, value in found.items()}
    if isinstance(found, list):
        return [known_figures(value) for value in found]
    return None if isinstance(found, float) and not math.isfinite(found) else found


def path_errors(found: Evaluation) -> dict[str, float | None]:
    """The mean errors of the recordings' paths in m, under the names of a trial's metrics."""
    return {"ate_m": found.errors.ate_m, "rte_m": found.errors.rte_m}


def paths(found: Evaluation) -> bytes:
    """The true and the predicted paths, and a compass's, as JSON bytes: a study's artefact `evaluation`."""
    rows = [
        {
            "name": one.name,
            "time_s": np.round(one.path.time_s, 3).tolist(),
            "true": np.round(one.path.true, 3).tolist(),
            "predicted": np.round(one.path.predicted, 3).tolist(),
            **{
                name: np.round(one.baseline_paths[name].predicted, 3).tolist()
                for name in _SHOWN
                if name in one.baseline_paths and np.isfinite(one.baseline_paths[name].predicted).all()
            },
        }
        for one in found.recordings
        if np.isfinite(one.path.predicted).all()
    ]
    return json.dumps({"recordings": rows}).encode()


def _path_figures(found: Evaluation | RecordingEvaluation) -> dict[str, Any]:
    """Path errors, speed and direction, and what the baselines make of the same."""
    errors = asdict(found.errors)
    del errors["velocity_rmse"]  # there under another name
    parts = asdict(found.parts) if found.parts else {}
    return {**errors, **parts, "rulers": {name: asdict(error) for name, error in found.baselines.items()}}
