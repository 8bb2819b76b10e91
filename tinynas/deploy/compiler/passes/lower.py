"""Graph -> Program: one function per kind of operator, edges in floats left to the caller."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from tinynas.deploy.compiler.passes import blocks, convolutions, elementwise, movement
from tinynas.deploy.compiler.passes.admit import check_ends, check_operators
from tinynas.deploy.compiler.program.bounds import check_graph, check_program
from tinynas.deploy.compiler.program.builder import Builder, View
from tinynas.deploy.compiler.program.ir import Program, rows_of
from tinynas.deploy.graph import Graph, Op
from tinynas.errors import ConversionError

__all__ = ["SUPPORTED", "lower"]

_OPERATORS: dict[str, Callable[[Builder], None]] = {
    "CONV_2D": convolutions.convolution,
    "DEPTHWISE_CONV_2D": convolutions.depthwise,
    "FULLY_CONNECTED": convolutions.fully_connected,
    "MAX_POOL_2D": convolutions.pool,
    "AVERAGE_POOL_2D": convolutions.pool,
    **dict.fromkeys(("ADD", "SUB", "MUL"), elementwise.binary),
    **dict.fromkeys(("RELU", "RELU6", "LEAKY_RELU", "LOGISTIC", "TANH", "QUANTIZE"), elementwise.lookup),
    "MEAN": elementwise.mean,
    "SOFTMAX": elementwise.softmax,
    **dict.fromkeys(("RESHAPE", "EXPAND_DIMS", "SQUEEZE"), movement.reshape),
    **dict.fromkeys(("PAD", "PADV2"), movement.pad),
    "STRIDED_SLICE": movement.strided_slice,
    "CONCATENATION": movement.concatenation,
    "SPACE_TO_BATCH_ND": blocks.to_blocks,
    "BATCH_TO_SPACE_ND": blocks.from_blocks,
}
#: Kinds of operators that are compiled; DEQUANTIZE (and QUANTIZE of floats) at the model's edges.
SUPPORTED = (*sorted(_OPERATORS), "DEQUANTIZE")


def lower(graph: Graph) -> tuple[Program, int, int]:
    """Translate a model.

    Args:
        graph: With one input and one output, int8, or float32 with QUANTIZE and DEQUANTIZE next to them.

    Returns:
        The program, and the int8 tensors that are its input and output.

    Raises:
        UnsupportedOp: An operator, or what it is asked to do, is not compiled, or the model is too large.
        ConversionError: The model has several inputs or outputs, or its operators contradict its tensors.
    """
    check_operators(graph, SUPPORTED)
    check_ends(graph)
    check_graph(graph)
    ops = list(enumerate(graph.ops))
    source, target = graph.inputs[0], graph.outputs[0]
    if graph.tensors[source].dtype == "float32":
        source, ops = _edge(graph, ops, "QUANTIZE", source)
    if graph.tensors[target].dtype == "float32":
        target, ops = _edge(graph, ops, "DEQUANTIZE", target)
    b = Builder(graph)
    b.quantization(source)
    rows = rows_of(graph.tensors[source].shape)
    b.views[source] = View(b.add_value(rows), rows.count, high=rows.count)
    pending = blocks.Pending(b)
    for index, op in ops:
        b.source, b.op = index, op
        try:
            with np.errstate(all="ignore"):  # absurd scales lead to infinities, which the arithmetic refuses
                _translate(b, pending)
        except (KeyError, IndexError, ValueError, TypeError, ZeroDivisionError, OverflowError) as e:
            raise ConversionError(f"operator {b.source} ({b.op.kind}) contradicts its tensors: {e}") from e
    b.op = graph.ops[-1]
    b.quantization(target)
    program = b.finish(target)
    check_program(program)
    return program, source, target


def _translate(b: Builder, pending: blocks.Pending) -> None:
    """Translate the present operator, or put it off with the blocks that it belongs to."""
    if pending.takes():
        return
    due = [*pending.settle(), (b.source, b.op)]
    for b.source, b.op in due:
        make = _OPERATORS.get(b.op.kind)
        if make is None:
            raise b.refuse("real numbers within the model; DEQUANTIZE is compiled at its output only", b.op.outputs[0])
        make(b)


def _edge(graph: Graph, ops: list[tuple[int, Op]], kind: str, tensor: int) -> tuple[int, list[tuple[int, Op]]]:
    """The int8 tensor behind a float edge of the model, and the operators without the one between."""
    for place, (number, op) in enumerate(ops):
        near, far = (op.inputs, op.outputs) if kind == "QUANTIZE" else (op.outputs, op.inputs)
        if op.kind == kind and tensor in near:
            outer, inner = graph.tensors[tensor].shape, graph.tensors[far[0]].shape
            if prod(outer) != prod(inner):
                raise ConversionError(f"operator {number} ({kind}) contradicts its tensors: {outer} and {inner}")
            return far[0], ops[:place] + ops[place + 1 :]
    raise ConversionError(
        f"a float32 edge without {kind} next to it", advice="convert with int8 weights and activations"
    )
