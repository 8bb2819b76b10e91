"""What a model has to answer: its outputs on the host, to be compared with a board's byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tinynas.deploy import Graph, Tensor, dequantize, infer, quantize, read_graph
from tinynas.deploy.compiler.passes.lower import lower
from tinynas.errors import ParityError, ToolchainMissing

__all__ = ["EQUAL", "Reference", "input_shape", "normal_window", "random_window", "reference_of"]

Int8 = npt.NDArray[np.int8]
#: What outputs are, by referee, where nothing is wrong.
EQUAL: Mapping[str, str] = {
    "tflm": "byte for byte TensorFlow Lite Micro's",
    "litert": "LiteRT's, within the one step of its rounding",
}


@dataclass(frozen=True)
class Reference:
    """Outputs of the host's reference kernels.

    Attributes:
        referee: "tflm", TensorFlow Lite Micro itself; "litert" where that is not installed.
        steps: How far apart an output may be: none for TFLM; LiteRT rounds a FULLY_CONNECTED once instead of twice.
        outputs: (n, output bytes).
    """

    referee: str
    steps: int
    outputs: Int8

    def check(self, index: int, output: bytes, where: str) -> None:
        """Compare a board's output.

        Raises:
            ParityError: It differs.
        """
        expected = self.outputs[index].astype(np.int16)
        if len(output) != len(expected):
            raise ParityError(f"{len(output)} bytes of output instead of {len(expected)}", where=where)
        apart = np.abs(np.frombuffer(output, np.int8) - expected)
        if (wrong := np.flatnonzero(apart > self.steps)).size:
            first = int(wrong[0])
            raise ParityError(
                f"{wrong.size} of {expected.size} outputs differ from the reference ({self.referee}), up to"
                f" {apart.max()} steps; first output {first}: {np.frombuffer(output, np.int8)[first]} instead of"
                f" {expected[first]}",
                where=where,
                advice="a defect of the rig, not of the network: please report it with the model",
            )


def input_shape(model: bytes) -> tuple[int, ...]:
    """Shape of one input without its batch axis."""
    _, source, _ = _edges(model)
    return source.shape[1:]


def normal_window(model: bytes, rng: np.random.Generator) -> Int8:
    """One input like a normalised window: normal deviates, quantised as the model's input is."""
    _, source, _ = _edges(model)
    return np.asarray(quantize(rng.normal(size=source.shape[1:]).astype(np.float32), source), np.int8)


def random_window(model: bytes, rng: np.random.Generator) -> Int8:
    """One input of random bytes: every value that there is."""
    return rng.integers(-128, 128, input_shape(model), np.int8)


def reference_of(model: bytes, inputs: Int8) -> Reference:
    """Outputs by TensorFlow Lite Micro, or where it is not installed by LiteRT's reference kernels.

    Args:
        model: A .tflite model with int8 ends, or one that `compile_model` takes.
        inputs: (n, *shape of one input without its batch axis), as the board takes them.

    Raises:
        ConversionError: The interpreter rejects the model.
    """
    from tinynas.cost import TflmInterpreter

    graph, source, target = _edges(model)
    outer = graph.tensors[graph.inputs[0]]
    fed: npt.NDArray[Any] = inputs if outer.quantization else dequantize(inputs, source)
    try:
        outputs = TflmInterpreter(model).run(fed)
    except ToolchainMissing:
        real = infer(model, dequantize(inputs, source), reference=True)
        return Reference("litert", 1, np.asarray(quantize(real, target), np.int8))
    if outputs.dtype != np.int8:
        outputs = quantize(outputs, target)
    return Reference("tflm", 0, np.asarray(outputs, np.int8))


def _edges(model: bytes) -> tuple[Graph, Tensor, Tensor]:
    """The graph, and the int8 tensors that are the input and output of what runs on the board."""
    graph = read_graph(model)
    ends = [graph.tensors[end] for end in (*graph.inputs, *graph.outputs)]
    if [end.dtype for end in ends] == ["int8", "int8"]:  # as it is, also where only the interpreter knows an operator
        return graph, ends[0], ends[1]
    _, source, target = lower(graph)
    return graph, graph.tensors[source], graph.tensors[target]
