"""Random networks of the family in both of their forms, without TensorFlow."""

from __future__ import annotations

from dataclasses import replace
from math import hypot, prod

import numpy as np

from tests.deploy._building import NONE, RELU, Model, quantized
from tests.deploy.candidates import filled
from tinynas.cost import lower
from tinynas.deploy import Graph, Quantization, pack
from tinynas.network import TCN

__all__ = ["architecture", "dilated", "pyramid"]


def architecture(rng: np.random.Generator) -> TCN:
    """A small one, with dilations in any order."""
    return TCN(
        filters=int(rng.integers(1, 13)),
        kernel_size=int(rng.integers(1, 7)),
        dilations=tuple(int(d) for d in rng.choice([1, 2, 3, 4, 5, 6, 8, 9, 12, 16], rng.integers(1, 6))),
        window=int(rng.integers(2, 90)),
        channels=int(rng.integers(1, 10)),
        skip_connections=bool(rng.random() < 0.5),
        outputs=int(rng.integers(1, 4)),
    )


def pyramid(a: TCN, rng: np.random.Generator) -> bytes:
    """The form that tinynas converts: strided, undilated convolutions of what the last step depends on."""
    return pack(_scaled(filled(lower(a), int(rng.integers(1 << 30))), rng))


def _scaled(graph: Graph, rng: np.random.Generator) -> Graph:
    """The graph with scales that let values use the range of int8: outputs that never change would prove little."""
    tensors = list(graph.tensors)
    for op in graph.ops:
        out, scales = op.outputs[0], [tensors[t].quantization.scale for t in op.inputs if tensors[t].dtype == "int8"]
        if op.kind in ("PAD", "RESHAPE", "STRIDED_SLICE"):
            tensors[out] = replace(tensors[out], quantization=tensors[op.inputs[0]].quantization)
            continue
        low, high = (-128, -100) if op.options["fusedActivationFunction"] == RELU else (-20, 20)
        if op.kind == "ADD":
            scale = hypot(scales[0][0], scales[1][0])
        else:
            weights = tensors[op.inputs[1]]
            spread = 90 * 52 * prod(weights.shape[1:]) ** 0.5  # of an accumulator
            scale = float(rng.uniform(0.01, 0.02))
            jitter = rng.uniform(0.6, 1.6, weights.shape[0]).astype(np.float32)
            steps = tuple(float(s) for s in np.float32(60 * scale / spread / scales[0][0]) * jitter)
            tensors[op.inputs[1]] = replace(weights, quantization=Quantization(steps, (0,) * len(steps)))
            bias = rng.normal(0, 0.4 * spread, weights.shape[0]).astype(np.int32)
            steps = tuple(float(np.float32(scales[0][0]) * np.float32(s)) for s in steps)
            both = {"data": bias, "quantization": Quantization(steps, (0,) * len(steps))}
            tensors[op.inputs[2]] = replace(tensors[op.inputs[2]], **both)
        tensors[out] = replace(tensors[out], quantization=quantized((scale, int(rng.integers(low, high)))))
    return replace(graph, tensors=tuple(tensors))


def dilated(a: TCN, rng: np.random.Generator) -> bytes:
    """The form that Keras converts: causal convolutions over the whole window, in one of three spellings of dilation.

    The last step alone counts, or the mean over time.
    """
    m = Model(rng)
    x = m.expand_dims(m.input(1, a.window, a.channels), 1)
    blocks = bool(rng.random() < 0.4)
    for dilation in a.dilations:
        y = x
        for _ in range(2):
            y = _causal(m, y, a.filters, a.kernel_size, dilation, blocks and dilation > 1)
        if a.skip_connections:
            x = x if m.shape(x)[-1] == a.filters else m.conv(x, a.filters, (1, 1))
            y = m.arithmetic("ADD", x, y, int(rng.choice([NONE, RELU])))
        x = y
    last = {"shrink": 0b110, "begin_mask": 0b1001, "end_mask": 0b1001}
    mean = rng.random() < 0.2
    x = m.mean(x, (1, 2)) if mean else m.strided_slice(x, (0, 0, -1, 0), (0, 0, 0, 0), **last)
    return m.pack(m.dense(x, a.outputs))


def _causal(m: Model, x: int, filters: int, kernel: int, dilation: int, blocks: bool) -> int:
    """One causal convolution; with blocks, time is folded into the batch around an undilated one."""
    x = m.pad(x, [(0, 0), (0, 0), ((kernel - 1) * dilation, 0), (0, 0)])
    if not blocks:
        return m.conv(x, filters, (1, kernel), dilation=(1, dilation), same=False, activation=RELU)
    after = -m.shape(x)[2] % dilation
    x = m.space_to_batch(x, (1, dilation), [(0, 0), (0, after)])
    x = m.conv(x, filters, (1, kernel), same=False, activation=RELU)
    return m.batch_to_space(x, (1, dilation), [(0, 0), (0, after)])
