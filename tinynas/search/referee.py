"""The official interpreter as referee of a model: its arena, and whether it computes the same."""

from __future__ import annotations

import dataclasses

import numpy as np

from tinynas.deploy import Model, TflmInterpreter, arena_head_bytes, dequantize, infer, quantize
from tinynas.errors import ParityError
from tinynas.measurement import Measurement
from tinynas.search.task import Array

__all__ = ["referee"]

# Windows that the official interpreter runs one by one to be compared with LiteRT's reference kernels. These round a
# FULLY_CONNECTED once where TFLM rounds twice: one step apart is normal.
_WINDOWS = 20
_STEPS = 1


def referee(model: Model, cost: Measurement, inputs: Array, static_bytes: int) -> Measurement:
    """Replace costs by those of the official interpreter; its arena with the tail of a 32-bit device.

    Args:
        model: The .tflite model.
        cost: By the resource model.
        inputs: (n, window, channels) normalised windows.
        static_bytes: The runtime's SRAM beside the arena.

    Raises:
        ParityError: It computes something else than LiteRT.
    """
    interpreter, graph = TflmInterpreter(model), model.graph
    arena, windows = interpreter.arena(), inputs[:_WINDOWS]
    source, target = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    outputs = dequantize(interpreter.run(quantize(windows, source)), target)
    step = target.quantization.scale[0] if target.quantization else 1e-3 * float(np.abs(outputs).max() + 1e-6)
    apart = float(np.max(np.abs(outputs - infer(model, windows, reference=True)))) / step
    if apart > _STEPS + 0.5:
        raise ParityError(f"LiteRT and TensorFlow Lite Micro are {apart:.0f} steps apart on the same window")
    # The head is the host's; what CMSIS-NN's scratch adds and the 32-bit tail are known from the model only.
    device = cost.arena_bytes + arena.head_bytes - arena_head_bytes(graph)
    return dataclasses.replace(
        cost,
        source="tflm",
        arena_bytes=device,
        sram_bytes=device + static_bytes,
        host_arena_bytes=arena.total_bytes,
        parity=True,
    )
