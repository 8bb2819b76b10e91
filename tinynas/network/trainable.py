"""A network as training sees it: variables, Adam's moments, and the two graphs that touch them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tinynas.network.architecture import Architecture
from tinynas.network.forward import forward
from tinynas.network.layers import GROUP, Normalisation
from tinynas.network.needed import plan
from tinynas.network.symmetry import tie
from tinynas.network.training_data import TrainingData
from tinynas.network.training_layers import drop, normalise_batch, share_scales
from tinynas.network.weights import BATCH_NORM_EPSILON, NORM_FIELDS

__all__ = ["EVALUATION_BATCH", "Trainable"]

Array = npt.NDArray[np.float32]

EVALUATION_BATCH = 1024
"""Windows that are predicted at a time."""

_BATCH_NORM_MOMENTUM = 0.95
# Below the usual norm: batches of a hard recording then move the weights no further than others do.
_GRADIENT_NORM_LIMIT = 0.3
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-7  # Adam's


class Trainable:
    """Variables of one network, and the graphs that train and evaluate it.

    Args:
        architecture: The network.
        weights: Initial values by name.
        seed: Of the dropout masks.
    """

    def __init__(self, architecture: Architecture, weights: dict[str, Array], seed: int) -> None:
        import tensorflow as tf

        self.architecture = architecture
        self.needed = plan(architecture)
        self.group = GROUP if architecture.graph.turns else 1
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
        self._forward = tf.function(self._infer, autograph=False, jit_compile=False).get_concrete_function(
            tf.TensorSpec(shape, tf.float32)
        )

    def step(self, inputs: Array, targets: Array, rate: float) -> None:
        """Train on a batch: inputs (n, window, channels), standardised targets (n, outputs), learning rate."""
        import tensorflow as tf

        self.count += 1
        scalars = [tf.constant(value, tf.float32) for value in (rate, _BETA1**self.count, _BETA2**self.count)]
        seed = tf.constant([self.seed, self.count], tf.int32)
        self._train(tf.constant(inputs), tf.constant(targets), *scalars, seed)

    def rmse(self, data: TrainingData) -> float:
        """Joint RMSE on the validation windows, in the targets' unit."""
        import tensorflow as tf

        total = 0.0
        for i in range(0, len(data.valid_inputs), EVALUATION_BATCH):
            part = slice(i, i + EVALUATION_BATCH)
            outputs = self._forward(tf.constant(data.valid_inputs[part])).numpy() * data.scale + data.offset
            total += float(np.sum((outputs - data.valid_targets[part]).astype(np.float64) ** 2))
        return math.sqrt(total / len(data.valid_inputs))

    def values(self) -> dict[str, Array]:
        """The weights, tied."""
        return tie(self.architecture, {name: variable.numpy() for name, variable in self.variables.items()})

    def state(self) -> dict[str, Array]:
        """All that a step changes, by name: variables below `v/`, Adam's moments below `m/` and `s/`."""
        found = {f"v/{name}": variable.numpy() for name, variable in self.variables.items()}
        for index, (m, s) in enumerate(self.moments):
            found |= {f"m/{index}": m.numpy(), f"s/{index}": s.numpy()}
        return found

    def restore(self, state: Mapping[str, Array], count: int) -> None:
        """Take up a state after so many steps."""
        for name, variable in self.variables.items():
            variable.assign(state[f"v/{name}"])
        for index, (m, s) in enumerate(self.moments):
            m.assign(state[f"m/{index}"])
            s.assign(state[f"s/{index}"])
        self.count = count

    def restart(self, weights: Mapping[str, Array], seed: int) -> None:
        """Begin anew: other initial weights and another seed of the dropout masks, no step taken."""
        for name, variable in self.variables.items():
            variable.assign(weights[name])
        for moments in self.moments:
            for moment in moments:
                moment.assign(np.zeros(moment.shape, np.float32))
        self.count, self.seed = 0, seed

    def _train_step(self, x: Any, y: Any, rate: Any, beta1_power: Any, beta2_power: Any, seed: Any) -> None:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            weights = tie(self.architecture, self.variables)
            scales = share_scales(weights, self.group)
            predicted = forward(
                self.needed,
                weights,
                x,
                normalise=lambda z, layer: self._normalise_batch(z, layer, scales, seed),
                drop=lambda z, layer: drop(z, layer, seed, self.group),
            )
            loss = tf.reduce_mean(tf.square(predicted - y))
        gradients = tape.gradient(loss, self.trainable)
        gradients, _ = tf.clip_by_global_norm(gradients, _GRADIENT_NORM_LIMIT)
        beta1, beta2, epsilon = (tf.constant(value, tf.float32) for value in (_BETA1, _BETA2, _EPSILON))
        for variable, gradient, (m, v) in zip(self.trainable, gradients, self.moments, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle, m=m.handle, v=v.handle, beta1_power=beta1_power, beta2_power=beta2_power,
                lr=rate, beta1=beta1, beta2=beta2, epsilon=epsilon, grad=gradient,
            )  # fmt: skip

    def _normalise_batch(self, z: Any, layer: Normalisation, scales: Mapping[str, Any], seed: Any) -> Any:
        """Normalise by the batch's statistics (over the positions in use), and keep their running means."""
        import tensorflow as tf

        # A plain mean over the first steps: with a fixed momentum the initial (0, 1) would linger for 50 of them.
        momentum = tf.minimum(_BATCH_NORM_MOMENTUM, 1.0 - 1.0 / tf.cast(seed[1], tf.float32))
        gamma, beta = scales[f"{layer.name}/gamma"], scales[f"{layer.name}/beta"]
        z, mean, variance = normalise_batch(z, gamma, beta, self.group)
        for field, value in (("mean", mean), ("variance", variance)):
            moving = self.variables[f"{layer.name}/{field}"]
            moving.assign(momentum * moving + (1.0 - momentum) * value)
        return z

    def _infer(self, x: Any) -> Any:
        import tensorflow as tf

        weights = tie(self.architecture, self.variables)

        def normalise(z: Any, layer: Normalisation) -> Any:
            gamma, beta, mean, variance = (weights[f"{layer.name}/{field}"] for field in NORM_FIELDS)
            return (z - mean) * (gamma * tf.math.rsqrt(variance + BATCH_NORM_EPSILON)) + beta

        return forward(self.needed, weights, x, normalise=normalise)
