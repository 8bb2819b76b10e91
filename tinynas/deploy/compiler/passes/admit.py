"""What a model has to be before it is looked at closely: operators that are compiled, one input, one output."""

from __future__ import annotations

from collections.abc import Container, Sequence

from tinynas.deploy.graph import Graph
from tinynas.errors import ConversionError, UnsupportedOp

__all__ = ["ADVICE", "check_ends", "check_operators"]

#: The table of options of each kind that has some.
_TABLES = {
    **{"CONV_2D": "Conv2DOptions", "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions"},
    **{"FULLY_CONNECTED": "FullyConnectedOptions", "CONCATENATION": "ConcatenationOptions", "MEAN": "ReducerOptions"},
    **{"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "LEAKY_RELU": "LeakyReluOptions"},
    **{"MAX_POOL_2D": "Pool2DOptions", "AVERAGE_POOL_2D": "Pool2DOptions"},
    **{"SOFTMAX": "SoftmaxOptions", "STRIDED_SLICE": "StridedSliceOptions"},
}
#: What to do about an operator that is compiled, but not as the model asks for it.
ADVICE = "docs/compiler.md lists what is compiled"


def check_operators(graph: Graph, known: Container[str]) -> None:
    """Refuse kinds of operators that are not compiled, by the first one: what is around it follows from it.

    Args:
        graph: The model.
        known: Kinds that are compiled.

    Raises:
        UnsupportedOp: There is one.
        ConversionError: An operator has the options of another kind.
    """
    for number, op in enumerate(graph.ops):
        wanted = _TABLES.get(op.kind, op.options_table)
        if op.kind in known and op.options_table not in ("", wanted):
            raise ConversionError(f"operator {number} ({op.title}): {op.options_table} where {wanted} belong")
        if op.kind in known:
            continue
        tensor = next((t for t in (*op.outputs, *op.inputs) if t >= 0), None)
        at = "" if tensor is None else f", tensor {tensor} {graph.tensors[tensor].shape}"
        what = "this kind of operator is not compiled"
        if any(graph.tensors[t].variable for t in op.inputs if t >= 0):
            what += "; it keeps a state from one inference to the next"
        raise UnsupportedOp(f"operator {number} ({op.title}){at}: {what}", advice=_way_out(graph, op.title))


def _way_out(graph: Graph, title: str) -> str:
    """What else there is: the interpreter, where it takes such a model."""
    ends = [graph.tensors[t].dtype for t in (*graph.inputs, *graph.outputs)]
    if ends != ["int8", "int8"] or graph.stateful is not None or title.startswith("CUSTOM"):
        return f"{ADVICE}; train and convert the network without {title}"
    return (
        f"{ADVICE}; `tinynas measure --engine tflm` interprets the model on the board, if your library of TensorFlow"
        f" Lite Micro has {title} (docs/hil.md)"
    )


def check_ends(graph: Graph) -> None:
    """Refuse a model of several inputs or outputs, and tensors without elements.

    Raises:
        ConversionError: It is such a model.
    """
    for what, ends in (("inputs", graph.inputs), ("outputs", graph.outputs)):
        if len(ends) != 1:
            raise ConversionError(
                f"a model with one input and one output is expected; this one has {len(ends)} {what}:"
                f" {_listed(graph, ends)}",
                advice="join them to one tensor in the network, or convert one signature of it",
            )
    for number, op in enumerate(graph.ops):
        for t in (*op.inputs, *op.outputs):
            if t >= 0 and any(n < 1 for n in graph.tensors[t].shape):
                raise ConversionError(
                    f"operator {number} ({op.title}), tensor {t} {graph.tensors[t].shape}: without elements"
                )


def _listed(graph: Graph, ends: Sequence[int], most: int = 4) -> str:
    parts = [f"tensor {t} {graph.tensors[t].name!r} {graph.tensors[t].shape}" for t in ends[:most]]
    return ", ".join(parts) + (", ..." if len(ends) > most else "")
