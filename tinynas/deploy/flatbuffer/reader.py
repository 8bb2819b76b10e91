"""A .tflite file becomes a Graph; whatever contradicts itself is refused."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from tinynas.deploy.flatbuffer.schema import FILE_IDENTIFIER, OPERANDS, WEIGHTS_RANK, names, schema
from tinynas.deploy.graph import SCALAR_BYTES, Graph, Op, Quantization, Tensor
from tinynas.errors import ConversionError, UnsupportedOp

__all__ = ["read_graph"]


def read_graph(model: bytes, *, where: str | None = None) -> Graph:
    """Parse a .tflite file.

    Args:
        model: The file's bytes; one subgraph.
        where: What to call the file in an error.

    Returns:
        Its operators, tensors and constants. Every index in it is within bounds, every shape and scale a possible one.

    Raises:
        ConversionError: The bytes are no .tflite model, are damaged, or hold what tinynas does not read: several
            subgraphs, shapes that are not fixed, types of less than a byte.
    """
    if len(model) < 8 or model[4:8] != FILE_IDENTIFIER:
        raise ConversionError("this is not a .tflite model", where=where, advice="its bytes 4 to 8 should read TFL3")
    try:
        parsed = schema().ModelT.InitFromPackedBuf(bytes(model), 0)
        _check_subgraphs(parsed)
        graph = parsed.subgraphs[0]
        tensors = tuple(_tensor(t, parsed.buffers) for t in graph.tensors)
        ops = tuple(_op(o, parsed.operatorCodes) for o in graph.operators)
        found = Graph(tensors, ops, _ints(graph.inputs), _ints(graph.outputs))
        _check(found)
        return found
    except ConversionError as e:
        e.where = e.where or where
        raise
    except (struct.error, IndexError, KeyError, TypeError, ValueError, AttributeError, MemoryError, OverflowError) as e:
        raise ConversionError(f"the .tflite model is damaged: {e}", where=where) from e


def _check_subgraphs(parsed: Any) -> None:
    """Refuse a model of several subgraphs, by the operator that runs another one."""
    count = len(parsed.subgraphs or ())
    if count == 1:
        return
    if not count:
        raise ConversionError("a model of one subgraph is expected, not 0")
    for number, operator in enumerate(parsed.subgraphs[0].operators or ()):
        op = _op(operator, parsed.operatorCodes)
        if any("ubgraph" in field for field in op.options):
            why = "it keeps a state in variables" if op.kind == "CALL_ONCE" else "it runs another subgraph"
            raise UnsupportedOp(
                f"operator {number} ({op.title}): {why}; tinynas reads models of one subgraph, not {count}",
                advice="convert a network that is given the whole window at once, without variables and loops",
            )
    raise UnsupportedOp(f"{count} subgraphs; tinynas reads models of one", advice="convert one signature of the model")


def _ints(values: Any) -> tuple[int, ...]:
    return () if values is None else tuple(int(v) for v in values)


def _tensor(t: Any, buffers: Any) -> Tensor:
    dtype = names("TensorType")[t.type].lower()
    if dtype not in SCALAR_BYTES:
        raise ConversionError(f"tensors of type {dtype} are not supported")
    shape = _ints(t.shape)
    if any(n < 0 for n in shape):
        raise ConversionError(f"a tensor's shape is not fixed: {shape}")
    if t.sparsity is not None:
        raise ConversionError("a tensor whose zeros are left out (sparsity) is not supported")
    raw = buffers[t.buffer].data
    data = None
    if raw is not None and len(raw):
        # A view into the file: however many tensors share a buffer, its bytes are held once.
        data = np.asarray(raw, np.uint8).view(np.dtype(dtype)).reshape(shape)
    q, quantization = t.quantization, None
    if q is not None and q.scale is not None and len(q.scale):
        scale, zero_point = tuple(float(s) for s in q.scale), _ints(q.zeroPoint)
        if len(zero_point) not in (0, len(scale)) or not all(0.0 <= s < math.inf for s in scale):
            raise ConversionError("the .tflite model is damaged: a quantisation is contradictory")
        if zero_point:  # without zero points TFLM takes a tensor for one that is not quantised
            quantization = Quantization(scale, zero_point, int(q.quantizedDimension))
    signature = _ints(t.shapeSignature)
    free = -1 in signature
    return Tensor(shape, dtype, data is not None, _text(t.name), data, quantization, bool(t.isVariable), free)


def _text(name: bytes | str | None) -> str:
    """A name out of a file, without what a terminal would take for a command."""
    text = name.decode(errors="replace") if isinstance(name, bytes) else (name or "")
    return text if text.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _op(o: Any, codes: Any) -> Op:
    code = codes[o.opcodeIndex]
    kind = names("BuiltinOperator")[max(code.builtinCode, code.deprecatedBuiltinCode)]
    custom = _text(code.customCode) if kind == "CUSTOM" else ""
    if o.builtinOptions is None:
        return Op(kind, _ints(o.inputs), _ints(o.outputs), custom=custom)
    table = names("BuiltinOptions")[o.builtinOptionsType]
    options = {k: _ints(v) if isinstance(v, np.ndarray) else v for k, v in vars(o.builtinOptions).items()}
    return Op(kind, _ints(o.inputs), _ints(o.outputs), options, table, custom)


def _check(graph: Graph) -> None:
    """Refuse indices that point outside the graph: whoever reads it goes by them."""
    if not graph.inputs or not graph.outputs or not graph.ops:
        raise ConversionError("a model with inputs, operators and outputs is expected")
    written = {*graph.inputs, *graph.outputs, *(t for op in graph.ops for t in op.outputs)}
    read = {t for op in graph.ops for t in op.inputs if t != -1}  # -1: an optional input that is absent
    known = range(len(graph.tensors))
    if not all(t in known for t in written | read):
        raise ConversionError("the .tflite model is damaged: an operator names a tensor that is not there")
    _check_writers(graph)
    for op in graph.ops:
        needed = op.inputs[: OPERANDS.get(op.kind, 0)]
        if len(needed) < OPERANDS.get(op.kind, 0) or -1 in needed or (needed and not op.outputs):
            raise ConversionError(f"the .tflite model is damaged: {op.kind} lacks an operand")
        rank = WEIGHTS_RANK.get(op.kind)
        if rank and len(graph.tensors[needed[1]].shape) != rank:
            raise ConversionError(f"the .tflite model is damaged: weights of {op.kind} are not of {rank} dimensions")
        if rank or op.kind == "ADD":
            operands = [graph.tensors[t] for t in (*needed, *op.outputs)]
            if any(t.dtype == "int8" and t.quantization is None for t in operands):
                raise ConversionError(f"the .tflite model is damaged: {op.kind} works on integers without a scale")


def _check_writers(graph: Graph) -> None:
    """Every computed tensor is written once: a second writer, or one of a constant, is a contradiction."""
    written = set(graph.inputs)
    for number, op in enumerate(graph.ops):
        for t in op.outputs:
            what = "a constant" if graph.tensors[t].constant else "what is there already" if t in written else None
            if what is not None:
                raise ConversionError(
                    f"the .tflite model is damaged: operator {number} ({op.title}) writes tensor {t}, {what}"
                )
            written.add(t)
