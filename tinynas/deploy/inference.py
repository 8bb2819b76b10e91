"""Outputs of a .tflite model on the host, for whole splits at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tinynas.deploy.graph import Tensor
from tinynas.deploy.model import Model
from tinynas.errors import ConversionError

__all__ = ["dequantize", "infer", "quantize", "snap"]

_BATCH = 1024


def infer(
    model: Model | bytes, windows: npt.NDArray[np.float32], *, reference: bool = False
) -> npt.NDArray[np.float32]:
    """Run a model on many windows with LiteRT, the batch axis resized: no loop over windows.

    The kernels are LiteRT's own without delegates. The optimised ones round some sums otherwise than TensorFlow Lite
    Micro does: of random networks with random weights 1 % of the outputs are a step apart, a few two. The reference
    kernels are slow and give TFLM's bytes up to the last operator: only FULLY_CONNECTED rounds once there and twice in
    TFLM, so that outputs are at most one step apart. (`TflmInterpreter` is TFLM itself, a window at a time.)

    It runs in this process: the model has to be one that tinynas has converted. `LitertInterpreter` takes any file.

    Args:
        model: A .tflite model of batch 1, as `convert` makes it: no operator depends on the batch.
        windows: Normalised windows (n, window, channels).
        reference: Take the reference kernels, as a comparison with TFLM has to.

    Returns:
        (n, outputs) in real numbers.

    Raises:
        ConversionError: This is no .tflite model, LiteRT rejects it, or the windows are not of its input's shape.
    """
    model = Model.of(model)
    graph = model.graph
    source, target = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    if windows.shape[1:] != source.shape[1:]:  # a RESHAPE would cut two windows of 6 x 5 into one of 6 x 10
        raise ConversionError(
            f"windows of shape (n, {', '.join(map(str, source.shape[1:]))}) are needed, not {windows.shape}"
        )
    outputs = [np.zeros((0, target.shape[-1]), np.float32)]
    try:
        interpreter = _litert(model.content, reference=reference)
        first, last = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
        size = 0
        for i in range(0, len(windows), _BATCH):
            part = quantize(windows[i : i + _BATCH], source)
            if len(part) != size:
                size = len(part)
                interpreter.resize_tensor_input(first, part.shape)
                interpreter.allocate_tensors()
            interpreter.set_tensor(first, part)
            interpreter.invoke()
            outputs.append(dequantize(interpreter.get_tensor(last), target))
    except (RuntimeError, ValueError) as e:
        raise ConversionError(f"LiteRT rejects the model: {e}") from e
    return np.concatenate(outputs)


def _litert(model: bytes, *, reference: bool = False) -> Any:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    # Not the default: its delegate, XNNPACK, rounds otherwise than both sets of kernels, three steps in the output.
    optimised = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    resolver = OpResolverType.BUILTIN_REF if reference else optimised
    return Interpreter(model_content=bytes(model), experimental_op_resolver_type=resolver)


def quantize(values: npt.NDArray[np.float32], tensor: Tensor) -> npt.NDArray[Any]:
    """Real numbers -> a tensor's type: rounded half to even and saturated; floats stay as they are.

    Raises:
        ConversionError: A value is NaN, which no integer stands for.

    Example:
        >>> from tinynas.deploy import Quantization
        >>> tensor = Tensor((3,), "int8", quantization=Quantization((0.5,), (10,)))
        >>> quantize(np.array([-1.0, 0.25, 1e9], np.float32), tensor)
        array([  8,  10, 127], dtype=int8)
    """
    if tensor.quantization is None:
        return values.astype(tensor.dtype)
    if np.isnan(values).any():
        raise ConversionError("an input that is not a number cannot be quantised")
    limits = np.iinfo(tensor.dtype)
    steps = np.rint(values / np.float32(tensor.quantization.scale[0])) + tensor.quantization.zero_point[0]
    return np.asarray(np.clip(steps, limits.min, limits.max), tensor.dtype)


def dequantize(values: npt.NDArray[Any], tensor: Tensor) -> npt.NDArray[np.float32]:
    """A tensor's stored values -> real numbers, as a new array."""
    if tensor.quantization is None:
        return values.astype(np.float32)
    steps = values.astype(np.float32) - tensor.quantization.zero_point[0]
    return np.asarray(steps * np.float32(tensor.quantization.scale[0]), np.float32)


def snap(model: Model | bytes, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Move windows to the nearest values that a model's input holds together with their negatives.

    On a board that runs a model on turned windows, a quarter turn swaps and negates bytes. The host's turned windows
    are the same bytes if they are made of these values.

    Args:
        model: A .tflite model; of a float32 model the windows stay as they are.
        windows: Normalised windows (n, window, channels).
    """
    model = Model.of(model)
    tensor = model.graph.tensors[model.graph.inputs[0]]
    if tensor.quantization is None:
        return windows
    zero = tensor.quantization.zero_point[0]
    largest = 127 - abs(zero)
    steps = np.clip(quantize(windows, tensor), zero - largest, zero + largest).astype(np.int8)
    return dequantize(steps, tensor)
