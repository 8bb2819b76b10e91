"""Weights that a network takes over from a trained one of its family, as far as their shapes overlap.

Layers of the same name and kind share filters, input channels and taps: the first ones of each, of taps the newest,
because convolutions are causal. A filter that comes from the other network ignores inputs and taps that the other one
does not have, so that a network which is larger in every way computes the other's function at first. Filters of its
own keep fresh weights.

Source:
    Chen, Goodfellow and Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer", ICLR 2016 (networks that begin
    with the function of a smaller one). Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient
    Deployment", ICLR 2020 (networks that share their first filters and middle taps).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tinynas.network.layers import Convolution, Dense, Input, LayerGraph, Network
from tinynas.network.symmetry import tie
from tinynas.network.weights import NORM_FIELDS, Weights, fold, normalised

__all__ = ["Donor", "inherit", "share_of_weights"]

Array = npt.NDArray[np.float32]

_Weighted = Convolution | Dense


@dataclass(frozen=True)
class Donor:
    """A trained network that another one inherits from.

    Attributes:
        network: An architecture, or a layer graph.
        weights: By name (`network.weights`), batch normalisation not folded, outputs standardised as in training.
    """

    network: Network
    weights: Weights


def inherit(network: Network, fresh: Weights, donor: Donor) -> dict[str, Array]:
    """Give a network the weights of another one, as far as their shapes overlap.

    Args:
        network: An architecture, or a layer graph.
        fresh: Its initial weights by name (`initial_weights`); what has no source stays.
        donor: The other network, of the same input, outputs and symmetry.

    Returns:
        New arrays by the names of `fresh`; tied where the network has a symmetry.

    Example:
        >>> from tinynas.network import TCN, initial_weights
        >>> small = TCN(filters=4, kernel_size=3, dilations=(1, 2), window=32, channels=6)
        >>> large = TCN(filters=8, kernel_size=5, dilations=(1, 2), window=32, channels=6)
        >>> trained, fresh = (initial_weights(one, np.random.default_rng(0)) for one in (small, large))
        >>> grown = inherit(large, fresh, Donor(small, trained))
        >>> name = "block0/conv1/kernel"
        >>> bool((grown[name][-3:, :, :4] == trained[name]).all()), grown[name].shape
        (True, (5, 6, 8))
    """
    graph, other, trained = network.graph, donor.network.graph, donor.weights
    names = set(normalised(graph))
    # Without a normalisation of its own, a layer takes the gains of the donor's into its weights.
    folded = trained if names else fold(other, trained)
    found = dict(fresh)
    for layer, source in _pairs(graph, other):
        kernel = f"{layer.name}/kernel"
        found[kernel] = _grow(fresh[kernel], folded[kernel])
        fields = ["bias"]
        if layer.name in names and f"{layer.name}/gamma" in trained:
            fields += NORM_FIELDS
        for field in fields:
            name, n = f"{layer.name}/{field}", min(layer.channels, source.channels)
            found[name] = np.concatenate([folded[name][:n], fresh[name][n:]])
    return tie(network, found)


def share_of_weights(network: Network, donor: Network) -> float:
    """How similar two networks are: the weights that they share, as a share of all that the two have.

    Args:
        network: An architecture, or a layer graph.
        donor: Another one.

    Returns:
        From 0 to 1; 1 for two networks that differ in no layer with weights.
    """
    graph, other = network.graph, donor.graph
    shared = sum(
        int(np.prod(np.minimum(_shape(graph, layer), _shape(other, source)))) for layer, source in _pairs(graph, other)
    )
    return shared / (_kernels(graph) + _kernels(other) - shared)


def _pairs(graph: LayerGraph, other: LayerGraph) -> Iterator[tuple[_Weighted, _Weighted]]:
    """Layers of a network, each with the one that does the same in another network."""
    known = _named(other)
    for name, layer in _named(graph).items():
        source = known.get(name)
        if source is not None and _role(graph, layer) == _role(other, source):
            yield layer, source


@lru_cache(maxsize=256)
def _named(graph: LayerGraph) -> dict[str, _Weighted]:
    return {layer.name: layer for layer in graph.layers if isinstance(layer, _Weighted)}


def _role(graph: LayerGraph, layer: _Weighted) -> tuple[object, ...]:
    """What two layers must have in common for their weights to mean the same."""
    inputs = isinstance(graph.layers[layer.source], Input)
    if isinstance(layer, Dense):
        return "dense", inputs
    return "convolution", inputs, layer.groups > 1, layer.stride, layer.dilation if layer.taps > 1 else 1


def _shape(graph: LayerGraph, layer: _Weighted) -> tuple[int, int, int]:
    """Taps, input channels and filters of a layer's kernel."""
    channels = graph.shapes[layer.source].channels
    if isinstance(layer, Dense):
        return 1, channels, layer.channels
    return layer.taps, channels // layer.groups, layer.channels


def _kernels(graph: LayerGraph) -> int:
    return sum(int(np.prod(_shape(graph, layer))) for layer in _named(graph).values())


def _grow(fresh: Array, trained: Array) -> Array:
    """A kernel with the filters of another one in front, which ignore the inputs and taps that they do not know."""
    found: Array = np.array(fresh)
    *_, inputs, filters = np.minimum(fresh.shape, trained.shape)
    taps = min(len(fresh), len(trained)) if fresh.ndim == 3 else None
    found[..., :filters] = 0
    newest = () if taps is None else (slice(-taps, None),)
    part = (*newest, slice(inputs), slice(filters))
    found[part] = trained[part]
    return found
