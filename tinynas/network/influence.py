"""Which samples of its window a network looks at: a layer graph followed from the output to the window.

`network.needed` asks where layers are computed, which is on lattices; here it is asked which single samples matter. A
stack of dilated convolutions may compute on every sample of the window and yet see few of them, where its kernels are
shorter than the gaps between its dilations.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tinynas.network.layers import Convolution, Layer, Mean, Network, Slice

__all__ = ["seen_samples"]

Mask = npt.NDArray[np.bool_]


def seen_samples(network: Network) -> Mask:
    """Find the samples of the window that the output depends on.

    Args:
        network: An architecture, or a layer graph.

    Returns:
        (window,) of bool, the newest sample last.

    Example:
        >>> from tinynas.network import TCN
        >>> [int(seen_samples(TCN(4, 3, dilations, window=40, channels=6)).sum()) for dilations in ((1, 2, 4), (16, 2))]
        [29, 14]
    """
    graph = network.graph
    # By age: how many positions before the last one.
    wanted: list[Mask] = [np.zeros(shape.length, bool) for shape in graph.shapes]
    wanted[-1][:] = True
    for number in range(len(graph.layers) - 1, 0, -1):
        layer, ages = graph.layers[number], np.flatnonzero(wanted[number])
        for source in graph.operands[number]:
            wanted[source][_read(layer, ages, len(wanted[source]))] = True
    return wanted[0][::-1]


def _read(layer: Layer, ages: npt.NDArray[np.int_], length: int) -> npt.NDArray[np.int_]:
    """Ages in a layer's source that outputs of some ages depend on."""
    if isinstance(layer, Mean):
        return np.arange(length)
    if isinstance(layer, Slice):
        return ages * layer.step + layer.lag
    if not isinstance(layer, Convolution):
        return ages
    found = (ages[:, None] * layer.stride + np.arange(layer.taps) * layer.dilation).ravel()
    return found[found < length]  # older ones are the zeros before the window
