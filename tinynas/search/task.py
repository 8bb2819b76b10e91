"""The learning task of a search: the windows of the three splits, normalised, and the errors of trivial predictors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tinynas.config import Config
from tinynas.errors import DatasetError
from tinynas.odometry import (
    Dataset,
    DatasetOptions,
    Evaluation,
    Normalization,
    Recording,
    Windows,
    WindowSpec,
    baselines,
    evaluate,
    load_dataset,
    make_windows,
    velocity_rmse,
)
from tinynas.odometry.metrics import VelocityError

if TYPE_CHECKING:
    from tinynas.tcn.training import TrainingData

__all__ = ["Task", "load_task"]

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Task:
    """Everything about the data that the trials share.

    Attributes:
        dataset: The recordings.
        train, valid, test: Their windows, in SI units.
        normalization: Of the inputs, fitted on the training windows.
    """

    dataset: Dataset
    train: Windows
    valid: Windows
    test: Windows
    normalization: Normalization

    @property
    def channels(self) -> int:
        """Input channels."""
        return int(self.train.inputs.shape[2])

    @property
    def outputs(self) -> int:
        """Regressed values."""
        return int(self.train.targets.shape[1])

    @property
    def shape(self) -> dict[str, int]:
        """What the data decide of every network, as arguments of the search space's methods."""
        return {"window": self.train.spec.window, "channels": self.channels, "outputs": self.outputs}

    def inputs(self, windows: Windows) -> Array:
        """Normalised inputs (n, window, channels)."""
        return self.normalization.apply(windows.inputs)

    def training_data(self) -> TrainingData:
        """Tensors for the training of candidates; made once a search."""
        from tinynas.tcn.training import TrainingData

        return TrainingData(
            (self.inputs(self.train), self.train.targets), (self.inputs(self.valid), self.valid.targets)
        )

    def representative(self, count: int, rng: np.random.Generator) -> Array:
        """Normalised training windows for the calibration of a conversion: up to `count`, drawn without replacement."""
        chosen = rng.choice(len(self.train), min(count, len(self.train)), replace=False)
        return self.normalization.apply(self.train.inputs[np.sort(chosen)])

    def error(self, predicted: npt.NDArray[np.floating], windows: Windows) -> VelocityError:
        """Velocity RMSE of predictions, in m/s."""
        return velocity_rmse(predicted, windows.targets, target=windows.spec.target)

    def evaluation(self, predicted: npt.NDArray[np.floating]) -> Evaluation:
        """Errors and trajectories of predictions on the test windows."""
        return evaluate(predicted, self.test, self.dataset.test)

    def baselines(self) -> dict[str, dict[str, float]]:
        """Joint velocity RMSE in m/s of predicting zero and of predicting the training mean, on validation and test."""
        splits = {"validation": self.valid, "test": self.test}
        errors = {split: baselines(self.train.targets, windows) for split, windows in splits.items()}
        return {name: {split: errors[split][name].joint for split in splits} for name in ("zero", "mean")}


def load_task(config: Config) -> Task:
    """Load the dataset of a configuration and cut it.

    Raises:
        DatasetError: The dataset is missing, malformed, or too short for the window. `where` is the key
            (`dataset.window`) where the configuration is at fault, else the file or the recording.
    """
    options = config.dataset
    dataset = load_dataset(options.source, seed=config.seed, modes=options.modes, synthetic=options.synthetic)
    train = _cut(dataset.train, "training", options, options.stride)
    valid = _cut(dataset.valid, "validation", options, options.evaluation_stride)
    test = _cut(dataset.test, "test", options, options.evaluation_stride)
    return Task(dataset, train, valid, test, Normalization.fit(train))


def _cut(recordings: Sequence[Recording], split: str, options: DatasetOptions, stride: int) -> Windows:
    try:
        spec = WindowSpec(options.window, stride, options.target, options.use_mag)
        return make_windows(recordings, spec)
    except DatasetError as error:
        # What cuts windows names the field it was given; a user knows it as a key.
        message = f"in the {split} split {error.message}"
        raise DatasetError(message, where=f"dataset.{error.where}", advice=error.advice) from error
