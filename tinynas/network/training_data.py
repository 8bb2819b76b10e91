"""What a network is trained on: windows with targets, and how they are varied."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Augmenter", "TrainingData"]

Array = npt.NDArray[np.float32]


class Augmenter(Protocol):
    """Varies the windows of every step (`odometry.Augmenter`)."""

    def vary(self, rng: np.random.Generator, inputs: Array, targets: Array, /) -> tuple[Array, Array]:
        """Return normalised windows (n, window, channels) and targets (n, outputs), varied."""


class TrainingData:
    """Windows of the training and the validation split, made once for all candidates.

    Args:
        train: Normalised windows (n, window, channels) and targets (n, outputs).
        valid: Like `train`, for the validation split.
        centred: The targets are scaled about zero, not about their mean: they are vectors in a frame in which no
            direction is special.
        augmenter: What varies the windows of every step; None: they are used as they are.
        epoch_windows: Windows of an epoch, drawn anew for each from all training windows; None: all of them.
        held_out: Validation windows are no training windows, so that an epoch can be chosen by them.
    """

    def __init__(
        self,
        train: tuple[Array, Array],
        valid: tuple[Array, Array],
        *,
        centred: bool = False,
        augmenter: Augmenter | None = None,
        epoch_windows: int | None = None,
        held_out: bool = True,
    ) -> None:
        inputs, targets = train
        self.offset = (np.zeros(targets.shape[1]) if centred else targets.mean(axis=0)).astype(np.float32)
        # One scale for all outputs: the loss then ranks errors as the joint RMSE does.
        self.scale = np.float32(max(float((targets - self.offset).std()), 1e-6))
        self.inputs = np.asarray(inputs, np.float32)
        self.targets = np.asarray((targets - self.offset) / self.scale, np.float32)
        self.valid_inputs, self.valid_targets = valid
        self.total = len(inputs)
        self.windows = self.total if epoch_windows is None else epoch_windows
        self.augmenter = augmenter
        self.held_out = held_out
