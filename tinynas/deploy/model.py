"""A .tflite model: its bytes, its graph and its program, each made once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

from tinynas.deploy.compiler.passes.lower import lower
from tinynas.deploy.compiler.program.ir import Program
from tinynas.deploy.flatbuffer import read_graph
from tinynas.deploy.graph import Graph, Tensor
from tinynas.errors import ConversionError, UnsupportedOp

__all__ = ["Model", "check_stateless"]


@dataclass(frozen=True, eq=False)
class Model:
    """A .tflite model. Whatever is made of its bytes is made when it is first asked for, and kept.

    Attributes:
        content: The file's bytes.
        name: What errors call it; None where there is no name.

    Example:
        >>> from tinynas.deploy import Op, Quantization, Tensor, pack
        >>> steps = Quantization((0.1,), (0,))
        >>> x, y = (Tensor((1, 4), "int8", quantization=steps) for _ in range(2))
        >>> model = Model(pack(Graph((x, y), (Op("TANH", (0,), (1,)),), (0,), (1,))))
        >>> model.input.shape, model.program.macs, model.graph is model.graph
        ((1, 4), 0, True)
    """

    content: bytes = field(repr=False)
    name: str | None = None

    @classmethod
    def of(cls, model: Model | bytes, name: str | None = None) -> Model:
        """A model out of its bytes; one that is a model already is returned as it is."""
        return model if isinstance(model, cls) else cls(bytes(model), name)  # type: ignore[arg-type]

    @cached_property
    def graph(self) -> Graph:
        """Operators, tensors and constants.

        Raises:
            ConversionError: The bytes are damaged, or not a .tflite model that tinynas reads.
        """
        return read_graph(self.content, where=self.name)

    @property
    def program(self) -> Program:
        """The compiler's form of it.

        Raises:
            UnsupportedOp, ConversionError: The compiler does not take the model.
        """
        return self._lowered[0]

    @property
    def input(self) -> Tensor:
        """The int8 tensor that the board is given: the input, or what QUANTIZE makes of a float one."""
        return self.graph.tensors[self._ends[0]]

    @property
    def output(self) -> Tensor:
        """The int8 tensor that the board gives back."""
        return self.graph.tensors[self._ends[1]]

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes in hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def _lowered(self) -> tuple[Program, int, int]:
        try:
            return lower(self.graph)
        except ConversionError as error:
            error.where = error.where or self.name
            raise

    @cached_property
    def _ends(self) -> tuple[int, int]:
        graph = self.graph
        if len(graph.inputs) == len(graph.outputs) == 1:
            first, last = graph.inputs[0], graph.outputs[0]
            if graph.tensors[first].dtype == graph.tensors[last].dtype == "int8":
                return first, last  # as it is, also where only an interpreter knows an operator
        return self._lowered[1:]


def check_stateless(model: Model) -> None:
    """Refuse a model whose outputs depend on what was run before: they cannot be compared.

    Raises:
        UnsupportedOp: It keeps a state.
    """
    graph = model.graph
    if graph.stateful is not None:
        raise UnsupportedOp(
            f"operator {graph.stateful} ({graph.ops[graph.stateful].title}): the model keeps a state from one inference"
            " to the next, so that no output can be compared",
            where=model.name,
            advice="convert a network that is given the whole window at once",
        )
