"""The official TensorFlow Lite Micro interpreter on the host: the referee of arenas, operator support and outputs.

It is the same interpreter as on the board, with the reference kernels (CMSIS-NN's give the same bytes), on a 64-bit
machine. Its arena's head is the board's to the byte. Its tail holds pointers of 8 bytes instead of 4, which makes the
whole arena 6 to 16 % larger than the board's: an upper bound, from which the device's figure is derived by taking the
32-bit tail from the model of `cost.tflm_memory`. Outputs are TFLM's to the byte; LiteRT's may differ by one step where
a FULLY_CONNECTED rounds once instead of twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from tinynas.deploy.inference import verified
from tinynas.deploy.native import captured_stderr
from tinynas.errors import ConversionError, ToolchainMissing, UnsupportedOp

__all__ = ["HostArena", "TflmInterpreter", "tflm_runtime"]

_ARENA_BYTES = 16 << 20


@dataclass(frozen=True)
class HostArena:
    """Bytes of the arena as the host's interpreter reports them."""

    total_bytes: int
    head_bytes: int
    tail_bytes: int


def tflm_runtime() -> Any:
    """The interpreter's Python module.

    Raises:
        ToolchainMissing: The package `tflite-micro` is not installed.
    """
    try:
        from tflite_micro import runtime
    except ImportError as e:
        raise ToolchainMissing(
            "the official TensorFlow Lite Micro interpreter is not installed",
            where="tflite-micro",
            advice="`pip install --pre tflite-micro` on Linux on x86-64, its only platform; or --mode proxy",
        ) from e
    return runtime


class TflmInterpreter:
    """One model in the official interpreter.

    TFLM is written for models that are sound. What LiteRT refuses is refused here before TFLM sees it; a file whose
    structure is intact but whose numbers are absurd (a scale of 1e30) may still end the process.

    Args:
        model: A .tflite model.

    Raises:
        ToolchainMissing: The package `tflite-micro` is not installed.
        UnsupportedOp: TFLM has no kernel for one of the model's operators.
        ConversionError: TFLM rejects the model.
    """

    def __init__(self, model: bytes) -> None:
        runtime = tflm_runtime()
        graph = verified(model)  # TFLM trusts the file: a damaged one would end the process
        self._input, self._output = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
        with captured_stderr() as log:
            try:
                # The interpreter takes bytes only, and keeps a pointer to them.
                self._interpreter = runtime.Interpreter.from_bytes(bytes(model), arena_size=_ARENA_BYTES)
            except (RuntimeError, ValueError, SystemError) as e:
                failure = e
            else:
                return
        reason = " ".join(log).strip() or str(failure)
        missing = re.search(r"Didn't find op for builtin opcode '(\w+)'", reason)
        if missing:
            raise UnsupportedOp(f"TensorFlow Lite Micro has no kernel for {missing[1]}") from failure
        raise ConversionError(f"TensorFlow Lite Micro rejects the model: {reason}") from failure

    def arena(self) -> HostArena:
        """Bytes of the arena that the model uses on this host."""
        with captured_stderr() as log:
            self._interpreter.print_allocations()
        found = dict(re.findall(r"Arena allocation (total|head|tail) (\d+) bytes", " ".join(log)))
        if set(found) != {"total", "head", "tail"}:
            raise ConversionError("TensorFlow Lite Micro did not report its arena", where="tflite-micro")
        return HostArena(int(found["total"]), int(found["head"]), int(found["tail"]))

    def run(self, inputs: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Run windows one by one, as the board does.

        Args:
            inputs: (n, *shape of one input without its batch axis), in the model's input type.

        Returns:
            (n, outputs) in the model's output type.

        Raises:
            ConversionError: The inputs are of another shape or type, or a kernel failed.
        """
        shape, dtype = self._input.shape[1:], self._input.dtype
        if inputs.shape[1:] != shape or inputs.dtype != dtype:
            raise ConversionError(
                f"inputs of shape (n, {', '.join(map(str, shape))}) and type {dtype} are needed, not"
                f" {inputs.shape} and {inputs.dtype}"
            )
        outputs = np.empty((len(inputs), prod(self._output.shape)), self._output.dtype)
        with captured_stderr() as log:
            try:
                for window, out in zip(inputs, outputs, strict=True):
                    self._interpreter.set_input(np.ascontiguousarray(window[None]), 0)
                    self._interpreter.invoke()
                    out[:] = self._interpreter.get_output(0).ravel()
            except (RuntimeError, ValueError) as e:
                failure = e
            else:
                return outputs
        raise ConversionError(f"TensorFlow Lite Micro failed: {' '.join(log).strip() or failure}") from failure
