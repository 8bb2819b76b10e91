"""Training: one raw `tf.function` step on the pyramid form, Adam, early stopping, best weights kept.

No Keras: its `fit` spends a third of the time of small networks outside the arithmetic, and turns on XLA, whose
compilation takes longer than a candidate's training. Only the positions that the output depends on are computed, which
makes a step 4 to 8 times faster than on the dilated form (benchmarks/training.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tinynas.errors import TrainingDiverged
from tinynas.tcn.architecture import Architecture
from tinynas.tcn.network import BATCH_NORM_EPSILON, forward, initial_weights
from tinynas.tcn.plan import plan

__all__ = ["Fit", "TrainingConfig", "TrainingData", "predict", "train"]

Array = npt.NDArray[np.float32]

_EVALUATION_BATCH = 1024
_BATCH_NORM_MOMENTUM = 0.95
_GRADIENT_NORM_LIMIT = 5.0
_WARM_UP_STEPS = 20
_BETA1, _BETA2 = 0.9, 0.999  # Adam's


@dataclass(frozen=True)
class TrainingConfig:
    """How long and how fast to train.

    Attributes:
        epochs: Passes over the training windows, at most.
        batch_size: Windows a step.
        learning_rate: Adam's peak rate, reached after a short warm-up and followed by half a cosine down to zero.
        patience: Epochs without a better validation error after which training stops.
    """

    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 6e-3
    patience: int = 8


class TrainingData:
    """Windows of the training and the validation split as tensors, made once for all candidates.

    Args:
        train: Normalised windows (n, window, channels) and targets (n, outputs).
        valid: The same of the validation split.
    """

    def __init__(self, train: tuple[Array, Array], valid: tuple[Array, Array]) -> None:
        import tensorflow as tf

        inputs, targets = train
        self.offset = targets.mean(axis=0).astype(np.float32)
        # One scale for all outputs: the loss then ranks errors as the joint RMSE does.
        self.scale = np.float32(max(float((targets - self.offset).std()), 1e-6))
        with tf.device("CPU:0"):
            self.inputs = tf.constant(inputs, tf.float32)
            self.targets = tf.constant((targets - self.offset) / self.scale, tf.float32)
        self.valid_inputs, self.valid_targets = valid
        self.windows = len(inputs)


@dataclass(frozen=True)
class Fit:
    """A trained network.

    Attributes:
        weights: By name (`tcn.network`), in the units of the targets; batch norm not folded.
        valid_rmse: Joint RMSE on the validation windows, in the targets' unit: root of the mean squared error vector.
        history: valid_rmse after every epoch.
        best_epoch: Index into it.
    """

    weights: dict[str, Array]
    valid_rmse: float
    history: tuple[float, ...]
    best_epoch: int


def train(
    architecture: Architecture,
    data: TrainingData,
    config: TrainingConfig,
    *,
    rng: np.random.Generator,
    on_epoch: Callable[[int, float], None] | None = None,
) -> Fit:
    """Train one network from scratch.

    Args:
        architecture: The network; its window and channels are the data's.
        data: Training and validation windows.
        config: Length and speed.
        rng: Source of the initial weights, the order of the windows and the dropout masks.
        on_epoch: Called with the epoch and its validation RMSE.

    Returns:
        The weights of the best epoch.

    Raises:
        TrainingDiverged: The loss or the validation error became infinite or NaN in the first epoch.
    """
    network = _Network(architecture, initial_weights(architecture, rng), int(rng.integers(2**31)))
    steps = max(1, data.windows // config.batch_size)
    schedule = _Schedule(config.learning_rate, steps * config.epochs)
    best: tuple[float, int, dict[str, Array]] | None = None
    history: list[float] = []
    for epoch in range(config.epochs):
        order = rng.permutation(data.windows).astype(np.int32)
        for step in range(steps):
            batch = order[step * config.batch_size : (step + 1) * config.batch_size]
            network.step(data, batch, schedule.rate(epoch * steps + step))
        rmse = network.rmse(data)
        history.append(rmse)
        if on_epoch is not None:
            on_epoch(epoch, rmse)
        if math.isfinite(rmse) and (best is None or rmse < best[0]):
            best = (rmse, epoch, network.values())
        elif best is None or epoch - best[1] >= config.patience:
            break
    if best is None:
        raise TrainingDiverged("the loss diverged in the first epoch", where=architecture.key)
    return Fit(_in_units(best[2], data), best[0], tuple(history), best[1])


def predict(architecture: Architecture, weights: dict[str, Array], inputs: Array) -> Array:
    """Run a trained network on windows.

    Args:
        architecture: The network.
        weights: Its weights, batch norm folded (`fold`).
        inputs: Normalised windows (n, window, channels).

    Returns:
        (n, outputs).
    """
    import tensorflow as tf

    pyramid = plan(architecture)
    parts = range(0, len(inputs), _EVALUATION_BATCH)
    outputs = [forward(pyramid, weights, tf.constant(inputs[i : i + _EVALUATION_BATCH])).numpy() for i in parts]
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


class _Network:
    """Variables of one candidate and the two graphs that touch them."""

    def __init__(self, architecture: Architecture, weights: dict[str, Array], seed: int) -> None:
        import tensorflow as tf

        self.architecture = architecture
        self.pyramid = plan(architecture)
        self.seed = seed
        self.variables = {name: tf.Variable(value) for name, value in weights.items()}
        statistics = ("mean", "variance")
        self.trainable = [v for name, v in self.variables.items() if name.rsplit("/", 1)[1] not in statistics]
        self.moments = [(tf.Variable(tf.zeros_like(v)), tf.Variable(tf.zeros_like(v))) for v in self.trainable]
        self.count = 0
        scalar, shape = tf.TensorSpec([], tf.float32), [None, architecture.window, architecture.channels]
        self._train = tf.function(self._train_step, autograph=False, jit_compile=False).get_concrete_function(
            tf.TensorSpec(shape, tf.float32), tf.TensorSpec([None, architecture.outputs], tf.float32),
            scalar, scalar, scalar, tf.TensorSpec([2], tf.int32),
        )  # fmt: skip
        self._forward = tf.function(
            lambda x: forward(self.pyramid, self.variables, x, self._inference), autograph=False, jit_compile=False
        ).get_concrete_function(tf.TensorSpec(shape, tf.float32))

    def step(self, data: TrainingData, batch: npt.NDArray[np.int32], rate: float) -> None:
        import tensorflow as tf

        self.count += 1
        scalars = [tf.constant(value, tf.float32) for value in (rate, _BETA1**self.count, _BETA2**self.count)]
        seed = tf.constant([self.seed, self.count], tf.int32)
        self._train(tf.gather(data.inputs, batch), tf.gather(data.targets, batch), *scalars, seed)

    def rmse(self, data: TrainingData) -> float:
        """Joint RMSE on the validation windows, in the targets' unit."""
        import tensorflow as tf

        total = 0.0
        for i in range(0, len(data.valid_inputs), _EVALUATION_BATCH):
            part = slice(i, i + _EVALUATION_BATCH)
            outputs = self._forward(tf.constant(data.valid_inputs[part])).numpy() * data.scale + data.offset
            total += float(np.sum((outputs - data.valid_targets[part]).astype(np.float64) ** 2))
        return math.sqrt(total / len(data.valid_inputs))

    def values(self) -> dict[str, Array]:
        return {name: variable.numpy() for name, variable in self.variables.items()}

    def _train_step(self, x: Any, y: Any, rate: Any, beta1_power: Any, beta2_power: Any, seed: Any) -> None:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            predicted = forward(self.pyramid, self.variables, x, lambda z, name: self._training(z, name, seed))
            loss = tf.reduce_mean(tf.square(predicted - y))
        gradients = tape.gradient(loss, self.trainable)
        gradients, _ = tf.clip_by_global_norm(gradients, _GRADIENT_NORM_LIMIT)
        for variable, gradient, (m, v) in zip(self.trainable, gradients, self.moments, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle, m=m.handle, v=v.handle, beta1_power=beta1_power, beta2_power=beta2_power,
                lr=rate, beta1=_BETA1, beta2=_BETA2, epsilon=1e-7, grad=gradient,
            )  # fmt: skip

    def _training(self, z: Any, name: str, seed: Any) -> Any:
        """Batch norm by the batch's statistics (over the positions in use), ReLU, dropout of whole channels."""
        import tensorflow as tf

        a = self.architecture
        if a.norm == "batch":
            # A plain mean over the first steps: with a fixed momentum the initial (0, 1) would linger for 50 of them.
            momentum = tf.minimum(_BATCH_NORM_MOMENTUM, 1.0 - 1.0 / tf.cast(seed[1], tf.float32))
            gamma, beta = self.variables[f"{name}/gamma"], self.variables[f"{name}/beta"]
            z, mean, variance = tf.compat.v1.nn.fused_batch_norm(z, gamma, beta, epsilon=BATCH_NORM_EPSILON)
            for field, value in (("mean", mean), ("variance", variance)):
                moving = self.variables[f"{name}/{field}"]
                moving.assign(momentum * moving + (1.0 - momentum) * value)
        z = tf.nn.relu(z)
        if a.dropout > 0.0:
            shape = tf.stack([tf.shape(z)[0], 1, 1, a.filters])
            salt = tf.constant([0, _salt(name)], tf.int32)
            keep = tf.random.stateless_uniform(shape, seed + salt) >= a.dropout
            z = z * tf.cast(keep, tf.float32) / (1.0 - a.dropout)
        return z

    def _inference(self, z: Any, name: str) -> Any:
        import tensorflow as tf

        if self.architecture.norm == "batch":
            fields = ("gamma", "beta", "mean", "variance")
            gamma, beta, mean, variance = (self.variables[f"{name}/{field}"] for field in fields)
            z = (z - mean) * (gamma * tf.math.rsqrt(variance + BATCH_NORM_EPSILON)) + beta
        return tf.nn.relu(z)


def _salt(name: str) -> int:
    """A number for a layer's name that is the same in every process (Python's own hash of text is not)."""
    from zlib import crc32

    return crc32(name.encode()) & 0x3FFFFFFF
