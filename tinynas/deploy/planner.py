"""Tensor lifetimes and offsets in one arena: TFLM's own greedy rule, exactly.

TensorFlow Lite Micro's GreedyMemoryPlanner rounds every buffer up to 16 bytes, takes the buffers by size, largest
first, and puts each at the lowest offset at which it overlaps no placed buffer that is alive at the same time (both
ends of a lifetime inclusive). Of equal sizes the later one goes first. The arena's head is the highest end.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence

from tinynas.deploy.graph import Graph

__all__ = ["ALIGNMENT", "Buffer", "arena_head_bytes", "lifetimes", "place"]

ALIGNMENT = 16

#: (bytes, first op that needs it, last op that needs it)
Buffer = tuple[int, int, int]


def lifetimes(graph: Graph) -> list[tuple[int, Buffer]]:
    """Tensors that live in the arena, with size and first and last operator (inclusive), by ascending tensor index.

    A model's inputs live from the first operator on; its outputs to the last. No operator works in place.

    Returns:
        (tensor index, (bytes, first, last)) of every non-constant tensor that an operator or the caller touches.
    """
    first: dict[int, int] = dict.fromkeys(graph.inputs, 0)
    last: dict[int, int] = dict.fromkeys(graph.inputs, 0)
    for index, op in enumerate(graph.ops):
        for t in op.inputs:
            last[t] = index
        for t in op.outputs:
            first[t] = last[t] = index
    for t in graph.outputs:
        last[t] = len(graph.ops) - 1
    tensors = graph.tensors
    return [(t, (tensors[t].size_bytes, first[t], last[t])) for t in sorted(first) if not tensors[t].constant]


def place(buffers: Sequence[Buffer]) -> list[int]:
    """Give each buffer its offset by the greedy rule.

    Args:
        buffers: In the order of their tensor indices (scratch buffers after the tensors).

    Returns:
        Offsets in bytes, aligned to 16, in the order given.

    Example:
        >>> place([(100, 0, 1), (200, 1, 2), (90, 2, 3)])
        [208, 0, 208]
    """
    order = sorted(range(len(buffers)), key=lambda i: (_aligned(buffers[i][0]), i), reverse=True)
    offsets = [0] * len(buffers)
    placed: list[tuple[int, int, int, int]] = []  # (offset, end, first, last), by ascending offset
    for i in order:
        size, first, last = buffers[i]
        size = _aligned(size)
        offset = 0
        for start, end, begin, stop in placed:
            if begin <= last and first <= stop:
                if start - offset >= size:
                    break
                offset = max(offset, end)
        offsets[i] = offset
        insort(placed, (offset, offset + size, first, last))
    return offsets


def arena_head_bytes(graph: Graph, scratch: Sequence[Buffer] = ()) -> int:
    """Bytes of the arena's head: what the activations need under TFLM's plan.

    Args:
        graph: The model.
        scratch: Further buffers that kernels ask for, (bytes, op, op).

    Returns:
        Bytes, a multiple of 16; equal on host and device, which differ in the tail only.
    """
    buffers = [buffer for _, buffer in lifetimes(graph)] + list(scratch)
    return max((o + _aligned(b[0]) for o, b in zip(place(buffers), buffers, strict=True)), default=0)


def _aligned(size: int) -> int:
    return (size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
