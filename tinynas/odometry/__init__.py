"""The task: recordings of inertial sensors with ground truth, windows cut from them, and the errors of predictions."""

from tinynas.odometry.dataset import Dataset, load_dataset
from tinynas.odometry.gait import CARRYING_MODES
from tinynas.odometry.ground_truth import trusted_rows
from tinynas.odometry.metrics import (
    Evaluation,
    RecordingEvaluation,
    VelocityError,
    absolute_trajectory_error,
    baselines,
    evaluate,
    relative_trajectory_error,
    velocity_rmse,
)
from tinynas.odometry.options import DatasetOptions, SyntheticOptions
from tinynas.odometry.oxiod import read_oxiod
from tinynas.odometry.paths import Path2D, trajectory
from tinynas.odometry.recording import Reader, Recording, Splits
from tinynas.odometry.ronin import read_ronin
from tinynas.odometry.synthetic import synthesize
from tinynas.odometry.table import read_table
from tinynas.odometry.windows import CHANNELS, Normalization, Target, Windows, WindowSpec, make_windows

__all__ = [
    "CARRYING_MODES",
    "CHANNELS",
    "Dataset",
    "DatasetOptions",
    "Evaluation",
    "Normalization",
    "Path2D",
    "Reader",
    "Recording",
    "RecordingEvaluation",
    "Splits",
    "SyntheticOptions",
    "Target",
    "VelocityError",
    "WindowSpec",
    "Windows",
    "absolute_trajectory_error",
    "baselines",
    "evaluate",
    "load_dataset",
    "make_windows",
    "read_oxiod",
    "read_ronin",
    "read_table",
    "relative_trajectory_error",
    "synthesize",
    "trajectory",
    "trusted_rows",
    "velocity_rmse",
]
