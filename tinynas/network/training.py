"""Training: one raw `tf.function` step on the pyramid form, Adam, and the best weights of the last epochs.

No Keras: its `fit` spends a third of the time of small networks outside the arithmetic, and turns on XLA, whose
compilation takes longer than a candidate's training. Only the positions that the output depends on are computed, which
makes a step 4 to 8 times faster than on the dilated form (benchmarks/training.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field

from tinynas.checked import Count, Positive, options
from tinynas.errors import TrainingDiverged
from tinynas.network.architecture import Architecture
from tinynas.network.checkpoint import Checkpoint
from tinynas.network.forward import forward
from tinynas.network.inheritance import Donor, inherit
from tinynas.network.needed import plan
from tinynas.network.trainable import EVALUATION_BATCH, Trainable
from tinynas.network.training_data import TrainingData
from tinynas.network.weights import initial_weights

__all__ = ["Fit", "TrainingOptions", "predict", "train"]

Array = npt.NDArray[np.float32]

_WARM_UP_STEPS = 20
# Weights are noisy while the rate is high, and validation recordings are few: only from here on the best is looked for.
_SETTLED = 2 / 3


Threads = Annotated[int, Field(strict=True, ge=1, le=256)]


@options("training")
class TrainingOptions:
    """How long and how fast to train.

    Attributes:
        epochs: Passes over the training windows, at most.
        batch_size: Windows a step.
        learning_rate: Adam's peak rate, reached after a short warm-up and followed by half a cosine down to zero.
        patience: Epochs without a better validation error after which training stops; None: it goes on to the end.
        threads: Threads of TensorFlow. Their number decides the order of sums, hence the last digits of a result.
    """

    epochs: Count = 20
    batch_size: Count = 128
    learning_rate: Positive = 1.2e-2
    patience: Count | None = None
    threads: Threads = 1


@dataclass(frozen=True)
class Fit:
    """A trained network, or one whose training pauses.

    Attributes:
        weights: By name (`network.weights`), in the units of the targets; batch norm not folded.
        valid_rmse: Joint RMSE on the validation windows, in the targets' unit: root of the mean squared error vector.
        history: valid_rmse after every epoch.
        best_epoch: Index into it.
        checkpoint: What the training goes on from; None where it has ended.
    """

    weights: dict[str, Array]
    valid_rmse: float
    history: tuple[float, ...]
    best_epoch: int
    checkpoint: Checkpoint | None = None


def train(
    architecture: Architecture,
    data: TrainingData,
    config: TrainingOptions,
    *,
    rng: np.random.Generator,
    on_epoch: Callable[[int, float], None] | None = None,
    until: int | None = None,
    checkpoint: Checkpoint | None = None,
    donor: Donor | None = None,
    built: Trainable | None = None,
) -> Fit:
    """Train one network from scratch or from the weights of another one, or go on with a training that pauses.

    A training in several pieces gives the weights of one in a single piece, bit by bit.

    Args:
        architecture: The network; its window and channels are the data's.
        data: Training and validation windows.
        config: Length and speed.
        rng: Source of the initial weights, the order of the windows and the dropout masks. A checkpoint sets its state.
        on_epoch: Called with the epoch and its validation RMSE.
        until: Pause after so many epochs, earlier pieces included; None: go on to the end.
        checkpoint: Of an earlier piece, with the same architecture, data and configuration.
        donor: Whose weights a training begins with, as far as they fit; None: it begins from scratch.
        built: The same network, of a training that is given up: a new one need not build its graphs again.

    Returns:
        The weights of the best epoch of the last third; of all epochs, where training stops before; of the last epoch,
        where nothing was held out to choose by.

    Raises:
        TrainingDiverged: The loss or the validation error became infinite or NaN in the first epoch.
    """
    if checkpoint is None:
        run = _Run.begin(architecture, rng, donor, built)
    else:
        run = _Run.resume(architecture, rng, checkpoint)
    steps = max(1, data.windows // config.batch_size)
    schedule = _Schedule(config.learning_rate, steps * config.epochs)
    for epoch in range(len(run.history), config.epochs):
        order = rng.permutation(data.total)[: data.windows].astype(np.int32)
        for step in range(steps):
            batch = order[step * config.batch_size : (step + 1) * config.batch_size]
            x, y = data.inputs[batch], data.targets[batch]
            if data.augmenter is not None:
                x, y = data.augmenter.vary(rng, x, y)
            run.network.step(x, y, schedule.rate(epoch * steps + step))
        rmse = run.network.rmse(data)
        if on_epoch is not None:
            on_epoch(epoch, rmse)
        if not run.note(rmse, settled=epoch + 1 >= _SETTLED * config.epochs, held_out=data.held_out):
            break
        if config.patience is not None and epoch - run.least[1] >= config.patience:
            break
        if epoch + 1 == until and until < config.epochs:
            return run.fit(architecture, data, run.checkpoint(architecture, rng))
    return run.fit(architecture, data)


class _Best(NamedTuple):
    rmse: float
    epoch: int
    settled: bool
    weights: dict[str, Array]


@dataclass
class _Run:
    """A training under way.

    Attributes:
        network: What is trained.
        best: What is kept.
        least: Least validation RMSE and its epoch, which patience waits for.
        history: Validation RMSE of every epoch.
    """

    network: Trainable
    best: _Best | None = None
    least: tuple[float, int] = (math.inf, 0)
    history: list[float] = field(default_factory=list)

    @classmethod
    def begin(
        cls, architecture: Architecture, rng: np.random.Generator, donor: Donor | None, built: Trainable | None
    ) -> _Run:
        weights, seed = initial_weights(architecture, rng), int(rng.integers(2**31))
        if donor is not None:
            weights = inherit(architecture, weights, donor)
        if built is None:
            return cls(Trainable(architecture, weights, seed))
        built.restart(weights, seed)
        return cls(built)

    @classmethod
    def resume(cls, architecture: Architecture, rng: np.random.Generator, checkpoint: Checkpoint) -> _Run:
        facts = checkpoint.facts
        weights = {name[2:]: value for name, value in checkpoint.state.items() if name.startswith("v/")}
        network = checkpoint.network or Trainable(architecture, weights, facts["seed"])
        network.restore(checkpoint.state, facts["count"])
        rng.bit_generator.state = facts["random"]
        rmse, number, settled = facts["best"]
        best = _Best(rmse, number, settled, dict(checkpoint.best))
        return cls(network, best, (facts["least"][0], facts["least"][1]), list(facts["history"]))

    def note(self, rmse: float, *, settled: bool, held_out: bool) -> bool:
        """Take down the result of an epoch. Returns whether it is a number."""
        epoch = len(self.history)
        self.history.append(rmse)
        if not math.isfinite(rmse):
            return False
        if self.best is None or rmse < self.best.rmse or (settled and not self.best.settled) or not held_out:
            self.best = _Best(rmse, epoch, settled, self.network.values())
        self.least = min(self.least, (rmse, epoch))
        return True

    def checkpoint(self, architecture: Architecture, rng: np.random.Generator) -> Checkpoint:
        assert self.best is not None  # a training pauses after an epoch that has an error
        facts = {
            "architecture": architecture.to_dict(),
            "seed": self.network.seed,
            "count": self.network.count,
            "history": self.history,
            "best": self.best[:3],
            "least": self.least,
            "random": rng.bit_generator.state,
        }
        return Checkpoint(self.network.state(), self.best.weights, facts, self.network)

    def fit(self, architecture: Architecture, data: TrainingData, checkpoint: Checkpoint | None = None) -> Fit:
        best = self.best
        if best is None:
            raise TrainingDiverged("the loss diverged in the first epoch", where=architecture.key)
        return Fit(_in_units(best.weights, data), best.rmse, tuple(self.history), best.epoch, checkpoint)


def predict(architecture: Architecture, weights: dict[str, Array], inputs: Array) -> Array:
    """Run a trained network on windows.

    Args:
        architecture: The network.
        weights: Its weights, batch norm folded (`weights.fold`).
        inputs: Normalised windows (n, window, channels).

    Returns:
        (n, outputs).
    """
    import tensorflow as tf

    needed = plan(architecture)
    parts = range(0, len(inputs), EVALUATION_BATCH)
    outputs = [forward(needed, weights, tf.constant(inputs[i : i + EVALUATION_BATCH])).numpy() for i in parts]
    return np.concatenate(outputs) if outputs else np.zeros((0, architecture.outputs), np.float32)


def _in_units(weights: dict[str, Array], data: TrainingData) -> dict[str, Array]:
    """Undo the standardisation of the targets in the linear layer."""
    return {
        **weights,
        "head/kernel": weights["head/kernel"] * data.scale,
        "head/bias": weights["head/bias"] * data.scale + data.offset,
    }


@dataclass(frozen=True)
class _Schedule:
    peak: float
    steps: int

    def rate(self, step: int) -> float:
        warm_up = min(_WARM_UP_STEPS, self.steps)
        return self.peak * min(1.0, (step + 1) / warm_up) * 0.5 * (1.0 + math.cos(math.pi * step / self.steps))
