"""Random networks of the family, as architectures, as graphs full of random numbers, and converted."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from hypothesis import strategies as st

from tinynas.cost import lower
from tinynas.deploy import Graph, Quantization, convert
from tinynas.network import TCN, SearchSpace

CALIBRATION_WINDOWS = 8
OPTIONS_TABLES = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "ADD": "AddOptions",
    "SUB": "SubOptions",
    "MUL": "MulOptions",
    "MEAN": "ReducerOptions",
    "PAD": "PadOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
}


def candidates(count, seed=0, window=200):
    """Networks of the default space, and every third with dilations that are no powers of two and not in order."""
    rng = np.random.default_rng(seed)
    found = []
    for index in range(count):
        a = SearchSpace().sample(rng, window=window, channels=int(rng.choice([6, 9])))
        if index % 3 == 2:
            a = replace(a, dilations=tuple(int(d) for d in rng.integers(1, 40, rng.integers(1, 6))))
        found.append(replace(a, filters=int(a.channels)) if index % 7 == 5 else a)
    return found


def architectures(max_filters=12):
    """Hypothesis strategy: small networks, any dilations."""
    return st.builds(
        TCN,
        filters=st.integers(1, max_filters),
        kernel_size=st.integers(1, 6),
        dilations=st.lists(st.integers(1, 20), min_size=1, max_size=4).map(tuple),
        window=st.integers(1, 80),
        channels=st.integers(1, 9),
        skip_connections=st.booleans(),
        outputs=st.integers(1, 3),
    )


def random_windows(architecture, count, seed=0):
    shape = (count, architecture.window, architecture.channels)
    return np.random.default_rng([seed, 7]).normal(size=shape).astype(np.float32)


def network_weights(architecture, seed=0):
    """Weights as training leaves them: of many sizes, with batch norms that do something and channels that are dead."""
    from tinynas.network import initial_weights, perturbed

    rng = np.random.default_rng([seed, 3])
    weights = initial_weights(architecture, rng)
    if architecture.family == "gru":  # sigmoids would saturate
        weights = perturbed(weights, rng)
    else:
        weights = {name: value + rng.uniform(0.05, 0.15, value.shape) for name, value in weights.items()}
    for name, value in weights.items():
        if name.endswith("variance"):
            value *= rng.lognormal(0.0, 1.0, value.shape)
        elif name.endswith(("bias", "beta", "mean")) and name != "head/bias":
            value += rng.normal(0.0, 0.3, value.shape)
            value[rng.random(value.shape) < 0.15] = -5.0
        elif name.endswith("gamma"):
            value *= rng.uniform(0.2, 3.0, value.shape)
    return {name: value.astype(np.float32) for name, value in weights.items()}


@lru_cache(maxsize=256)
def converted(architecture, precision="int8", seed=0):
    """The architecture's .tflite with trained-like weights."""
    from tinynas.network import inference_function

    function = inference_function(architecture, network_weights(architecture, seed))
    windows = random_windows(architecture, CALIBRATION_WINDOWS, seed)
    return convert(function, lower(architecture, precision), windows, precision)


def filled(graph: Graph, seed=0) -> Graph:
    """A predicted graph with random values for its constants and quantisation, by the rules of the int8 scheme."""
    rng = np.random.default_rng(seed)
    produced = {t: op for op in graph.ops for t in op.outputs}
    depthwise = {op.inputs[1] for op in graph.ops if op.kind == "DEPTHWISE_CONV_2D"}
    quantization: dict[int, Quantization] = {}
    tensors = []
    for index, t in enumerate(graph.tensors):
        data, q = t.data, None
        if t.constant and data is None:
            data = rng.integers(-90, 90, t.shape).astype(t.dtype)
            if t.dtype in ("int8", "int32"):
                axis = 3 if index in depthwise else 0
                scales = np.float32(rng.uniform(1e-3, 2e-3, t.shape[axis]))
                q = Quantization(tuple(scales.tolist()), (0,) * t.shape[axis], axis)
        elif not t.constant and t.dtype == "int8":
            op = produced.get(index)
            same = op is not None and op.kind in ("PAD", "RESHAPE", "STRIDED_SLICE")
            fresh = Quantization((float(np.float32(rng.uniform(0.01, 0.02))),), (int(rng.integers(-128, 127)),))
            q = quantization[op.inputs[0]] if same else fresh
            if op is not None and op.kind == "LOGISTIC":  # its kernels know no other
                q = Quantization((1 / 256,), (-128,))
            quantization[index] = q
        tensors.append(replace(t, data=data, quantization=q))
    ops = []
    for op in graph.ops:
        if len(op.inputs) == 3 and quantization:  # a bias counts in steps of input and weights
            x, w, bias = op.inputs
            scale = np.float32(quantization[x].scale[0]) * np.float32(tensors[w].quantization.scale)
            steps = Quantization(tuple(scale.tolist()), tensors[w].quantization.zero_point)
            tensors[bias] = replace(tensors[bias], quantization=steps)
        options = dict(op.options)
        if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            options |= {"padding": 1, "strideH": 1, "dilationHFactor": 1}
        table = OPTIONS_TABLES.get(op.kind, "")
        ops.append(replace(op, options=options, options_table=table))
    return replace(graph, tensors=tuple(tensors), ops=tuple(ops))
