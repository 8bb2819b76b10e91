"""Layers that training computes in another way than inference: batch normalisation and dropout."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from tinynas.network.layers import Dropout
from tinynas.network.weights import BATCH_NORM_EPSILON

__all__ = ["drop", "normalise_batch"]


def normalise_batch(z: Any, gamma: Any, beta: Any, group: int) -> tuple[Any, Any, Any]:
    """Normalise by the statistics of a batch, over the positions in use.

    Args:
        z: Features (batch, 1, positions, channels).
        gamma: Scale (channels,).
        beta: Shift (channels,).
        group: Neighbouring channels that share their statistics, and have equal scales and shifts.

    Returns:
        The features, and means and variances (channels,).
    """
    import tensorflow as tf

    shape, channels = tf.shape(z), z.shape[-1]
    if group > 1:
        z = tf.transpose(tf.reshape(z, [-1, shape[2], channels // group, group]), [0, 1, 3, 2])
        gamma, beta = gamma[::group], beta[::group]
    z, mean, variance = tf.compat.v1.nn.fused_batch_norm(z, gamma, beta, epsilon=BATCH_NORM_EPSILON)
    if group > 1:
        z = tf.reshape(tf.transpose(z, [0, 1, 3, 2]), shape)
        z.set_shape([None, 1, None, channels])
        mean, variance = tf.repeat(mean, group), tf.repeat(variance, group)
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
        keep = tf.repeat(keep, group, axis=-1)
    return z * tf.cast(keep, tf.float32) / (1.0 - layer.rate)


def _salt(name: str) -> int:
    """A number for a layer's name that is the same in every process (Python's own hash of text is not)."""
    return crc32(name.encode()) & 0x3FFFFFFF
