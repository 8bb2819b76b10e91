"""The standardisation of the input channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import DatasetError
from tinynas.odometry.windows.cut import Windows

__all__ = ["Normalization"]


@dataclass(frozen=True, eq=False)
class Normalization:
    """Standardisation of the input channels, fitted on the training split alone.

    In a level or north frame no horizontal direction is special: x and y of a sensor have one scale and no offset.

    Args:
        mean: (C,) mean of each channel in its SI unit.
        std: (C,) standard deviation of each channel; 1 for a channel that never changes.

    Example:
        >>> scale = Normalization(mean=np.array([1.0]), std=np.array([2.0]))
        >>> scale.apply(np.full((1, 2, 1), 5.0)).ravel().tolist()
        [2.0, 2.0]
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @classmethod
    def fit(cls, windows: Windows) -> Normalization:
        """Take mean and standard deviation of each channel over all windows (give those of the training split)."""
        values = windows.inputs.reshape(-1, windows.inputs.shape[2])
        mean = values.mean(axis=0, dtype=np.float64)
        std = values.std(axis=0, dtype=np.float64)
        if windows.turns:
            x = np.arange(0, len(mean), 3)
            spread = np.sqrt((mean[x] ** 2 + std[x] ** 2 + mean[x + 1] ** 2 + std[x + 1] ** 2) / 2)
            mean[x] = mean[x + 1] = 0.0
            std[x] = std[x + 1] = spread
        # Rounding leaves a constant channel with a tiny spread: dividing by it would blow up noise.
        return cls(mean=mean, std=np.where(std > 1e-6 * np.maximum(1.0, np.abs(mean)), std, 1.0))

    def apply(self, inputs: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return `inputs` (..., C) standardised, as float32.

        Raises:
            DatasetError: `inputs` has another number of channels.
        """
        if inputs.shape[-1:] != self.mean.shape:
            message = f"inputs have {inputs.shape[-1]} channels, the normalisation was fitted on {len(self.mean)}"
            raise DatasetError(message, where="normalization", advice="use the sensors the network was trained with")
        shift, factor = self.mean.astype(np.float32), (1 / self.std).astype(np.float32)
        return (inputs.astype(np.float32, copy=False) - shift) * factor
