"""Layers that training computes in another way than inference: batch normalisation and dropout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zlib import crc32

import numpy as np

from tinynas.network.layers import Dropout
from tinynas.network.weights import BATCH_NORM_EPSILON

__all__ = ["drop", "normalise_batch", "share_scales"]


def share_scales(weights: Mapping[str, Any], group: int) -> dict[str, Any]:
    """Scales and shifts of all normalisations, one a group of channels.

    They are taken from all normalisations at once: building a graph takes time by the operation.

    Args:
        weights: By name, tied.
        group: Neighbouring channels that have equal scales and shifts.

    Returns:
        By their names, (channels / group,).
    """
    import tensorflow as tf

    names = [name for name in weights if name.rsplit("/", 1)[1] in ("gamma", "beta")]
    if group == 1 or not names:
        return {name: weights[name] for name in names}
    first = tf.reshape(tf.concat([weights[name] for name in names], axis=0), [-1, group])[:, 0]
    return dict(zip(names, tf.split(first, [weights[name].shape[0] // group for name in names]), strict=True))


def normalise_batch(z: Any, gamma: Any, beta: Any, group: int) -> tuple[Any, Any, Any]:
    """Normalise by the statistics of a batch, over the positions in use.

    Args:
        z: Features (batch, 1, positions, channels).
        gamma: Scales (channels / group,).
        beta: Shifts (channels / group,).
        group: Neighbouring channels that share their statistics, and have equal scales and shifts.

    Returns:
        The features, and means and variances (channels,).
    """
    import tensorflow as tf

    positions, channels = z.shape[2:]
    if group > 1:
        z = tf.transpose(tf.reshape(z, [-1, positions, channels // group, group]), [0, 1, 3, 2])
    z, mean, variance = tf.compat.v1.nn.fused_batch_norm(z, gamma, beta, epsilon=BATCH_NORM_EPSILON)
    if group > 1:
        z = tf.reshape(tf.transpose(z, [0, 1, 3, 2]), [-1, 1, positions, channels])
        mean, variance = (_repeat(statistic, group) for statistic in (mean, variance))
    return z, mean, variance


def drop(z: Any, layer: Dropout, seed: Any, group: int) -> Any:
    """Drop whole channels, and make up for them.

    Args:
        z: Features (batch, 1, positions, channels).
        layer: Has the rate, and a name by which masks of layers differ.
        seed: Two integers.
        group: Neighbouring channels that are dropped together.
    """
    import tensorflow as tf

    shape = tf.stack([tf.shape(z)[0], 1, 1, z.shape[-1] // group])
    salt = tf.constant([0, _salt(layer.name)], tf.int32)
    keep = tf.random.stateless_uniform(shape, seed + salt) >= layer.rate
    if group > 1:
        keep = _repeat(keep, group)
    return z * tf.cast(keep, tf.float32) / (1.0 - layer.rate)


def _repeat(values: Any, group: int) -> Any:
    """Each value of the last axis so many times: `tf.repeat` is some fifty operations, this is one."""
    import tensorflow as tf

    return tf.gather(values, np.repeat(np.arange(values.shape[-1], dtype=np.int32), group), axis=-1)


def _salt(name: str) -> int:
    """A number for a layer's name that is the same in every process (Python's own hash of text is not)."""
    return crc32(name.encode()) & 0x3FFFFFFF
