"""Weights of a layer graph: names and shapes, initial values, and batch normalisation folded away.

Weights are a flat mapping from names to arrays (or variables), independent of the window:

    NAME/kernel (k, C_in / groups, F) of a convolution, (C_in, outputs) of a linear layer     NAME/bias (F,)
    NAME/{gamma,beta,mean,variance} (F,)   of the normalisation that follows the convolution NAME
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tinynas.network.layers import Activation, Convolution, Dense, LayerGraph, Network, Normalisation
from tinynas.network.symmetry import spread

__all__ = ["BATCH_NORM_EPSILON", "NORM_FIELDS", "Weights", "fold", "initial_weights", "normalised", "perturbed"]

BATCH_NORM_EPSILON = 1e-3
#: Weights of a normalisation and their initial values; the last two are statistics, which no gradient moves.
NORM_FIELDS: Mapping[str, float] = {"gamma": 1.0, "beta": 0.0, "mean": 0.0, "variance": 1.0}

Weights: TypeAlias = Mapping[str, npt.NDArray[np.float32]]


def initial_weights(network: Network, rng: np.random.Generator) -> dict[str, npt.NDArray[np.float32]]:
    """Draw weights: He normal before ReLUs (He et al. 2015), Glorot uniform elsewhere, zero biases, unit batch norm.

    Args:
        network: An architecture, or a layer graph.
        rng: Source of randomness. Layers before ReLUs draw first, then the others, each in the graph's order.

    Returns:
        New arrays by name (module docstring); tied where the graph has a symmetry, with the same variance.
    """
    graph, weights = network.graph, dict[str, npt.NDArray[np.float64]]()
    names, rectified = normalised(graph), _rectified(graph)
    for he in (True, False):
        for number, layer in enumerate(graph.layers):
            if not isinstance(layer, Convolution | Dense) or (number in rectified) is not he:
                continue
            shape = _kernel_shape(graph, layer)
            weights[f"{layer.name}/kernel"] = _he(rng, shape) if he else _glorot(rng, shape, layer)
            weights[f"{layer.name}/bias"] = np.zeros(layer.channels)
            if layer.name in names:
                fields = NORM_FIELDS.items()
                weights |= {f"{layer.name}/{field}": np.full(layer.channels, value) for field, value in fields}
    return spread(graph, {name: np.asarray(value, np.float32) for name, value in weights.items()})


def normalised(graph: LayerGraph) -> list[str]:
    """Names of the convolutions that a normalisation follows."""
    return [layer.name for layer in graph.layers if isinstance(layer, Normalisation)]


def _rectified(graph: LayerGraph) -> set[int]:
    """Layers whose output goes through a ReLU, normalised or not."""
    found: set[int] = set()
    for layer in graph.layers:
        if isinstance(layer, Activation) and layer.function == "relu":
            source = graph.layers[layer.source]
            found.add(source.source if isinstance(source, Normalisation) else layer.source)
    return found


def _kernel_shape(graph: LayerGraph, layer: Convolution | Dense) -> tuple[int, ...]:
    channels = graph.shapes[layer.source].channels
    if isinstance(layer, Dense):
        return channels, layer.channels
    return layer.taps, channels // layer.groups, layer.channels


def _he(rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    return rng.normal(0.0, np.sqrt(2.0 / np.prod(shape[:-1])), shape)


def _glorot(rng: np.random.Generator, shape: tuple[int, ...], layer: Convolution | Dense) -> npt.NDArray[np.float64]:
    taps, groups = (layer.taps, layer.groups) if isinstance(layer, Convolution) else (1, 1)
    limit = np.sqrt(6.0 / (taps * (shape[-2] + shape[-1] // groups)))
    return rng.uniform(-limit, limit, shape)


def perturbed(weights: Weights, rng: np.random.Generator) -> dict[str, npt.NDArray[np.float32]]:
    """Weights with every entry moved off its initial value, so that a converter has nothing to simplify away.

    An untrained network has zero biases and identity batch norms, which the converter drops; measured as it is, it
    costs less than the trained network will. Costs of untrained candidates are taken from perturbed ones.
    """
    moved = {name: (value, rng.uniform(0.05, 0.15, value.shape)) for name, value in weights.items()}
    # Kernels hold numbers of their own already. They keep their size: sigmoids must not saturate.
    return {
        name: (value * (1 + move) if name.endswith("/kernel") else value + move).astype(np.float32)
        for name, (value, move) in moved.items()
    }


def fold(network: Network, weights: Weights) -> dict[str, npt.NDArray[np.float32]]:
    """Fold batch normalisation into the convolutions before it.

    With gain g = gamma / sqrt(variance + epsilon): w' = w g and b' = (b - mean) g + beta.

    Args:
        network: An architecture, or a layer graph.
        weights: Its weights, folded or not; what is folded already is returned as a copy.

    Returns:
        Weights of the same function, without those of normalisations.
    """
    folded = {name: value for name, value in weights.items() if name.rsplit("/", 1)[1] not in NORM_FIELDS}
    for name in normalised(network.graph):
        if f"{name}/gamma" not in weights:
            continue
        gamma, beta, mean, variance = (weights[f"{name}/{field}"] for field in NORM_FIELDS)
        gain = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
        folded[f"{name}/kernel"] = weights[f"{name}/kernel"] * gain
        folded[f"{name}/bias"] = (weights[f"{name}/bias"] - mean) * gain + beta
    return folded
