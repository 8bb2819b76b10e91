"""What a model has to answer: its outputs on the host, to be compared with a board's byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tinynas.deploy import LitertInterpreter, Model, TflmInterpreter, check_stateless, dequantize, quantize
from tinynas.errors import ParityError, ToolchainMissing

__all__ = ["EQUAL", "Reference", "input_shape", "normal_window", "random_window", "reference_of"]

Int8 = npt.NDArray[np.int8]
#: What outputs are, by referee, where nothing is wrong.
EQUAL: Mapping[str, str] = {
    "tflm": "byte for byte TensorFlow Lite Micro's",
    "litert": "LiteRT's, within the one step of its rounding",
    "litert_open_batch": "LiteRT's, within the one step of its rounding; TensorFlow Lite Micro miscomputes this model,"
    " whose batch is open",
}


@dataclass(frozen=True)
class Reference:
    """Outputs of the host's reference kernels.

    Attributes:
        referee: "tflm", TensorFlow Lite Micro itself; "litert" where that is not installed,
            "litert_open_batch" where it miscomputes the model, whose batch is open.
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


def input_shape(model: Model | bytes) -> tuple[int, ...]:
    """Shape of one input without its batch axis."""
    return Model.of(model).input.shape[1:]


def normal_window(model: Model | bytes, rng: np.random.Generator) -> Int8:
    """One input like a normalised window: normal deviates, quantised as the model's input is."""
    source = Model.of(model).input
    return np.asarray(quantize(rng.normal(size=source.shape[1:]).astype(np.float32), source), np.int8)


def random_window(model: Model | bytes, rng: np.random.Generator) -> Int8:
    """One input of random bytes: every value that there is."""
    return rng.integers(-128, 128, input_shape(model), np.int8)


def reference_of(model: Model | bytes, inputs: Int8) -> Reference:
    """Outputs by TensorFlow Lite Micro, or where it is not installed, or known to be wrong, by LiteRT.

    TFLM takes the shapes of a model as the file has them. Where the batch was left open, shapes behind a
    SPACE_TO_BATCH_ND are not those of batch 1, and it computes something else without an error. LiteRT works the shapes
    out again.

    Args:
        model: A .tflite model with int8 ends, or one that `compile_model` takes.
        inputs: (n, *shape of one input without its batch axis), as the board takes them.

    Raises:
        UnsupportedOp: The model keeps a state: its outputs depend on what was run before.
        ConversionError: The interpreter rejects the model.
    """
    model = Model.of(model)
    check_stateless(model)
    try:
        outputs = _outputs(model, TflmInterpreter(model), inputs)
    except ToolchainMissing:
        return Reference("litert", 1, _outputs(model, LitertInterpreter(model), inputs))
    if model.graph.open:
        right = _outputs(model, LitertInterpreter(model), inputs)
        if np.abs(outputs.astype(np.int16) - right).max(initial=0) > 1:
            return Reference("litert_open_batch", 1, right)
    return Reference("tflm", 0, outputs)


def _outputs(model: Model, interpreter: TflmInterpreter | LitertInterpreter, inputs: Int8) -> Int8:
    """What an interpreter makes of the board's inputs, as the board has it."""
    fed: npt.NDArray[Any] = inputs
    if model.graph.tensors[model.graph.inputs[0]].dtype == "float32":
        fed = dequantize(inputs, model.input)
    outputs = interpreter.run(fed)
    return np.asarray(quantize(outputs, model.output) if outputs.dtype == np.float32 else outputs, np.int8)
