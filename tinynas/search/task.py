"""The learning task of a search: the windows of the three splits, normalised, and the errors of trivial predictors.

Where a search chooses among frames or windows there is one task for each, made once and shared by all trials.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from tinynas.config import Config
from tinynas.errors import DatasetError, SpaceError
from tinynas.odometry import (
    Augmenter,
    AugmentOptions,
    Baselines,
    Dataset,
    DatasetOptions,
    Evaluation,
    Framed,
    Normalization,
    VelocityError,
    Windows,
    change_speed,
    evaluate,
    fit_baselines,
    load_dataset,
    make_windows,
    preparation,
    quarter_turn,
    velocity_rmse,
)
from tinynas.odometry.check import DataCheck, check_dataset
from tinynas.search.framing import bring_into_frame, cut, simulate

if TYPE_CHECKING:
    from tinynas.network import TrainingData

__all__ = ["Task", "check_task", "load_task", "make_task"]

Array = npt.NDArray[np.float32]
Split = Literal["train", "valid", "test"]


@dataclass(frozen=True, eq=False)
class Task:
    """Everything about the data that the trials share.

    Attributes:
        dataset: The recordings as they were read.
        framed: The same in the frame that is learned in, by split.
        train, valid, test: Their windows, in SI units.
        normalization: Of the inputs, fitted on the training windows.
        simulated: Windows of simulated walkers, which training sees besides.
        others: The same data in the other frames and windows that a search chooses among.
    """

    dataset: Dataset
    framed: Mapping[str, tuple[Framed, ...]]
    train: Windows
    valid: Windows
    test: Windows
    normalization: Normalization
    simulated: Windows | None = None
    others: tuple[Task, ...] = ()

    def of(self, params: Mapping[str, Any]) -> Task:
        """The task of a trial.

        Args:
            params: What the tuner suggested.

        Raises:
            SpaceError: A frame or a window among which the search does not choose.
        """
        wanted = (params.get("frame", self.train.frame), params.get("window", self.train.spec.window))
        for task in (self, *self.others):
            if (task.train.frame, task.train.spec.window) == wanted:
                return task
        raise SpaceError(f"no data in the frame {wanted[0]} with windows of {wanted[1]} samples", where="space")

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

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a user should know before networks are trained."""
        for task in self.others:
            if task.remarks:
                return task.remarks
        if self.train.frame == "body" and self.train.spec.target == "velocity" and self.channels == 6:
            return (
                "dataset.target is velocity, in the body frame and without a magnetometer: nothing in the inputs tells "
                "how the world's axes lie, so a network can learn little more than the mean; set dataset.frame to "
                "level, or dataset.target to speed_heading",
            )
        return ()

    def inputs(self, windows: Windows) -> Array:
        """Normalised inputs (n, window, channels)."""
        return self.normalization.apply(windows.inputs)

    def training_data(self, augment: AugmentOptions | None = None, *, refit: bool = False) -> TrainingData:
        """Tensors for the training of candidates; made once a search.

        Args:
            augment: How the windows are varied; None: not at all.
            refit: Learn the validation recordings, too. An epoch has as many windows as otherwise, drawn from both.
        """
        from tinynas.network import TrainingData

        chosen = augment or AugmentOptions(yaw=False)
        chosen.check(self.train)
        further = [one.recording for one in self.framed["valid"]] if refit else []
        recordings = [one.recording for one in self.framed["train"]] + further
        played = [self.train] + ([make_windows(further, self.train.spec)] if refit else [])
        played += [make_windows(part, self.train.spec) for part in change_speed(recordings, chosen.time_scale)]
        played += [] if self.simulated is None else [self.simulated]
        return TrainingData(
            (np.concatenate([self.inputs(part) for part in played]), np.concatenate([part.targets for part in played])),
            (self.inputs(self.valid), self.valid.targets),
            centred=self.train.target_turns,
            augmenter=Augmenter(chosen, self.normalization, self.train.turns, self.train.target_turns),
            epoch_windows=len(self.train) + (0 if self.simulated is None else len(self.simulated)),
            held_out=not refit,
        )

    def representative(self, count: int, rng: np.random.Generator) -> Array:
        """Normalised training windows for the calibration of a conversion: up to `count`, drawn without replacement.

        In a level or north frame a quarter of them is drawn, and given in all four quarter turns: the ranges then
        prefer no direction.
        """
        turned = self.train.turns and count >= 4
        chosen = rng.choice(len(self.train), min(count // 4 if turned else count, len(self.train)), replace=False)
        drawn = self.normalization.apply(self.train.inputs[np.sort(chosen)])
        return np.concatenate([quarter_turn(drawn, turns) for turns in range(4)]) if turned else drawn

    def error(self, predicted: npt.NDArray[np.floating], windows: Windows) -> VelocityError:
        """Velocity RMSE of predictions, in m/s."""
        return velocity_rmse(predicted, windows.targets, target=windows.spec.target)

    def evaluation(self, predicted: npt.NDArray[np.floating], split: Split = "test") -> Evaluation:
        """Errors and trajectories of predictions on the windows of a split, with the baselines beside them."""
        windows, framed = self.windows(split), self.framed[split]
        recordings = [one.recording for one in framed]
        return evaluate(predicted, windows, recordings, self.fitted.predict(windows, framed))

    def yaw_drifts(self, split: Split) -> dict[str, float]:
        """How far the yaw of each recording's frame drifts against the truth's, in degrees; level frame alone."""
        if self.train.frame != "level":
            return {}
        return {one.recording.name: one.yaw_drift_deg for one in self.framed[split] if one.yaw_drift_deg is not None}

    def windows(self, split: Split) -> Windows:
        """Windows of a split."""
        return {"train": self.train, "valid": self.valid, "test": self.test}[split]

    @cached_property
    def fitted(self) -> Baselines:
        """The predictors without a network, fitted on the training windows."""
        return fit_baselines(self.train, self.framed["train"])

    def describe(self) -> dict[str, Any]:
        """How networks see the data, as JSON values: what their inputs need, and the predictors beside them."""
        return {
            "frame": self.train.frame,
            "window": self.train.spec.window,
            "normalization": {
                "mean": self.normalization.mean.tolist(),
                "std": self.normalization.std.tolist(),
                "channels": list(self.train.channels),
            },
            "predictors": self.fitted.to_dict(),
        }

    def baselines(self) -> dict[str, dict[str, float]]:
        """Joint velocity RMSE in m/s of standing still, the training mean and the compass, on validation and test."""
        found: dict[str, dict[str, float]] = {}
        for name, split, windows in (("validation", "valid", self.valid), ("test", "test", self.test)):
            for predictor, predicted in self.fitted.predict(windows, self.framed[split]).items():
                found.setdefault(predictor, {})[name] = self.error(predicted, windows).joint
        return found


def load_task(config: Config) -> Task:
    """Load the dataset of a configuration and cut it.

    Raises:
        DatasetError: The dataset is missing, malformed, or too short for the window. `where` is the key
            (`dataset.window`) where the configuration is at fault, else the file or the recording.
    """
    options = config.dataset
    dataset = load_dataset(
        options.source,
        seed=config.seed,
        modes=options.modes,
        synthetic=options.synthetic,
        use_mag=options.use_mag,
        each=preparation(options),
    )
    return make_task(dataset, config)


def make_task(dataset: Dataset, config: Config) -> Task:
    """Bring recordings into their frame and cut them.

    Args:
        dataset: The recordings.
        config: What is learned of them.

    Raises:
        DatasetError: As `load_task`.
    """
    variants = config.variants
    reach = max(options.window for options in variants) if config.space.window else None
    framed = {options.frame: bring_into_frame(dataset, options) for options in {o.frame: o for o in variants}.values()}
    tasks = [_make(dataset, framed[options.frame], options, reach, config.seed) for options in variants]
    where = "space.turns" if config.space.turns else "deploy.turns"
    if max(config.space.turns or (config.deploy.turns,)) > 1 and not all(task.train.target_turns for task in tasks):
        message = "averaging over directions needs a level or north frame and the target velocity"
        raise DatasetError(message, where=where, advice=f"set dataset.frame, or {where} to 1")
    return replace(tasks[0], others=tuple(tasks[1:]))


def _make(
    dataset: Dataset, framed: Mapping[str, tuple[Framed, ...]], options: DatasetOptions, reach: int | None, seed: int
) -> Task:
    train = cut(framed["train"], "training", options, options.stride, reach)
    valid = cut(framed["valid"], "validation", options, options.evaluation_stride, reach)
    test = cut(framed["test"], "test", options, options.evaluation_stride, reach)
    simulated = simulate(framed["train"], options, train.spec, seed) if options.simulated else None
    return Task(dataset, framed, train, valid, test, Normalization.fit(train), simulated)


def check_task(task: Task) -> DataCheck:
    """Check the recordings as a search uses them: resampled and aligned as its configuration says."""
    spec = task.train.spec
    # In the level frame a velocity is learned without a magnetometer.
    target = "speed_heading" if task.train.frame == "level" else spec.target
    return check_dataset(task.dataset, window=spec.window, target=target)
