"""A Graph becomes a .tflite file: children before parents, equal things once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from typing import Any

import numpy as np

from tinynas.deploy.flatbuffer.schema import BUFFER_ALIGNMENT, FILE_IDENTIFIER, OP_VERSIONS, SCHEMA_VERSION, schema
from tinynas.deploy.graph import Graph, Op, Quantization, Tensor
from tinynas.errors import ConversionError

__all__ = ["pack"]


def pack(graph: Graph) -> bytes:
    """Write a Graph as a .tflite file; every constant must have its data.

    Equal vectors and tables are written once and referred to from everywhere: of a convolution's quantisation the zero
    points alone are 16 bytes a channel otherwise.

    Args:
        graph: Operators in the order of execution.

    Returns:
        The file's bytes. Constants lie on 16-byte boundaries. There is no metadata; tensors keep the names they have.

    Raises:
        ConversionError: A constant's values are not known, as in a graph that is only predicted (`cost.lower`), or an
            operator is a custom one, whose name a Graph does not hold.
    """
    unknown = next((i for i, t in enumerate(graph.tensors) if t.constant and t.data is None), None)
    if unknown is not None:
        raise ConversionError(f"the values of constant {unknown} are not known", advice="convert the network first")
    if any(op.kind == "CUSTOM" for op in graph.ops):
        raise ConversionError("custom operators cannot be written")
    return _Writer().model(graph)


class _Writer:
    """One flatbuffer under construction, children before parents, with a memory of what has been written."""

    def __init__(self) -> None:
        import flatbuffers

        self.schema = schema()
        self.builder = flatbuffers.Builder(4096)
        self.written: dict[tuple[Any, ...], int] = {}

    def model(self, graph: Graph) -> bytes:
        b = self.builder
        # Constants first, so that their alignment does not depend on what else is written. Buffer 0 is empty by
        # convention.
        constants = [t.data for t in graph.tensors if t.data is not None]
        buffers = [self.buffer(b""), *(self.buffer(np.ascontiguousarray(data).tobytes()) for data in constants)]
        numbers = accumulate(int(t.data is not None) for t in graph.tensors)
        tensors = [self.tensor(t, n if t.data is not None else 0) for t, n in zip(graph.tensors, numbers, strict=True)]
        kinds = list(dict.fromkeys(op.kind for op in graph.ops))
        parts = {
            "Tensors": self.offsets(tensors),
            "Inputs": self.vector(graph.inputs, np.int32),
            "Outputs": self.vector(graph.outputs, np.int32),
            "Operators": self.offsets([self.op(op, kinds.index(op.kind)) for op in graph.ops]),
        }
        subgraphs = self.offsets([self.table("SubGraph", parts)])
        dtype = graph.tensors[graph.inputs[0]].dtype
        codes = self.offsets([self.code(kind, dtype) for kind in kinds])
        model = {
            "Version": SCHEMA_VERSION,
            "OperatorCodes": codes,
            "Subgraphs": subgraphs,
            "Buffers": self.offsets(buffers),
        }
        b.Finish(self.table("Model", model), FILE_IDENTIFIER)
        return bytes(b.Output())

    def table(self, name: str, fields: Mapping[str, Any]) -> int:
        """Write a table: field name -> scalar or offset; a field at its default takes no room."""
        getattr(self.schema, f"{name}Start")(self.builder)
        for field, value in fields.items():
            getattr(self.schema, f"{name}Add{field}")(self.builder, value)
        return int(getattr(self.schema, f"{name}End")(self.builder))

    def once(self, key: tuple[Any, ...], write: Callable[[], int]) -> int:
        if key not in self.written:
            self.written[key] = write()
        return self.written[key]

    def vector(self, values: Iterable[Any], dtype: Any) -> int:
        array = np.asarray(tuple(values), dtype)
        return self.once(
            ("vector", array.dtype.str, array.tobytes()), lambda: int(self.builder.CreateNumpyVector(array))
        )

    def offsets(self, offsets: list[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return int(self.builder.EndVector())

    def buffer(self, data: bytes) -> int:
        if not data:
            return self.table("Buffer", {})
        b = self.builder
        b.StartVector(1, len(data), BUFFER_ALIGNMENT)
        b.head -= len(data)
        b.Bytes[b.head : b.head + len(data)] = data
        return self.table("Buffer", {"Data": int(b.EndVector())})

    def tensor(self, tensor: Tensor, buffer: int) -> int:
        fields: dict[str, Any] = {"Shape": self.vector(tensor.shape, np.int32), "Buffer": buffer}
        if tensor.name:
            fields["Name"] = int(self.builder.CreateString(tensor.name))
        if tensor.quantization is not None:
            fields["Quantization"] = self.quantization(tensor.quantization)
        fields["Type"] = getattr(self.schema.TensorType, tensor.dtype.upper())
        return self.table("Tensor", fields)

    def quantization(self, q: Quantization) -> int:
        fields = {
            "Scale": self.vector(q.scale, np.float32),
            "ZeroPoint": self.vector(q.zero_point, np.int64),
            "QuantizedDimension": q.axis,
        }
        return self.once(("quantization", *fields.values()), lambda: self.table("QuantizationParameters", fields))

    def op(self, op: Op, code: int) -> int:
        fields: dict[str, Any] = {
            "OpcodeIndex": code,
            "Inputs": self.vector(op.inputs, np.int32),
            "Outputs": self.vector(op.outputs, np.int32),
        }
        if op.options_table:
            options = getattr(self.schema, f"{op.options_table}T")()
            vars(options).update(op.options)
            key = (op.options_table, *sorted(op.options.items()))
            fields["BuiltinOptions"] = self.once(key, lambda: int(options.Pack(self.builder)))
            fields["BuiltinOptionsType"] = getattr(self.schema.BuiltinOptions, op.options_table)
        return self.table("Operator", fields)

    def code(self, kind: str, dtype: str) -> int:
        number = getattr(self.schema.BuiltinOperator, kind)
        fields = {
            "BuiltinCode": number,
            "Version": OP_VERSIONS.get(dtype, {}).get(kind, 1),
            "DeprecatedBuiltinCode": min(
                number, 127
            ),  # readers take the larger of the two codes; the old one is a byte
        }
        return self.table("OperatorCode", fields)
