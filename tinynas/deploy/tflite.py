"""Network -> .tflite: TensorFlow's converter, then the operator order that the cost model predicted.

The converter is given a function of one window (batch 1, fixed) over constants; with a free batch it emits
SPACE_TO_BATCH and shape arithmetic with which TensorFlow Lite Micro computes wrong outputs without an error. Its result
is matched operator by operator against the predicted graph: a converter that starts to emit something else is noticed
here, not on the board.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tinynas.deploy.flatbuffer import pack, read_graph
from tinynas.deploy.graph import Graph, Op, Quantization, Tensor
from tinynas.deploy.native import captured_stderr
from tinynas.errors import ConversionError
from tinynas.hostfaults import is_host_fault

__all__ = ["Precision", "arrange", "convert"]

Precision = Literal["int8", "float32"]


def convert(
    function: Callable[[Any], list[Any]],
    expected: Graph,
    windows: npt.NDArray[np.float32],
    precision: Precision = "int8",
) -> bytes:
    """Convert a network to a .tflite model.

    Args:
        function: The network on constants, (1, window, channels) -> [(1, outputs), ...]; see
            `network.inference_function`. Outputs beyond the first serve the calibration and are not in the model.
        expected: The graph it is to become, in the order it is to have; see `cost.lower`.
        windows: Normalised representative windows (n, window, channels) of the training split; they set the ranges of
            the activations. Unused for float32.
        precision: "int8" (weights per channel, activations, input and output) or "float32".

    Returns:
        The file's bytes.

    Raises:
        ConversionError: The windows do not fit the network or are not finite, TensorFlow refused the network, or its
            result is not the expected graph.
    """
    import tensorflow as tf

    shape = expected.tensors[expected.inputs[0]].shape
    if windows.ndim != 3 or windows.shape[1:] != shape[1:] or (precision == "int8" and not len(windows)):
        raise ConversionError(
            f"representative windows of shape (n, {shape[1]}, {shape[2]}) are needed, not {windows.shape}"
        )
    if not np.isfinite(windows).all():  # NaN is left out of the ranges without a word, infinity ends the process
        raise ConversionError("the representative windows hold values that are not finite")
    with _quiet():
        traced = tf.function(function, autograph=False).get_concrete_function(tf.TensorSpec(shape, tf.float32))
        return pack(arrange(read_graph(_converted(traced, windows, precision)), expected))


def _converted(traced: Any, windows: npt.NDArray[np.float32], precision: Precision) -> bytes:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced])
    if precision == "int8":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([window[None]] for window in windows.astype(np.float32))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    try:
        return bytes(converter.convert())
    except Exception as e:  # the converter raises its own, ValueError, RuntimeError and more
        if is_host_fault(e):
            raise
        raise ConversionError(f"TensorFlow could not convert the network: {e}") from e


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the converter's talk of deprecations and of statistics that it leaves out itself off the terminal."""
    absl = logging.getLogger("absl")
    level = absl.level
    with captured_stderr(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        absl.setLevel(logging.ERROR)
        try:
            yield
        finally:
            absl.setLevel(level)


def arrange(converted: Graph, expected: Graph) -> Graph:
    """Bring a converted graph into the order of the expected one, with the converter's values and quantisation.

    Raises:
        ConversionError: The two do not hold the same operators on the same shapes with the same options.
    """
    converted = _with_biases(converted)
    tensor_of: dict[int, int] = dict(zip(expected.inputs, converted.inputs, strict=True))
    rest = list(converted.ops)
    ops: list[Op] = []
    for op in expected.ops:
        match = next((o for o in rest if _matches(o, op, converted, expected, tensor_of)), None)
        if match is None:
            shape = expected.tensors[op.outputs[0]].shape
            raise ConversionError(
                f"the converter emitted no {op.kind} with output {shape} where one was predicted",
                advice="is the installed TensorFlow the version that tinynas pins?",
            )
        rest.remove(match)
        tensor_of.update(zip(op.inputs + op.outputs, match.inputs + match.outputs, strict=True))
        ops.append(Op(op.kind, op.inputs, op.outputs, match.options, match.options_table))
    if rest:
        raise ConversionError(
            f"the converter emitted operators that were not predicted: {sorted(o.kind for o in rest)}"
        )
    sources = [converted.tensors[tensor_of[i]] for i in range(len(expected.tensors))]
    tensors = [Tensor(t.shape, t.dtype, t.constant, "", t.data, t.quantization) for t in sources]
    return Graph(tuple(tensors), tuple(ops), expected.inputs, expected.outputs)


def _with_biases(graph: Graph) -> Graph:
    """Give every FULLY_CONNECTED a bias: the converter drops one that is all zeros, and training may leave it so."""
    tensors, ops = list(graph.tensors), []
    for op in graph.ops:
        if op.kind == "FULLY_CONNECTED" and op.inputs[2:] in ((), (-1,)):
            x, weights = tensors[op.inputs[0]], tensors[op.inputs[1]]
            dtype, steps = weights.dtype, None
            if x.quantization and weights.quantization:
                dtype, scale = "int32", x.quantization.scale[0]
                scales = tuple(float(np.float32(scale) * np.float32(s)) for s in weights.quantization.scale)
                steps = Quantization(scales, (0,) * len(scales))
            zeros = np.zeros(weights.shape[0], dtype)
            tensors.append(Tensor(zeros.shape, dtype, True, data=zeros, quantization=steps))
            op = replace(op, inputs=(*op.inputs[:2], len(tensors) - 1))
        ops.append(op)
    return replace(graph, tensors=tuple(tensors), ops=tuple(ops))


def _matches(op: Op, wanted: Op, converted: Graph, expected: Graph, tensor_of: dict[int, int]) -> bool:
    if op.kind != wanted.kind or any(op.options.get(k) != v for k, v in wanted.options.items()):
        return False
    pairs = list(zip(op.inputs + op.outputs, wanted.inputs + wanted.outputs, strict=False))
    if len(op.inputs) != len(wanted.inputs) or len(op.outputs) != len(wanted.outputs):
        return False
    return all(_same(c, w, converted.tensors[c], expected.tensors[w], tensor_of) for c, w in pairs)


def _same(index: int, wanted_index: int, tensor: Tensor, wanted: Tensor, tensor_of: dict[int, int]) -> bool:
    if (tensor.shape, tensor.dtype, tensor.constant) != (wanted.shape, wanted.dtype, wanted.constant):
        return False
    if wanted.data is not None:  # equal constants are one tensor here, whatever the converter made of them
        return tensor.data is not None and bool(np.array_equal(tensor.data, wanted.data))
    return tensor_of.get(wanted_index, index) == index
