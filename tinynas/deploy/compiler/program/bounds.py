"""How large a model may be: a small file may state shapes whose compilation would take all memory, and days."""

from __future__ import annotations

from math import prod

from tinynas.deploy.compiler.program.ir import Operator, Program, rows_of
from tinynas.deploy.compiler.program.work import Copy, Piece
from tinynas.deploy.graph import Graph
from tinynas.errors import ConversionError, UnsupportedOp

__all__ = [
    "MAX_CONSTANT_BYTES",
    "MAX_OPERATORS",
    "MAX_READS",
    "MAX_ROWS",
    "MAX_TENSOR_BYTES",
    "MAX_WINDOW",
    "check_graph",
    "check_program",
]

#: Values of one tensor: beyond the memory of any board that this is for.
MAX_TENSOR_BYTES = 1 << 24
#: Weights and other constants of all operators together, where one is filled up or repeated as it is then.
MAX_CONSTANT_BYTES = 1 << 23
#: Rows of one tensor; the compiled model numbers them in 16 bits.
MAX_ROWS = (1 << 16) - 1
#: Operators of a model, copies between them included; the schedule is found by a recursion as deep.
MAX_OPERATORS = 512
#: Positions along one axis from a window's first tap to its last: TensorFlow Lite Micro counts them in 16 bits.
MAX_WINDOW = (1 << 15) - 1
#: Rows that all operators together read, each as often as it is read: seconds of compilation.
MAX_READS = 1 << 20

# The compiled model counts rows, padding too, in 32 bits.
_FARTHEST_ROW = (1 << 31) - 1
_ADVICE = "docs/compiler.md lists the limits"


def check_graph(graph: Graph) -> None:
    """Refuse a model that is too large to be looked at.

    Raises:
        UnsupportedOp: It has too many operators, or a computed tensor of too many values or rows.
    """
    if len(graph.ops) > MAX_OPERATORS:
        raise UnsupportedOp(f"{len(graph.ops)} operators; at most {MAX_OPERATORS} are compiled", advice=_ADVICE)
    for index, tensor in enumerate(graph.tensors):
        if tensor.constant:
            continue
        if prod(tensor.shape) > MAX_TENSOR_BYTES:
            what = f"at most {MAX_TENSOR_BYTES} values are compiled"
        elif rows_of(tensor.shape).count > MAX_ROWS:
            what = f"at most {MAX_ROWS} rows are compiled"
        else:
            continue
        raise UnsupportedOp(f"tensor {index} {tensor.shape}: {what}", advice=_ADVICE)


def check_program(program: Program) -> None:
    """Refuse a program that would take minutes to schedule, or whose rows 32 bits do not count.

    Raises:
        UnsupportedOp: Its operators read too many rows, or rows too far away, or have become too many.
        ConversionError: A copy leaves what it reads or writes.
    """
    if len(program.operators) > MAX_OPERATORS:
        what = f"{len(program.operators)} operators with the copies between them"
        raise UnsupportedOp(f"{what}; at most {MAX_OPERATORS} are compiled", advice=_ADVICE)
    reads = 0
    for op in program.operators:
        for access in op.inputs:
            whole = program.values[access.value].rows.count
            reads += whole if access.whole else op.turns * access.taps
            ends = [abs(row) for turn in (0, op.turns - 1) for row in (access.rows(turn)[0], access.rows(turn)[-1])]
            if max(*ends, access.stride, access.dilation) > _FARTHEST_ROW:
                raise UnsupportedOp(f"operator {op.source} ({op.kind}): reads too far away", advice=_ADVICE)
        if isinstance(op.work, Copy) and not all(_fits(program, op, piece) for piece in op.work.pieces):
            raise ConversionError(f"operator {op.source} ({op.kind}): shapes that contradict each other")
        if reads > MAX_READS:
            raise UnsupportedOp(
                f"operator {op.source} ({op.kind}): up to here {reads} rows are read; at most {MAX_READS} are compiled",
                advice=_ADVICE,
            )


def _fits(program: Program, op: Operator, piece: Piece) -> bool:
    """Whether a copy stays within the row, or the whole, that it reads and the one that it writes."""
    access = op.inputs[piece.source]
    rows = program.values[access.value].rows
    size = rows.bytes * (rows.count if access.whole else 1)
    sides = ((piece.offset_in, piece.strides_in, size), (piece.offset_out, piece.strides_out, op.rows.bytes))
    for offset, strides, room in sides:
        ends = [(count - 1) * stride for count, stride in zip(piece.counts, strides, strict=True)]
        if offset + sum(min(end, 0) for end in ends) < 0 or offset + sum(max(end, 0) for end in ends) >= room:
            return False
    return True
