"""Random networks of the TCN search with random weights, as int8 models: what the resource model is held against."""

from __future__ import annotations

import numpy as np

from tinynas.network import TCN, Network, SearchSpace

__all__ = ["drawn", "int8_model"]

WINDOW = 200
CHANNELS = (6, 9)
_CALIBRATION_WINDOWS = 16


def drawn(rng: np.random.Generator, space: SearchSpace | None = None) -> TCN:
    """A network over windows of 200 x 6 or x 9."""
    return (space or SearchSpace()).sample(rng, window=WINDOW, channels=int(rng.choice(CHANNELS)))


def int8_model(network: Network, rng: np.random.Generator) -> bytes:
    """The network with random weights and statistics, so that the converter finds nothing to drop."""
    from tinynas.cost import lower
    from tinynas.deploy import convert
    from tinynas.network import fold, inference_function, initial_weights, perturbed

    weights = fold(network, perturbed(initial_weights(network, rng), rng))
    window = network.graph.shapes[0]
    windows = rng.normal(size=(_CALIBRATION_WINDOWS, window.length, window.channels)).astype(np.float32)
    return convert(inference_function(network, weights), lower(network), windows)
