"""Small models of the kinds that MLPerf Tiny's runner knows, and what becomes of its files on the host."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from tests.deploy._building import RELU, Model
from tests.deploy.compiler._bundle import expected
from tinynas.deploy import dequantize, read_graph

__all__ = ["classifier", "expected_results", "quantized_floats", "reconstruction"]


@cache
def reconstruction(values: int) -> bytes:
    """A model of ad01's kind: as many outputs as inputs, of other scales."""
    m = Model(np.random.default_rng(3))
    return m.pack(m.dense(m.dense(m.input(1, values), 4, RELU), values))


@cache
def classifier(*shape: int, classes: int) -> bytes:
    """A model of the classifiers' kind, of an input without its batch axis."""
    m = Model(np.random.default_rng(4))
    x = m.input(1, *shape)
    dense = m.dense(m.reshape(x, 1, int(np.prod(shape))), classes)
    return m.pack(m.unary("SOFTMAX", dense, (1 / 256, -128), "SoftmaxOptions", beta=1.0))


def quantized_floats(model: bytes, values: npt.NDArray[np.float32]) -> npt.NDArray[np.int8]:
    """Numbers as the reference's `QuantizeFloatToInt8` has them: rounded half away from zero."""
    graph = read_graph(model)
    quantization = graph.tensors[graph.inputs[0]].quantization
    assert quantization is not None
    with np.errstate(over="ignore"):
        steps = values / np.float32(quantization.scale[0])
    steps = np.clip(np.nan_to_num(steps, nan=-512.0), -512.0, 512.0).astype(float)
    whole = np.trunc(steps) + np.sign(steps) * (np.abs(steps - np.trunc(steps)) >= 0.5)
    return np.clip(whole + quantization.zero_point[0], -128, 127).astype(np.int8)


def expected_results(model_id: str, model: bytes, content: bytes) -> list[float]:
    """What the runner should be told of one file."""
    graph = read_graph(model)
    floats = np.frombuffer(content, "<f4") if model_id == "ad01" else None
    if floats is not None:
        inputs = quantized_floats(model, floats)
    elif model_id in ("ic01", "vww01"):
        inputs = (np.frombuffer(content, np.uint8).astype(int) - 128).astype(np.int8)
    else:
        inputs = np.frombuffer(content, np.int8)
    outputs = expected(model, inputs[None])[0]
    real = dequantize(outputs, graph.tensors[graph.outputs[0]]).astype(np.float32)
    if floats is None:
        return [float(value) for value in real]
    return [float(np.mean((real - floats) ** 2))]
