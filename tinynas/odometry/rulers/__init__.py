"""How wrong predictions are: errors of velocities and paths, and the predictors that need no network beside them."""

from tinynas.odometry.rulers.baselines import Baselines, fit_baselines
from tinynas.odometry.rulers.evaluation import Evaluation, PathError, RecordingEvaluation, evaluate
from tinynas.odometry.rulers.metrics import (
    SpeedAndDirection,
    VelocityError,
    absolute_trajectory_error,
    relative_trajectory_error,
    split_error,
    velocity_rmse,
)
from tinynas.odometry.rulers.paths import Path2D, trajectory
from tinynas.odometry.rulers.tum import write_tum

__all__ = [
    "Baselines",
    "Evaluation",
    "Path2D",
    "PathError",
    "RecordingEvaluation",
    "SpeedAndDirection",
    "VelocityError",
    "absolute_trajectory_error",
    "evaluate",
    "fit_baselines",
    "relative_trajectory_error",
    "split_error",
    "trajectory",
    "velocity_rmse",
    "write_tum",
]
