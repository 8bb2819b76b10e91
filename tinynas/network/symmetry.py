"""Networks without a preferred direction: weights tied over the four quarter turns about the vertical.

In a level or north frame a quarter turn of the walk is a signed permutation of the input's channels, (x, y) -> (-y, x),
and of the output's. Hidden channels come in groups of four, one a quarter turn, which a turn moves on by one (the
regular representation of the group C4). ReLU, addition, dropout of whole groups and one int8 scale a tensor respect
that; a layer with weights does if the weights are the same after a turn of its input and its output. `tie` makes them
so: their mean over the four turns. What is deployed is an ordinary network with ordinary numbers.

Source:
    Cohen and Welling, "Group Equivariant Convolutional Networks", ICML 2016.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from tinynas.errors import SpaceError
from tinynas.network.layers import (
    GROUP,
    PAIRWISE,
    Activation,
    Convolution,
    Dense,
    Dropout,
    Input,
    LayerGraph,
    Network,
    Normalisation,
    Product,
    sources,
)

__all__ = ["spread", "tie", "turn"]

T = TypeVar("T")


class _Turn(NamedTuple):
    """A quarter turn of channels: channel c becomes `sign[c]` times channel `source[c]`."""

    source: tuple[int, ...]
    sign: tuple[int, ...]


class _Orbit(NamedTuple):
    """Where an entry of an array comes from in each of the four turns, as flat indices, and with which sign."""

    origin: npt.NDArray[np.int32]
    sign: npt.NDArray[np.float32]


def turn(windows: npt.NDArray[np.float32], letters: str) -> npt.NDArray[np.float32]:
    """Turn vectors by a quarter about the vertical.

    Args:
        windows: Any array whose last axis is that of the channels.
        letters: One a channel: x, y or z.

    Example:
        >>> turn(np.float32([[1, 2, 3]]), "xyz").tolist()
        [[-2.0, 1.0, 3.0]]
    """
    turned = _vectors(letters)
    return np.asarray(windows[..., list(turned.source)] * np.array(turned.sign, np.float32), np.float32)


def tie(network: Network, weights: Mapping[str, T]) -> dict[str, T]:
    """Tie weights over the four quarter turns.

    Args:
        network: An architecture, or a layer graph; one without a symmetry leaves the weights as they are.
        weights: Arrays, or TensorFlow's tensors or variables, by name; some of them or all.

    Returns:
        By the same names the means over the four turns; differentiable where they are tensors.

    Raises:
        SpaceError: The graph holds a layer that does not respect turns.
    """
    orbits, found, tensors = _orbits(network.graph), dict(weights), dict[str, T]()
    for name, value in weights.items():
        if name in orbits and isinstance(value, np.ndarray):
            found[name] = _mean(value, orbits[name])
        elif name in orbits:
            tensors[name] = value
    return found | _means(tensors, orbits) if tensors else found


def spread(network: Network, weights: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, npt.NDArray[np.float32]]:
    """Tie independent weights and keep their variance: the mean of n of them has 1/n of it.

    Args:
        network: An architecture, or a layer graph.
        weights: Freshly drawn.
    """
    orbits, tied = _orbits(network.graph), tie(network, weights)
    for name, orbit in orbits.items():
        if name in weights and name.endswith("/kernel"):
            repeats = (orbit.origin == orbit.origin[0]).sum(axis=0)  # turns that leave the entry where it is
            tied[name] = tied[name] * np.sqrt(GROUP / repeats).astype(np.float32).reshape(weights[name].shape)
    return tied


def _mean(value: Any, orbit: _Orbit) -> Any:
    # In float64 the sum of four does not depend on their order: what is tied is equal to the last bit.
    parts = value.ravel().astype(np.float64)[orbit.origin] * orbit.sign
    return parts.mean(axis=0).reshape(value.shape).astype(value.dtype)


def _means(tensors: Mapping[str, Any], orbits: Mapping[str, _Orbit]) -> dict[str, Any]:
    """The means of tensors, all in one vector: tied one by one they would be half of a network's graph."""
    import tensorflow as tf

    mine = [orbits[name] for name in tensors]
    sizes = [orbit.origin.shape[1] for orbit in mine]
    starts = np.cumsum([0, *sizes[:-1]], dtype=np.int32)
    origin = np.concatenate([orbit.origin + start for orbit, start in zip(mine, starts, strict=True)], axis=1)
    sign = np.concatenate([orbit.sign for orbit in mine], axis=1)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def tied(x: Any) -> Any:
        # The mean over a group is its own transpose: gradients are tied like weights, without a scatter.
        return average(x), average

    def average(x: Any) -> Any:
        return tf.reduce_mean(tf.gather(x, origin) * sign, axis=0)

    parts = tf.split(tied(tf.concat([tf.reshape(value, [-1]) for value in tensors.values()], axis=0)), sizes)
    return {name: tf.reshape(part, tensors[name].shape) for name, part in zip(tensors, parts, strict=True)}


@lru_cache(maxsize=4)  # a search has one network at a time
def _orbits(graph: LayerGraph) -> dict[str, _Orbit]:
    """Of each array of weights the orbits of its entries."""
    if graph.turns is None:
        return {}
    turns = _turns(graph)
    found: dict[str, _Orbit] = {}
    for number, layer in enumerate(graph.layers):
        out = turns[number]
        if isinstance(layer, Normalisation):
            found |= {f"{layer.name}/{field}": _orbit([out]) for field in ("gamma", "beta", "mean", "variance")}
        elif isinstance(layer, Dense):
            found[f"{layer.name}/kernel"] = _orbit([turns[layer.source], out])
        elif isinstance(layer, Convolution):
            still = _Turn(tuple(range(layer.taps)), (1,) * layer.taps)
            # A depthwise kernel takes a channel to itself: signs of input and output cancel.
            ways = [turns[layer.source], out] if layer.groups == 1 else [_Turn((0,), (1,)), _unsigned(out)]
            found[f"{layer.name}/kernel"] = _orbit([still, *ways])
        if isinstance(layer, Dense | Convolution):
            found[f"{layer.name}/bias"] = _orbit([out])
    return found


def _turns(graph: LayerGraph) -> list[_Turn]:
    """What a quarter turn does to each layer's output."""
    assert graph.turns is not None
    turns: list[_Turn] = []
    for number, layer in enumerate(graph.layers):
        if isinstance(layer, Input):
            turns.append(_vectors(graph.turns.inputs))
        elif isinstance(layer, Dense):
            turns.append(_vectors(graph.turns.outputs))
        elif isinstance(layer, Convolution) and layer.groups == 1:
            turns.append(_groups(layer.channels))
        else:
            turns.append(turns[sources(layer)[0]])
        if len(turns[-1].source) != graph.shapes[number].channels:
            raise SpaceError(f"layer {number} has channels without a letter for their axis", where="layer graph")
        if isinstance(layer, Activation | Normalisation | Dropout | Product) and min(turns[-1].sign) < 0:
            raise SpaceError(f"layer {number} is not the same after a turn of vectors", where="layer graph")
        if isinstance(layer, PAIRWISE) and turns[layer.first] != turns[layer.second]:
            raise SpaceError(f"layer {number} joins what turns differently", where="layer graph")
    return turns


@cache
def _vectors(letters: str) -> _Turn:
    if letters.count("x") != letters.count("y") or set(letters) - set("xyz"):
        raise SpaceError(f"{letters!r} is not made of pairs of x and y, and of z", where="layer graph")
    x, y = ([place for place, letter in enumerate(letters) if letter == axis] for axis in "xy")
    source, sign = list(range(len(letters))), [1] * len(letters)
    for first, second in zip(x, y, strict=True):
        source[first], source[second], sign[first] = second, first, -1
    return _Turn(tuple(source), tuple(sign))


@cache
def _groups(channels: int) -> _Turn:
    if channels % GROUP:
        raise SpaceError(f"{channels} channels are not whole groups of {GROUP}", where="layer graph")
    source = tuple(c - c % GROUP + (c - 1) % GROUP for c in range(channels))
    return _Turn(source, (1,) * channels)


def _unsigned(turned: _Turn) -> _Turn:
    return _Turn(turned.source, (1,) * len(turned.sign))


def _orbit(axes: list[_Turn]) -> _Orbit:
    """The orbits of an array whose axes turn so."""
    shape = tuple(len(axis.source) for axis in axes)
    index = np.arange(int(np.prod(shape)), dtype=np.int32).reshape(shape)
    sign = np.ones(shape, np.float32)
    step, signs = index[np.ix_(*(axis.source for axis in axes))].ravel(), np.ones((), np.float32)
    for axis in axes:
        signs = np.multiply.outer(signs, np.array(axis.sign, np.float32))
    found = [(index.ravel(), sign.ravel())]
    for _ in range(GROUP - 1):
        before, before_sign = found[-1]
        found.append((before[step], before_sign[step] * signs.ravel()))
    return _Orbit(np.stack([one for one, _ in found]), np.stack([one for _, one in found]))
