"""The official TensorFlow Lite Micro interpreter and LiteRT on the host: the referees of outputs, arenas and operators.

TFLM is the same interpreter as on the board, with the reference kernels (CMSIS-NN's give the same bytes), on a 64-bit
machine. Its arena's head is the board's to the byte. Its tail holds pointers of 8 bytes instead of 4, which makes the
whole arena 6 to 16 % larger than the board's: an upper bound, from which the device's figure is derived by taking the
32-bit tail from the model of `cost`. Outputs are TFLM's to the byte; LiteRT's may differ by one step where a
FULLY_CONNECTED rounds once instead of twice.

Both run in a process of their own (`interpreters.program`): a file that ends it costs one error.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from math import prod
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from tinynas.deploy.interpreters.process import ask
from tinynas.deploy.model import Model
from tinynas.errors import ConversionError, HostError, ToolchainMissing, UnsupportedOp

__all__ = ["HostArena", "LitertInterpreter", "TflmInterpreter", "require_tflm"]


@dataclass(frozen=True)
class HostArena:
    """Bytes of the arena as the host's interpreter reports them."""

    total_bytes: int
    head_bytes: int
    tail_bytes: int


def require_tflm() -> None:
    """Fail fast where TensorFlow Lite Micro is not installed.

    Raises:
        ToolchainMissing: The package `tflite-micro` is not installed.
    """
    if find_spec("tflite_micro") is None:
        raise ToolchainMissing(
            "the official TensorFlow Lite Micro interpreter is not installed",
            where="tflite-micro",
            advice="`pip install --pre tflite-micro` on Linux on x86-64, its only platform; or --mode proxy",
        )


class _Interpreter:
    """A model in an interpreter.

    Args:
        model: A .tflite model.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    package: ClassVar[str]

    def __init__(self, model: Model | bytes) -> None:
        self.model = Model.of(model)
        graph = self.model.graph
        self._input, self._output = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
        self._ask("load", "rejects the model")

    def run(self, inputs: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Run windows one by one, as the board does; what a model remembers of one is forgotten before the next.

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
        details = {"shape": inputs.shape, "dtype": dtype, "reset": self.model.graph.stateful is not None}
        _, [found] = self._ask("run", "failed", details, [np.ascontiguousarray(inputs).tobytes()])
        size = prod(self._output.shape)
        outputs = np.frombuffer(found, self._output.dtype)
        if outputs.size != len(inputs) * size:  # of an open batch, or another axis, that was not filled in as meant
            raise ConversionError(f"{self.title} has outputs of another size than the model states")
        return outputs.reshape(len(inputs), size)

    def _ask(
        self, what: str, failing: str, details: dict[str, Any] | None = None, blocks: list[bytes] | None = None
    ) -> tuple[dict[str, Any], list[bytes]]:
        message = {"interpreter": self.kind, "do": what, **(details or {})}
        try:
            reply, found = ask(message, [self.model.content, *(blocks or ())])
        except ConversionError as error:
            error.where = error.where or self.model.name
            raise
        refusal = reply.get("error")
        if refusal == "missing":
            raise ToolchainMissing(f"{self.title} cannot be loaded: {reply['text']}", where=self.package)
        if refusal and reply["kernel"]:
            raise UnsupportedOp(f"{self.title} has no kernel for {reply['kernel']}", where=self.model.name)
        if refusal:
            raise ConversionError(f"{self.title} {failing}: {reply['text']:.600}", where=self.model.name)
        return reply, found


class TflmInterpreter(_Interpreter):
    """One model in the official interpreter of TensorFlow Lite Micro.

    Args:
        model: A .tflite model.

    Raises:
        ToolchainMissing: The package `tflite-micro` is not installed.
        UnsupportedOp: TFLM has no kernel for one of the model's operators.
        ConversionError: TFLM rejects the model, or is ended by it.
    """

    kind = "tflm"
    title = "TensorFlow Lite Micro"
    package = "tflite-micro"

    def __init__(self, model: Model | bytes) -> None:
        require_tflm()
        super().__init__(model)

    def arena(self) -> HostArena:
        """Bytes of the arena that the model uses on this host."""
        reply, _ = self._ask("arena", "failed")
        found = reply["arena"]
        if set(found) != {"total", "head", "tail"}:
            raise HostError("TensorFlow Lite Micro does not report its arena", where=self.package)
        return HostArena(found["total"], found["head"], found["tail"])


class LitertInterpreter(_Interpreter):
    """One model in LiteRT with its reference kernels, a window at a time; see `infer` for whole splits.

    Args:
        model: A .tflite model.

    Raises:
        UnsupportedOp: LiteRT has no kernel for one of the model's operators.
        ConversionError: LiteRT rejects the model, or is ended by it.
    """

    kind = "litert"
    title = "LiteRT"
    package = "ai-edge-litert"
